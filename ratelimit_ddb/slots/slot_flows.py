"""The flows of a concurrency limit: take a slot, renew it, release it, read how many are held.

N slots are N attributes of one item, each with its holder's mark (mark.py). Every write changes one
slot, under a condition that the table checks:

    take     IF the slot is absent or its mark has run out    one that is believed free, at random
    renew    IF its mark is mine                              by the renewer, three times a lifetime
    release  IF its mark is mine

A refusal shows all slots, so the next try is right unless it loses a race.

P16, at most N are held at any instant: there are N attributes. A slot has another holder only after
the mark of the first one has run out, or was removed by itself; it counts itself a holder for 9/10
of the lifetime that it wrote, by its own monotonic and wall clock, from before the write. So two
hold one slot only if the taker's and the holder's idea of the table's time (decision 003) differ by
more than a tenth of the lifetime, and then for no longer than the rest of that difference. A clock
that is e fast writes marks that last e longer; one that is e late, e shorter.

Lost replies. A take that is sent again finds its own mark, and succeeds. A take without an answer
is released later by the renewer, or runs out with its lifetime. After a renewal without an answer
the slot may have either of two marks, and the holder accepts both. A write that arrives after the
holder has given up finds no mark of its own: it changes nothing, or makes a free slot look taken
for one lifetime. Too few slots may be held then, never too many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.errors import KeyThrottled, StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import ClockMoved, Flow, NotAsked, ReadClock
from ratelimit_ddb.operations.slot_operation import (
    ReadSlots,
    ReleaseSlot,
    RenewSlot,
    SlotsResult,
    TakeSlot,
)
from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.slot_limit import LONGEST_LIFETIME_SECONDS, SlotLimit
from ratelimit_ddb.slots.held_slot import HeldSlot
from ratelimit_ddb.slots.mark import free_below, new_mark, until_ns
from ratelimit_ddb.slots.seen_slots import SeenSlots, chosen

RETRY_AFTER_NS = SECOND_NS
"""The longest ``retry_after`` of a denial: a holder may release its slot at any time."""
_MOST_TRIES = 8
"""How many slots a request tries before it is denied, each of which another one took first."""
_KEPT_NS = 2 * round(LONGEST_LIFETIME_SECONDS) * SECOND_NS
"""How long an item is kept after each write. It is the same for every lifetime, so that no limiter
has an item deleted that another one needs."""

Abandon = Callable[[HeldSlot], None]
"""Called with a slot that may have been taken without an answer, to release it later."""


class SlotAttempt(NamedTuple):
    """The result of one attempt to take a slot.

    Attributes:
        decision: whether a slot was taken.
        held: the slot; None if none was taken.
        outage: the exception, if the store gave no answer.
    """

    decision: Decision
    held: HeldSlot | None = None
    outage: StoreUnavailable | None = None


class SlotFlows:
    """The flows on the slots of one limiter's keys.

    Args:
        limit: how many slots each key has.
        clock: the store's.
        seen: the slots as this process last saw them.
    """

    __slots__ = ("_clock", "_seen", "limit")

    def __init__(self, limit: SlotLimit, clock: Clock, seen: SeenSlots) -> None:
        self.limit = limit
        self._clock = clock
        self._seen = seen

    def take(
        self, key: str, on_lost: Callable[[], object] | None, abandon: Abandon
    ) -> Flow[SlotAttempt]:
        """Take one of the key's slots.

        Args:
            key: the item.
            on_lost: called when the slot is lost.
            abandon: called with the slot if a write got no answer.

        Raises:
            StoreUnavailable: the store gave no answer.
        """
        slot = self._seen.choice(key, self.limit.slots)
        tries = 0
        while True:
            held, take = yield from self._begin(key, slot, on_lost)
            answered = False
            try:
                result: SlotsResult = yield take
                answered = True
            except (ClockMoved, NotAsked) as unsent:
                answered = True
                if isinstance(unsent, NotAsked):
                    raise
                continue
            except KeyThrottled:
                answered = True
                return SlotAttempt(self._throttled())
            finally:
                if not answered:
                    abandon(held)
            self._seen.note(key, result.marks, take.free_below)
            if result.applied or result.marks.get(slot) == take.mark:
                return SlotAttempt(self._decision(result.marks, take), held)
            tries += 1
            free = [
                one
                for one in range(self.limit.slots)
                if result.marks.get(one, -1) < take.free_below
            ]
            if not free or tries == _MOST_TRIES:
                return SlotAttempt(self._decision(result.marks, take, allowed=False))
            slot = chosen(free)

    def renew(self, held: HeldSlot) -> Flow[bool]:
        """Renew a slot, or release it if an earlier release got no answer.

        Returns:
            whether it is to be renewed again.
        """
        if not held.lives(self._clock):
            held.lose()
            return False
        if held.released:
            return (yield from self.release(held))
        return (yield from self._extend(held, held.slot))

    def _extend(self, held: HeldSlot, slot: int) -> Flow[bool]:
        clock_monotonic_ns, clock_wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        now_ns = self._clock.now_ns()
        mark = new_mark(now_ns + self.limit.lifetime_ns)
        mine = held.begin_renewal(mark)
        if mine is None:
            return False
        expires = expires_at_seconds(now_ns + _KEPT_NS)
        try:
            result: SlotsResult = yield RenewSlot(held.key, slot, mine, mark, now_ns, expires)
        except StoreUnavailable:
            held.retry()
            return True
        if not result.applied:
            held.lose()
            return False
        held.renewed(mark)
        held.last_from(clock_monotonic_ns, clock_wall_ns)
        return True

    def release(self, held: HeldSlot) -> Flow[bool]:
        """Release a slot. Returns: whether the renewer must try again, for lack of an answer."""
        mine = held.begin_release()
        try:
            yield ReleaseSlot(held.key, held.slot, mine)
        except StoreUnavailable:
            held.retry()
            return True
        self._seen.free(held.key, held.slot)
        return False

    def peek(self, key: str) -> Flow[Decision]:
        """What ``take`` would say now, by a read."""
        now_ns: int = self._clock.now_ns() if self._clock.known else (yield ReadClock())
        result: SlotsResult = yield ReadSlots(key)
        return decision_by_marks(self.limit, result.marks, now_ns)

    def denied(self) -> Decision:
        """The denial of a request if others of this process wait already."""
        limit = self.limit
        return Decision(False, 0, RETRY_AFTER_NS, limit.lifetime_ns, limit, 0, "seen")

    def _begin(
        self, key: str, slot: int, on_lost: Callable[[], object] | None
    ) -> Flow[tuple[HeldSlot, TakeSlot]]:
        clock = self._clock
        clock_monotonic_ns, clock_wall_ns = clock.monotonic_ns(), clock.wall_ns()
        now_ns: int = clock.now_ns() if clock.known else (yield ReadClock())
        mark = new_mark(now_ns + self.limit.lifetime_ns)
        expires = expires_at_seconds(now_ns + _KEPT_NS)
        held = HeldSlot(key, self.limit, slot, (mark,), on_lost)
        held.last_from(clock_monotonic_ns, clock_wall_ns)
        return held, TakeSlot(key, slot, mark, free_below(now_ns), now_ns, expires)

    def _decision(
        self, marks: Mapping[int, int], take: TakeSlot, *, allowed: bool = True
    ) -> Decision:
        return decision_by_marks(self.limit, marks, take.now_ns, allowed=allowed)

    def _throttled(self) -> Decision:
        return Decision(
            False, 0, RETRY_AFTER_NS, self.limit.lifetime_ns, self.limit, 0, "throttled"
        )


def decision_by_marks(
    limit: SlotLimit, marks: Mapping[int, int], now_ns: int, *, allowed: bool | None = None
) -> Decision:
    """The decision by a key's marks.

    Args:
        limit: how many slots there are; marks in further slots are not counted.
        marks: the marks, by slot.
        now_ns: the table's time; marks that have run out are not counted.
        allowed: whether a slot was taken; None to allow if one is free.
    """
    from_mark = free_below(now_ns)
    held = [mark for slot, mark in marks.items() if mark >= from_mark and slot < limit.slots]
    if allowed is None:
        allowed = len(held) < limit.slots
    reset_ns = max(0, until_ns(max(held)) - now_ns) if held else 0
    retry_ns = 0
    if not allowed:
        first_ns = until_ns(min(held)) - now_ns if held else 0
        retry_ns = max(1, min(RETRY_AFTER_NS, first_ns))
    remaining = limit.slots - len(held) if allowed else 0
    return Decision(allowed, remaining, retry_ns, reset_ns, limit)
