"""What an item tells of its key's use, against what the limiter says of the same key."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, Quota, RateLimiter
from ratelimit_ddb.cli.key_usage import usage_of
from ratelimit_ddb.cli.limit_of_name import limit_of_name
from ratelimit_ddb.cli.most_used import MostUsed
from ratelimit_ddb.limit import SECOND_NS, AnyLimit
from ratelimit_ddb.operations.scan_operation import ScannedItem
from tests.fake_clock import FakeClock
from tests.table_fake import item

NOW_NS = 1_795_950_101 * SECOND_NS

LIMITS: list[AnyLimit] = [
    Limit(5, 3_600),
    Limit(10, 1, 50),
    Limit(3, 10),
    Limit(1, 0.25, 7),
    Quota(20, "minute"),
    Quota(20, "day", zone="Europe/Berlin"),
    Quota(7, "week", anchor=3),
    Quota(7, "month", anchor=31, zone="Etc/GMT-3"),
    Quota(9, "year", zone="America/Port-au-Prince", anchor=(4, 6)),
]


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_a_limit_is_known_by_its_attribute(limit: AnyLimit) -> None:
    assert limit_of_name(limit.name) == limit


@pytest.mark.parametrize(
    "name", ["plan", "010-per-second", "5-per-fortnight", "5-per-calendar-day-in-Mars/Utopia", ""]
)
def test_a_name_that_was_given_is_no_limit(name: str) -> None:
    assert limit_of_name(name) is None


def stored_item(store: MemoryStore, key: str) -> ScannedItem:
    return ScannedItem(key, dict(store._items[key]), 1, None, None)


@pytest.mark.parametrize("limit", LIMITS, ids=str)
@settings(max_examples=40)
@given(
    taken=st.lists(st.integers(1, 3), max_size=5),
    owed=st.integers(0, 30),
    passed_ns=st.integers(0, 3_600 * SECOND_NS),
)
def test_what_is_used_is_what_the_limiter_says(
    limit: AnyLimit, taken: list[int], owed: int, passed_ns: int
) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    limiter = RateLimiter(store, limit, deny_cache=0)
    for cost in taken:
        limiter.acquire("ada", cost=cost)
    limiter.charge("ada", owed)
    clock.advance_ns(passed_ns)
    usage = usage_of(stored_item(store, "ada"), store.clock.now_ns(), {}) if store._items else None
    peeked = limiter.peek("ada")
    if usage is None:
        assert peeked.remaining == limit.burst
        return
    (of_limit,) = usage.limits
    assert of_limit.limit == limit
    assert of_limit.used is not None
    assert of_limit.share is not None
    assert peeked.remaining == max(0, limit.burst - of_limit.used)
    assert of_limit.denied_for == peeked.retry_after
    assert of_limit.full_after == peeked.reset_after
    assert (of_limit.used - 1) / limit.burst < of_limit.share <= of_limit.used / limit.burst


@pytest.mark.parametrize("limit", [Limit(5, 3_600), Quota(5, "day")], ids=str)
def test_a_block_is_shown_as_all_of_it_and_denies_for_as_long(limit: AnyLimit) -> None:
    store = MemoryStore(clock=FakeClock())
    limiter = RateLimiter(store, limit)
    limiter.block("ada", 3 * 86_400)
    usage = usage_of(stored_item(store, "ada"), store.clock.now_ns(), {})
    assert usage is not None
    assert usage.share >= 1
    assert usage.limits[0].denied_for >= 3 * 86_400
    assert usage.limits[0].denied_for == limiter.peek("ada").retry_after


def test_the_limit_of_which_most_is_used_comes_first_and_what_is_full_is_left_out() -> None:
    second = SECOND_NS
    found = usage_of(
        item(
            "ada",
            **{
                "10-per-minute": NOW_NS + 12 * second,
                "100-per-hour": NOW_NS + 1_800 * second,
                "5-per-second": NOW_NS - second,
                ":violations": NOW_NS + 900 * second,
                ":blocked": NOW_NS + 900 * second,
            },
        ),
        NOW_NS,
        {},
    )
    assert found is not None
    assert [(one.name, one.share) for one in found.limits] == [
        ("100-per-hour", 0.5),
        ("10-per-minute", 0.2),
    ]
    assert usage_of(item("ada", **{"5-per-second": NOW_NS}), NOW_NS, {}) is None


def test_a_name_that_was_given_says_no_share_unless_it_is_told() -> None:
    named = item("ada", plan=NOW_NS + 30 * SECOND_NS)
    unknown = usage_of(named, NOW_NS, {})
    assert unknown is not None
    assert unknown.limits[0][:4] == ("plan", None, None, None)
    assert unknown.limits[0].full_after == 30.0
    assert unknown.share == 0.0
    told = usage_of(named, NOW_NS, {"plan": Limit(10, 60, name="plan")})
    assert told is not None
    assert (told.limits[0].share, told.limits[0].used) == (0.5, 5)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=60), st.integers(1, 10))
def test_those_that_are_kept_are_the_most_used(used: list[tuple[int, int]], kept: int) -> None:
    usages = [
        usage_of(
            item(f"k{index}", writes, **{"60-per-minute": NOW_NS + seconds * SECOND_NS}),
            NOW_NS,
            {},
        )
        for index, (seconds, writes) in enumerate(used)
    ]
    by_share, by_writes = MostUsed(kept, "share"), MostUsed(kept, "writes")
    for usage in usages:
        assert usage is not None
        by_share.add(usage)
        by_writes.add(usage)
    ranked = [(round(one.share * 60), one.writes) for one in by_share.ranked()]
    assert ranked == sorted(used, reverse=True)[:kept]
    ranked = [(one.writes, round(one.share * 60)) for one in by_writes.ranked()]
    assert ranked == sorted(((writes, share) for share, writes in used), reverse=True)[:kept]
