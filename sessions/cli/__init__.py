"""The command ``ddb-sessions``: what an operator lists and ends of a user's sessions."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from sessions.cli.arguments import parser, with_session_ids_joined
from sessions.cli.failure import Misuse, sentence
from sessions.errors import StoreError

SUCCESS, FAILURE, MISUSE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those after the command's name; the process's own unless given.

    Returns:
        the exit code: 0; 1 where there is no such session, or something outside failed; 2 for
        misuse; 130 when interrupted.

    Raises:
        SystemExit: argparse ends the process after ``--help``, ``--version`` and wrong arguments.
    """
    given = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(with_session_ids_joined(given))
    try:
        return _run(options)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; without this Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except Misuse as misuse:
        return _print_error(misuse, MISUSE)
    except StoreError as failure:
        return _print_error(failure, FAILURE)


def _run(options: argparse.Namespace) -> int:
    succeeded = options.run(options)
    sys.stdout.flush()  # here, where a reader who has gone is no error to tell
    return SUCCESS if succeeded else FAILURE


def _print_error(error: BaseException, exit_code: int) -> int:
    print(f"ddb-sessions: {sentence(error)}", file=sys.stderr)
    return exit_code
