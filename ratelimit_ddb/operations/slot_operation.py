"""The four operations on an item of slots, and what each returns; as operation.py has a bucket's.

A slot is an attribute whose number, its *mark*, says who holds it and until when
(``ratelimit_ddb/slots/mark.py``). No two holders ever write the same mark, so the condition
``slot = mark`` holds only for the slot's own holder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class TakeSlot(NamedTuple):
    """Write a mark into a slot, if that has none or an older one. Returns: SlotsResult.

    Attributes:
        key: the item.
        slot: which slot, from 0.
        mark: the holder's.
        free_below: a mark below this one has run out.
        now_ns: the flow's one reading of the clock, by which both were made.
        expires_at_seconds: the epoch second when the item may be deleted (TTL).
    """

    key: str
    slot: int
    mark: int
    free_below: int
    now_ns: int
    expires_at_seconds: int


class RenewSlot(NamedTuple):
    """Write a later mark into a slot, if it has one of the holder's. Returns: SlotsResult.

    Attributes:
        key, slot: the item and the slot in it.
        mine: the marks that the holder may have left there: more than one after a lost reply.
        mark: the new one.
        now_ns: the flow's one reading of the clock, by which it was made.
        expires_at_seconds: as for TakeSlot.
    """

    key: str
    slot: int
    mine: tuple[int, ...]
    mark: int
    now_ns: int
    expires_at_seconds: int


class ReleaseSlot(NamedTuple):
    """Remove the mark of a slot, if it is one of the holder's. Returns: SlotsResult."""

    key: str
    slot: int
    mine: tuple[int, ...]


class ReadSlots(NamedTuple):
    """Read all slots, consistently. Returns: SlotsResult, always applied."""

    key: str


SlotOperation = TakeSlot | RenewSlot | ReleaseSlot | ReadSlots


class SlotsResult(NamedTuple):
    """What a store returns for an operation on slots.

    Attributes:
        applied: whether the condition held.
        marks: by slot, the marks that there are: after a TakeSlot that was applied, as it left
            them; of a ReadSlots, and where a condition refused, as it found them; after the others,
            nothing.
        capacity_units: what the table billed for it; None where it was not asked.
    """

    applied: bool
    marks: Mapping[int, int]
    capacity_units: float | None = None
