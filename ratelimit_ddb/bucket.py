"""The token bucket: one number a limit, and the flows that move it.

    unit   = ceil(period / quantity)             one token's worth of time
    window = burst * unit                        an empty bucket needs this long to fill
    taking n:  fullAt' = max(fullAt, now) + n * unit,  allowed iff fullAt' - now <= window

reckoning.py tells what a ``fullAt`` means. What the flows rely on:
- ``now`` is read once a decision, so a limit once seen active stays active for it.
- ``fullAt`` never moves back, but for a refund, a reset and a changed limit. Hence an old sight is
  a lower bound: later than allowed then is later than allowed now (P6).
- Every condition is checked by the table at the write itself; a wrong guess costs a write, never
  a wrong answer.

The flows do no I/O: they yield operations (operation.py) and are sent outcomes. A driver runs them
(driver.py).
"""

from __future__ import annotations

from itertools import compress

from ratelimit_ddb.decision import Decision
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.made import made
from ratelimit_ddb.operation import (
    Delete,
    Flow,
    GiveBack,
    Outcome,
    Read,
    ReadClock,
    SetBack,
    Take,
)
from ratelimit_ddb.reckoning import reckoning_of
from ratelimit_ddb.seen import Seen, Sight

BEYOND_DOUBT_NS = 35 * SECOND_NS
"""A ``fullAt`` this far past a full window is no product of the limit in force: it could be at most
LONGEST_WAIT_SECONDS (30) past it, and the rest allows for clocks."""
EXPIRY_MARGIN_SECONDS = 8 * 86_400
"""Items outlive what this limiter needs by this: another one may have limits of up to a week on the
same key, in attributes that a write does not show, and its buckets must not expire with these."""

_NEVER_NS = -1


class Bucket:
    """The limits of one limiter and what it has seen of its keys."""

    __slots__ = (
        "_all_idle",
        "_indexes",
        "_kept_ns",
        "_most_ahead_ns",
        "_names",
        "_one_cost_ns",
        "_one_room_ns",
        "_reckoning",
        "_trust_ns",
        "limits",
        "seen",
    )

    def __init__(self, limits: tuple[Limit, ...], seen: Seen, trust_ns: int) -> None:
        self.limits = limits
        self.seen = seen
        self._trust_ns = trust_ns
        self._names = tuple(limit.name for limit in limits)
        self._indexes = tuple(range(len(limits)))
        self._all_idle = (True,) * len(limits)
        self._most_ahead_ns = tuple(limit.window_ns + BEYOND_DOUBT_NS for limit in limits)
        longest_window_ns = max(limit.window_ns for limit in limits)
        self._kept_ns = longest_window_ns + EXPIRY_MARGIN_SECONDS * SECOND_NS
        self._reckoning = reckoning_of(limits)
        self._one_cost_ns = self._reckoning.cost_ns(1)
        self._one_room_ns = self._reckoning.room_ns(1, 0)

    def acquire(
        self, key: str, cost: int, wait_ns: int, now_ns: int | None
    ) -> Decision | Flow[Decision]:
        """Take ``cost`` tokens of every limit, or none; waiting at most ``wait_ns`` for them.

        Args:
            key: the item's key.
            cost: tokens, from 1 to the smallest burst.
            wait_ns: how much later than now they may be due.
            now_ns: the table's time; None where it is not known yet.

        Returns:
            the denial that needs no store, or the flow of the decision. The caller sleeps
            ``waited_ns`` if it was admitted.
        """
        if now_ns is None:
            return self._acquire_by_store_time(key, cost, wait_ns)
        reckoning, idle = self._reckoning, self._all_idle
        if cost == 1 and not wait_ns:
            cost_ns, room_ns = self._one_cost_ns, self._one_room_ns
        else:
            cost_ns, room_ns = reckoning.cost_ns(cost), reckoning.room_ns(cost, wait_ns)
        sight = self.seen.get(key)
        if sight is not None:
            noted_ns, full_at_ns = sight
            denial = reckoning.denial(full_at_ns, now_ns, room_ns, "seen")
            if denial is not None and self._trusts(noted_ns, now_ns):
                return denial
            idle = reckoning.idle(full_at_ns, now_ns)
        expires_at_seconds = (now_ns + self._kept_ns + wait_ns) // SECOND_NS
        return self._acquire_by(
            made(Take, (key, self._names, idle, now_ns, cost_ns, room_ns, expires_at_seconds))
        )

    def denied_from_memory(self, key: str, cost: int, now_ns: int) -> Decision | None:
        """The denial that ``acquire`` would give without the store; or None."""
        sight = self.seen.get(key)
        if sight is None or not self._trusts(sight.noted_ns, now_ns):
            return None
        return self.last_denial(key, cost, now_ns)

    def last_denial(self, key: str, cost: int, now_ns: int) -> Decision | None:
        """The denial by what this process saw last, however long ago; or None.

        For one that is denied anyhow, and is to be told of the longest wait.
        """
        sight = self.seen.get(key)
        if sight is None:
            return None
        room_ns = self._reckoning.room_ns(cost, 0)
        return self._reckoning.denial(sight.full_at_ns, now_ns, room_ns, "seen")

    def peek(self, key: str, cost: int, *, remember: bool = False) -> Flow[Decision]:
        """What ``acquire`` would say now, taking nothing; ``remaining`` is before the cost.

        With ``remember``, what was read may deny from memory later on.
        """
        now_ns = yield ReadClock()
        outcome: Outcome = yield Read(key, self._names)
        full_at_ns = self._believable(_known(outcome.full_at_ns), now_ns)
        if remember:
            self.seen.note(key, Sight(now_ns, full_at_ns))
        reckoning = self._reckoning
        denial = reckoning.denial(full_at_ns, now_ns, reckoning.room_ns(cost, 0), "table")
        return denial or reckoning.admitted(full_at_ns, now_ns)

    def refund(self, key: str, cost: int) -> Flow[None]:
        """Give ``cost`` tokens back to every limit that is not full already."""
        names, cost_ns = self._names, self._reckoning.cost_ns(cost)
        try:
            now_ns = yield ReadClock()
            while names:
                outcome: Outcome = yield GiveBack(key, names, now_ns, cost_ns)
                if outcome.applied:
                    return
                owing = [full_at_ns > now_ns for full_at_ns in _known(outcome.full_at_ns)]
                names = tuple(compress(names, owing))
                cost_ns = tuple(compress(cost_ns, owing))
        finally:
            # Also where no reply came: it may have been applied, and the old sight is no bound now.
            self.seen.forget(key)

    def reset(self, key: str) -> Flow[None]:
        """Fill the key's bucket. Other processes trust what they saw for ``deny_cache`` seconds."""
        try:
            yield Delete(key)
        finally:
            self.seen.forget(key)

    def _acquire_by_store_time(self, key: str, cost: int, wait_ns: int) -> Flow[Decision]:
        now_ns = yield ReadClock()
        begun = self.acquire(key, cost, wait_ns, now_ns)
        return begun if isinstance(begun, Decision) else (yield from begun)

    def _acquire_by(self, take: Take) -> Flow[Decision]:
        while True:
            applied, shown_ns, _ = yield take
            full_at_ns = _known(shown_ns)
            now_ns = take.now_ns
            if applied:
                self.seen.note(take.key, made(Sight, (now_ns, full_at_ns)))
                return self._reckoning.admitted(full_at_ns, now_ns)
            if self._beyond_doubt(full_at_ns, now_ns):
                full_at_ns = yield from self._set_back(take.key, full_at_ns)
            self.seen.note(take.key, Sight(now_ns, full_at_ns))
            denial = self._reckoning.denial(full_at_ns, now_ns, take.room_ns, "table")
            if denial is not None:
                return denial
            take = take._replace(idle=self._reckoning.idle(full_at_ns, now_ns))

    def _trusts(self, noted_ns: int, now_ns: int) -> bool:
        # Both ways: a clock that was set back must not prolong the trust.
        return -self._trust_ns <= now_ns - noted_ns <= self._trust_ns

    def _set_back(self, key: str, full_at_ns: tuple[int, ...]) -> Flow[tuple[int, ...]]:
        # The decision's own now may be old (a process that was suspended): what looks impossible
        # from there may be right, so only a fresh reading can condemn it.
        now_ns = yield ReadClock()
        mended = list(full_at_ns)
        for index, limit in enumerate(self.limits):
            most_ns = now_ns + self._most_ahead_ns[index]
            # Refused, it may be beyond doubt still: one who runs with the old limit was quicker.
            while mended[index] > most_ns:
                outcome: Outcome = yield SetBack(
                    key, limit.name, mended[index], now_ns + limit.window_ns
                )
                (mended[index],) = _known(outcome.full_at_ns)
        return tuple(mended)

    def _believable(self, full_at_ns: tuple[int, ...], now_ns: int) -> tuple[int, ...]:
        """Each ``fullAt`` as the limits in force would have it: an empty bucket, not a debt."""
        return tuple(
            now_ns + limit.window_ns if one_ns - now_ns > most_ns else one_ns
            for one_ns, limit, most_ns in zip(
                full_at_ns, self.limits, self._most_ahead_ns, strict=True
            )
        )

    def _beyond_doubt(self, full_at_ns: tuple[int, ...], now_ns: int) -> bool:
        for index in self._indexes:
            if full_at_ns[index] - now_ns > self._most_ahead_ns[index]:
                return True
        return False


def _known(full_at_ns: tuple[int | None, ...]) -> tuple[int, ...]:
    if None in full_at_ns:
        return tuple(_NEVER_NS if one_ns is None else one_ns for one_ns in full_at_ns)
    return full_at_ns  # type: ignore[return-value]  # the line above saw to it
