"""The length of a limit's or quota's notation, which may come from a file or a table."""

from __future__ import annotations

from ddbwire.arguments import shown

LONGEST_NOTATION = 200


def require_notation_length(what: str, notation: str) -> None:
    """Check a notation before it is parsed.

    Args:
        what: what it is a notation of, for messages.
        notation: the text.

    Raises:
        ValueError: it is longer than 200 characters.
    """
    if len(notation) > LONGEST_NOTATION:
        raise ValueError(
            f"{what} {shown(notation)}: must have at most {LONGEST_NOTATION} characters"
        )
