"""How a command ends: its exit code, and what stderr says."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable

from ddbwire.shared.command_line.failure import Misuse, failures, sentence

SUCCESS, FAILURE, MISUSE, INTERRUPTED = 0, 1, 2, 130


def exit_code_of(command: str, run: Callable[[], object]) -> int:
    """Run a command.

    Args:
        command: its name.
        run: parses the arguments, does what they say, and returns whether it succeeded.

    Returns:
        the exit code: 0; 1 if the answer is no, or something outside failed; 2 for misuse; 130 when
        interrupted.

    Raises:
        SystemExit: argparse ends the process after ``--help``, ``--version`` and wrong arguments.
    """
    _let_all_be_written()
    try:
        succeeded = run()
        sys.stdout.flush()  # here, where a reader that has gone causes no message
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()  # the reader has gone
        return FAILURE
    except Misuse as misuse:
        print(f"{command}: {sentence(misuse)}", file=sys.stderr)
        return MISUSE
    except OSError as failure:  # a full disk, a file that may not be read
        _drop_output()
        print(f"{command}: {sentence(failure)}", file=sys.stderr)
        return FAILURE
    except failures() as failure:
        print(f"{command}: {sentence(failure)}", file=sys.stderr)
        return FAILURE
    return SUCCESS if succeeded else FAILURE


def _let_all_be_written() -> None:
    """Let the output accept any text, even if it is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before this process began
            nowhere = io.BufferedWriter(io.FileIO(os.devnull, "w"))
            setattr(sys, name, io.TextIOWrapper(nowhere, encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            # Some terminals' encodings lack characters that keys may have.
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Drop the output that is not written yet, for which Python would print an error at exit."""
    with contextlib.suppress(io.UnsupportedOperation):  # it is not a file, so there is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
