"""How a command ends: its exit code, and what stderr says."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from ddbwire.command_line.failure import Misuse, failures, sentence

SUCCESS, FAILURE, MISUSE, INTERRUPTED = 0, 1, 2, 130


def exit_code_of(command: str, run: Callable[[], object]) -> int:
    """Run a command.

    Args:
        command: its name.
        run: does it, and returns whether it succeeded.

    Returns:
        the exit code: 0; 1 where the answer is no, or something outside failed; 2 for misuse; 130
        when interrupted.
    """
    try:
        succeeded = run()
        sys.stdout.flush()  # here, where a reader who has gone is no error to tell
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; without this Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except Misuse as misuse:
        print(f"{command}: {sentence(misuse)}", file=sys.stderr)
        return MISUSE
    except failures() as failure:
        print(f"{command}: {sentence(failure)}", file=sys.stderr)
        return FAILURE
    return SUCCESS if succeeded else FAILURE
