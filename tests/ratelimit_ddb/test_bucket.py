"""The bucket's flows, step by step: what they ask of a store, and what they make of its answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from ratelimit_ddb import Decision, Limit, Quota, StoreError, StoreUnavailable
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Taken
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.errors import KeyThrottled
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.operations.operation import (
    BLOCKED,
    ClockMoved,
    Delete,
    GiveBack,
    OperationResult,
    Read,
    ReadClock,
    Take,
)
from tests.decisions import told

SECOND_NS = 1_000_000_000
NOW_NS = 1_800_000_000 * SECOND_NS
LIMIT = Limit(10, 1, burst=5, name="second")
"""A token each 100 ms, 5 at once: a window of 500 ms."""
UNIT_NS = 100_000_000
HOURLY = Limit(36, 3_600, burst=10, name="hour")
"""A token each 100 s, 10 at once: a window of 1,000 s."""

Flow = Generator[Any, Any, Any]
"""The flow of any call; which operation it asks for is what the tests compare."""


def bucket_of(*limits: AnyLimit, trust_seconds: int = 5) -> Bucket:
    times = BucketTimes(trust_seconds * SECOND_NS, lease_ns=0, deadline_ns=SECOND_NS)
    return Bucket(limits, ObservationCache(10), times)


def acquiring(bucket: Bucket, cost: int, wait_ns: int, now_ns: int | None) -> Flow:
    """The flow of a take that memory does not deny."""
    begun = bucket.acquire("key", cost, wait_ns, now_ns)
    assert not isinstance(begun, Decision)
    return begun


def note(
    bucket: Bucket, observed_at_ns: int, full_at_ns: tuple[int, ...], expires_at: int = 0
) -> None:
    """Have the bucket seen a key."""
    bucket.cache.put("key", Observation(observed_at_ns, full_at_ns, expires_at, bucket._names), 0)


def seen(bucket: Bucket) -> tuple[int, tuple[int, ...]]:
    """What the bucket saw last of the key, and when."""
    observation = bucket.cache.get("key")
    assert observation is not None
    return observation.observed_at_ns, observation.full_at_ns


def result_of(flow: Flow, answer: object) -> Any:
    """What a flow returns after its last answer."""
    with pytest.raises(StopIteration) as done:
        flow.send(answer)
    return done.value.value


def test_the_first_take_guesses_idle_and_bears_every_number() -> None:
    flow = acquiring(bucket_of(LIMIT, HOURLY), 2, 0, NOW_NS)
    assert next(flow) == Take(
        key="key",
        names=("second", "hour"),
        idle=(True, True),
        now_ns=NOW_NS,
        cost_ns=(2 * UNIT_NS, 200 * SECOND_NS),
        base_ns=(NOW_NS, NOW_NS),
        room_ns=(3 * UNIT_NS, 800 * SECOND_NS),
        expires_at_seconds=1_800_003_600,
        extends=True,
    )
    full_at_ns = (NOW_NS + 2 * UNIT_NS, NOW_NS + 200 * SECOND_NS)
    decision = result_of(flow, OperationResult(True, full_at_ns))
    assert told(decision) == Decision(True, 3, 0, 200 * SECOND_NS, LIMIT)


def test_p1_a_take_whose_time_was_wrong_is_made_anew_by_the_right_one() -> None:
    bucket = bucket_of(HOURLY)
    flow = acquiring(bucket, 2, 5 * SECOND_NS, NOW_NS)
    take = next(flow)
    later_ns = NOW_NS + 7_200 * SECOND_NS
    assert flow.throw(ClockMoved("two hours")) == ReadClock()
    anew = flow.send(later_ns)
    fresh = next(acquiring(bucket, 2, 5 * SECOND_NS, later_ns))
    assert (
        anew
        == fresh
        == take._replace(now_ns=later_ns, base_ns=(later_ns,), expires_at_seconds=1_800_010_800)
    )
    full_at_ns = (later_ns + 200 * SECOND_NS,)
    decision = result_of(flow, OperationResult(True, full_at_ns))
    assert told(decision) == Decision(True, 8, 0, 200 * SECOND_NS, HOURLY)
    assert seen(bucket) == (later_ns, full_at_ns)


def test_a_wait_whose_time_was_wrong_does_not_go_over_the_edge_by_the_right_one() -> None:
    midnight_ns = NOW_NS - NOW_NS % (86_400 * SECOND_NS) + 86_400 * SECOND_NS
    flow = acquiring(bucket_of(Quota(10, "day"), LIMIT), 1, 5 * SECOND_NS, midnight_ns // 2)
    assert next(flow).room_ns == (9, LIMIT.window_ns - UNIT_NS + 5 * SECOND_NS)
    flow.throw(ClockMoved("years"))
    anew = flow.send(midnight_ns - SECOND_NS)
    assert anew.room_ns == (9, LIMIT.window_ns - UNIT_NS + SECOND_NS - 1)


def test_a_take_that_is_made_anew_tries_no_branch_by_what_was_seen_at_another_time() -> None:
    bucket = bucket_of(HOURLY)
    note(bucket, NOW_NS, (NOW_NS + 300 * SECOND_NS,), 1_800_090_000)
    flow = acquiring(bucket, 2, 0, NOW_NS)
    take = next(flow)
    assert (take.idle, take.extends) == ((False,), False)
    flow.throw(ClockMoved("back"))
    anew = flow.send(NOW_NS)
    assert anew == take._replace(idle=(True,), extends=True)


def test_who_would_wait_and_is_refused_is_told_when_the_same_wait_is_enough() -> None:
    flow = acquiring(bucket_of(HOURLY), 2, 5 * SECOND_NS, NOW_NS)
    next(flow)
    denial = result_of(flow, OperationResult(False, (NOW_NS + 1_000 * SECOND_NS,)))
    assert denial == Decision(False, 0, 195 * SECOND_NS, 1_000 * SECOND_NS, HOURLY)


def test_a_charge_whose_time_was_wrong_is_made_anew_by_the_right_one() -> None:
    flow = bucket_of(HOURLY).charge("key", 2)
    assert next(flow) == ReadClock()
    flow.send(NOW_NS)
    later_ns = NOW_NS + 7_200 * SECOND_NS
    assert flow.throw(ClockMoved("two hours")) == ReadClock()
    anew: Any = flow.send(later_ns)
    assert (anew.now_ns, anew.base_ns) == (later_ns, (later_ns,))
    decision = result_of(flow, OperationResult(True, (later_ns + 200 * SECOND_NS,)))
    assert decision.remaining == 8


def test_p1_a_refund_whose_time_was_wrong_gives_nothing_back() -> None:
    flow, _ = refund_begun(taken_of(NOW_NS + 300 * SECOND_NS), 2)
    with pytest.raises(StoreUnavailable):
        flow.throw(ClockMoved("two hours"))


def test_without_the_time_it_is_asked_for_first() -> None:
    flow = acquiring(bucket_of(LIMIT), 1, 0, None)
    assert next(flow) == ReadClock()
    bucket = bucket_of(LIMIT)
    assert flow.send(NOW_NS) == next(acquiring(bucket, 1, 0, NOW_NS))
    note(bucket, NOW_NS, (NOW_NS + LIMIT.window_ns,))
    flow = acquiring(bucket, 1, 0, None)
    next(flow)
    assert result_of(flow, NOW_NS) == bucket.acquire("key", 1, 0, NOW_NS)


@pytest.mark.parametrize(
    ("seen_ahead_ns", "idle"), [(-1, True), (0, False), (1, False)], ids=["past", "now", "ahead"]
)
def test_p7_what_was_seen_picks_the_branch(seen_ahead_ns: int, idle: bool) -> None:
    bucket = bucket_of(LIMIT)
    note(bucket, NOW_NS, (NOW_NS + seen_ahead_ns,))
    take = next(acquiring(bucket, 1, 0, NOW_NS))
    assert isinstance(take, Take)
    assert take.idle == (idle,)


def test_p7_a_wrong_guess_costs_one_more_write_with_the_same_reading() -> None:
    bucket = bucket_of(LIMIT)
    flow = acquiring(bucket, 1, 0, NOW_NS)
    first = next(flow)
    second = flow.send(OperationResult(False, (NOW_NS + UNIT_NS,)))
    assert second == first._replace(idle=(False,))
    decision = result_of(flow, OperationResult(True, (NOW_NS + 2 * UNIT_NS,)))
    assert told(decision) == Decision(True, 3, 0, 2 * UNIT_NS, LIMIT)
    assert seen(bucket) == (NOW_NS, (NOW_NS + 2 * UNIT_NS,))


def test_p4_a_refusal_that_shows_too_little_is_a_denial_of_the_longest_limit() -> None:
    bucket = bucket_of(LIMIT, HOURLY)
    flow = acquiring(bucket, 1, 0, NOW_NS)
    next(flow)
    full_at_ns = (NOW_NS + 5 * UNIT_NS, NOW_NS + 950 * SECOND_NS)
    decision = result_of(flow, OperationResult(False, full_at_ns))
    assert told(decision) == Decision(False, 0, 50 * SECOND_NS, 950 * SECOND_NS, HOURLY)
    assert seen(bucket) == (NOW_NS, full_at_ns)


def test_a_missing_attribute_is_a_full_bucket() -> None:
    flow = acquiring(bucket_of(LIMIT, HOURLY), 1, 0, NOW_NS)
    next(flow)
    take = flow.send(OperationResult(False, (NOW_NS + UNIT_NS, None)))
    assert take.idle == (False, True)


def test_waiting_widens_the_room_and_is_told() -> None:
    flow = acquiring(bucket_of(LIMIT), 1, 2 * SECOND_NS, NOW_NS)
    take = next(flow)
    assert isinstance(take, Take)
    assert take.room_ns == (4 * UNIT_NS + 2 * SECOND_NS,)
    decision = result_of(flow, OperationResult(True, (NOW_NS + 5 * UNIT_NS + SECOND_NS,)))
    assert decision.allowed
    assert decision.waited_ns == SECOND_NS
    assert decision.remaining == 0


@pytest.mark.parametrize(
    ("ahead_ns", "age_ns", "denied"),
    [
        (4 * UNIT_NS, 0, False),
        (4 * UNIT_NS + 1, 0, True),
        (5 * UNIT_NS, 5 * SECOND_NS, True),
        (5 * UNIT_NS, 5 * SECOND_NS + 1, False),
    ],
    ids=["room", "no room", "trusted still", "too old"],
)
def test_p6_an_observation_denies_while_it_can_be_trusted(
    ahead_ns: int, age_ns: int, denied: bool
) -> None:
    bucket = bucket_of(LIMIT)
    note(bucket, NOW_NS - age_ns, (NOW_NS + ahead_ns,))
    observation = bucket.recall("key")
    denial = bucket.denial_by(observation, 1, NOW_NS)
    if not bucket.may_deny(observation, NOW_NS):
        denial = None
    assert (denial is not None) == denied
    begun = bucket.acquire("key", 1, 0, NOW_NS)
    if isinstance(begun, Decision):
        assert denied
        assert begun == denial
    else:
        assert not denied
        assert isinstance(next(begun), Take)
    if denial is not None:
        assert denial == Decision(False, 0, ahead_ns - 4 * UNIT_NS, ahead_ns, LIMIT, source="seen")


def test_an_expiry_is_never_moved_to_before_what_another_limit_needs() -> None:
    """The item is kept for longer than this limiter needs: the write leaves it so."""
    bucket = bucket_of(LIMIT)
    flow = acquiring(bucket, 1, 0, NOW_NS)
    first = next(flow)
    kept_until = first.expires_at_seconds + 86_400
    second = flow.send(OperationResult(False, (None,), None, kept_until))
    assert second == first._replace(extends=False)
    result_of(flow, OperationResult(True, (NOW_NS + UNIT_NS,), None, kept_until))
    assert next(acquiring(bucket, 1, 0, NOW_NS)).extends is False
    later_ns = NOW_NS + 86_401 * SECOND_NS
    assert next(acquiring(bucket, 1, 0, later_ns)).extends is True


@pytest.mark.parametrize(
    ("used_ns", "retry_ns"),
    [(4 * UNIT_NS, (0, UNIT_NS)), (3 * UNIT_NS + 1, (0, 1)), (5 * UNIT_NS, (UNIT_NS, 2 * UNIT_NS))],
)
def test_what_was_seen_denies_one_token_or_two_by_what_is_left(
    used_ns: int, retry_ns: tuple[int, int]
) -> None:
    bucket = bucket_of(LIMIT)
    note(bucket, NOW_NS, (NOW_NS + used_ns,))
    observation = bucket.recall("key")
    denials = [bucket.denial_by(observation, cost, NOW_NS) for cost in (1, 2)]
    assert tuple(0 if one is None else one.retry_after_ns for one in denials) == retry_ns


@pytest.mark.parametrize("age_seconds", [5, -5])
def test_what_was_seen_denies_up_to_five_seconds_by_a_clock_that_was_set_back_too(
    age_seconds: int,
) -> None:
    bucket = bucket_of(LIMIT)
    note(bucket, NOW_NS - age_seconds * SECOND_NS, (NOW_NS,))
    observation = bucket.recall("key")
    assert bucket.may_deny(observation, NOW_NS)
    assert not bucket.may_deny(observation, NOW_NS + age_seconds // 5)


def test_peek_reads_and_takes_nothing() -> None:
    bucket = bucket_of(LIMIT, HOURLY)
    flow = bucket.peek("key", 2)
    assert next(flow) == ReadClock()
    assert flow.send(NOW_NS) == Read("key", ("second", "hour"))
    decision = result_of(flow, OperationResult(True, (None, NOW_NS + 700 * SECOND_NS)))
    assert told(decision) == Decision(True, 3, 0, 700 * SECOND_NS, HOURLY)
    flow = bucket.peek("key", 2)
    next(flow), flow.send(NOW_NS)
    denied = result_of(flow, OperationResult(True, (None, NOW_NS + 900 * SECOND_NS)))
    assert denied == Decision(False, 1, 100 * SECOND_NS, 900 * SECOND_NS, HOURLY, source="table")


def taken_of(*full_at_ns: int, cost: int = 2, refunded_ns: int = 0) -> Taken:
    """What a take of the hourly limit left, or one of both limits."""
    limits = (HOURLY,) if len(full_at_ns) == 1 else (LIMIT, HOURLY)
    return Taken("key", cost, limits, full_at_ns, (refunded_ns,) * len(limits), cost)


def refund_begun(taken: Taken, cost: int) -> tuple[Flow, Any]:
    flow = bucket_of(*taken.limits).refund(taken, cost)
    assert next(flow) == ReadClock()
    return flow, flow.send(NOW_NS)


def test_a_refund_leaves_out_the_limits_that_the_take_no_longer_weighs_on() -> None:
    taken = taken_of(NOW_NS, NOW_NS + 300 * SECOND_NS)
    flow, give_back = refund_begun(taken, 2)
    full_at_ns = NOW_NS + 300 * SECOND_NS
    amount_ns = 200 * SECOND_NS
    assert give_back == GiveBack(
        key="key",
        names=("second", "hour"),
        amount_ns=(0, amount_ns),
        least_ns=(0, full_at_ns),
        most_ns=(NOW_NS + LIMIT.window_ns, full_at_ns),
        refunded_before_ns=(0, 0),
        refunded_after_ns=(0, 0),
        now_ns=NOW_NS,
        unleased_since_ns=None,
    )
    assert result_of(flow, OperationResult(True, (NOW_NS, full_at_ns - amount_ns))) is True
    assert taken.kept == 0


def test_p1_a_late_refund_gives_back_what_still_weighs() -> None:
    """Of 200 seconds' worth, 150 have flowed back by themselves."""
    _, give_back = refund_begun(taken_of(NOW_NS + 50 * SECOND_NS), 2)
    assert give_back.amount_ns == (50 * SECOND_NS,)


def test_p1_a_refund_whose_tokens_have_flowed_back_asks_nothing() -> None:
    flow = bucket_of(HOURLY).refund(taken_of(NOW_NS), 1)
    assert next(flow) == ReadClock()
    assert result_of(flow, NOW_NS) is False


def test_p1_two_refunds_of_one_take_give_back_no_more_than_one() -> None:
    taken = taken_of(NOW_NS + 150 * SECOND_NS)
    _, first = refund_begun(taken, 1)
    assert first.amount_ns == (100 * SECOND_NS,)
    _, second = refund_begun(taken, 1)
    assert second.amount_ns == (50 * SECOND_NS,)
    assert second.least_ns == second.most_ns == (NOW_NS + 50 * SECOND_NS,)


def test_a_refund_after_others_took_is_counted_for_their_refunds() -> None:
    taken = taken_of(NOW_NS + 300 * SECOND_NS)
    flow, _ = refund_begun(taken, 2)
    others_ns = NOW_NS + 400 * SECOND_NS
    out_of_turn = flow.send(OperationResult(False, (others_ns,), refunded_ns=(7,)))
    weight_ns = NOW_NS + 300 * SECOND_NS - 7
    assert out_of_turn == GiveBack(
        "key",
        ("hour",),
        (200 * SECOND_NS,),
        (weight_ns + 1,),
        (NOW_NS + HOURLY.window_ns,),
        (7,),
        (7 + 200 * SECOND_NS,),
        NOW_NS,
        NOW_NS - 10 * SECOND_NS,
    )


@pytest.mark.parametrize(("ended_seconds_ago", "gives_back"), [(10, False), (10.1, True)])
def test_p1_nothing_is_given_back_out_of_turn_until_ten_seconds_after_the_last_lease_or_block(
    ended_seconds_ago: float, gives_back: bool
) -> None:
    flow, _ = refund_begun(taken_of(NOW_NS + 300 * SECOND_NS), 2)
    ended_ns = NOW_NS - round(ended_seconds_ago * SECOND_NS)
    later = OperationResult(
        False, (NOW_NS + 400 * SECOND_NS,), refunded_ns=(0,), leased_until_ns=ended_ns
    )
    if gives_back:
        assert isinstance(flow.send(later), GiveBack)
    else:
        assert result_of(flow, later) is False


def test_p1_what_can_not_have_flowed_back_yet_is_given_back_though_the_bucket_holds_less() -> None:
    """Taken 50 s ago; another process has set the bucket back since, by a refund of its own."""

    def begun() -> tuple[Flow, Any]:
        taken = Taken("key", 2, (HOURLY,), (NOW_NS + 150 * SECOND_NS,), (0,), 2)
        taken.taken_at_ns = NOW_NS - 50 * SECOND_NS
        return refund_begun(taken, 2)

    flow, in_turn = begun()
    assert (in_turn.amount_ns, in_turn.least_ns) == (
        (150 * SECOND_NS,),
        (NOW_NS + 150 * SECOND_NS,),
    )
    held_ns = NOW_NS + 400 * SECOND_NS
    out_of_turn = flow.send(OperationResult(False, (held_ns,), refunded_ns=(20 * SECOND_NS,)))
    # By then it weighs 130 s, but of 200 s no more than 50 have flowed back.
    assert out_of_turn.amount_ns == (150 * SECOND_NS,)
    assert out_of_turn.least_ns == (NOW_NS + 150 * SECOND_NS,)
    assert out_of_turn.most_ns == (NOW_NS + HOURLY.window_ns,)
    assert out_of_turn.refunded_after_ns == (170 * SECOND_NS,)
    out_of_turn = begun()[0].send(OperationResult(False, (held_ns,), refunded_ns=(0,)))
    assert out_of_turn.amount_ns == (150 * SECOND_NS,)
    assert out_of_turn.least_ns == (NOW_NS + 150 * SECOND_NS + 1,), "just that is in turn"


def test_p1_nothing_is_given_back_while_somebody_waits_behind() -> None:
    flow, _ = refund_begun(taken_of(NOW_NS + 300 * SECOND_NS), 2)
    waiting_ns = NOW_NS + HOURLY.window_ns + 1
    assert result_of(flow, OperationResult(False, (waiting_ns,), refunded_ns=(0,))) is False


def test_p1_nothing_is_given_back_of_any_limit_while_somebody_waits_for_one() -> None:
    """Who waits begins later for all of them, and was charged for all before."""
    taken = taken_of(NOW_NS, NOW_NS + 300 * SECOND_NS)
    flow, _ = refund_begun(taken, 2)
    waiting_ns = (NOW_NS + LIMIT.window_ns + 1, NOW_NS + 400 * SECOND_NS)
    assert result_of(flow, OperationResult(False, waiting_ns, refunded_ns=(0, 0))) is False


def test_a_refund_after_a_reset_gives_nothing() -> None:
    flow, _ = refund_begun(taken_of(NOW_NS + 300 * SECOND_NS), 2)
    assert result_of(flow, OperationResult(False, (None,), refunded_ns=(0,))) is False


def test_a_refusal_without_a_reason_ends_in_an_error() -> None:
    flow = acquiring(bucket_of(LIMIT), 1, 0, NOW_NS)
    next(flow)
    with pytest.raises(StoreError, match="no reason"):
        flow.send(OperationResult(False, (None,)))


@pytest.mark.parametrize("method", ["charge", "block"])
def test_a_refused_debt_without_a_reason_ends_in_an_error(method: str) -> None:
    """Or it would be sent again for ever."""
    flow = getattr(bucket_of(LIMIT), method)("key", SECOND_NS)
    next(flow)
    refused = OperationResult(False, (None,) * len(flow.send(NOW_NS).names))
    with pytest.raises(StoreError, match="no reason"):
        flow.send(refused)


def test_a_throttled_debt_is_sent_again_after_10_to_40_ms() -> None:
    flow: Flow = bucket_of(LIMIT).charge("key", 3)
    next(flow)
    take = flow.send(NOW_NS)
    for _ in range(20):
        pause = flow.throw(KeyThrottled("throttled"))
        assert 10_000_000 <= pause.most_ns <= 40_000_000
        assert flow.send(True) == take


def test_a_reset_deletes_the_item_and_forgets_it() -> None:
    bucket = bucket_of(LIMIT)
    note(bucket, NOW_NS, (NOW_NS,))
    flow = bucket.reset("key")
    assert next(flow) == Delete("key")
    assert result_of(flow, OperationResult(True, ())) is None
    assert bucket.cache.get("key") is None


@pytest.mark.parametrize("what", ["refund", "reset"])
def test_what_may_have_been_applied_is_forgotten_too(what: str) -> None:
    bucket = bucket_of(LIMIT)
    note(bucket, NOW_NS, (NOW_NS,))
    taken = Taken("key", 1, (LIMIT,), (NOW_NS + UNIT_NS,), (0,), 1)
    flow: Flow = bucket.refund(taken, 1) if what == "refund" else bucket.reset("key")
    next(flow)
    if what == "refund":
        flow.send(NOW_NS)
    flow.close()
    assert bucket.cache.get("key") is None


def test_a_refund_asks_the_table_though_somebody_was_seen_to_wait() -> None:
    """Another process may have given the waiter's tokens back since."""
    bucket, taken = bucket_of(HOURLY), taken_of(NOW_NS + 300 * SECOND_NS)
    note(bucket, NOW_NS, (NOW_NS + HOURLY.window_ns + 1,))
    flow: Flow = bucket.refund(taken, 2)
    next(flow)
    give_back = flow.send(NOW_NS)
    assert give_back.most_ns == taken.full_at_ns
    left_ns = taken.full_at_ns[0] - 200 * SECOND_NS
    assert result_of(flow, OperationResult(True, (left_ns,))) is True


def test_p1_nothing_is_given_back_of_a_bucket_that_holds_less_than_can_have_flowed_back() -> None:
    taken = taken_of(NOW_NS + 200 * SECOND_NS - 1)
    taken.taken_at_ns = NOW_NS
    flow: Flow = bucket_of(HOURLY).refund(taken, 2)
    next(flow)
    assert result_of(flow, NOW_NS) is False


def test_a_refund_that_is_refused_without_a_reason_gives_nothing() -> None:
    taken = taken_of(NOW_NS + 300 * SECOND_NS)
    flow, _ = refund_begun(taken, 2)
    assert result_of(flow, OperationResult(False, taken.full_at_ns, refunded_ns=(0,))) is False


@pytest.mark.parametrize(("ago_seconds", "gives"), [(0, False), (3_600, True)])
def test_p1_out_of_turn_nothing_is_given_back_just_after_a_lease(
    ago_seconds: int, gives: bool
) -> None:
    flow, _ = refund_begun(taken_of(NOW_NS + 300 * SECOND_NS), 2)
    ended_ns = NOW_NS - ago_seconds * SECOND_NS
    refusal = OperationResult(False, (NOW_NS + 400 * SECOND_NS,), None, None, (0,), 0, ended_ns)
    if gives:
        assert isinstance(flow.send(refusal), GiveBack)
    else:
        assert result_of(flow, refusal) is False


def test_of_a_quota_alone_leases_of_this_instant_alone_matter() -> None:
    quota = Quota(9, "minute", name="quota")
    flow: Flow = bucket_of(quota).refund(Taken("key", 2, (quota,), (NOW_NS + 5,), (0,), 2), 2)
    next(flow)
    flow.send(NOW_NS)
    out_of_turn = flow.send(OperationResult(False, (NOW_NS + 7,), refunded_ns=(0,)))
    assert out_of_turn.unleased_since_ns == NOW_NS


def test_what_a_refund_leaves_tells_the_next_take_its_branch_and_denies_nobody() -> None:
    bucket, taken = bucket_of(HOURLY), taken_of(NOW_NS + HOURLY.window_ns)
    flow: Flow = bucket.refund(taken, 2)
    next(flow)
    flow.send(NOW_NS)
    left_ns = NOW_NS + 800 * SECOND_NS
    assert result_of(flow, OperationResult(True, (left_ns,), None, 1_800_090_000)) is True
    take = next(acquiring(bucket, 9, 0, NOW_NS))
    assert (take.idle, take.extends) == ((False,), False)


def test_a_charge_is_refused_by_nothing_and_remembered() -> None:
    bucket = bucket_of(LIMIT, HOURLY)
    flow: Flow = bucket.charge("key", 3)
    assert next(flow) == ReadClock()
    # It is kept for as long as it takes to fill both, beyond what is owed: 1,300 s.
    until_seconds = 1_800_003_600
    charge = flow.send(NOW_NS)
    assert charge == Take(
        "key",
        ("second", "hour"),
        (True, True),
        NOW_NS,
        (NOW_NS, NOW_NS),
        (3 * UNIT_NS, 300 * SECOND_NS),
        (3_600 * SECOND_NS - 3 * UNIT_NS, 3_300 * SECOND_NS),
        until_seconds,
        extends=True,
    )
    owed_ns = (NOW_NS - 1, NOW_NS + 5_000 * SECOND_NS)
    again = flow.send(OperationResult(False, owed_ns, None, 1_800_090_000))
    assert again == charge._replace(
        idle=(True, False),
        room_ns=(7_200 * SECOND_NS - 3 * UNIT_NS, 6_900 * SECOND_NS),
        expires_at_seconds=1_800_007_200,
        extends=False,
    )
    left_ns = (NOW_NS + 3 * UNIT_NS, NOW_NS + 5_300 * SECOND_NS)
    decision = result_of(flow, OperationResult(True, left_ns, None, 1_800_090_000))
    assert decision == Decision(False, 0, 4_400 * SECOND_NS, 5_300 * SECOND_NS, HOURLY)
    assert seen(bucket) == (NOW_NS, left_ns)
    assert bucket.acquire("key", 1, 0, NOW_NS) == decision._replace(source="seen")


def test_a_block_leaves_no_token_before_its_end_and_one_from_then_on() -> None:
    bucket = bucket_of(LIMIT, HOURLY)
    note(bucket, NOW_NS, (NOW_NS + 99 * SECOND_NS, NOW_NS + 700 * SECOND_NS), 1_800_003_601)
    flow: Flow = bucket.block("key", 60 * SECOND_NS)
    assert next(flow) == ReadClock()
    ends_ns = NOW_NS + 60 * SECOND_NS
    without_token_ns = (ends_ns + 4 * UNIT_NS - 1, ends_ns + 900 * SECOND_NS - 1)
    block = flow.send(NOW_NS)
    assert block == Take(
        "key",
        (BLOCKED, "second", "hour"),
        (True, False, True),
        NOW_NS,
        (ends_ns - 1, *without_token_ns),
        (1, 1, 1),
        (
            3_540 * SECOND_NS,
            3_540 * SECOND_NS - 4 * UNIT_NS,
            2_640 * SECOND_NS,
        ),
        1_800_003_600,
        extends=False,
    )
    left_ns = (ends_ns, NOW_NS + 99 * SECOND_NS + 1, ends_ns + 900 * SECOND_NS)
    decision = result_of(flow, OperationResult(True, left_ns, None, 1_800_003_601))
    assert decision == Decision(False, 0, 98_600_000_001, 960 * SECOND_NS, LIMIT, 0, "table")
    assert seen(bucket) == (NOW_NS, left_ns[1:])


def test_a_refund_in_turn_is_not_counted_as_one_out_of_turn_by_what_was_seen() -> None:
    """Another process has given back what it took since, or it counts against earlier takes."""
    bucket, taken = bucket_of(HOURLY), taken_of(NOW_NS + 300 * SECOND_NS)
    note(bucket, NOW_NS, (NOW_NS + 400 * SECOND_NS,))
    flow: Flow = bucket.refund(taken, 2)
    next(flow)
    out_of_turn = flow.send(NOW_NS)
    assert (out_of_turn.key, out_of_turn.names) == ("key", ("hour",))
    assert out_of_turn.least_ns > taken.full_at_ns
    in_turn = flow.send(OperationResult(False, taken.full_at_ns, refunded_ns=(0,)))
    assert in_turn.least_ns == in_turn.most_ns == taken.full_at_ns
    assert in_turn.refunded_after_ns == (0,)
