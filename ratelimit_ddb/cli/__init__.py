"""The command ``ratelimit-ddb``: tables, what a load costs, rules, limits and keys in a table."""

from __future__ import annotations

from collections.abc import Sequence

from ddbwire.shared.command_line.exit_code import exit_code_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those after the command's name; the process's own unless given.

    Returns:
        the exit code: 0; 1 where the answer is no, or something outside failed; 2 for misuse; 130
        when interrupted.

    Raises:
        SystemExit: argparse ends the process after ``--help``, ``--version`` and wrong arguments.
    """
    return exit_code_of("ratelimit-ddb", lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> object:
    from ratelimit_ddb.cli.arguments import parser  # half a second, which may be interrupted too

    options = parser().parse_args(arguments)
    return options.run(options)
