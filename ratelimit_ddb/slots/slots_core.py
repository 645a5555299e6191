"""What both concurrency limiters do without I/O: check arguments, take, wait, release, report."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from time import monotonic_ns
from typing import Any

from ddbwire.arguments import plain_text
from ratelimit_ddb.arguments import (
    require_deadline_ns,
    require_function_or_none,
    require_max_wait_ns,
    require_on_outage,
    require_store,
)
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.decision_event import OnLimiterDecision
from ratelimit_ddb.decision_reporter import DecisionReporter
from ratelimit_ddb.enabled import limiting_enabled
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.key import KeyLike, namespace_prefix, namespaced_key_text, slots_key_text
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.operation import Delete, Flow, Wait
from ratelimit_ddb.operations.steps import OnStore, Steps
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.outage import RETRY_AFTER_OUTAGE_NS, OnOutage
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.slots.held_slot import HeldSlot
from ratelimit_ddb.slots.local_slots import local_slots_of
from ratelimit_ddb.slots.renewer import Renewal, Renewer
from ratelimit_ddb.slots.seen_slots import SeenSlots
from ratelimit_ddb.slots.slot_flows import SlotAttempt, SlotFlows
from ratelimit_ddb.slots.wait_queue import WaitQueue

_SEEN_KEYS = 16_384
_FIRST_PAUSE_NS = 25_000_000
_LONGEST_PAUSE_NS = 400_000_000


class SlotsCore:
    """What both concurrency limiters share: all but the driver.

    Attributes:
        store: where the slots are.
        flows: take, renew, release and read them.
        breaker: whether decisions ask the store.
        timeout_ns: how long one attempt may spend on the store.
        enabled: whether it limits; if not, every caller gets a slot.
        options: the keyword arguments that it was made with.
    """

    __slots__ = (
        "_local",
        "_namespace",
        "_on_outage",
        "_reporter",
        "_wait_queue",
        "breaker",
        "enabled",
        "flows",
        "options",
        "store",
        "timeout_ns",
    )

    def __init__(
        self,
        store: Store,
        limit: SlotLimit,
        *,
        on_outage: OnOutage,
        deadline: float,
        namespace: str,
        enabled: bool | None,
        on_decision: OnLimiterDecision | Iterable[OnLimiterDecision],
    ) -> None:
        require_on_outage(on_outage)
        self.store = require_store(store)
        self.flows = SlotFlows(limit, store.clock, SeenSlots(_SEEN_KEYS))
        self.breaker = breaker_of(store)
        self.timeout_ns = require_deadline_ns(deadline)
        self._on_outage: OnOutage = on_outage
        self._reporter = DecisionReporter(on_decision, on_outage)
        self._namespace = namespace_prefix(namespace)
        self._reporter.name = f"{namespace}: {limit}" if namespace else str(limit)
        namespace = plain_text(namespace)
        self._local = local_slots_of(store)
        self._wait_queue = WaitQueue()
        self.enabled = limiting_enabled(enabled, f"limiter of {limit}")
        self.options: dict[str, Any] = {
            "lifetime": limit.lifetime,
            "on_outage": on_outage,
            "deadline": deadline,
            "namespace": namespace,
            "enabled": enabled,
            "on_decision": self._reporter.functions,
        }

    @property
    def limit(self) -> SlotLimit:
        """How many slots each key has."""
        return self.flows.limit

    def describe(self) -> str:
        """The arguments, for ``repr``."""
        namespace = self.options["namespace"]
        within = f", namespace={namespace!r}" if namespace else ""
        return (
            f"{self.store!r}, {self.limit.slots}, lifetime={self.limit.lifetime:g}, "
            f"on_outage={self._on_outage!r}{within}"
        )

    def reduce(self, kind: Callable[..., object]) -> Callable[[], object]:
        """A function that makes the same limiter again, for pickle."""
        return functools.partial(kind, self.store, self.limit.slots, **self.options)

    def key_text(self, key: KeyLike) -> str:
        """The key as the table holds it."""
        return slots_key_text(namespaced_key_text(self._namespace, key))

    def require_arguments(
        self, key: KeyLike, max_wait: float, on_lost: Callable[[], object] | None
    ) -> None:
        """Check what a later call of ``steps`` is given. Raises as that and ``key_text`` do."""
        self.key_text(key)
        require_max_wait_ns(max_wait)
        require_function_or_none("on_lost", on_lost)

    def steps(
        self,
        key: str,
        max_wait: float,
        on_lost: Callable[[], object] | None,
        renewer: Renewer,
    ) -> Steps[SlotAttempt]:
        """Take a slot, or wait for one.

        Args:
            key: the key as the table holds it.
            max_wait: seconds.
            on_lost: called if the slot is lost; None for nothing.
            renewer: renews the slot.

        Raises:
            TypeError, ValueError: ``max_wait`` is invalid, or ``on_lost`` is no plain function.
        """
        wait_ns = require_max_wait_ns(max_wait)
        require_function_or_none("on_lost", on_lost)
        return self._steps(key, wait_ns, on_lost, renewer)

    def take(
        self, key: str, on_lost: Callable[[], object] | None, renewer: Renewer
    ) -> Flow[SlotAttempt]:
        """Try once to take a slot; in an outage ``on_outage`` decides.

        It is renewed once there is a Grant of it, and not before: that of a caller who is
        interrupted in between would be renewed for as long as its process lives.

        Raises:
            StoreUnavailable: under ``on_outage="raise"``.
        """
        if not self.enabled:
            limit = self.limit
            return SlotAttempt(Decision(True, limit.slots, 0, 0, limit, 0, "disabled"))
        meter = self._reporter.new_meter()
        flow = self.flows.take(
            key, on_lost, lambda held: self.schedule(held, renewer, released=True)
        )
        outage = None
        try:
            taken = yield from (flow if meter is None else meter.measured(flow))
        except StoreUnavailable as failure:
            outage = failure
            taken = SlotAttempt(self._decide(key, failure), None, failure)
        else:
            if taken.decision.allowed:
                self._local.add(key)
        told = False
        try:
            self._reporter.report(key, 1, taken.decision, meter, outage)
            told = True
        finally:
            if not told and taken.decision.allowed:
                self.give_up(key, taken.held, renewer)
        if outage is not None and self._on_outage == "raise":
            raise outage
        return taken

    def schedule(self, held: HeldSlot, renewer: Renewer, *, released: bool = False) -> None:
        """Have a slot renewed from now on, or ``released`` as soon as possible."""
        if released:
            held.begin_release()
            held.retry()
        renewer.add(Renewal(held, self.flows, self.store, self.breaker, self.timeout_ns))

    def release(self, key: str, held: HeldSlot | None, renewer: Renewer) -> Flow[None] | None:
        """Release a slot. Returns: the flow that writes to the table; None if none is needed."""
        if held is None:
            self._local.remove(key)
            self._wait_queue.released(key)
            return None
        # From here on it is not renewed, even if the flow never runs.
        held.begin_release()
        held.retry()
        return self._release(key, held, renewer)

    def give_up(self, key: str, held: HeldSlot | None, renewer: Renewer) -> None:
        """Have the renewer release a slot that was taken and is not needed."""
        self._local.remove(key)
        if held is not None:
            self.schedule(held, renewer, released=True)
        self._wait_queue.released(key)

    def peek(self, key: str) -> Flow[Decision]:
        """What ``take`` would say now."""
        return self.flows.peek(key)

    def reset(self, key: str) -> Flow[None]:
        """Take all slots from their holders."""
        yield Delete(key)

    def _release(self, key: str, held: HeldSlot, renewer: Renewer) -> Flow[None]:
        again = True
        try:
            again = yield from self.flows.release(held)
        finally:
            if again:  # without an answer, or cancelled, it may have been applied or not
                held.retry()
                self.schedule(held, renewer)
            else:
                renewer.drop(held)
            self._local.remove(key)
            self._wait_queue.released(key)

    def _steps(
        self, key: str, wait_ns: int, on_lost: Callable[[], object] | None, renewer: Renewer
    ) -> Steps[SlotAttempt]:
        queue, started_ns = self._wait_queue, monotonic_ns()
        if key not in queue:
            taken: SlotAttempt = yield self._attempt(key, on_lost, renewer)
            if taken.decision.allowed or not wait_ns:
                return taken
        elif wait_ns:
            taken = SlotAttempt(self.flows.denied())
        else:
            return self._behind_others(key)
        until_ns, pause_ns = started_ns + wait_ns, _FIRST_PAUSE_NS
        waiter = queue.join(key)
        try:
            while (left_ns := until_ns - monotonic_ns()) > 0:
                is_first = queue.is_first(key, waiter)
                yield Wait(waiter, min(left_ns, _jittered(pause_ns)) if is_first else left_ns)
                waiter.served = False
                if not queue.is_first(key, waiter):
                    continue
                taken = yield self._attempt(key, on_lost, renewer)
                if taken.decision.allowed:
                    waited_ns = monotonic_ns() - started_ns
                    return taken._replace(decision=taken.decision._replace(waited_ns=waited_ns))
                pause_ns = min(2 * pause_ns, _LONGEST_PAUSE_NS) if is_first else pause_ns
            return taken
        finally:
            queue.leave(key, waiter)

    def _attempt(self, key: str, on_lost: Callable[[], object] | None, renewer: Renewer) -> OnStore:
        flow = self.take(key, on_lost, renewer)
        return OnStore(flow, self.store, self.timeout_ns, self.breaker)

    def _behind_others(self, key: str) -> SlotAttempt:
        """The denial of a caller that can't wait, if others of this process do: they are first."""
        denied = SlotAttempt(self.flows.denied())
        self._reporter.report(key, 1, denied.decision, self._reporter.new_meter(), None)
        return denied

    def _decide(self, key: str, outage: StoreUnavailable) -> Decision:
        """The decision in an outage, by ``on_outage``."""
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


def _jittered(pause_ns: int) -> int:
    """Half of it to one and a half of it, so that processes that wait do not ask in step."""
    from secrets import randbelow  # few processes ever need it

    return pause_ns // 2 + randbelow(pause_ns)
