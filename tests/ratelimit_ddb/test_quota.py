"""Quotas of a calendar: their windows, what they admit, their notation."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ratelimit_ddb import (
    Limit,
    MemoryStore,
    Quota,
    RateLimited,
    RateLimiter,
    StoreUnavailable,
    rate_limited,
)
from ratelimit_ddb.calendar_windows import Window, calendar_of
from ratelimit_ddb.operations.operation import Take
from ratelimit_ddb.web.rules.rules_toml import rules_of_toml
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.ratelimit_ddb.test_hot_keys import SharedStore

SECOND_NS = 1_000_000_000
BERLIN = ZoneInfo("Europe/Berlin")


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND_NS


def limiter_at(
    moment: datetime, *limits: Quota | Limit | str
) -> tuple[RateLimiter, FakeClock, MemoryStore]:
    clock = FakeClock(ns(moment))
    store = MemoryStore(clock=clock)
    return RateLimiter(store, list(limits)), clock, store


def test_a_quota_is_whole_again_at_the_edge_and_not_before() -> None:
    limiter, clock, _ = limiter_at(
        datetime(2026, 1, 31, 22, 59, 58, tzinfo=UTC), Quota(3, "month", zone="Europe/Berlin")
    )
    assert [limiter.acquire("k").remaining for _ in range(3)] == [2, 1, 0]
    denial = limiter.acquire("k")
    assert not denial
    assert denial.retry_after == 2.0
    assert denial.reset_after == 2.0
    clock.advance(2.0 - 1e-9)
    assert not limiter.acquire("k")
    clock.advance(1e-9)
    assert [limiter.acquire("k").allowed for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 11, 1), 24)]
)
def test_a_day_has_23_or_25_hours_where_the_clocks_are_changed(
    day: tuple[int, int, int], hours: int
) -> None:
    midnight = datetime(*day, tzinfo=BERLIN)
    limiter, _, _ = limiter_at(midnight, Quota(1, "day", zone="Europe/Berlin"))
    assert limiter.acquire("k")
    assert limiter.acquire("k").retry_after == hours * 3_600


@pytest.mark.parametrize(
    ("now", "edge"),
    [
        ((2026, 1, 31), (2026, 2, 28)),
        ((2026, 2, 27), (2026, 2, 28)),
        ((2026, 2, 28), (2026, 3, 31)),
        ((2028, 2, 28), (2028, 2, 29)),
        ((2028, 2, 29), (2028, 3, 31)),
        ((2026, 4, 29), (2026, 4, 30)),
        ((2026, 12, 31), (2027, 1, 31)),
    ],
)
def test_an_anchor_on_the_31st_is_the_last_day_of_a_shorter_month(
    now: tuple[int, int, int], edge: tuple[int, int, int]
) -> None:
    began = datetime(*now, tzinfo=UTC)
    limiter, _, _ = limiter_at(began, Quota(1, "month", anchor=31))
    assert limiter.acquire("k")
    assert limiter.acquire("k").retry_after == (datetime(*edge, tzinfo=UTC) - began).total_seconds()


@pytest.mark.parametrize(
    ("quota", "now", "edge"),
    [
        (Quota(1, "week"), "2026-11-29", "2026-11-30"),
        (Quota(1, "week", anchor=7), "2026-11-29", "2026-12-06"),
        (Quota(1, "year"), "2026-11-29", "2027-01-01"),
        (Quota(1, "year", anchor=(4, 6)), "2026-04-05", "2026-04-06"),
        (Quota(1, "year", anchor=(2, 29)), "2026-02-28", "2027-02-28"),
        (Quota(1, "year", anchor=(2, 29)), "2027-02-28", "2028-02-29"),
        (Quota(1, "hour"), "2026-11-29T07:59:00", "2026-11-29T08:00:00"),
        (Quota(1, "minute"), "2026-11-29T07:59:58", "2026-11-29T08:00:00"),
    ],
)
def test_weeks_are_iso_weeks_and_years_have_an_anchor(quota: Quota, now: str, edge: str) -> None:
    began, ends = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, edge))
    limiter, _, _ = limiter_at(began, quota)
    assert limiter.acquire("k")
    assert limiter.acquire("k").retry_after == (ends - began).total_seconds()


def test_p5_a_quota_beside_a_bucket_takes_of_both_or_of_none() -> None:
    limiter, clock, _ = limiter_at(
        datetime(2026, 5, 1, tzinfo=UTC), Quota(3, "day"), Limit(2, 1.0, name="second")
    )
    assert [limiter.acquire("k").allowed for _ in range(3)] == [True, True, False]
    clock.advance(1.0)
    assert [limiter.acquire("k").allowed for _ in range(2)] == [True, False]
    denial = limiter.acquire("k")
    assert isinstance(denial.limit, Quota)
    assert denial.retry_after == 86_399.0


def test_a_decision_tells_what_is_left_of_the_bucket_beside_a_quota_too() -> None:
    limiter, clock, _ = limiter_at(
        datetime(2026, 5, 1, tzinfo=UTC), Quota(100, "month"), "10/minute"
    )
    decision = limiter.acquire("k", cost=3)
    assert (decision.remaining, str(decision.limit)) == (7, "10 per minute")
    clock.advance(6)
    assert limiter.peek("k").remaining == 8


def test_a_refund_gives_back_within_the_window_and_nothing_to_the_next() -> None:
    limiter, clock, _ = limiter_at(datetime(2026, 5, 1, 12, tzinfo=UTC), Quota(5, "day"))
    first, second, third = (limiter.acquire("k", cost=1) for _ in range(3))
    clock.advance(3_600)
    assert limiter.refund(first)
    assert limiter.refund(second)
    assert limiter.peek("k").remaining == 4
    clock.advance(11 * 3_600)
    assert limiter.acquire("k", cost=5)
    assert not limiter.refund(third)
    assert not limiter.acquire("k")


def test_who_waits_for_a_bucket_does_not_wait_over_the_edge() -> None:
    limiter, clock, _ = limiter_at(
        datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC),
        Quota(10, "day"),
        Limit(1, 2.0, name="pace"),
    )
    assert limiter.acquire("k")
    # The token is due a second after midnight: from midnight on the wait is within one window.
    denial = limiter.acquire("k", max_wait=2.0)
    assert not denial
    assert denial.retry_after == 1.0
    clock.advance(1.0 - 1e-9)
    assert not limiter.acquire("k", max_wait=1.5)


@pytest.mark.parametrize(
    ("after_ns", "waits"), [(900_000_000, True), (949_999_999, True), (950_000_000, False)]
)
def test_a_process_that_has_seen_nothing_of_a_key_does_not_wait_over_the_edge_either(
    after_ns: int, waits: bool
) -> None:
    limits = (Quota(10, "day"), Limit(1, 0.05, name="pace"))
    here, clock, store = limiter_at(datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC), *limits)
    elsewhere = RateLimiter(store, list(limits))
    clock.advance_ns(after_ns)
    assert here.acquire("k")
    # A token is due 50 ms later, and from midnight on the quota's would be of another window.
    decision = elsewhere.acquire("k", max_wait=0.05)
    assert (decision.allowed, decision.waited) == (waits, 0.05 if waits else 0.0)


@pytest.mark.parametrize("in_process", [True, False])
def test_who_may_not_wait_over_the_edge_is_told_to_come_back_at_it(in_process: bool) -> None:
    limits = (Quota(10, "day"), Limit(1, 1.1, name="pace"))
    clock = FakeClock(ns(datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC)))
    store = MemoryStore(clock=clock)
    store.in_process = in_process
    here, elsewhere = (RateLimiter(store, list(limits)) for _ in range(2))
    asks_always = RateLimiter(store, list(limits), deny_cache=0)
    clock.advance(0.9)
    assert here.acquire("k")
    assert elsewhere.acquire("k", max_wait=2).retry_after == 0.1
    for _ in range(2):  # the second write tries the right branch at once
        assert asks_always.acquire("k", max_wait=2).retry_after == 0.1


def test_an_item_is_kept_until_all_of_its_limits_are_full_and_an_hour_beyond_a_window() -> None:
    store = FlakyStore()
    store.time.now_ns = ns(datetime(2026, 5, 1, 10, tzinfo=UTC))
    for bucket in (Limit(10, 7 * 86_400), Limit(1, 1)):
        RateLimiter(store, [Quota(10, "day"), bucket]).acquire(str(bucket))
    kept = [take.expires_at_seconds for take in store.operations if isinstance(take, Take)]
    assert kept == [
        int(datetime(2026, 5, 8, 10, tzinfo=UTC).timestamp()),
        int(datetime(2026, 5, 2, 1, tzinfo=UTC).timestamp()),
    ]


def test_a_changed_quantity_under_one_name_keeps_what_was_used() -> None:
    limiter, _, store = limiter_at(
        datetime(2026, 5, 1, tzinfo=UTC), Quota(100, "month", name="monthly")
    )
    limiter.acquire("k", cost=90)
    more = RateLimiter(store, Quota(200, "month", name="monthly"))
    assert more.peek("k").remaining == 110


def test_a_block_of_a_quota_lasts_to_the_next_edge() -> None:
    limiter, clock, _ = limiter_at(datetime(2026, 5, 1, 12, tzinfo=UTC), Quota(5, "hour"))
    limiter.block("k", 1_800)
    assert not limiter.acquire("k")
    assert limiter.acquire("k").retry_after == 3_600
    clock.advance(3_600)
    assert limiter.acquire("k", cost=5)


def test_a_charge_beyond_a_quota_denies_the_rest_of_its_window() -> None:
    limiter, clock, _ = limiter_at(datetime(2026, 5, 1, 12, tzinfo=UTC), Quota(5, "hour"))
    limiter.charge("k", 50)
    assert limiter.acquire("k").retry_after == 3_600
    with pytest.raises(ValueError, match=r"must be at most \d+, as a quota of a hour"):
        limiter.charge("k", 10**13)
    limiter.charge("k", 10**12)
    clock.advance(3_600)
    assert limiter.acquire("k", cost=5)


@pytest.mark.parametrize(
    ("notation", "quota"),
    [
        ("10000 per calendar month", Quota(10_000, "month")),
        ("5/calendar day", Quota(5, "day")),
        ("5 per Calendar Day in Europe/Berlin", Quota(5, "day", zone="Europe/Berlin")),
        (
            "10000 per calendar month in Europe/Berlin anchor 15",
            Quota(10_000, "month", zone="Europe/Berlin", anchor=15),
        ),
        ("7 per calendar year anchor 04-06", Quota(7, "year", anchor=(4, 6))),
    ],
)
def test_the_notation_says_all_of_a_quota(notation: str, quota: Quota) -> None:
    assert " " not in quota.name
    assert quota.name.split("-per-")[1].startswith(f"calendar-{quota.period}")
    assert Quota.parse(notation) == quota
    assert Quota.parse(str(quota)) == quota
    assert Quota.parse(notation, name="named").name == "named"
    assert RateLimiter(MemoryStore(), notation).limits == (quota,)
    assert pickle.loads(pickle.dumps(quota)) == quota


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Quota(0, "day"), "quantity 0: must be at least 1"),
        (lambda: Quota(10**11, "minute"), "must be at most 30000000000 in a minute"),
        (lambda: Quota(1, "fortnight"), "period 'fortnight': must be one of minute, hour"),
        (lambda: Quota(1, "day", zone="Europe/Atlantis"), "zone 'Europe/Atlantis': must be a name"),
        (lambda: Quota(1, "day", zone="localtime"), "zone 'localtime': must be a name"),
        (lambda: Quota(1, "day", zone="../etc/passwd"), "must be a name of the IANA"),
        (lambda: Quota(1, "day", anchor=1), "a day has none; weeks, months and years have"),
        (lambda: Quota(1, "month", anchor=32), "day of the month must be from 1 to 31"),
        (lambda: Quota(1, "week", anchor=8), "anchor 8: the day of the week (1 is Monday) must be"),
        (lambda: Quota(1, "year", anchor=(13, 1)), "anchor 13: the month must be from 1 to 12"),
        (lambda: Quota(1, "year", anchor=(2, 30)), "the day must be from 1 to 29"),
        (lambda: Quota(1, "day", name="a b"), "limit name 'a b'"),
        (lambda: Quota.parse("5 per calendar fortnight"), "write '10000 per calendar month'"),
        (lambda: Limit.parse("5 per calendar month"), "Quota"),
        (lambda: Limit.parse("5 per month"), "5 per calendar month"),
    ],
)
def test_a_misused_quota_says_the_value_and_the_rule(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("period", "anchor", "message"),
    [
        ("month", True, "anchor True: the day of the month must be an int"),
        ("month", "1", "anchor '1': the day of the month must be an int"),
        ("year", 4, "anchor 4: of a year must be (month, day)"),
        ("year", (4, 6, 2), "anchor (4, 6, 2): of a year must be (month, day)"),
    ],
)
def test_an_anchor_is_an_int_or_of_a_year_two(period: str, anchor: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        Quota(1, period, anchor=anchor)


def test_the_largest_quota_is_half_of_its_shortest_window_in_nanoseconds() -> None:
    assert Quota(30_000_000_000, "minute").burst == 30_000_000_000
    with pytest.raises(ValueError, match="quantity 30000000001: must be at most 30000000000"):
        Quota(30_000_000_001, "minute")


def heated(clock: FakeClock, *limits: Quota | Limit) -> tuple[SharedStore, RateLimiter]:
    """A limiter that holds a lease."""
    store = SharedStore(clock)
    limiter = RateLimiter(store, limits)
    for _ in range(400):
        if limiter.acquire("k").source == "lease":
            return store, limiter
        clock.advance(0.002)
    raise AssertionError("no lease")


def test_p1_a_lease_of_a_quota_lasts_until_the_edge_and_not_over_it() -> None:
    clock = FakeClock(ns(datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC)))
    store, limiter = heated(clock, Quota(1_000_000, "minute"))
    writes = len(store.takes)
    clock.advance(50)
    assert limiter.acquire("k").source == "lease"
    assert len(store.takes) == writes
    clock.now_ns = ns(datetime(2026, 5, 1, 12, 1, tzinfo=UTC))
    decision = limiter.acquire("k")
    assert decision.source == "table"
    assert decision.taken is not None
    # A second write, at the edge: in the new window, and nothing of the old one.
    assert decision.taken.full_at_ns[0] - clock.now_ns >= 1
    assert store.takes[-1].base_ns == (clock.now_ns,)


def test_p1_a_lease_beside_a_bucket_lasts_as_long_as_the_buckets_and_not_over_the_edge() -> None:
    clock = FakeClock(ns(datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC)))
    store, _ = heated(clock, Quota(1_000_000, "minute"), Limit(1_000, 1.0))
    lease = next(take for take in reversed(store.takes) if take.leased_until_ns)
    assert lease.leased_until_ns - lease.now_ns == 250_000_000
    assert lease.base_ns == (ns(datetime(2026, 5, 1, 12, tzinfo=UTC)), lease.leased_until_ns)


def test_of_a_quota_a_thousandth_of_what_is_left_is_leased_in_whole_tokens() -> None:
    clock = FakeClock(ns(datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC)))
    store, _ = heated(clock, Quota(3_800, "minute"))
    assert store.takes[-1].cost_ns == (1 + 3,)


def test_of_a_small_quota_nothing_is_leased() -> None:
    clock = FakeClock(ns(datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC)))
    with pytest.raises(AssertionError, match="no lease"):
        heated(clock, Quota(900, "minute"))


def test_hours_follow_the_clocks_of_their_zone() -> None:
    # 02:00 comes twice in Berlin, and on Lord Howe half an hour does.
    for zone, began, hours in (
        ("Europe/Berlin", "2026-10-24T23:30", [0.5, 1.0, 1.0, 1.0]),
        ("Asia/Kathmandu", "2026-10-24T23:30", [0.75, 1.0]),
        ("Australia/Lord_Howe", "2026-04-04T14:00", [1.5, 1.0]),
        ("Australia/Lord_Howe", "2026-10-03T14:30", [1.5, 1.0]),
    ):
        moment = datetime.fromisoformat(began).replace(tzinfo=UTC)
        limiter, clock, _ = limiter_at(moment, Quota(1, "hour", zone=zone))
        for each in hours:
            assert limiter.acquire("k")
            assert limiter.acquire("k").retry_after == each * 3_600, (zone, began)
            clock.advance(each * 3_600)


@pytest.mark.parametrize(
    ("period", "zone", "anchor", "moment"),
    [
        ("hour", "Europe/Berlin", None, "2026-03-29T01:00"),  # 02:00 is skipped
        ("hour", "Europe/Berlin", None, "2026-10-25T01:00"),  # 02:00 comes twice
        ("hour", "Australia/Lord_Howe", None, "2026-04-04T15:00"),  # half an hour does
        ("hour", "Australia/Lord_Howe", None, "2026-10-03T15:30"),
        ("hour", "Asia/Kathmandu", None, "1985-12-31T18:30"),  # a quarter of an hour is
        ("day", "America/Sao_Paulo", None, "2018-02-18T02:00"),  # 23:00 comes twice
        ("day", "America/Toronto", None, "1919-03-31T04:30"),  # from 23:30 to 00:30
        ("day", "America/St_Johns", None, "2010-11-07T02:31"),  # from 00:01 back to 23:01
        ("hour", "America/St_Johns", None, "2010-11-07T02:31"),
        ("hour", "America/St_Johns", None, "2010-03-14T03:31"),
        ("minute", "Africa/Monrovia", None, "1972-01-07T00:44:30"),  # 44.5 minutes are skipped
        ("day", "Africa/Cairo", None, "2024-04-25T22:00"),  # midnight is skipped
        ("day", "America/Havana", None, "2024-11-03T05:00"),  # midnight comes twice
        ("day", "Pacific/Apia", None, "2011-12-30T10:00"),  # a day is skipped
        ("week", "America/Sao_Paulo", 7, "2018-11-04T03:00"),
        ("month", "UTC", 31, "2026-03-31T00:00"),
        ("year", "UTC", (2, 29), "2027-02-28T00:00"),
    ],
)
def test_windows_follow_each_other_without_gap_or_overlap_where_clocks_are_changed(
    period: str, zone: str, anchor: Any, moment: str
) -> None:
    at_ns = ns(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    def window_at(now_ns: int) -> Window:
        return calendar_of.__wrapped__(period, zone, anchor).window_at(now_ns)

    before, after = window_at(at_ns - 1), window_at(at_ns)
    assert before.start_ns <= at_ns - 1 < before.end_ns
    assert after.start_ns <= at_ns < after.end_ns
    for window in (before, after, window_at(after.end_ns)):
        assert {type(edge_ns) for edge_ns in window} == {int}
        for now_ns in (window.start_ns, sum(window) // 2, window.end_ns - 1):
            assert window_at(now_ns) == window
        assert window_at(window.end_ns).start_ns == window.end_ns
        assert window_at(window.start_ns - 1).end_ns == window.start_ns


def test_p10_an_outage_keeps_what_was_used_of_the_window() -> None:
    store = FlakyStore()
    limiter = RateLimiter(store, Quota(5, "year"), on_outage="local")
    assert limiter.acquire("k", cost=4)
    store.failure = StoreUnavailable("down")
    assert limiter.acquire("k")
    assert not limiter.acquire("k")


def test_a_function_and_a_rule_of_a_file_have_quotas() -> None:
    @rate_limited("1 per calendar year in Europe/Berlin", key="all", store=MemoryStore())
    def once() -> None: ...

    once()
    with pytest.raises(RateLimited, match="over 1 per calendar year in Europe/Berlin"):
        once()
    text = b'[[rule]]\npath = "/*"\nlimits = ["5 per calendar day", "1/second"]\n'
    (rule,) = rules_of_toml(text, "rules.toml", {})
    assert rule.limits == (Quota(5, "day"), Limit(1, 1.0))
