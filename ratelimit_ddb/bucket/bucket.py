"""The token bucket: one number for each limit, and the flows that move it.

    unit   = ceil(period / quantity)             one token's worth of time
    window = burst * unit                        an empty bucket needs this long to fill
    taking n:  fullAt' = max(fullAt, now) + n * unit,  allowed iff fullAt' - now <= window

arithmetic.py says what a ``fullAt`` means, refund.py how much a refund moves it back. The flows
rely on this:
- ``now`` is read once for each decision, so a limit that was active stays active in it. Only if the
  reading turns out to be far from the table's time is it read again, and the decision repeated.
- Only a refund and a reset move ``fullAt`` back. So an old observation is a lower bound: what was
  denied by it then is denied by it now (P6).
- The table checks every condition at the write itself; a wrong guess costs a write, never a wrong
  answer.

The flows do no I/O: they yield operations (operations/operation.py) and are sent the results. A
driver runs them (operations/driver.py).
"""

from __future__ import annotations

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.arithmetic import Instants, arithmetic_for, known
from ratelimit_ddb.bucket.coalesced_take import CoalescedTakes
from ratelimit_ddb.bucket.debt import Debt
from ratelimit_ddb.bucket.decision import Decision, Source, Taken
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.bucket.hot_key_policy import HotKeyPolicy
from ratelimit_ddb.bucket.leased_tokens import LeasedTokens
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.bucket.refund import Refunds
from ratelimit_ddb.bucket.single_take import SingleTakes
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.limit import SECOND_NS, AnyLimit
from ratelimit_ddb.operations.operation import (
    Delete,
    Flow,
    OperationResult,
    Read,
    ReadClock,
    Take,
)
from ratelimit_ddb.operations.store import TakeAtOnce

_NOTHING_OBSERVED = Observation(0, (), 0, ())
_WARM_NS = SECOND_NS
"""A key that was written within this time may become hot, so its state is kept."""


class Bucket:
    """The limits of one limiter, and the flows on its keys.

    Args:
        limits: the limits.
        cache: the observations of its keys.
        times: how long observations, leases and calls may last.
    """

    __slots__ = (
        "_all_idle",
        "_arithmetic",
        "_coalesced",
        "_deny_cache_ns",
        "_leased",
        "_names",
        "_one_cost_ns",
        "_one_room_ns",
        "_policy",
        "_refunds",
        "_single_takes",
        "cache",
        "limits",
        "smallest_burst",
    )

    def __init__(
        self, limits: tuple[AnyLimit, ...], cache: ObservationCache[Observation], times: BucketTimes
    ) -> None:
        self.limits = limits
        self.smallest_burst = min([limit.burst for limit in limits])
        self.cache = cache
        self._deny_cache_ns = times.most_age_ns
        self._names = tuple(limit.name for limit in limits)
        self._all_idle = (True,) * len(limits)
        self._arithmetic = arithmetic_for(limits)
        self._one_cost_ns = self._arithmetic.cost_ns(1)
        self._one_room_ns = self._arithmetic.room_ns(1, 0)
        hot_keys = cache.group.hot_keys
        self._policy: HotKeyPolicy | None = None
        self._leased: LeasedTokens | None = None
        self._coalesced: CoalescedTakes | None = None
        if hot_keys is not None:
            self._policy = policy = HotKeyPolicy(limits, self._names, cache, hot_keys, times)
            self._leased = LeasedTokens(limits, self._arithmetic, cache.group, policy)
            self._coalesced = CoalescedTakes(
                limits,
                self._names,
                self._arithmetic,
                cache,
                policy,
                self._leased,
                times.most_age_ns,
            )
        self._refunds = Refunds(limits, self._names, self._arithmetic, cache, self._leased)
        self._single_takes = SingleTakes(
            limits, self._arithmetic, cache, self._policy, self._coalesced
        )

    def acquire(
        self,
        key: str,
        cost: int,
        wait_ns: int,
        now_ns: int | None,
        observation: Observation | None = None,
        leases: bool = True,
    ) -> Decision | Flow[Decision]:
        """Take ``cost`` tokens of every limit, or none; waiting at most ``wait_ns`` for them.

        Args:
            key: the item's key.
            cost: tokens, from 1 to the smallest burst.
            wait_ns: how much later than now they may be due.
            now_ns: the table's time; None where it is not known yet.
            observation: what ``recall`` returned of the key; None to look it up here.
            leases: whether the tokens may be leased ones, which can be given back only while their
                lease lives.

        Returns:
            the decision, if it needs no store; otherwise the flow that makes it. The caller then
            sleeps for its ``waited_ns``.
        """
        policy, leased = self._policy, self._leased
        if now_ns is None:
            return self._acquire_by_store_time(key, cost, wait_ns, leases)
        state = None if policy is None else policy.hot_keys.get(policy.name, key)
        if leased is not None and state is not None and leases:
            held = leased.acquire(state, cost, now_ns)
            if held is not None:
                return held
        arithmetic, idle = self._arithmetic, self._all_idle
        if cost == 1 and not wait_ns:
            cost_ns, room_ns = self._one_cost_ns, self._one_room_ns
        else:
            cost_ns, room_ns = arithmetic.cost_ns(cost), arithmetic.room_ns(cost, wait_ns)
        if observation is None:
            observation = self.cache.get(key)
        kept_until_seconds = 0
        if observation is not None and observation.names is self._names:
            observed_at_ns, full_at_ns, kept_until_seconds, _ = observation
            denial = arithmetic.denial(full_at_ns, now_ns, room_ns, "seen")
            if denial is not None and self._is_recent(observed_at_ns, now_ns):
                return denial
            idle = arithmetic.idle(full_at_ns, now_ns)
        if policy is not None and state is not None and state.pace.next_write_ns:
            denial = policy.paced(state, wait_ns, now_ns)
            if denial is not None:
                return denial
        is_warm = observation is not None and now_ns - observation.observed_at_ns <= _WARM_NS
        expires_seconds = expires_at_seconds(arithmetic.full_by_ns(now_ns, wait_ns))
        take = tuple_new(
            Take,
            (
                key,
                self._names,
                idle,
                now_ns,
                arithmetic.bases_ns(now_ns),
                cost_ns,
                room_ns if not wait_ns else arithmetic.room_within_ns(room_ns, now_ns),
                expires_seconds,
                kept_until_seconds <= expires_seconds,
                0,
                1,
                0,
            ),
        )
        return self._single_takes.acquire(take, cost, wait_ns, is_warm=is_warm, leases=leases)

    def acquire_at_once(
        self, take_at_once: TakeAtOnce, key: str, cost: int, now_ns: int
    ) -> Decision:
        """The same decision as ``acquire``, without a flow, for a store in this process's memory.

        Args:
            take_at_once: the store's.
            key: the item's key.
            cost: tokens, from 1 to the smallest burst.
            now_ns: the store's time.
        """
        arithmetic, names, cache = self._arithmetic, self._names, self.cache
        if cost == 1:
            cost_ns, room_ns = self._one_cost_ns, self._one_room_ns
        else:
            cost_ns, room_ns = arithmetic.cost_ns(cost), arithmetic.room_ns(cost, 0)
        observation = cache.get(key)
        if observation is not None and observation.names is names:
            denial = arithmetic.denial(observation.full_at_ns, now_ns, room_ns, "seen")
            if denial is not None and self._is_recent(observation.observed_at_ns, now_ns):
                return denial
        group = cache.group
        since = group.invalidations
        applied, full_at_ns, refunded_ns = take_at_once(
            key, names, arithmetic.bases_ns(now_ns), cost_ns, room_ns
        )
        cache.put(key, tuple_new(Observation, (now_ns, full_at_ns, 0, names)), since)
        if not applied:
            denial = arithmetic.denial(full_at_ns, now_ns, room_ns, "table")
            if denial is None:
                raise group.refused_without_reason(key, full_at_ns)
            return denial
        taken = Taken(key, cost, self.limits, full_at_ns, refunded_ns, cost, group, None, now_ns)
        return arithmetic.admitted(full_at_ns, now_ns, taken)

    @property
    def names(self) -> tuple[str, ...]:
        """The limits' names: the tuple object that its observations have."""
        return self._names

    def blocked_ns(self, until_ns: int) -> Instants:
        """Each ``fullAt`` of a key that is blocked until an instant: debt.py."""
        return self._arithmetic.blocked_ns(until_ns)

    def observed(self, key: str) -> Observation:
        """The last observation of a key; of an unknown key, one that denies nothing."""
        observation = self.cache.get(key)
        if observation is None or observation.names is not self._names:
            return _NOTHING_OBSERVED
        return observation

    def recall(self, key: str) -> Observation:
        """The observation by which a request may be denied before ``acquire`` is called."""
        if self._leased is not None and self._leased.are_held(key):
            return _NOTHING_OBSERVED  # a lease may admit what the table would deny
        return self.observed(key)

    def bases_ns(self, now_ns: int) -> Instants:
        """The instant from which each limit counts: a ``fullAt`` before it is a full bucket."""
        return self._arithmetic.bases_ns(now_ns)

    def denial_by(self, observation: Observation, cost: int, now_ns: int) -> Decision | None:
        """The denial by an observation of any age that ``recall`` returned; or None.

        ``acquire`` denies by it only while ``may_deny``. If another limit denies the request
        anyhow, an older observation still tells how long to wait.
        """
        if observation is _NOTHING_OBSERVED:
            return None
        room_ns = self._one_room_ns if cost == 1 else self._arithmetic.room_ns(cost, 0)
        return self._arithmetic.denial(observation.full_at_ns, now_ns, room_ns, "seen")

    def may_deny(self, observation: Observation, now_ns: int) -> bool:
        """Whether an observation is recent enough to deny without the store."""
        return self._is_recent(observation.observed_at_ns, now_ns)

    def peek(self, key: str, cost: int) -> Flow[Decision]:
        """What ``acquire`` would decide now, taking nothing; ``remaining`` is before the cost."""
        now_ns = yield ReadClock()
        result: OperationResult = yield Read(key, self._names)
        full_at_ns = known(result.full_at_ns)
        arithmetic = self._arithmetic
        denial = arithmetic.denial(full_at_ns, now_ns, arithmetic.room_ns(cost, 0), "table")
        return arithmetic.admitted(full_at_ns, now_ns, None) if denial is None else denial

    def refund(self, taken: Taken, cost: int | None) -> Flow[bool]:
        """Give tokens of a take back to every limit that it still weighs on: refund.py.

        They count as given back from here on: a write whose reply is lost may have been applied,
        and must not be sent again.

        Args:
            taken: the take.
            cost: tokens; None for all that are left by then, which may be none.

        Returns:
            whether anything was given back.

        Raises:
            ValueError: fewer tokens of it are left to give back.
        """
        return self._refunds.refund(taken, cost)

    def charge(self, key: str, cost: int) -> Flow[Decision]:
        """Take ``cost`` tokens of every limit, even if there are fewer: debt.py.

        Tokens that this process has leased are spent first; only the rest is written.

        Returns:
            what ``peek`` would decide next.
        """
        if self._leased is not None:
            spent, full_at_ns = self._leased.spend(key, cost)
            cost -= spent
            if not cost:
                return self._as_of((yield ReadClock()), full_at_ns, "lease")
        cost_ns = self._arithmetic.cost_ns(cost)
        debt = Debt(
            key,
            self._names,
            self.bases_ns,
            cost_ns,
            blocks_ns=0,
            slack_ns_at=lambda now_ns: self._arithmetic.full_by_ns(now_ns, 0) - now_ns,
        )
        now_ns, full_at_ns = yield from debt.write(self.cache)
        return self._as_of(now_ns, full_at_ns, "table")

    def block(self, key: str, blocks_ns: int) -> Flow[Decision]:
        """Deny the key for ``blocks_ns``: debt.py. This process's leases of the key end.

        Returns:
            what ``peek`` would decide next.
        """
        arithmetic, hot_keys = self._arithmetic, self.cache.group.hot_keys
        debt = Debt(
            key,
            self._names,
            lambda now_ns: tuple(
                [one_ns - 1 for one_ns in arithmetic.blocked_ns(now_ns + blocks_ns)]
            ),
            (1,) * len(self._names),
            blocks_ns=blocks_ns,
            slack_ns_at=lambda _: 0,
        )
        try:
            now_ns, full_at_ns = yield from debt.write(self.cache)
        finally:
            # Also without a reply: it may have been applied.
            if hot_keys is not None:
                hot_keys.drop_leases(key)
        return self._as_of(now_ns, full_at_ns, "table")

    def reset(self, key: str) -> Flow[None]:
        """Fill the key's bucket. Other processes may deny it for ``deny_cache`` seconds more."""
        try:
            yield Delete(key)
        finally:
            self.cache.group.invalidate(key)
            if self.cache.group.hot_keys is not None:
                self.cache.group.hot_keys.drop_leases(key)

    def _as_of(self, now_ns: int, full_at_ns: Instants, source: Source) -> Decision:
        """The decision on one token by these ``fullAt``, taking nothing."""
        arithmetic = self._arithmetic
        denial = arithmetic.denial(full_at_ns, now_ns, self._one_room_ns, source)
        return arithmetic.admitted(full_at_ns, now_ns, None, source) if denial is None else denial

    def _acquire_by_store_time(
        self, key: str, cost: int, wait_ns: int, leases: bool
    ) -> Flow[Decision]:
        coalesced = self._coalesced
        if coalesced is not None:
            flow = coalesced.acquire(key, cost, wait_ns, None, is_warm=False, leases=leases)
            return (yield from flow)
        now_ns = yield ReadClock()
        begun = self.acquire(key, cost, wait_ns, now_ns)  # a store in memory leases nothing
        return begun if isinstance(begun, Decision) else (yield from begun)

    def _is_recent(self, observed_at_ns: int, now_ns: int) -> bool:
        # In both directions: a clock that was set back must not make it valid for longer.
        deny_cache_ns = self._deny_cache_ns
        return (
            -deny_cache_ns <= now_ns - observed_at_ns <= deny_cache_ns and self.cache.group.may_deny
        )
