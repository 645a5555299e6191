"""The bucket's flows, step by step: what they ask of a store, and what they make of its answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from ratelimit_ddb import Decision, Limit
from ratelimit_ddb.bucket import EXPIRY_MARGIN_SECONDS, Bucket
from ratelimit_ddb.operation import (
    Delete,
    GiveBack,
    Operation,
    Outcome,
    Read,
    ReadClock,
    SetBack,
    Take,
)
from ratelimit_ddb.seen import Seen, Sight

SECOND_NS = 1_000_000_000
NOW_NS = 1_800_000_000 * SECOND_NS
LIMIT = Limit(10, 1, burst=5, name="second")
"""A token each 100 ms, 5 at once: a window of 500 ms."""
UNIT_NS = 100_000_000
HOURLY = Limit(36, 3_600, burst=10, name="hour")
"""A token each 100 s, 10 at once: a window of 1,000 s."""

Flow = Generator[Operation, Any, Any]


def bucket_of(*limits: Limit, trust_seconds: int = 5) -> Bucket:
    return Bucket(limits, Seen(10), trust_seconds * SECOND_NS)


def result_of(flow: Flow, answer: object) -> Any:
    """What a flow returns after its last answer."""
    with pytest.raises(StopIteration) as done:
        flow.send(answer)
    return done.value.value


def test_the_first_take_guesses_idle_and_bears_every_number() -> None:
    flow = bucket_of(LIMIT, HOURLY).acquire("key", 2, 0, NOW_NS)
    assert next(flow) == Take(
        key="key",
        names=("second", "hour"),
        idle=(True, True),
        now_ns=NOW_NS,
        cost_ns=(2 * UNIT_NS, 200 * SECOND_NS),
        room_ns=(3 * UNIT_NS, 800 * SECOND_NS),
        expires_at_seconds=1_800_000_000 + 1_000 + EXPIRY_MARGIN_SECONDS,
    )
    full_at_ns = (NOW_NS + 2 * UNIT_NS, NOW_NS + 200 * SECOND_NS)
    decision = result_of(flow, Outcome(True, full_at_ns))
    assert decision == Decision(True, 3, 0, 200 * SECOND_NS, LIMIT)


def test_without_the_time_it_is_asked_for_first() -> None:
    flow = bucket_of(LIMIT).acquire("key", 1, 0, None)
    assert next(flow) == ReadClock()
    take = flow.send(NOW_NS)
    assert take.now_ns == NOW_NS


@pytest.mark.parametrize(
    ("seen_ahead_ns", "idle"), [(-1, True), (0, False), (1, False)], ids=["past", "now", "ahead"]
)
def test_p7_what_was_seen_picks_the_branch(seen_ahead_ns: int, idle: bool) -> None:
    bucket = bucket_of(LIMIT)
    bucket.seen.note("key", Sight(NOW_NS, (NOW_NS + seen_ahead_ns,)))
    take = next(bucket.acquire("key", 1, 0, NOW_NS))
    assert isinstance(take, Take)
    assert take.idle == (idle,)


def test_p7_a_wrong_guess_costs_one_more_write_with_the_same_reading() -> None:
    bucket = bucket_of(LIMIT)
    flow = bucket.acquire("key", 1, 0, NOW_NS)
    first = next(flow)
    second = flow.send(Outcome(False, (NOW_NS + UNIT_NS,)))
    assert second == first._replace(idle=(False,))
    decision = result_of(flow, Outcome(True, (NOW_NS + 2 * UNIT_NS,)))
    assert decision == Decision(True, 3, 0, 2 * UNIT_NS, LIMIT)
    assert bucket.seen.get("key") == Sight(NOW_NS, (NOW_NS + 2 * UNIT_NS,))


def test_p4_a_refusal_that_shows_too_little_is_a_denial_of_the_longest_limit() -> None:
    bucket = bucket_of(LIMIT, HOURLY)
    flow = bucket.acquire("key", 1, 0, NOW_NS)
    next(flow)
    full_at_ns = (NOW_NS + 5 * UNIT_NS, NOW_NS + 950 * SECOND_NS)
    decision = result_of(flow, Outcome(False, full_at_ns))
    assert decision == Decision(False, 0, 50 * SECOND_NS, 950 * SECOND_NS, HOURLY)
    assert bucket.seen.get("key") == Sight(NOW_NS, full_at_ns)


def test_a_missing_attribute_is_a_full_bucket() -> None:
    flow = bucket_of(LIMIT, HOURLY).acquire("key", 1, 0, NOW_NS)
    next(flow)
    take = flow.send(Outcome(False, (NOW_NS + UNIT_NS, None)))
    assert take.idle == (False, True)


def test_waiting_widens_the_room_and_is_told() -> None:
    flow = bucket_of(LIMIT).acquire("key", 1, 2 * SECOND_NS, NOW_NS)
    take = next(flow)
    assert isinstance(take, Take)
    assert take.room_ns == (4 * UNIT_NS + 2 * SECOND_NS,)
    decision = result_of(flow, Outcome(True, (NOW_NS + 5 * UNIT_NS + SECOND_NS,)))
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
def test_p6_a_sight_denies_while_it_can_be_trusted(
    ahead_ns: int, age_ns: int, denied: bool
) -> None:
    bucket = bucket_of(LIMIT)
    bucket.seen.note("key", Sight(NOW_NS - age_ns, (NOW_NS + ahead_ns,)))
    denial = bucket.denied_from_memory("key", 1, NOW_NS)
    assert (denial is not None) == denied
    begun = bucket.acquire("key", 1, 0, NOW_NS)
    assert begun == denial if denied else isinstance(next(begun), Take)
    if denial is not None:
        assert denial == Decision(False, 0, ahead_ns - 4 * UNIT_NS, ahead_ns, LIMIT, source="seen")


def test_a_full_at_that_the_limit_cannot_have_produced_is_set_back() -> None:
    bucket = bucket_of(LIMIT)
    flow = bucket.acquire("key", 1, 0, NOW_NS)
    next(flow)
    impossible_ns = NOW_NS + LIMIT.window_ns + 35 * SECOND_NS + 1
    assert flow.send(Outcome(False, (impossible_ns,))) == ReadClock()
    set_back = flow.send(NOW_NS)
    empty_ns = NOW_NS + LIMIT.window_ns
    assert set_back == SetBack("key", "second", impossible_ns, empty_ns)
    decision = result_of(flow, Outcome(True, (empty_ns,)))
    assert decision == Decision(False, 0, UNIT_NS, LIMIT.window_ns, LIMIT)


def test_only_a_fresh_reading_condemns_a_full_at() -> None:
    """A process that was suspended has an old reading; what others took since is no mistake."""
    flow = bucket_of(LIMIT).acquire("key", 1, 0, NOW_NS)
    next(flow)
    full_at_ns = NOW_NS + 60 * SECOND_NS
    assert flow.send(Outcome(False, (full_at_ns,))) == ReadClock()
    decision = result_of(flow, NOW_NS + 60 * SECOND_NS)
    assert not decision.allowed
    assert decision.retry_after_ns == 60 * SECOND_NS - 4 * UNIT_NS


def test_a_set_back_that_another_forestalled_decides_by_what_there_is_now() -> None:
    flow = bucket_of(LIMIT).acquire("key", 1, 0, NOW_NS)
    next(flow)
    flow.send(Outcome(False, (NOW_NS + 3_600 * SECOND_NS,)))
    flow.send(NOW_NS)
    take = flow.send(Outcome(False, (None,)))
    assert isinstance(take, Take)
    assert take.idle == (True,)


def test_peek_reads_and_takes_nothing() -> None:
    bucket = bucket_of(LIMIT, HOURLY)
    flow = bucket.peek("key", 2)
    assert next(flow) == ReadClock()
    assert flow.send(NOW_NS) == Read("key", ("second", "hour"))
    decision = result_of(flow, Outcome(True, (None, NOW_NS + 700 * SECOND_NS)))
    assert decision == Decision(True, 3, 0, 700 * SECOND_NS, HOURLY)


def test_a_refund_leaves_out_the_limits_that_are_full() -> None:
    bucket = bucket_of(LIMIT, HOURLY)
    bucket.seen.note("key", Sight(NOW_NS, (NOW_NS, NOW_NS)))
    flow = bucket.refund("key", 2)
    assert next(flow) == ReadClock()
    both = flow.send(NOW_NS)
    assert both == GiveBack("key", ("second", "hour"), NOW_NS, (2 * UNIT_NS, 200 * SECOND_NS))
    one = flow.send(Outcome(False, (NOW_NS, NOW_NS + 1)))
    assert one == GiveBack("key", ("hour",), NOW_NS, (200 * SECOND_NS,))
    assert result_of(flow, Outcome(True, (NOW_NS + 1 - 200 * SECOND_NS,))) is None
    assert bucket.seen.get("key") is None


def test_a_refund_of_a_full_bucket_gives_nothing() -> None:
    flow = bucket_of(LIMIT).refund("key", 1)
    next(flow)
    flow.send(NOW_NS)
    assert result_of(flow, Outcome(False, (None,))) is None


def test_a_reset_deletes_the_item_and_forgets_it() -> None:
    bucket = bucket_of(LIMIT)
    bucket.seen.note("key", Sight(NOW_NS, (NOW_NS,)))
    flow = bucket.reset("key")
    assert next(flow) == Delete("key")
    assert result_of(flow, Outcome(True, ())) is None
    assert bucket.seen.get("key") is None


@pytest.mark.parametrize("what", ["refund", "reset"])
def test_what_may_have_been_applied_is_forgotten_too(what: str) -> None:
    bucket = bucket_of(LIMIT)
    bucket.seen.note("key", Sight(NOW_NS, (NOW_NS,)))
    flow: Flow = bucket.refund("key", 1) if what == "refund" else bucket.reset("key")
    next(flow)
    if what == "refund":
        flow.send(NOW_NS)
    flow.close()
    assert bucket.seen.get("key") is None
