"""The buckets that a command is about."""

from __future__ import annotations

from typing import NamedTuple

from ratelimit_ddb.key import KeyLike
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.stored_limits.stored import Stored


class Buckets(NamedTuple):
    """What a command is about.

    Attributes:
        keys: each of them a bucket's.
        limits: theirs; None where none are known, nor needed.
        slots: the concurrency limit that is meant; None where it is limits.
        cost: what a request takes of them, as far as that is known without one.
    """

    keys: tuple[KeyLike, ...]
    limits: tuple[AnyLimit, ...] | Stored | None
    slots: SlotLimit | None = None
    cost: int = 1
