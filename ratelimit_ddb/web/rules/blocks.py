"""A rule's blocks: ``block_after``, ``block_for`` and ``up_to``, checked together."""

from __future__ import annotations

from ratelimit_ddb.arguments import require_int_from
from ratelimit_ddb.bucket.violations import BlockPolicy
from ratelimit_ddb.limit import SECOND_NS, duration_ns

MOST_VIOLATIONS = 10_000
_SHORTEST_NS = SECOND_NS
_LONGEST_NS = 366 * 86_400 * SECOND_NS


def block_policy_of(
    block_after: int | None, block_for: float | str | None, up_to: float | str | None
) -> BlockPolicy | None:
    """When a key is blocked; None for never.

    Raises:
        TypeError, ValueError: one is given without another that it needs, or is out of bounds.
    """
    if block_after is None and block_for is None and up_to is None:
        return None
    if block_after is None or block_for is None:
        missing = "block_after" if block_after is None else "block_for"
        raise ValueError(
            f"{missing} is required: after how many denials to block, and for how long"
        )
    after = require_int_from("block_after", block_after, 1, MOST_VIOLATIONS)
    for_ns = _time_ns("block_for", block_for)
    up_to_ns = for_ns if up_to is None else _time_ns("up_to", up_to)
    if up_to_ns < for_ns:
        raise ValueError(f"up_to {up_to!r}: must be at least block_for, {block_for!r}")
    return BlockPolicy(after, for_ns, up_to_ns)


def _time_ns(what: str, given: object) -> int:
    found_ns = duration_ns(what, given)
    if not _SHORTEST_NS <= found_ns <= _LONGEST_NS:
        raise ValueError(f"{what} {given!r}: must be from 1 second to 366 days")
    return found_ns
