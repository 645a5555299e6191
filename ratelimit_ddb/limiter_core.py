"""What both limiters do without I/O: check arguments, and turn them into flows of the bucket."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ddbwire.arguments import plain_text, shown
from ratelimit_ddb.arguments import (
    require_cost,
    require_deadline_ns,
    require_deny_cache_ns,
    require_int,
    require_lease_ns,
    require_max_wait_ns,
    require_on_outage,
    require_store,
)
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.debt import require_block_ns, require_charge
from ratelimit_ddb.bucket.decision import Decision, Taken
from ratelimit_ddb.bucket.observations import Observation, ObservationCache, cache_group_of
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.decision_event import OnLimiterDecision
from ratelimit_ddb.decision_reporter import DecisionReporter
from ratelimit_ddb.enabled import limiting_enabled
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.key import KeyLike, key_text, namespace_prefix, namespaced_key_text
from ratelimit_ddb.limit import AnyLimit, LimitsLike, parse_limits
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.meter import Meter
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.outage import OnOutage, OutagePolicy
from ratelimit_ddb.settling import Settlement, charge, give_back, settle
from ratelimit_ddb.store.memory import take_at_once_of
from ratelimit_ddb.stored_limits.stored import Stored

if TYPE_CHECKING:  # loaded by the first limiter of stored limits
    from ratelimit_ddb.stored_limits.of_limiter import StoredOfLimiter


class LimiterCore:
    """What both limiters share: all but the driver.

    Attributes:
        store: where its buckets are.
        bucket: its limits, and the observations of its keys.
        breaker: whether decisions ask the store.
        outage_policy: decides if the store can't be reached.
        timeout_ns: how long one call may spend on the store.
        enabled: whether it limits; if not, it allows every request.
        options: the keyword arguments that it was made with.
        reporter: calls ``on_decision``.
    """

    __slots__ = (
        "_clock",
        "_disabled",
        "_namespace",
        "_observations",
        "_stored",
        "_take_at_once",
        "_times",
        "breaker",
        "bucket",
        "enabled",
        "options",
        "outage_policy",
        "reporter",
        "store",
        "timeout_ns",
    )

    def __init__(
        self,
        store: Store,
        limits: LimitsLike | Stored,
        *,
        on_outage: OnOutage,
        deadline: float,
        deny_cache: float,
        lease: float,
        seen_keys: int,
        namespace: str,
        enabled: bool | None,
        on_decision: OnLimiterDecision | Iterable[OnLimiterDecision],
    ) -> None:
        require_on_outage(on_outage)
        self.store = require_store(store)
        self.outage_policy = OutagePolicy(store, on_outage)
        self.breaker = breaker_of(store)
        self.reporter = DecisionReporter(on_decision, on_outage)
        self._namespace = namespace_prefix(namespace)
        self.options: dict[str, Any] = {
            "on_outage": on_outage,
            "deadline": deadline,
            "deny_cache": deny_cache,
            "lease": lease,
            "seen_keys": seen_keys,
            "namespace": plain_text(namespace),
            "enabled": enabled,
            "on_decision": self.reporter.functions,
        }
        self.timeout_ns = require_deadline_ns(deadline)
        self._times = BucketTimes(
            require_deny_cache_ns(deny_cache), require_lease_ns(lease), self.timeout_ns
        )
        self._observations = ObservationCache[Observation](seen_keys, cache_group_of(store))
        self._clock = store.clock
        self._stored: StoredOfLimiter | None = None
        if isinstance(limits, Stored):
            from ratelimit_ddb.stored_limits.of_limiter import StoredOfLimiter

            self._stored = StoredOfLimiter(limits, self._namespace, self._clock)
            parsed = limits.default
        else:
            parsed = parse_limits(limits)
        self._use(parsed)
        self.enabled = limiting_enabled(
            enabled, f"limiter of {', '.join(str(limit) for limit in parsed)}"
        )
        at_once = self.enabled and not self.reporter.functions
        self._take_at_once = take_at_once_of(store) if at_once else None

    def _use(self, limits: tuple[AnyLimit, ...]) -> None:
        """Limit by these from now on."""
        if self._stored is None:
            named = ", ".join(str(limit) for limit in limits)
        else:
            named = self._stored.name
        namespace = self.options["namespace"]
        self.reporter.name = f"{namespace}: {named}" if namespace else named
        smallest = min(limits, key=lambda limit: limit.burst)
        self._disabled = Decision(True, smallest.burst, 0, 0, smallest, 0, "disabled")
        self.bucket = self._bucket_of(limits)

    def _bucket_of(self, limits: tuple[AnyLimit, ...]) -> Bucket:
        return Bucket(limits, self._observations, self._times)

    def _must_read(self) -> bool:
        """Whether stored limits must be read first; if not, those that were read are in force."""
        if self._stored is None or not self.enabled:
            return False
        limits = self._stored.fresh()
        if limits is not None and limits != self.bucket.limits:
            self._use(limits)
        return limits is None

    def _after_reading(
        self, begin: Callable[..., Decision | Flow[Decision]], *arguments: Any
    ) -> Flow[Decision]:
        """Read the stored limits, then call ``begin`` with the arguments and run its flow."""
        yield from self._read()
        begun = begin(*arguments)
        return begun if isinstance(begun, Decision) else (yield from begun)

    def reading(self) -> Flow[None] | None:
        """The flow that reads stored limits; None if those in force are fresh, or not stored."""
        return self._read() if self._must_read() else None

    def _read(self) -> Flow[None]:
        if self._stored is not None:
            limits = yield from self._stored.refresh()
            if limits != self.bucket.limits:
                self._use(limits)

    def describe(self) -> str:
        """The arguments, for ``repr``."""
        limits = [str(limit) for limit in self.bucket.limits]
        namespace = self.options["namespace"]
        within = f", namespace={namespace!r}" if namespace else ""
        return f"{self.store!r}, {limits}, on_outage={self.outage_policy.on_outage!r}{within}"

    def reduce(self, kind: Callable[..., object]) -> Callable[[], object]:
        """A function that makes the same limiter again, for pickle."""
        limits = self.bucket.limits if self._stored is None else self._stored.given
        return functools.partial(kind, self.store, limits, **self.options)

    def acquire(
        self, key: KeyLike, cost: int, max_wait: float, *, leases: bool = True
    ) -> Decision | Flow[Decision]:
        """The decision, if it needs no flow; otherwise the flow that makes it.

        The flow raises StoreUnavailable only under ``on_outage="raise"``. ``leases`` is whether the
        tokens may be leased ones.
        """
        text = namespaced_key_text(self._namespace, key) if self._namespace else key_text(key)
        waits = max_wait or type(max_wait) is not float
        wait_ns = require_max_wait_ns(max_wait) if waits else 0
        if self._stored is not None and self._must_read():
            return self._after_reading(self._acquire, text, cost, wait_ns, leases)
        return self._acquire(text, cost, wait_ns, leases)

    def _acquire(
        self, text: str, cost: int, wait_ns: int, leases: bool
    ) -> Decision | Flow[Decision]:
        bucket = self.bucket  # once: another thread may read other limits meanwhile
        if cost != 1 or type(cost) is not int:
            cost = require_cost(cost, bucket.smallest_burst)
        if self._take_at_once is not None and not wait_ns:
            return bucket.acquire_at_once(self._take_at_once, text, cost, self._clock.now_ns())
        if not self.enabled:
            return self._disabled
        meter = Meter() if self.reporter.functions else None  # the hot path: no call for nothing
        clock = self._clock
        now_ns = clock.now_ns() if clock.known else None
        begun = bucket.acquire(text, cost, wait_ns, now_ns, None, leases)
        if not isinstance(begun, Decision):
            return self._decide(begun, bucket, text, cost, wait_ns, meter)
        if meter is not None:
            self.reporter.report(text, cost, begun, meter, None)
        return begun

    def denial_from_memory(
        self, bucket: Bucket, key: str, cost: int
    ) -> tuple[Decision, bool] | None:
        """The denial by the last observation, and whether it is recent enough to deny.

        Args:
            bucket: the limits.
            key: as the table holds it.
            cost: tokens.
        """
        if not self.enabled or not self._clock.known:
            return None
        now_ns = self._clock.now_ns()
        observation = bucket.recall(key)
        denial = bucket.denial_by(observation, cost, now_ns)
        return None if denial is None else (denial, bucket.may_deny(observation, now_ns))

    def begin(
        self, bucket: Bucket, key: str, cost: int, meter: Meter | None
    ) -> Decision | Flow[Decision]:
        """As ``acquire``, but the flow raises an outage, and nothing is reported.

        It is for ``acquire_all``, which decides on outages once all limiters have answered, and has
        read stored limits before.

        Args:
            bucket: the limits.
            key: as the table holds it.
            cost: tokens, from 1 to the smallest burst of the limits.
            meter: measures it; None if there is no ``on_decision``.
        """
        if not self.enabled:
            return self._disabled
        now_ns = self._clock.now_ns() if self._clock.known else None
        begun = bucket.acquire(key, cost, 0, now_ns)
        return begun if meter is None or isinstance(begun, Decision) else meter.measured(begun)

    def new_meter(self) -> Meter | None:
        """What measures a decision for ``on_decision``; None if there is none, or no limiting."""
        return self.reporter.new_meter() if self.enabled else None

    def peek(self, key: KeyLike, cost: int) -> Decision | Flow[Decision]:
        """What ``acquire`` would decide, by a read."""
        text = namespaced_key_text(self._namespace, key)
        if self._must_read():
            return self._after_reading(self._peek, text, cost)
        return self._peek(text, cost)

    def _peek(self, text: str, cost: int) -> Decision | Flow[Decision]:
        bucket = self.bucket
        cost = require_cost(cost, bucket.smallest_burst)
        return bucket.peek(text, cost) if self.enabled else self._disabled

    def charge(self, key: KeyLike, cost: int) -> Decision | Flow[Decision]:
        """Take tokens, even if there are fewer."""
        text = namespaced_key_text(self._namespace, key)
        if self._must_read():
            return self._after_reading(self._begin_charge, text, cost)
        return self._begin_charge(text, cost)

    def _begin_charge(self, text: str, cost: int) -> Decision | Flow[Decision]:
        bucket = self.bucket
        cost = require_charge("cost", cost, bucket.limits)
        if not self.enabled:
            return self._disabled
        return self._charge(bucket, text, cost) if cost else bucket.peek(text, 1)

    def _charge(self, bucket: Bucket, key: str, cost: int) -> Flow[Decision]:
        flow = charge(self.outage_policy, bucket, key, cost)
        done = yield from self._settled(flow, key, self._disabled)
        return self._disabled if done.decision is None else done.decision

    def settle(
        self, key: str, decision: Decision, taken: Taken | None, reserved: int, used: int
    ) -> Flow[None]:
        """Charge what was used beyond what was reserved, or give the rest back.

        Args:
            key: as the table holds it.
            decision: the reservation's.
            taken: what it took of the table; None for nothing, or if that is not known.
            reserved: tokens.
            used: tokens.
        """
        if self.enabled and decision.source != "disabled":
            gives_back = used < reserved and taken is not None
            bucket = self._bucket_of_taken(taken) if gives_back and taken else self.bucket
            flow = settle(self.outage_policy, bucket, key, taken, reserved, used)
            if flow is not None:
                yield from self._settled(flow, key, decision)

    def _settled(self, flow: Flow[Settlement], key: str, of: Decision) -> Flow[Settlement]:
        """Run a flow of settling.py, and report it; under ``"raise"`` its outage is raised.

        Args:
            flow: the flow.
            key: as the table holds it.
            of: the decision whose tokens are given back.
        """
        meter = self.new_meter()
        done = yield from (flow if meter is None else meter.measured(flow))
        operation, cost, after, refunded, outage = done
        decision = of if after is None else after
        self.reporter.report(key, cost, decision, meter, outage, operation, refunded=refunded)
        if outage is not None and self.outage_policy.on_outage == "raise":
            raise outage
        return done

    def block(self, key: KeyLike, seconds: float) -> Decision | Flow[Decision]:
        """Deny a key for ``seconds``."""
        text = namespaced_key_text(self._namespace, key)
        blocks_ns = require_block_ns(seconds)
        if self._must_read():
            return self._after_reading(self._block, text, blocks_ns)
        return self._block(text, blocks_ns) if self.enabled else self._disabled

    def _block(self, key: str, blocks_ns: int) -> Flow[Decision]:
        meter, flow = self.new_meter(), self.bucket.block(key, blocks_ns)
        try:
            decision = yield from (flow if meter is None else meter.measured(flow))
        except StoreUnavailable as outage:
            decision = self.outage_policy.block(self.bucket, key, blocks_ns)
            self.reporter.report(key, 0, decision, meter, outage, "block")
            raise
        self.reporter.report(key, 0, decision, meter, None, "block")
        return decision

    def reset(self, key: str) -> Flow[None]:
        """Fill a key's bucket, and lift its blocks."""
        self.outage_policy.reset(key)
        return self.bucket.reset(key)

    def key_text(self, key: KeyLike) -> str:
        """The key as the table holds it."""
        return namespaced_key_text(self._namespace, key)

    def taken_by(self, decision: Decision) -> Taken | None:
        """What a decision of this limiter took; None for nothing.

        Raises:
            TypeError: it is not a Decision.
            ValueError: it is a decision of other limits or another store.
        """
        if not isinstance(decision, Decision):
            raise TypeError(
                f"refund of {shown(decision)}: must be the Decision that acquire returned"
            )
        taken = decision.taken
        # In any order: another process may have been given the same set.
        is_other = taken is not None and set(taken.limits) != set(self.bucket.limits)
        if taken is not None and is_other and self._stored is None:
            limits = ", ".join(map(str, taken.limits))
            raise ValueError(
                f"{taken.cost} tokens of {taken.key!r} were taken of {limits}, which are not this "
                f"limiter's limits ({', '.join(map(str, self.bucket.limits))}); give them back to "
                "the limiter that took them"
            )
        if taken is not None and taken.group not in (None, self.bucket.cache.group):
            raise ValueError(
                f"{taken.cost} tokens of {taken.key!r} were taken from another store than "
                f"{self.store!r}; give them back to the limiter that took them"
            )
        return taken if self.enabled else None

    def refund(self, decision: Decision, cost: int | None) -> Flow[bool] | None:
        """The flow that gives ``cost`` tokens back, or all that are left; None for nothing."""
        taken = self.taken_by(decision)
        if taken is None:
            return None
        cost = taken.kept if cost is None else require_int("cost", cost)
        return self._refund(decision, taken, cost)

    def _refund(self, decision: Decision, taken: Taken, cost: int) -> Flow[bool]:
        flow = give_back(self._bucket_of_taken(taken), taken, cost)
        done = yield from self._settled(flow, taken.key, decision)
        if done.outage is not None:
            raise done.outage
        return done.refunded

    def refund_unreported(self, taken: Taken) -> Flow[bool]:
        """Give back all that is left. The caller reports it."""
        return self._bucket_of_taken(taken).refund(taken, None)

    def _bucket_of_taken(self, taken: Taken) -> Bucket:
        """The bucket of the limits that were taken of: stored limits may have changed since."""
        is_same = taken.limits == self.bucket.limits
        return self.bucket if is_same else self._bucket_of(taken.limits)

    def _decide(
        self,
        flow: Flow[Decision],
        bucket: Bucket,
        key: str,
        cost: int,
        wait_ns: int,
        meter: Meter | None,
    ) -> Flow[Decision]:
        outage = None
        try:
            decision = yield from (flow if meter is None else meter.measured(flow))
        except StoreUnavailable as failure:
            outage = failure
            decision = self.outage_policy.decide(failure, bucket, key, cost, wait_ns)
        if meter is not None:
            self.reporter.report(key, cost, decision, meter, outage)
        if outage is not None and self.outage_policy.on_outage == "raise":
            raise outage
        return decision
