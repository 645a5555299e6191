"""What one write takes for all who wait for a hot key, and what it makes of each answer."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from ratelimit_ddb import Decision, Limit, Quota
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Source, Taken
from ratelimit_ddb.bucket.observations import Observation, ObservationCache, cache_group_of
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.bucket.violations import BlockPolicy, Violations
from ratelimit_ddb.errors import KeyThrottled, StoreError, StoreUnavailable
from ratelimit_ddb.hot_keys.key_state import ALONE, KeyState
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.operations.operation import ClockMoved, OperationResult, ReadClock, Take, Wait
from tests.decisions import told
from tests.fake_clock import FakeClock
from tests.ratelimit_ddb.test_hot_keys import SharedStore

MS = 1_000_000
LIMIT = Limit(1_000, 1, name="hot")
"""A token each millisecond, and 1,000 at once."""
NOW_NS = 1_800_000_000_000 * MS
LEASE_NS = 250 * MS
AHEAD = 17
"""Of 100 tokens a second 25 are expected in a lease's time; less 1.5 times the root of that."""
Flow = Generator[Any, Any, Any]


class HotKey:
    """A bucket of a key that is asked for so many tokens a second, and admits them."""

    def __init__(self, *limits: AnyLimit, per_second: float = 100.0) -> None:
        self.clock = FakeClock(NOW_NS)
        self.store = SharedStore(self.clock)
        self.cache = ObservationCache[Observation](10, cache_group_of(self.store))
        self.cache.group.invalidate("another")
        times = BucketTimes(5_000 * MS, lease_ns=LEASE_NS, deadline_ns=1_000 * MS)
        self.bucket = Bucket(limits or (LIMIT,), self.cache, times)
        assert self.bucket._policy is not None
        hot_keys = self.bucket._policy.hot_keys
        self.monotonic_ns = self.store.clock.monotonic_ns()
        self.state: KeyState = hot_keys.enter(self.bucket._policy.name, "k", self.monotonic_ns)
        self.state.demand.offered_per_second = self.state.demand.admitted_per_second = per_second

    def acquire(self, cost: int = 1, wait_ns: int = 0, *, leases: bool = True) -> Flow:
        begun = self.bucket.acquire("k", cost, wait_ns, NOW_NS, None, leases)
        assert not isinstance(begun, Decision)
        return begun


def both_waiting(hot: HotKey, *costs: int) -> list[Flow]:
    """Requests that wait for the next write, which is now: the first one asks for the time."""
    hot.state.pace.next_write_ns = hot.monotonic_ns + 1
    flows = [hot.acquire(cost) for cost in costs]
    for flow in flows:
        assert isinstance(next(flow), Wait)
    hot.state.pace.next_write_ns = 0
    assert flows[0].send(True) == ReadClock()
    return flows


def result_of(flow: Flow, answer: object) -> Decision:
    with pytest.raises(StopIteration) as done:
        flow.send(answer)
    decision = done.value.value
    assert isinstance(decision, Decision)
    return decision


def test_a_lease_serves_who_asked_for_it_and_those_who_came_meanwhile() -> None:
    hot = HotKey()
    first, second, third = hot.acquire(1), hot.acquire(2), hot.acquire(3)
    take = next(first)
    assert take == Take(
        "k",
        ("hot",),
        (True,),
        NOW_NS,
        (NOW_NS + LEASE_NS,),
        ((1 + AHEAD) * MS,),
        ((1_000 - 1 - AHEAD) * MS - LEASE_NS,),
        1_800_003_600,
        extends=True,
        leased_until_ns=NOW_NS + LEASE_NS,
    )
    assert isinstance(next(second), Wait)
    assert isinstance(next(third), Wait)
    left_ns = NOW_NS + LEASE_NS + (1 + AHEAD) * MS
    answer = OperationResult(True, (left_ns,), None, 1_800_007_200, (7,), 1)
    decision = result_of(first, answer)
    mine_ns = NOW_NS + LEASE_NS + MS
    assert told(decision) == Decision(True, 749, 0, 251 * MS, LIMIT)
    (lease,) = hot.state.leases
    taken = decision.taken
    assert taken is not None
    assert (taken.key, taken.cost, taken.kept, taken.limits) == ("k", 1, 1, (LIMIT,))
    assert (taken.full_at_ns, taken.refunded_ns, taken.taken_at_ns) == ((mine_ns,), (7,), NOW_NS)
    assert taken.lease is lease
    assert taken.group is hot.cache.group, "or it could be given back to another store"
    assert (lease.left, lease.full_at_ns, lease.refunded_ns) == (AHEAD - 2 - 3, (left_ns,), (7,))
    assert lease.monotonic_end_ns == hot.monotonic_ns + LEASE_NS
    assert lease.wall_end_ns == hot.store.clock.wall_ns() + LEASE_NS
    assert hot.state.demand.admitted == 1 + 2 + 3
    # As if what is left of the lease were in the bucket: 17 less 2 of the second, less 3 more.
    for flow, cost, spent_ms in ((second, 2, 3), (third, 3, 6)):
        decision = result_of(flow, True)
        ahead_ms = 250 + spent_ms
        expected = Decision(True, 1_000 - ahead_ms, 0, ahead_ms * MS, LIMIT, 0, "lease")
        assert told(decision) == expected
        taken = decision.taken
        assert taken is not None
        assert taken.lease is lease
        assert (taken.key, taken.cost, taken.kept, taken.limits) == ("k", cost, cost, (LIMIT,))
        assert taken.full_at_ns == (NOW_NS + ahead_ms * MS,)
        assert taken.refunded_ns == (7,)
        assert taken.group is hot.cache.group
    observation = hot.cache.get("k")
    assert observation is not None
    assert hot.bucket.recall("k").full_at_ns == (), "a lease may admit what the table would deny"
    assert hot.bucket.recall("another").full_at_ns == ()
    assert observation[:3] == (NOW_NS, (left_ns,), 1_800_007_200)
    assert not hot.state.queue
    assert hot.state.leader is None
    assert hot.state.pace.report(hot.monotonic_ns + 5) == (1, 5)


def test_a_refused_lease_is_asked_for_again_as_far_as_there_is_any_and_then_denied() -> None:
    hot = HotKey()
    hot.state.pace._random = lambda: 0.0
    first, second = hot.acquire(1), hot.acquire(2)
    take = next(first)
    waits = next(second)
    assert isinstance(waits, Wait)
    assert waits.most_ns == 550 * MS, "until the leader is overdue"
    waits.awaited.attach(lambda: None)
    again = first.send(OperationResult(False, (NOW_NS + 990 * MS,), None, 1_800_007_200))
    # Of 10 tokens that are left 3 are waited for.
    assert again == take._replace(
        idle=(False,),
        cost_ns=(10 * MS,),
        room_ns=((1_000 - 10) * MS - LEASE_NS,),
        extends=False,
    )
    denied = result_of(first, OperationResult(False, (NOW_NS + 1_000 * MS,), None, 1_800_007_200))
    assert denied == Decision(False, 0, MS, 1_000 * MS, LIMIT)
    assert hot.state.overtaken == (0.3,), "once, by the first write"
    assert hot.state.leader is waits.awaited
    waits = second.send(True)
    assert isinstance(waits, Wait)
    assert waits.most_ns == MS, "until a token is due"


@pytest.mark.parametrize(("left", "taken"), [(2, 1), (3, 3)])
def test_p1_where_no_more_is_left_than_is_waited_for_nothing_is_leased(
    left: int, taken: int
) -> None:
    hot = HotKey()
    first, _ = both_waiting(hot, 1, 2)
    assert first.send(NOW_NS).leased_until_ns
    again = first.send(OperationResult(False, (NOW_NS + (1_000 - left) * MS,)))
    assert again.cost_ns == (taken * MS,)
    assert (again.base_ns, again.leased_until_ns) == ((NOW_NS,), 0)


@pytest.mark.parametrize(("due_ms", "retry_ms"), [(300, 300), (99, 100)])
def test_who_is_not_served_in_time_is_denied_until_the_next_write(
    due_ms: int, retry_ms: int
) -> None:
    hot = HotKey()
    first, second = hot.acquire(1), hot.acquire(2)
    next(first), next(second)
    hot.state.pace.next_write_ns = hot.monotonic_ns + due_ms * MS
    hot.cache.put("k", Observation(NOW_NS, (NOW_NS + 700 * MS,), 0, hot.bucket.names), 0)
    denied = result_of(second, False)
    assert denied == Decision(False, 0, retry_ms * MS, 700 * MS, LIMIT, source="throttled")
    assert len(hot.state.queue) == 1


def test_who_leads_writes_as_soon_as_its_pace_allows() -> None:
    hot = HotKey()
    hot.state.pace.next_write_ns = hot.monotonic_ns + 1
    flow = hot.acquire(1)
    waits = next(flow)
    assert isinstance(waits, Wait)
    assert waits.most_ns == 1
    hot.state.pace.next_write_ns = hot.monotonic_ns
    assert flow.send(True) == ReadClock()
    assert isinstance(flow.send(NOW_NS), Take)


def test_a_hot_key_is_written_twice_at_a_time_and_then_rests() -> None:
    hot = HotKey()
    flow = hot.acquire(1)
    next(flow)
    assert isinstance(flow.send(OperationResult(False, (NOW_NS + 990 * MS,))), Take)
    waits = flow.send(OperationResult(False, (NOW_NS + 993 * MS,)))
    assert isinstance(waits, Wait)
    assert waits.most_ns is not None
    assert 26 * MS < waits.most_ns < 45 * MS, "a seventh of a lease's time, more or less"


@pytest.mark.parametrize(("took_ms", "retry_ns"), [(0, 900 * MS), (1_000, 1)])
def test_who_is_refused_twice_and_can_not_wait_for_the_next_write_is_denied_until_then(
    took_ms: int, retry_ns: int
) -> None:
    hot = HotKey()
    flow = hot.acquire(1)
    next(flow)
    flow.send(OperationResult(False, (NOW_NS + 990 * MS,)))
    hot.state.pace.next_write_ns = hot.monotonic_ns + 900 * MS
    hot.clock.advance_ns(took_ms * MS)
    denied = result_of(flow, OperationResult(False, (NOW_NS + 993 * MS,)))
    assert denied == Decision(False, 0, retry_ns, 993 * MS, LIMIT, source="throttled")


def test_who_is_refused_twice_though_there_are_enough_asks_for_the_time_and_writes_again() -> None:
    hot = HotKey()
    flow = hot.acquire(1)
    next(flow)
    assert isinstance(flow.send(OperationResult(False, (NOW_NS + 300 * MS,))), Take)
    assert flow.send(OperationResult(False, (NOW_NS + 301 * MS,))) == ReadClock()
    assert isinstance(flow.send(NOW_NS), Take)


def test_of_a_quota_a_refused_lease_asks_for_a_thousandth_of_what_was_shown() -> None:
    hot = HotKey(Quota(10**6, "minute"), LIMIT)  # the minute has just begun
    flow = hot.acquire(1)
    assert next(flow).cost_ns == (1 + AHEAD, (1 + AHEAD) * MS)
    again = flow.send(OperationResult(False, (NOW_NS + 997_500, NOW_NS)))
    assert again.cost_ns == (1 + 2, (1 + 2) * MS)


def test_who_is_refused_twice_waits_up_to_four_fifths_of_the_deadline() -> None:
    hot = HotKey()
    flow = hot.acquire(1)
    next(flow)
    flow.send(OperationResult(False, (NOW_NS + 990 * MS,)))
    hot.state.pace.next_write_ns = hot.monotonic_ns + 800 * MS
    waits = flow.send(OperationResult(False, (NOW_NS + 993 * MS,)))
    assert isinstance(waits, Wait)
    assert waits.most_ns == 800 * MS


def test_writes_are_measured_anew_from_the_first_lease_and_not_from_the_next_one() -> None:
    hot = HotKey()
    flow = hot.acquire(1)
    next(flow)
    result_of(flow, OperationResult(True, (NOW_NS + LEASE_NS + (1 + AHEAD) * MS,)))
    pace = hot.state.pace
    assert pace._measured_from is None
    flow = hot.acquire(AHEAD + 1)
    next(flow)
    result_of(flow, OperationResult(True, (NOW_NS + LEASE_NS + 99 * MS,)))
    assert len(hot.state.leases) == 2
    assert pace.report(hot.monotonic_ns + 5) == (1, 5), "it was applied"
    assert pace._measured_from is not None


@pytest.mark.parametrize(
    ("gap_ms", "is_dry", "wait_ns", "source"),
    [
        (800, False, 0, None),
        (801, False, 0, "throttled"),
        (100, True, 0, "seen"),
        (100, True, 1, None),
    ],
)
def test_who_can_not_wait_for_the_next_write_is_denied_without_queuing(
    gap_ms: int, is_dry: bool, wait_ns: int, source: Source | None
) -> None:
    hot = HotKey()
    hot.cache.put("k", Observation(NOW_NS, (NOW_NS + 950 * MS,), 0, hot.bucket.names), 1)
    hot.state.pace.next_write_ns = hot.monotonic_ns + gap_ms * MS
    hot.state.pace.is_dry = is_dry
    begun: Any = hot.bucket.acquire("k", 1, wait_ns, NOW_NS)
    if source is None:
        assert isinstance(next(begun), Wait)
    else:
        assert begun == Decision(False, 0, gap_ms * MS, 950 * MS, LIMIT, source=source)


def test_of_those_who_are_refused_twice_each_waits_or_is_denied_by_what_is_left() -> None:
    hot = HotKey()
    first, second = both_waiting(hot, 1, 900)
    assert isinstance(first.send(NOW_NS), Take)
    assert isinstance(first.send(OperationResult(False, (NOW_NS + 990 * MS,))), Take)
    assert isinstance(first.send(OperationResult(False, (NOW_NS + 993 * MS,))), Wait)
    denied = result_of(second, True)
    assert denied == Decision(False, 7, 893 * MS, 993 * MS, LIMIT)


def test_who_may_have_no_leased_tokens_waits_for_a_write_though_there_are_some() -> None:
    hot = HotKey()
    first, second = hot.acquire(1), hot.acquire(2, leases=False)
    next(first), next(second)
    result_of(first, OperationResult(True, (NOW_NS + LEASE_NS + (1 + AHEAD) * MS,)))
    (lease,) = hot.state.leases
    assert lease.left == AHEAD
    assert second.send(True) == ReadClock()
    take = second.send(NOW_NS)
    assert (take.cost_ns, take.leased_until_ns) == ((2 * MS,), 0)


def test_who_waits_in_a_queue_does_not_wait_over_the_edge_of_a_quota() -> None:
    hot = HotKey(Quota(10, "minute"), LIMIT, per_second=0.0)  # the next minute begins in 60 s
    hot.state.pace.is_paced = True
    take = next(hot.acquire(1, 90_000 * MS))
    assert take.room_ns == (9, (999 + 60_000) * MS - 1)


def test_who_comes_while_the_time_is_asked_for_waits() -> None:
    bucket = HotKey().bucket
    first: Any = bucket.acquire("another", 1, 0, None)
    assert next(first) == ReadClock()
    second: Any = bucket.acquire("another", 1, 0, NOW_NS)
    assert isinstance(next(second), Wait)


@pytest.mark.parametrize(
    ("seen_ms", "overtaken", "idle"),
    [(249, (), True), (250, (), False), (249, (0.59,), True), (249, (0.6,), False)],
)
def test_a_lease_tries_the_branch_that_is_likely_when_it_ends(
    seen_ms: int, overtaken: tuple[float, ...], idle: bool
) -> None:
    hot = HotKey()
    hot.cache.put("k", Observation(NOW_NS, (NOW_NS + seen_ms * MS,), 0, hot.bucket.names), 0)
    hot.state.overtaken = overtaken
    assert next(hot.acquire(1)).idle == (idle,)


@pytest.mark.parametrize("per_second", [100.0, 0.0], ids=["coalesced", "alone"])
def test_a_write_reports_how_many_there_were_and_for_how_long(per_second: float) -> None:
    hot = HotKey(per_second=per_second)
    for applied in (True, False):
        hot.state.pace.wrote(hot.monotonic_ns - 5 * MS, 1, 0, applied=applied)
    first = next(HotKey(per_second=per_second).acquire(1))
    assert next(hot.acquire(1)) == first._replace(writes=2, active_ns=5 * MS)


def test_p1_a_lease_whose_time_was_wrong_is_asked_for_anew_by_the_right_one() -> None:
    hot = HotKey()
    flow = hot.acquire(1)
    take = next(flow)
    hot.clock.advance(3_600)
    moved: Any = flow.throw(ClockMoved("an hour"))
    assert moved == ReadClock()
    later_ns = NOW_NS + 3_600_000 * MS
    again = flow.send(later_ns)
    ends_ns = later_ns + LEASE_NS
    assert again == take._replace(
        now_ns=later_ns,
        base_ns=(ends_ns,),
        leased_until_ns=ends_ns,
        expires_at_seconds=1_800_007_200,
    )
    result_of(flow, OperationResult(True, (ends_ns + 18 * MS,)))
    (lease,) = hot.state.leases
    assert lease.monotonic_end_ns == hot.store.clock.monotonic_ns() + LEASE_NS
    assert lease.wall_end_ns == hot.store.clock.wall_ns() + LEASE_NS


def test_what_a_write_meets_is_everybodys_who_queues() -> None:
    hot = HotKey()
    first, second = hot.acquire(1), hot.acquire(2)
    next(first), next(second)
    with pytest.raises(StoreUnavailable, match=r"^down$"):
        first.throw(StoreUnavailable("down"))
    with pytest.raises(StoreUnavailable, match=r"^down$"):
        second.send(True)
    first, second = both_waiting(HotKey(), 1, 2)
    with pytest.raises(StoreUnavailable, match=r"^no clock$"):
        first.throw(StoreUnavailable("no clock"))
    with pytest.raises(StoreUnavailable, match=r"^no clock$"):
        second.send(True)
    for one in (hot, HotKey()):  # the first key is cold by now, so its write is one take's alone
        one.cache.put("k", Observation(NOW_NS, (NOW_NS + 700 * MS,), 0, one.bucket.names), 0)
        first, second = one.acquire(1), one.acquire(2)
        next(first), next(second)
        with pytest.raises(StopIteration) as done:
            first.throw(KeyThrottled("hot"))
        denial = done.value.value
        assert (denial.allowed, denial.source) == (False, "throttled")
        assert denial.reset_after_ns == 700 * MS
        assert result_of(second, True) == denial


def test_those_who_queue_are_served_by_one_write_of_just_what_they_want() -> None:
    hot = HotKey(per_second=0.0)
    first, second, third, fourth = (
        hot.acquire(1),
        hot.acquire(2),
        hot.acquire(3, 5 * MS),
        hot.acquire(4),
    )
    single = next(first)
    assert (single.cost_ns, single.leased_until_ns) == ((MS,), 0)
    for flow in (second, third, fourth):
        waits = next(flow)
        assert isinstance(waits, Wait)
        waits.awaited.attach(lambda: None)
    held_ns = NOW_NS + 994 * MS
    assert told(result_of(first, OperationResult(True, (held_ns,)))) == Decision(
        True, 6, 0, 994 * MS, LIMIT
    )
    assert hot.state.demand.admitted == 1
    assert hot.state.leader is hot.state.queue[0]
    assert second.send(True) == ReadClock()
    # 6 are left: 2 for the second, 3 for the third, and none of the 4 for the fourth.
    take = second.send(NOW_NS)
    assert take == Take(
        "k",
        ("hot",),
        (False,),
        NOW_NS,
        (NOW_NS,),
        (5 * MS,),
        (998 * MS,),
        1_800_003_600,
        extends=True,
    )
    decision = result_of(second, OperationResult(True, (held_ns + 5 * MS,), None, None, (7,)))
    assert told(decision) == Decision(True, 4, 0, 996 * MS, LIMIT)
    assert decision.taken is not None
    assert decision.taken.lease is None
    assert decision.taken.refunded_ns == (7,)
    assert told(result_of(third, True)) == Decision(True, 1, 0, 999 * MS, LIMIT)
    denied = result_of(fourth, True)
    assert denied == Decision(False, 1, 3 * MS, 999 * MS, LIMIT, source="table")
    assert hot.state.demand.admitted == 1 + 2 + 3


def test_a_refused_write_for_a_queue_that_is_shown_no_reason_for_it_is_an_error() -> None:
    hot = HotKey(per_second=0.0)
    first, second = hot.acquire(1), hot.acquire(2)
    next(first), next(second)
    result_of(first, OperationResult(True, (NOW_NS + MS,)))
    assert second.send(True) == ReadClock()
    assert isinstance(second.send(NOW_NS), Take)
    with pytest.raises(StoreError, match="no reason"):
        second.send(OperationResult(False, (NOW_NS + MS,)))


@pytest.mark.parametrize(("age_ns", "asks"), [(5_000 * MS, False), (5_000 * MS + 1, True)])
def test_what_was_seen_denies_those_who_queue_for_as_long_as_anybody(
    age_ns: int, asks: bool
) -> None:
    hourly = Limit(36, 3_600, burst=10, name="hour")
    hot = HotKey(hourly, per_second=0.0)
    first, second = hot.acquire(1), hot.acquire(1)
    next(first), next(second)
    full_ns = NOW_NS + 1_000_000 * MS
    assert not result_of(first, OperationResult(False, (full_ns,)))
    assert second.send(True) == ReadClock()
    now_ns = NOW_NS + age_ns
    if asks:
        take = second.send(now_ns)
        assert isinstance(take, Take)
        assert take.idle == (False,)
        denied = result_of(second, OperationResult(False, (full_ns,)))
    else:
        denied = result_of(second, now_ns)
    left_ns = full_ns - now_ns
    source: Source = "table" if asks else "seen"
    expected = Decision(False, 0, left_ns - 900_000 * MS, left_ns, hourly, source=source)
    assert denied == expected


@pytest.mark.parametrize(
    ("per_second", "is_paced", "overtaken", "queues"),
    [
        (0.0, False, (), False),
        (20.0, False, (), False),  # too few for a lease
        (100.0, False, (), True),
        (0.0, True, (), True),
        (0.0, False, (0.3,), True),
    ],
)
def test_who_finds_a_key_leased_paced_or_overtaken_queues_and_others_take_alone(
    per_second: float, is_paced: bool, overtaken: tuple[float, ...], queues: bool
) -> None:
    hot = HotKey(per_second=per_second)
    hot.state.pace.is_paced = is_paced
    hot.state.overtaken = overtaken
    flow = hot.acquire(1)
    assert isinstance(next(flow), Take)
    assert len(hot.state.queue) == queues
    assert (hot.state.leader is ALONE) is not queues


@pytest.mark.parametrize(("leases", "tokens"), [(True, 2 + AHEAD), (False, 2)])
def test_where_the_time_is_asked_for_first_leases_are_made_for_those_who_may_have_them(
    leases: bool, tokens: int
) -> None:
    flow: Any = HotKey().bucket.acquire("k", 2, 0, None, None, leases)
    assert next(flow) == ReadClock()
    assert flow.send(NOW_NS).cost_ns == (tokens * MS,)


def test_a_block_that_a_violation_finds_ends_the_leases_of_its_key_alone() -> None:
    hot = HotKey()
    assert hot.bucket._policy is not None
    another = hot.bucket._policy.hot_keys.enter(
        hot.bucket._policy.name, "another", hot.monotonic_ns
    )
    leases = [
        Lease(5, (0,), (0,), hot.monotonic_ns + LEASE_NS, NOW_NS + LEASE_NS) for _ in range(2)
    ]
    for state, lease in zip((hot.state, another), leases, strict=True):
        state.hold(lease, hot.monotonic_ns, 0)
    policy = BlockPolicy(1, 600_000 * MS, 600_000 * MS)
    violations = Violations(hot.bucket, policy, ObservationCache(10, hot.cache.group))
    flow = violations.count("k", Decision(False, 0, MS, MS, LIMIT))
    assert next(flow) == ReadClock()
    flow.send(NOW_NS)
    ends_ns = NOW_NS + 600_000 * MS
    held_ns = (None, ends_ns, None, ends_ns + 1_000 * MS)
    found = OperationResult(False, held_ns, None, None, (0,) * 4)
    assert result_of(flow, found).source == "blocked"
    assert [lease.left for lease in leases] == [0, 5]


def test_who_waits_for_tokens_is_leased_none() -> None:
    take = next(HotKey().acquire(2, 5 * MS))
    assert (take.cost_ns, take.base_ns, take.leased_until_ns) == ((2 * MS,), (NOW_NS,), 0)
    assert take.room_ns == (1_003 * MS,)


def test_a_request_whose_tokens_may_be_given_back_later_is_leased_none() -> None:
    hot = HotKey()
    flow = hot.acquire(2, leases=False)
    take = next(flow)
    assert (take.cost_ns, take.base_ns, take.leased_until_ns) == ((2 * MS,), (NOW_NS,), 0)
    decision = result_of(flow, OperationResult(True, (NOW_NS + 2 * MS,)))
    assert decision.taken is not None
    assert decision.taken.lease is None
    # A key that was cold before leaves nothing behind; one that was written just now is kept.
    assert hot.bucket._policy is not None
    assert hot.bucket._policy.state_of("k") is None
    warm = hot.acquire(1)
    next(warm)
    result_of(warm, OperationResult(True, (NOW_NS + 3 * MS,)))
    state = hot.bucket._policy.state_of("k")
    assert state is not None
    state.overtaken = (0.3,)  # so it queues
    warm = hot.acquire(1, leases=False)
    next(warm)
    result_of(warm, OperationResult(True, (NOW_NS + 4 * MS,)))
    assert hot.bucket._policy.state_of("k") is state


@pytest.mark.parametrize("what", ["block", "reset"])
def test_what_this_process_holds_of_a_key_lapses_with_it_and_not_with_another(what: str) -> None:
    hot = HotKey()
    lease = Lease(5, (0,), (0,), hot.monotonic_ns + LEASE_NS, NOW_NS + LEASE_NS)
    hot.state.hold(lease, hot.monotonic_ns, 0)
    for key, left in (("another", 5), ("k", 0)):
        flow: Flow = hot.bucket.block(key, MS) if what == "block" else hot.bucket.reset(key)
        next(flow)
        flow.close()
        assert lease.left == left


def test_a_single_take_that_others_overtook_has_the_next_one_try_the_other_branch() -> None:
    hot = HotKey(per_second=0.0)
    hot.state.demand.admitted = 10
    hot.state.pace.wrote(hot.monotonic_ns, 9, 0, applied=True)
    flow = hot.acquire(1)
    take = next(flow)
    assert take.idle == (True,)
    again = flow.send(
        OperationResult(False, (NOW_NS + 9 * MS,), None, 1_800_090_000, (0,), 3, 0, 4)
    )
    assert again == take._replace(idle=(False,), extends=False)
    assert hot.state.overtaken == (0.3,)
    decision = result_of(flow, OperationResult(True, (NOW_NS + 10 * MS,), None, 5, (7,), 4))
    assert told(decision) == Decision(True, 990, 0, 10 * MS, LIMIT)
    assert decision.taken is not None
    taken = decision.taken
    assert taken == Taken("k", 1, (LIMIT,), (NOW_NS + 10 * MS,), (7,), 1)
    assert (taken.taken_at_ns, taken.lease, taken.group) == (NOW_NS, None, hot.cache.group)
    assert hot.cache.get("k") == Observation(NOW_NS, (NOW_NS + 10 * MS,), 5, hot.bucket.names)
    assert hot.state.demand.admitted == 11
    assert hot.state.pace._measured_from == (hot.monotonic_ns, 3, 4)
    assert hot.state.pace.report(hot.monotonic_ns + 5) == (1, 5)
