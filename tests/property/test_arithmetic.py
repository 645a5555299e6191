"""The arithmetic of one limit, of several and of quotas: against each other, and on paper."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, Quota
from ratelimit_ddb.bucket.arithmetic import (
    MultiLimitArithmetic,
    SingleLimitArithmetic,
    arithmetic_for,
    known,
)
from ratelimit_ddb.bucket.decision import Decision
from tests.property.strategies import LONGEST_WAIT_NS, limits, several_limits

NOW_NS = 1_800_000_000_000_000_000
SECOND_NS = 1_000_000_000


@given(limit=limits(), cost=st.integers(1, 12), data=st.data())
def test_single_and_multi_limit_arithmetic_agree(
    limit: Limit, cost: int, data: st.DataObject
) -> None:
    one, several = SingleLimitArithmetic(limit), MultiLimitArithmetic((limit,))
    wait_ns = data.draw(st.just(0) | st.integers(0, LONGEST_WAIT_NS), "wait_ns")
    room_ns = one.room_ns(cost, wait_ns)
    edges_ns = [0, limit.unit_ns, limit.window_ns, *room_ns]
    edge_ns = data.draw(st.sampled_from([*edges_ns, -(2**60)]), "edge_ns")
    off_ns = data.draw(st.integers(-1, 1) | st.integers(-limit.window_ns, limit.window_ns), "off")
    full_at_ns = (NOW_NS + edge_ns + off_ns,)
    assert one.cost_ns(cost) == several.cost_ns(cost)
    assert room_ns == several.room_ns(cost, wait_ns)
    assert one.idle(full_at_ns, NOW_NS) == several.idle(full_at_ns, NOW_NS)
    assert one.admitted(full_at_ns, NOW_NS, None) == several.admitted(full_at_ns, NOW_NS, None)
    # A cost is never more than the burst, so there is never less than no room.
    if cost <= limit.burst:
        denials = [each.denial(full_at_ns, NOW_NS, room_ns, "table") for each in (one, several)]
        assert denials[0] == denials[1]


@given(limits=several_limits(2), data=st.data())
def test_several_limits_give_what_each_gives_alone_and_the_strictest_binds(
    limits: list[Limit], data: st.DataObject
) -> None:
    several = MultiLimitArithmetic(tuple(limits))
    cost = data.draw(st.integers(1, min(limit.burst for limit in limits)), "cost")
    wait_ns = data.draw(st.just(0) | st.integers(0, LONGEST_WAIT_NS), "wait_ns")
    room_ns = several.room_ns(cost, wait_ns)
    full_at_ns = tuple(
        NOW_NS
        + data.draw(st.sampled_from([0, limit.unit_ns, limit.window_ns, room]), "edge_ns")
        + data.draw(st.integers(-1, 1) | st.integers(-limit.window_ns, limit.window_ns), "off")
        for limit, room in zip(limits, room_ns, strict=True)
    )
    alone = [
        (SingleLimitArithmetic(limit), (at_ns,), (room,))
        for limit, at_ns, room in zip(limits, full_at_ns, room_ns, strict=True)
    ]
    for joined, separate in (
        (several.bases_ns(NOW_NS), [one.bases_ns(NOW_NS) for one, _, _ in alone]),
        (several.latest_ns(NOW_NS), [one.latest_ns(NOW_NS) for one, _, _ in alone]),
        (several.blocked_ns(NOW_NS), [one.blocked_ns(NOW_NS) for one, _, _ in alone]),
        (several.cost_ns(cost), [one.cost_ns(cost) for one, _, _ in alone]),
        (room_ns, [one.room_ns(cost, wait_ns) for one, _, _ in alone]),
        (several.less(full_at_ns, cost), [one.less(at, cost) for one, at, _ in alone]),
        (several.idle(full_at_ns, NOW_NS), [one.idle(at, NOW_NS) for one, at, _ in alone]),
        (
            several.unspent_ns(cost, wait_ns, full_at_ns, NOW_NS),
            [one.unspent_ns(cost, wait_ns, at, NOW_NS) for one, at, _ in alone],
        ),
    ):
        assert joined == tuple(value for (value,) in separate)
    assert several.full_by_ns(NOW_NS, wait_ns) == max(
        one.full_by_ns(NOW_NS, wait_ns) for one, _, _ in alone
    )
    assert several.fits(full_at_ns, NOW_NS, room_ns) == all(
        one.fits(at, NOW_NS, room) for one, at, room in alone
    )
    assert several.tokens(full_at_ns, NOW_NS, wait_ns) == min(
        one.tokens(at, NOW_NS, wait_ns) for one, at, _ in alone
    )
    every = [one.admitted(at, NOW_NS, None) for one, at, _ in alone]
    reset_after_ns = max(one.reset_after_ns for one in every)
    fewest_left = min(every, key=lambda one: one.remaining)
    assert several.admitted(full_at_ns, NOW_NS, None) == fewest_left._replace(
        reset_after_ns=reset_after_ns, waited_ns=max(one.waited_ns for one in every)
    )
    denials = [
        denial._replace(reset_after_ns=reset_after_ns)
        for one, at, room in alone
        if (denial := one.denial(at, NOW_NS, room, "seen")) is not None
    ]
    longest = max(denials, key=lambda one: one.retry_after_ns, default=None)
    assert several.denial(full_at_ns, NOW_NS, room_ns, "seen") == longest


def test_the_numbers_of_one_limit_are_those_on_paper() -> None:
    limit = Limit(2, 1.0, 20, "bucket")  # a token is due every half second, and 20 after 10 s
    one = arithmetic_for((limit,))
    assert isinstance(one, SingleLimitArithmetic)
    assert isinstance(arithmetic_for((limit, limit)), MultiLimitArithmetic)
    full_at_ns = (NOW_NS + 4 * SECOND_NS,)
    assert one.bases_ns(NOW_NS) == (NOW_NS,)
    assert one.latest_ns(NOW_NS) == (NOW_NS + 10 * SECOND_NS,)
    assert one.full_by_ns(NOW_NS, 7) == NOW_NS + 10 * SECOND_NS + 7
    assert one.blocked_ns(NOW_NS) == (NOW_NS + 19 * SECOND_NS // 2,)
    assert one.cost_ns(3) == (3 * SECOND_NS // 2,)
    assert one.room_ns(4, 7) == (8 * SECOND_NS + 7,)
    assert [one.idle((NOW_NS - off,), NOW_NS) for off in (0, 1)] == [(False,), (True,)]
    assert [one.fits((NOW_NS + 9 + off,), NOW_NS, (9,)) for off in (0, 1)] == [True, False]
    assert [one.fits((NOW_NS - 9,), NOW_NS, (room,)) for room in (0, -1)] == [True, False]
    assert one.tokens(full_at_ns, NOW_NS, 0) == 12
    assert one.tokens(full_at_ns, NOW_NS + SECOND_NS, SECOND_NS + 1) == 11
    assert one.tokens((NOW_NS - 1,), NOW_NS, 0) == 20
    assert one.tokens(full_at_ns, NOW_NS, 6 * SECOND_NS) == 0
    assert one.tokens(full_at_ns, NOW_NS, 7 * SECOND_NS) == 0
    assert [
        one.unspent_ns(3, since, full_at_ns, NOW_NS) for since in (SECOND_NS, 2 * SECOND_NS)
    ] == [
        (SECOND_NS // 2,),
        (0,),
    ]
    assert one.less(full_at_ns, 3) == (NOW_NS + 5 * SECOND_NS // 2,)
    assert one.admitted(full_at_ns, NOW_NS, None) == Decision(
        True, 12, 0, 4 * SECOND_NS, limit, 0, "table", None
    )
    assert one.admitted((NOW_NS + 12 * SECOND_NS,), NOW_NS, None, "lease") == Decision(
        True, 0, 0, 12 * SECOND_NS, limit, 2 * SECOND_NS, "lease", None
    )
    # 14 tokens are worth 7 s, so they fit once 3 s are left.
    assert one.denial(full_at_ns, NOW_NS, one.room_ns(14, 0), "seen") == Decision(
        False, 12, SECOND_NS, 4 * SECOND_NS, limit, 0, "seen", None
    )
    assert one.denial(full_at_ns, NOW_NS, one.room_ns(14, SECOND_NS), "seen") is None
    assert known((3, None, 0)) == (3, -1, 0)


def test_where_a_nanosecond_is_worth_a_token_the_numbers_on_paper_are_exact_too() -> None:
    limit, quota = Limit(1, 1e-9, 3, "fast"), Quota(9, "minute", name="quota")
    for on_key in ((limit,), (limit, limit), (limit, quota)):
        arithmetic = arithmetic_for(on_key)
        room_ns = arithmetic.room_ns(3, 0)
        for ahead_ns, left in ((-1, 3), (0, 3), (1, 2), (2, 1), (3, 0), (4, 0)):
            full_at_ns = (NOW_NS + ahead_ns,) + (0,) * (len(on_key) - 1)
            assert arithmetic.tokens(full_at_ns, NOW_NS, 0) == left
            assert arithmetic.admitted(full_at_ns, NOW_NS, None).remaining == left
            denial = arithmetic.denial(full_at_ns, NOW_NS, room_ns, "seen")
            assert (3 if denial is None else denial.remaining) == left


def test_the_numbers_of_a_quota_beside_a_bucket_are_those_on_paper() -> None:
    bucket, quota = Limit(2, 1.0, 20, "bucket"), Quota(10_000, "minute", name="quota")
    both, alone = arithmetic_for((bucket, quota)), arithmetic_for((quota,))
    start_ns = NOW_NS - NOW_NS % (60 * SECOND_NS)
    now_ns, end_ns = start_ns + 20 * SECOND_NS, start_ns + 60 * SECOND_NS
    full_at_ns = (now_ns + 4 * SECOND_NS, start_ns + 4_000)
    assert both.bases_ns(now_ns) == (now_ns, start_ns)
    assert both.latest_ns(now_ns) == (now_ns + 10 * SECOND_NS, end_ns - 1)
    assert both.full_by_ns(now_ns, 7) == alone.full_by_ns(now_ns, 7) == end_ns + 3_600 * SECOND_NS
    assert both.full_by_ns(now_ns, 3_700 * SECOND_NS) == now_ns + 3_710 * SECOND_NS
    assert both.cost_ns(3) == (3 * SECOND_NS // 2, 3)
    assert both.room_ns(4, 7) == (8 * SECOND_NS + 7, 9_996)
    assert both.room_within_ns((8 * SECOND_NS + 7, 9_996), now_ns) == (8 * SECOND_NS + 7, 9_996)
    assert both.room_within_ns((99 * SECOND_NS, 9_996), now_ns) == (48 * SECOND_NS - 1, 9_996)
    assert both.idle((now_ns - 1, start_ns), now_ns) == (True, False)
    assert both.idle((now_ns, start_ns - 1), now_ns) == (False, True)
    for full_at, room, fits in (
        ((now_ns + 9, start_ns + 9_996), (9, 9_996), True),
        ((now_ns + 10, start_ns), (9, 9_996), False),
        ((now_ns, start_ns + 9_997), (9, 9_996), False),
        ((now_ns - 9, start_ns - 9), (0, 9_980), True),
        ((now_ns - 9, start_ns - 9), (-1, 9_980), False),
    ):
        assert both.fits(full_at, now_ns, room) is fits, (full_at, room)
    assert [alone.fits((start_ns - 9,), now_ns, (room,)) for room in (0, -1)] == [True, False]
    assert both.tokens(full_at_ns, now_ns, 0) == 12
    assert both.tokens(full_at_ns, now_ns + SECOND_NS, SECOND_NS + 1) == 11
    assert both.tokens((now_ns - 1, start_ns + 9_995), now_ns, 0) == 5
    assert both.tokens((now_ns - 1, start_ns - 1), now_ns, 0) == 20
    assert both.tokens((now_ns, start_ns), now_ns, 11 * SECOND_NS) == 0
    assert alone.tokens((start_ns - 9,), now_ns, 11 * SECOND_NS) == 10_000
    assert alone.tokens((start_ns + 10_001,), now_ns, 0) == 0
    assert both.most_leased(9, full_at_ns, now_ns) == 6
    assert both.most_leased(5, full_at_ns, now_ns) == 5
    assert alone.most_leased(99, (start_ns - 9,), now_ns) == 10
    assert alone.most_leased(99, (start_ns + 10_001,), now_ns) == 0
    assert both.lease_ns(now_ns, SECOND_NS) == SECOND_NS
    assert both.lease_ns(now_ns, 99 * SECOND_NS) == 40 * SECOND_NS - 1
    assert alone.lease_ns(now_ns, SECOND_NS) == 40 * SECOND_NS - 1
    assert both.blocked_ns(now_ns) == (now_ns + 19 * SECOND_NS // 2, -1)
    assert [alone.blocked_ns(until) for until in (start_ns, start_ns + 1)] == [
        (start_ns,),
        (end_ns,),
    ]
    assert both.unspent_ns(3, SECOND_NS, full_at_ns, now_ns) == (SECOND_NS // 2, 3)
    assert both.unspent_ns(3, 2 * SECOND_NS, full_at_ns, end_ns) == (0, 0)
    assert both.less(full_at_ns, 3) == (now_ns + 5 * SECOND_NS // 2, start_ns + 3_997)
    assert both.admitted(full_at_ns, now_ns, None) == Decision(
        True, 12, 0, 40 * SECOND_NS, bucket, 0, "table", None
    )
    # As many are left of both, and the first binds; the quota is whole, and was left so.
    assert both.admitted((now_ns - 1, start_ns + 9_980), now_ns, None) == Decision(
        True, 20, 0, 40 * SECOND_NS, bucket, 0, "table", None
    )
    assert both.admitted((now_ns + 12 * SECOND_NS, start_ns), now_ns, None, "lease") == Decision(
        True, 0, 0, 12 * SECOND_NS, bucket, 2 * SECOND_NS, "lease", None
    )
    assert both.admitted((now_ns, start_ns + 9_995), now_ns, None) == Decision(
        True, 5, 0, 40 * SECOND_NS, quota, 0, "table", None
    )
    assert both.admitted((now_ns + 1, start_ns), now_ns, None).remaining == 19
    assert both.admitted((now_ns - 1, start_ns + 10_001), now_ns, None).remaining == 0
    assert both.admitted((now_ns - 1, start_ns - 1), now_ns, None).reset_after_ns == 0
    # 14 tokens are worth 7 s, so they fit once 3 s are left.
    assert both.denial(full_at_ns, now_ns, both.room_ns(14, 0), "seen") == Decision(
        False, 12, SECOND_NS, 40 * SECOND_NS, bucket, 0, "seen", None
    )
    assert both.denial(full_at_ns, now_ns, both.room_ns(14, SECOND_NS), "seen") is None
    assert both.denial((now_ns, start_ns + 9_995), now_ns, both.room_ns(6, 0), "seen") == Decision(
        False, 5, 40 * SECOND_NS, 40 * SECOND_NS, quota, 0, "seen", None
    )
    assert both.denial((now_ns, start_ns + 9_994), now_ns, both.room_ns(6, 0), "seen") is None
