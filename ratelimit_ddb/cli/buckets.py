"""The buckets that a command reads or changes."""

from __future__ import annotations

from typing import NamedTuple

from ratelimit_ddb.key import KeyLike
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.stored_limits.stored import Stored


class Buckets(NamedTuple):
    """The buckets that a command reads or changes.

    Attributes:
        keys: the key of each bucket.
        limits: their limits; None if the command does not need them.
        slots: the concurrency limit, for a command on slots; None for a command on limits.
        cost: the tokens that a request takes; 1 if that depends on the request.
    """

    keys: tuple[KeyLike, ...]
    limits: tuple[AnyLimit, ...] | Stored | None
    slots: SlotLimit | None = None
    cost: int = 1
