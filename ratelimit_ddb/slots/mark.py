"""A mark: in one number, until when a slot is held, and by whom.

    mark = until, in milliseconds since the epoch, * 10**19 + a random number below 10**19

So marks compare by their time, and no two are equal: a holder that finds its own mark in a slot
knows that no one else has held it since. The 32 digits take 17 bytes in DynamoDB, whose numbers
have up to 38 (AWS: "Supported data types and naming rules").
"""

from __future__ import annotations

MILLISECOND_NS = 1_000_000
_RANDOM = 10**19


def new_mark(until_ns: int) -> int:
    """A new mark that runs out at ``until_ns``, rounded down to a millisecond."""
    from secrets import randbelow  # few processes ever need it

    return until_ns // MILLISECOND_NS * _RANDOM + randbelow(_RANDOM)


def free_below(now_ns: int) -> int:
    """The least mark that has not run out: a slot with one below it is free."""
    return now_ns // MILLISECOND_NS * _RANDOM


def until_ns(mark: int) -> int:
    """When a mark runs out."""
    return mark // _RANDOM * MILLISECOND_NS
