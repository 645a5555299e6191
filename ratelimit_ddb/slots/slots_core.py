"""What both concurrency limiters do without I/O, and the steps by which they wait for a slot."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from time import monotonic_ns
from typing import Any

from ratelimit_ddb.arguments import (
    require_deadline_ns,
    require_functions,
    require_max_wait_ns,
    require_on_outage,
    require_store,
)
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.decision_event import LimiterDecision, OnLimiterDecision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.key import KeyLike, key_text, namespace_prefix, namespaced_key_text
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.meter import Meter
from ratelimit_ddb.operations.operation import Delete, Flow, Wait
from ratelimit_ddb.operations.steps import OnStore, Steps
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.outage import RETRY_AFTER_OUTAGE_NS, OnOutage
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.slots.held_slot import HeldSlot
from ratelimit_ddb.slots.keeper import Keeper, Kept
from ratelimit_ddb.slots.local_slots import local_slots_of
from ratelimit_ddb.slots.seen_slots import SeenSlots
from ratelimit_ddb.slots.slots import Slots, Taken
from ratelimit_ddb.slots.waiting_line import WaitingLine
from ratelimit_ddb.switch import limiting_enabled

OF_SLOTS = ":slots"
"""What the keys of slots end in: their items are others than those of buckets, which would cost
more to write with slots in them."""
_SEEN_KEYS = 16_384
_FIRST_PAUSE_NS = 25_000_000
_LONGEST_PAUSE_NS = 400_000_000


class SlotsCore:
    """What a concurrency limiter is apart from how it waits.

    Attributes:
        store: where the slots are.
        slots: their flows.
        breaker: whether decisions ask the store.
        timeout_ns: how long one attempt may spend on the store.
        enabled: whether it limits; if not, everybody gets a slot.
        options: the keyword arguments that it was made with.
    """

    __slots__ = (
        "_line",
        "_local",
        "_name",
        "_namespace",
        "_on_decision",
        "_on_outage",
        "breaker",
        "enabled",
        "options",
        "slots",
        "store",
        "timeout_ns",
    )

    def __init__(
        self,
        store: Store,
        limit: SlotLimit,
        on_outage: OnOutage,
        deadline: float,
        namespace: str,
        enabled: bool | None,
        on_decision: OnLimiterDecision | Iterable[OnLimiterDecision],
    ) -> None:
        require_on_outage(on_outage)
        self.store = require_store(store)
        self.slots = Slots(limit, store.clock, SeenSlots(_SEEN_KEYS))
        self.breaker = breaker_of(store)
        self.timeout_ns = require_deadline_ns(deadline)
        self._on_outage: OnOutage = on_outage
        self._on_decision = require_functions("on_decision", on_decision)
        self._namespace = namespace_prefix(namespace)
        self._local = local_slots_of(store)
        self._line = WaitingLine()
        self._name = f"{namespace}: {limit}" if namespace else str(limit)
        self.enabled = limiting_enabled(enabled, f"limiter of {limit}")
        self.options: dict[str, Any] = {
            "lifetime": limit.lifetime,
            "on_outage": on_outage,
            "deadline": deadline,
            "namespace": namespace,
            "enabled": enabled,
            "on_decision": self._on_decision,
        }

    @property
    def limit(self) -> SlotLimit:
        """How many slots each key has."""
        return self.slots.limit

    def describe(self) -> str:
        """The arguments that tell one limiter from another; for a ``repr``."""
        namespace = self.options["namespace"]
        within = f", namespace={namespace!r}" if namespace else ""
        return (
            f"{self.store!r}, {self.limit.slots}, lifetime={self.limit.lifetime:g}, "
            f"on_outage={self._on_outage!r}{within}"
        )

    def reduce(self, kind: Callable[..., object]) -> Callable[[], object]:
        """What makes the same limiter again, for pickle."""
        return functools.partial(kind, self.store, self.limit.slots, **self.options)

    def key_text(self, key: KeyLike) -> str:
        """The key as the table holds it."""
        return key_text(namespaced_key_text(self._namespace, key) + OF_SLOTS)

    def steps(
        self,
        key: str,
        max_wait: float,
        on_lost: Callable[[], object] | None,
        keeper: Keeper,
    ) -> Steps[Taken]:
        """Take a slot of a key, as the table holds it, or wait for one.

        Raises:
            TypeError, ValueError: the wait is invalid, or what is to be called can't be.
        """
        wait_ns = require_max_wait_ns(max_wait)
        if on_lost is not None and not callable(on_lost):
            raise TypeError(f"on_lost {on_lost!r}: must be a function")
        return self._steps(key, wait_ns, on_lost, keeper)

    def take(self, key: str, on_lost: Callable[[], object] | None, keeper: Keeper) -> Flow[Taken]:
        """Try once to take a slot; what the store does not decide, the policy does.

        Raises:
            StoreUnavailable: under ``on_outage="raise"``.
        """
        if not self.enabled:
            limit = self.limit
            return Taken(Decision(True, limit.slots, 0, 0, limit, 0, "disabled"))
        meter = Meter() if self._on_decision else None
        flow = self.slots.take(key, on_lost, lambda held: self.keep(held, keeper, released=True))
        outage = None
        try:
            taken = yield from (flow if meter is None else meter.measured(flow))
        except StoreUnavailable as failure:
            outage = failure
            taken = Taken(self._decide(key, failure), None, failure)
        else:
            if taken.decision.allowed:
                self._local.add(key)
        told = False
        try:
            if meter is not None:
                self._tell(key, taken.decision, meter, outage)
            told = True
        finally:
            if not told and taken.decision.allowed:
                self.give_up(key, taken.held, keeper)
        if outage is not None and self._on_outage == "raise":
            raise outage
        if taken.held is not None:
            self.keep(taken.held, keeper)
        return taken

    def keep(self, held: HeldSlot, keeper: Keeper, *, released: bool = False) -> None:
        """Have a slot renewed from now on; or, if nobody holds it, released as soon as may be."""
        if released:
            held.begin_release()
            held.retry()
        keeper.add(Kept(held, self.slots, self.store, self.breaker, self.timeout_ns))

    def release(self, key: str, held: HeldSlot | None, keeper: Keeper) -> Flow[None] | None:
        """Release what was taken. Returns: the flow that tells the table, if it has to know."""
        if held is None:
            self._local.remove(key)
            self._line.released(key)
            return None
        # Whatever becomes of the flow, it is not to be renewed any more.
        held.begin_release()
        held.retry()
        return self._release(key, held, keeper)

    def give_up(self, key: str, held: HeldSlot | None, keeper: Keeper) -> None:
        """Have the keeper release what was taken and nobody holds."""
        self._local.remove(key)
        if held is not None:
            self.keep(held, keeper, released=True)
        self._line.released(key)

    def peek(self, key: str) -> Flow[Decision]:
        """What ``take`` would say now."""
        return self.slots.peek(key)

    def reset(self, key: str) -> Flow[None]:
        """Take all slots from their holders."""
        yield Delete(key)

    def _release(self, key: str, held: HeldSlot, keeper: Keeper) -> Flow[None]:
        again = True
        try:
            again = yield from self.slots.release(held)
        finally:
            if again:  # no answer, or it was cancelled: nobody knows whether it was applied
                held.retry()
                self.keep(held, keeper)
            else:
                keeper.drop(held)
            self._local.remove(key)
            self._line.released(key)

    def _steps(
        self, key: str, wait_ns: int, on_lost: Callable[[], object] | None, keeper: Keeper
    ) -> Steps[Taken]:
        line, started_ns = self._line, monotonic_ns()
        if key not in line:
            taken: Taken = yield self._attempt(key, on_lost, keeper)
            if taken.decision.allowed or not wait_ns:
                return taken
        elif wait_ns:
            taken = Taken(self.slots.denied())
        else:
            return self._behind_others(key)
        until_ns, pause_ns = started_ns + wait_ns, _FIRST_PAUSE_NS
        turn = line.join(key)
        try:
            while (left_ns := until_ns - monotonic_ns()) > 0:
                is_first = line.is_first(key, turn)
                yield Wait(turn, min(left_ns, _jittered(pause_ns)) if is_first else left_ns)
                turn.served = False
                if not line.is_first(key, turn):
                    continue
                taken = yield self._attempt(key, on_lost, keeper)
                if taken.decision.allowed:
                    waited_ns = monotonic_ns() - started_ns
                    return taken._replace(decision=taken.decision._replace(waited_ns=waited_ns))
                pause_ns = min(2 * pause_ns, _LONGEST_PAUSE_NS) if is_first else pause_ns
            return taken
        finally:
            line.leave(key, turn)

    def _attempt(self, key: str, on_lost: Callable[[], object] | None, keeper: Keeper) -> OnStore:
        flow = self.take(key, on_lost, keeper)
        return OnStore(flow, self.store, self.timeout_ns, self.breaker)

    def _behind_others(self, key: str) -> Taken:
        """The denial of one who can't wait, where others of this process do: they are first."""
        denied = Taken(self.slots.denied())
        if self._on_decision:
            self._tell(key, denied.decision, Meter(), None)
        return denied

    def _decide(self, key: str, outage: StoreUnavailable) -> Decision:
        """The decision that the store did not make."""
        limit, remaining = self.limit, 0
        if self._on_outage == "local":
            left = self._local.take(key, limit.slots)
            allowed, remaining = left is not None, left or 0
        else:
            allowed = self._on_outage == "allow"
            if allowed:
                self._local.add(key)
        if allowed:
            self.breaker.tell_admission(self._on_outage, outage)
            return Decision(True, remaining, 0, 0, limit, 0, "outage")
        retry_ns = RETRY_AFTER_OUTAGE_NS
        return Decision(False, 0, retry_ns, retry_ns, limit, 0, "outage")

    def _tell(
        self, key: str, decision: Decision, meter: Meter, outage: StoreUnavailable | None
    ) -> None:
        meter.stop()
        told = LimiterDecision(
            self._name,
            key,
            1,
            decision,
            meter.latency_ns,
            meter.calls,
            meter.capacity_units,
            outage,
            None if outage is None else self._on_outage,
        )
        for on_decision in self._on_decision:
            on_decision(told)


def _jittered(pause_ns: int) -> int:
    """From half of it to one and a half: processes that wait do not ask in step."""
    from secrets import randbelow  # few processes ever need it

    return pause_ns // 2 + randbelow(pause_ns)
