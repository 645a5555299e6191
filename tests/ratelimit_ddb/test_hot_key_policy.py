"""How many tokens of a hot key are leased, which branch is tried, and who is denied by the pace."""

from __future__ import annotations

import pytest

from ratelimit_ddb import Decision, Limit, Quota
from ratelimit_ddb.bucket.arithmetic import SingleLimitArithmetic
from ratelimit_ddb.bucket.decision import Taken
from ratelimit_ddb.bucket.hot_key_policy import HotKeyPolicy
from ratelimit_ddb.bucket.leased_tokens import LeasedTokens
from ratelimit_ddb.bucket.observations import Observation, ObservationCache, cache_group_of
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.hot_keys.waiter import Waiter
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.operations.operation import OperationResult, Take
from tests.decisions import told
from tests.fake_clock import FakeClock
from tests.ratelimit_ddb.test_hot_keys import SharedStore

MS = 1_000_000
NOW_NS = 1_800_000_000_000 * MS
LIMIT = Limit(1_000, 1, name="hot")
SLOW = Limit(100, 60, burst=1, name="slow")
"""A token each 600 ms, so a lease of 150 ms at most."""


class Hot:
    """The policy of some limits, and the state of a key."""

    def __init__(self, *limits: AnyLimit, lease_ms: int = 250) -> None:
        self.store = SharedStore(FakeClock(NOW_NS))
        self.cache = ObservationCache[Observation](10, cache_group_of(self.store))
        hot_keys = self.cache.group.hot_keys
        assert hot_keys is not None
        self.names = tuple(limit.name for limit in limits)
        times = BucketTimes(0, lease_ns=lease_ms * MS, deadline_ns=1_000 * MS)
        self.policy = HotKeyPolicy(limits, self.names, self.cache, hot_keys, times)
        self.monotonic_ns = self.store.clock.monotonic_ns()
        self.state: KeyState = hot_keys.enter(self.policy.name, "k", self.monotonic_ns)


def test_a_lease_lasts_no_longer_than_it_may_and_a_quarter_of_the_shortest_window() -> None:
    assert Hot(LIMIT).policy.lease_ns == 250 * MS
    assert Hot(LIMIT, lease_ms=200).policy.lease_ns == 200 * MS
    assert Hot(LIMIT, SLOW).policy.lease_ns == 150 * MS
    assert isinstance(Hot(LIMIT, SLOW).policy.lease_ns, int)
    assert Hot(Quota(9, "day"), lease_ms=700).policy.lease_ns == 700 * MS
    policy = Hot(LIMIT).policy
    assert (policy.most_wait_ns, policy.leader_ns) == (800 * MS, 550 * MS)
    names = {Hot(*limits).policy.name for limits in ((LIMIT,), (SLOW,), (LIMIT, SLOW))}
    assert len(names | {Hot(LIMIT, lease_ms=99).policy.name}) == 4
    assert Hot(LIMIT).policy.name == Hot(LIMIT).policy.name


@pytest.mark.parametrize(
    ("offered", "admitted", "ahead"),
    [
        (100, 100, 17),  # 25 are expected, less 1.5 times 5
        (900, 24, 4),  # one and a half of what is admitted: 9, less 1.5 times 3
        (24, 900, 2),
        (23.9, 900, 0),  # hardly worth a lease
        (9_000, 9_000, 226),  # the limit has 250, less 1.5 times 15.8
    ],
)
def test_as_many_are_leased_as_are_nearly_all_spent(
    offered: float, admitted: float, ahead: int
) -> None:
    hot = Hot(LIMIT)
    hot.state.demand.offered_per_second = offered
    hot.state.demand.admitted_per_second = admitted
    assert hot.policy.ahead(hot.state) == ahead


def test_a_quota_alone_bounds_no_rate() -> None:
    hot = Hot(Quota(9, "day"))
    hot.state.demand.offered_per_second = hot.state.demand.admitted_per_second = 40_000.0
    assert hot.policy.ahead(hot.state) == 10_000 - 150


def test_the_branch_to_try_follows_how_often_others_took_meanwhile() -> None:
    hot = Hot(LIMIT, SLOW)
    take = Take("k", hot.names, (True, False), 5, (5, 5), (1, 1), (1, 1), 0, True)
    both = (True, True)
    hot.policy.note_branch(hot.state, both, take, OperationResult(True, (9, 9)))
    assert hot.state.overtaken == (0.0, 0.3)
    refused = OperationResult(False, (5, 4))
    hot.policy.note_branch(hot.state, both, take, refused)
    assert hot.state.overtaken == pytest.approx((0.3, 0.21))
    hot.policy.note_branch(hot.state, (False, False), take, refused)
    assert hot.state.overtaken == pytest.approx((0.3, 0.21))
    for _ in range(8):
        hot.policy.note_branch(hot.state, both, take, OperationResult(False, (None, 4)))
    assert not hot.state.overtaken


@pytest.mark.parametrize(
    ("gap_ns", "is_dry", "wait_ms", "is_denied"),
    [
        (0, True, 0, False),
        (800 * MS, False, 0, False),
        (801 * MS, False, 0, True),
        (801 * MS, False, 5, True),
        (1, True, 0, True),
        (1, True, 5, False),
    ],
)
def test_who_can_not_wait_for_the_next_write_is_denied(
    gap_ns: int, is_dry: bool, wait_ms: int, is_denied: bool
) -> None:
    hot = Hot(LIMIT)
    hot.cache.put("k", Observation(NOW_NS, (NOW_NS + 900 * MS,), 0, hot.names), 0)
    hot.state.pace.next_write_ns = hot.monotonic_ns + gap_ns
    hot.state.pace.is_dry = is_dry
    denial = hot.policy.paced(hot.state, wait_ms * MS, NOW_NS)
    source = "seen" if is_dry else "throttled"
    expected = Decision(False, 0, gap_ns, 900 * MS, LIMIT, 0, source)  # type: ignore[arg-type]
    assert denial == (expected if is_denied else None)


def test_a_denial_by_the_pace_tells_what_is_known_of_the_bucket() -> None:
    hot = Hot(LIMIT, SLOW)
    hot.cache.put("k", Observation(NOW_NS, (NOW_NS + 70 * MS, NOW_NS + 90 * MS), 0, hot.names), 0)
    for gap_ms, reset_ms in ((50, 90), (95, 95)):
        denial = hot.policy.denied_by_pace("k", hot.state, gap_ms * MS, NOW_NS)
        assert (denial.retry_after_ns, denial.reset_after_ns) == (gap_ms * MS, reset_ms * MS)
    hot.cache.put("k", Observation(NOW_NS, (NOW_NS + 70 * MS,), 0, ("another",)), 0)
    assert hot.policy.denied_by_pace("k", hot.state, 50 * MS, NOW_NS).reset_after_ns == 50 * MS


def test_a_throttled_key_denies_its_whole_queue_until_the_next_write() -> None:
    hot = Hot(LIMIT)
    waiter: Waiter[Decision] = Waiter(1, 0, hot.monotonic_ns, hot.state.claim)
    hot.state.join(waiter, 5)
    hot.cache.put("k", Observation(NOW_NS, (NOW_NS + 900 * MS,), 0, hot.names), 0)
    denial = hot.policy.throttled("k", hot.state, NOW_NS)
    assert denial.retry_after_ns == hot.state.pace.next_write_ns - hot.monotonic_ns > 0
    assert denial.reset_after_ns == 900 * MS
    assert waiter.outcome == denial
    assert (denial.source, denial.limit, len(hot.state.queue)) == ("throttled", LIMIT, 0)


def test_leased_tokens_are_spent_charged_and_given_back() -> None:
    hot = Hot(LIMIT)
    leased = LeasedTokens((LIMIT,), SingleLimitArithmetic(LIMIT), hot.cache.group, hot.policy)
    end_ns = 250 * MS
    lease = Lease(9, (NOW_NS + 20 * MS,), (7,), hot.monotonic_ns + end_ns, NOW_NS + end_ns)
    hot.state.demand.admitted = 10
    assert leased.acquire(hot.state, 1, NOW_NS) is None
    assert not leased.are_held("k")
    hot.state.hold(lease, hot.monotonic_ns, 0)
    assert leased.are_held("k")
    assert not leased.are_held("another")
    decision = leased.acquire(hot.state, 4, NOW_NS)
    assert decision is not None
    assert told(decision) == Decision(True, 985, 0, 15 * MS, LIMIT, 0, "lease")
    taken = decision.taken
    assert taken == Taken("k", 4, (LIMIT,), (NOW_NS + 15 * MS,), (7,), 4)
    assert taken is not None
    assert (taken.lease, taken.group) == (lease, hot.cache.group)
    assert leased.acquire(hot.state, 6, NOW_NS) is None
    assert (hot.state.demand.offered, hot.state.demand.admitted) == (11, 14)
    assert leased.spend("k", 2) == (2, (NOW_NS + 17 * MS,))
    assert leased.spend("k", 99) == (3, (NOW_NS + 20 * MS,))
    assert leased.spend("k", 1) == (0, ())
    assert leased.spend("another", 1) == (0, ())
    assert (hot.state.demand.offered, hot.state.demand.admitted) == (16, 19)
    assert not leased.are_held("k")
    assert leased.give_back(taken, lease, 4)
    assert lease.left == 4
    elsewhere = Taken("another", 4, (LIMIT,), (0,), (0,), 4)
    assert not leased.give_back(elsewhere, lease, 4)
