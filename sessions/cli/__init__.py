"""The command ``ddb-sessions``: lists and ends a user's sessions, and checks a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ddbwire.shared.command_line.exit_code import exit_code_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the arguments after the command's name; None for those of the process.

    Returns:
        the exit code: 0; 1 if there is no such session, the table can't be used, or something
        outside failed; 2 for misuse; 130 when interrupted.

    Raises:
        SystemExit: argparse ends the process after ``--help``, ``--version`` and wrong arguments.
    """
    given = sys.argv[1:] if arguments is None else arguments
    return exit_code_of("ddb-sessions", lambda: _run(given))


def _run(arguments: Sequence[str]) -> object:
    # Half a second, which may be interrupted too.
    from sessions.cli.arguments import parser, with_session_ids_joined

    options = parser().parse_args(with_session_ids_joined(arguments))
    return options.run(options)
