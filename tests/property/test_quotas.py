"""Quotas against the clocks on the wall: each window is told by what they show, and by no sum."""

from __future__ import annotations

import bisect
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import MemoryStore, Quota, RateLimiter
from tests.fake_clock import FakeClock

SECOND_NS = 1_000_000_000
DAY_SECONDS = 86_400
FIRST, LAST = date(2005, 1, 1), date(2031, 1, 1)
DAYS = [FIRST + timedelta(days=each) for each in range((LAST - FIRST).days)]

ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",  # midnight was skipped
        "America/St_Johns",  # clocks were put back over midnight
        "America/Havana",  # midnight comes twice
        "Asia/Kathmandu",
        "Australia/Lord_Howe",  # half an hour
        "Pacific/Apia",  # a day was skipped
    ]
)


def last_until(day: date, anchor: int) -> bool:
    """Whether this is the anchor, or the last day of a month that ends before it."""
    ends = (day + timedelta(days=1)).month != day.month
    return day.day == anchor or (ends and day.day < anchor)


def first_days(quota: Quota) -> list[date]:
    """The days on which windows begin, by looking at each."""
    match quota.period:
        case "day":
            return DAYS
        case "week":
            return [day for day in DAYS if day.isoweekday() == quota.anchor]
        case "month":
            assert isinstance(quota.anchor, int)
            return [day for day in DAYS if last_until(day, quota.anchor)]
    assert isinstance(quota.anchor, tuple)
    month, anchor = quota.anchor
    return [day for day in DAYS if day.month == month and last_until(day, anchor)]


@st.composite
def quotas(draw: st.DrawFn) -> Quota:
    period = draw(st.sampled_from(["day", "week", "month", "year"]))
    anchors = {
        "day": st.none(),
        "week": st.integers(1, 7),
        "month": st.integers(1, 31),
        "year": st.sampled_from([(1, 1), (2, 28), (2, 29), (4, 6), (12, 31)]),
    }
    quantity = draw(st.integers(1, 9))
    return Quota(quantity, period, zone=draw(ZONES), anchor=draw(anchors[period]))


EDGES = [
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2018, 11, 4, 3, tzinfo=UTC),
    datetime(2010, 11, 7, 2, 31, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
]


def instants() -> st.SearchStrategy[int]:
    """Seconds, many of them near changes of a zone, leap days and ends of a month."""
    near = st.builds(
        lambda edge, off: int(edge.timestamp()) + off,
        st.sampled_from(EDGES),
        st.integers(-40 * DAY_SECONDS, 40 * DAY_SECONDS) | st.integers(-7_200, 7_200),
    )
    return near | st.integers(1_150_000_000, 1_850_000_000)


class Wall:
    """The windows as the clocks of a zone show them."""

    def __init__(self, quota: Quota) -> None:
        self._zone = ZoneInfo(quota.zone)
        self._first_days = first_days(quota)

    def shows(self, at_seconds: int) -> int:
        """Which window the clocks show."""
        day = datetime.fromtimestamp(at_seconds, self._zone).date()
        return bisect.bisect_right(self._first_days, day)

    def window(self, at_seconds: int) -> int:
        """The latest window that they have shown: put back, they don't go back to an older one."""
        return max(self.shows(at_seconds - back) for back in range(0, 7_200, 60))


@given(quota=quotas(), at_seconds=instants())
def test_p4_a_quota_is_whole_when_the_clocks_show_the_next_window(
    quota: Quota, at_seconds: int
) -> None:
    clock = FakeClock(at_seconds * SECOND_NS)
    limiter = RateLimiter(MemoryStore(clock=clock), quota)
    assert limiter.acquire("k", cost=quota.quantity)
    denial = limiter.acquire("k")
    assert not denial
    assert denial.retry_after_ns % SECOND_NS == 0
    edge_seconds = at_seconds + denial.retry_after_ns // SECOND_NS
    wall = Wall(quota)
    assert wall.window(edge_seconds - 1) == wall.window(at_seconds), "not before"
    assert wall.shows(edge_seconds) > wall.window(at_seconds), "and then"
    clock.advance_ns(denial.retry_after_ns - 1)
    assert not limiter.acquire("k")
    clock.advance_ns(1)
    assert limiter.acquire("k", cost=quota.quantity)


@given(
    quota=quotas(),
    began_seconds=instants(),
    skews=st.lists(st.integers(-7_200, 7_200), min_size=1, max_size=3),
    calls=st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(1, 5), st.integers(0, DAY_SECONDS * 9), st.booleans()
        ),
        max_size=25,
    ),
)
def test_p1_no_window_admits_more_than_the_quota_whatever_the_clocks(
    quota: Quota,
    began_seconds: int,
    skews: list[int],
    calls: list[tuple[int, int, int, bool]],
) -> None:
    clock = FakeClock(began_seconds * SECOND_NS)
    store, wall = MemoryStore(clock=clock), Wall(quota)
    limiters = [RateLimiter(store, quota, deny_cache=0.0) for _ in skews]
    kept: Counter[int] = Counter()
    now_seconds, latest = began_seconds, 0
    for caller, wanted, gap_seconds, gives_back in calls:
        now_seconds += gap_seconds
        own_seconds = now_seconds + skews[caller % len(skews)]
        clock.now_ns = own_seconds * SECOND_NS
        cost = min(wanted, quota.quantity)
        window = wall.window(own_seconds)
        decision = limiters[caller % len(skews)].acquire("k", cost=cost)
        fits = window >= latest and kept[window] + cost <= quota.quantity
        assert decision.allowed == fits
        if not fits:
            continue
        latest = window
        kept[window] += cost
        assert decision.remaining == quota.quantity - kept[window]
        if gives_back:
            assert limiters[caller % len(skews)].refund(decision)
            kept[window] -= cost
