"""Limits as command arguments: ``NOTATION`` or ``NAME=NOTATION``."""

from __future__ import annotations

from collections.abc import Sequence

from ddbwire.shared.command_line.failure import Misuse
from ratelimit_ddb.limit import AnyLimit, Limit, parse_limits
from ratelimit_ddb.quota import Quota, is_quota_notation

HELP = (
    "a limit, such as 100/minute, or NAME=100/minute if it has a name of its own; may be given "
    "several times"
)


def limits_of(texts: Sequence[str]) -> tuple[AnyLimit, ...]:
    """The limits of the arguments.

    Raises:
        Misuse: one is not in the notation, or two have the same name.
    """
    try:
        return parse_limits([_limit(text) for text in texts])
    except ValueError as refused:
        raise Misuse(str(refused)) from refused


def _limit(text: str) -> AnyLimit:
    name, equals, notation = text.partition("=")
    if not equals:
        name, notation = "", text
    kind = Quota if is_quota_notation(notation) else Limit
    return kind.parse(notation, name=name if equals else None)
