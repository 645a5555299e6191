"""Limits: what they mean, and what can't hold."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from ratelimit_ddb.limit import duration_ns, parse_limits

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("notation", "quantity", "period_seconds", "burst", "name"),
    [
        ("100/minute", 100, 60, 100, "100-per-minute"),
        ("10/second burst 50", 10, 1, 50, "10-per-second-burst-50"),
        ("3 per 10 seconds", 3, 10, 3, "3-per-10-seconds"),
        ("3/10s", 3, 10, 3, "3-per-10-seconds"),
        (" 1000 / Hour ", 1_000, 3_600, 1_000, "1000-per-hour"),
        ("1000 PER HR BURST 1", 1_000, 3_600, 1, "1000-per-hour-burst-1"),
        ("5/60seconds", 5, 60, 5, "5-per-minute"),
        ("1/day", 1, 86_400, 1, "1-per-day"),
        ("1/24h", 1, 86_400, 1, "1-per-day"),
        ("2 per 2 w", 2, 1_209_600, 2, "2-per-2-weeks"),
        ("1/250ms", 1, 0.25, 1, "1-per-250-milliseconds"),
        ("1/m", 1, 60, 1, "1-per-minute"),
        ("7/2mins burst 9", 7, 120, 9, "7-per-2-minutes-burst-9"),
    ],
)
def test_a_notation_is_read(
    notation: str, quantity: int, period_seconds: float, burst: int, name: str
) -> None:
    limit = Limit.parse(notation)
    assert limit == Limit(quantity, period_seconds, burst, name)
    assert (limit.quantity, limit.period_seconds) == (quantity, period_seconds)
    assert (limit.burst, limit.name) == (burst, name)


@pytest.mark.parametrize(
    "notation",
    [
        "",
        "100",
        "/minute",
        "100/",
        "100/fortnight",
        "-1/second",
        "1.5/second",
        "100perminute",
        "100/minute burst",
        "100/minute burst 1.5",
        "100/minute burst -1",
        "100/minute extra",
        "100 minute",
        "\u0661/second",
        "0/second",
        "1/0 seconds",
        "1/second burst 0",
    ],
)
def test_a_notation_that_means_nothing_is_refused(notation: str) -> None:
    with pytest.raises(ValueError):
        Limit.parse(notation)


def test_an_unknown_notation_is_named_with_what_to_write() -> None:
    with pytest.raises(ValueError, match=r"'fast'.*'100/minute'"):
        Limit.parse("fast")


@pytest.mark.parametrize(
    ("notation", "says"),
    [
        ("5/minute;100/hour", "write several limits as a list, ['5/minute', '100/hour']"),
        ("5/minute, 100 per hour", "as a list, ['5/minute', '100 per hour']"),
        ("5/minute and 100/hour burst 7", "as a list, ['5/minute', '100/hour burst 7']"),
        ("5/minute | 100/hour;", "as a list, ['5/minute', '100/hour']"),
        ("5/minute 100/hour", "as a list, ['5/minute', '100/hour']"),
        ("5/minute\n100/hour", "as a list, ['5/minute', '100/hour']"),
        ("1000/month", "a month has no length of its own, so write '1000 per 30 days'"),
        ("1000 per 2 Months burst 5", "so write '1000 per 60 days burst 5'"),
        ("5/mo", "a month has no length of its own, so write '5 per 30 days'"),
        ("5/year", "a year has no length of its own, so write '5 per 365 days'"),
        ("10_000/day", "in digits alone: write '10000 per day'"),
        ("10,000/day", "write '10000 per day'"),
        ("1 000 000 per week", "write '1000000 per 7 days'"),
        ("10_000/mins", "write '10000 per minute'"),
        ("1/second burst 50_000", "write '1 per second burst 50000'"),
        ("2.5/h", "write '5 per 2 hours'"),
        ("10k/hour", "write '10000 per hour'"),
        ("1.5/second", "quantities are whole numbers, in digits alone: write '3 per 2 seconds'"),
        ("0.5/minutes", "write '1 per 2 minutes'"),
        ("10 requests per minute", "write '10 per minute'"),
        ("10 req/s", "write '10 per second'"),
        ("1k tokens a day burst 50", "write '1000 per day burst 50'"),
        ("100/1.5 hours", "write '100 per 90 minutes'"),
    ],
)
def test_what_is_written_otherwise_is_refused_with_how_to_write_it(
    notation: str, says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(f"limit {notation!r}: ")) as refused:
        Limit.parse(notation)
    assert says in str(refused.value)
    for advised in re.findall("'([^']+)'", says):
        Limit.parse(advised)


@pytest.mark.parametrize(
    "notation",
    [
        "0.0/second",
        "1/month more",
        "1/fortnight",
        "1/,5 days",
        "10k/day burst 1.5",
        "5/minute burst 10/hour",
        "5/minute or 100/hour",
    ],
)
def test_what_has_no_other_writing_is_told_the_notation(notation: str) -> None:
    with pytest.raises(ValueError, match="write '100/minute', '10/second burst 50'"):
        Limit.parse(notation)


@pytest.mark.parametrize("notation", [None, 5, b"5/minute", ["5/minute"]])
def test_what_is_no_text_is_no_notation(notation: Any) -> None:
    with pytest.raises(TypeError, match="must be a str such as '100/minute'"):
        Limit.parse(notation)


def test_limits_of_one_period_are_equal_however_the_float_came_about() -> None:
    """They are one bucket, and what is taken of the one is given back to the other."""
    one, other = Limit(5, 0.3), Limit(5, 0.1 + 0.2)
    assert one.period_seconds != other.period_seconds
    assert (str(one), one.name) == (str(other), other.name)
    assert one == other
    assert hash(one) == hash(other)
    assert one != Limit(5, 0.300_000_001)
    store = MemoryStore()
    assert RateLimiter(store, other).refund(RateLimiter(store, one).acquire("key"))


def test_a_name_can_be_given() -> None:
    assert Limit.parse("5/minute", name="login").name == "login"
    assert Limit(5, 60, name="login").name == "login"


@pytest.mark.parametrize(
    ("quantity", "period_seconds", "unit_ns"),
    [(1, 1, SECOND_NS), (3, 10, 3_333_333_334), (100, 60, 600_000_000), (1, 1e-9, 1)],
)
def test_a_token_is_due_each_unit_rounded_up(
    quantity: int, period_seconds: float, unit_ns: int
) -> None:
    limit = Limit(quantity, period_seconds, burst=7)
    assert limit.unit_ns == unit_ns
    assert limit.window_ns == 7 * unit_ns


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Limit(100, 60), "100 per minute"),
        (Limit(10, 1, 50), "10 per second burst 50"),
        (Limit(3, 10), "3 per 10 seconds"),
        (Limit(3, 0.25), "3 per 250 milliseconds"),
        (Limit(1, 1.000000001), "1 per 1000000001 nanoseconds"),
    ],
)
def test_a_limit_is_written_in_the_notation(given: Limit, text: str) -> None:
    assert str(given) == text
    assert Limit.parse(text) == given


@pytest.mark.parametrize(
    ("quantity", "period_seconds", "burst", "error", "says"),
    [
        (0, 1, None, ValueError, "quantity 0"),
        (-1, 1, None, ValueError, "quantity -1"),
        (1.5, 1, None, ValueError, "quantity 1.5"),
        (float("nan"), 1, None, ValueError, "quantity nan"),
        ("1", 1, None, TypeError, "quantity '1'"),
        (True, 1, None, TypeError, "quantity True"),
        (1, 1, 0, ValueError, "burst 0"),
        (1, 1, 2.0, ValueError, "burst 2.0"),
        (1, 1, "2", TypeError, "burst '2'"),
        (1, 0, None, ValueError, "period_seconds 0"),
        (1, -1, None, ValueError, "period_seconds -1"),
        (1, 1e-10, None, ValueError, "period_seconds 1e-10"),
        (1, float("inf"), None, ValueError, "period_seconds inf"),
        (1, float("nan"), None, ValueError, "period_seconds nan"),
        (1, "1", None, TypeError, "period_seconds '1'"),
        (1, True, None, TypeError, "period_seconds True"),
        (1_000_000_000, 0.5, None, ValueError, "rounding it up"),
        (1, 86_400, 3_661, ValueError, "ten years"),
    ],
)
def test_a_limit_that_cannot_hold_is_refused(
    quantity: Any, period_seconds: Any, burst: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Limit(quantity, period_seconds, burst)


@pytest.mark.parametrize(
    "period_seconds", [1e300, 10**400], ids=["more nanoseconds than a float", "no float at all"]
)
def test_an_endless_period_is_refused_as_any_that_cannot_hold(period_seconds: float) -> None:
    with pytest.raises(ValueError):
        Limit(1, period_seconds)


@pytest.mark.parametrize(("digits", "shown"), [(8, "60479999395200.0"), (190, "6.048e+195")])
def test_an_endless_notation_is_refused_with_its_period(digits: int, shown: str) -> None:
    with pytest.raises(ValueError, match=f"period_seconds {re.escape(shown)}: .*ten years"):
        Limit.parse(f"1/{'9' * digits} weeks")
    with pytest.raises(ValueError, match="at most 200 characters"):
        Limit.parse(f"1/{'9' * 400} weeks")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "x" * 65])
def test_a_name_that_no_attribute_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="limit name"):
        Limit(1, 1, name=name)


def test_one_limit_or_several_are_taken() -> None:
    limit = Limit(5, 60)
    assert parse_limits("5/minute") == parse_limits(limit) == (limit,)
    assert parse_limits(["10/second", limit]) == (Limit(10, 1), limit)
    assert parse_limits(one for one in ("1/second", "1/hour")) == (Limit(1, 1), Limit(1, 3_600))


def test_two_limits_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="'10-per-minute'"):
        parse_limits(["10/minute", "10/60 seconds"])
    with pytest.raises(ValueError, match="'api'"):
        parse_limits([Limit(5, 60, name="api"), Limit(10, 60, name="api")])
    assert len(parse_limits(["10/minute", Limit(10, 60, name="other")])) == 2


def test_a_key_has_as_many_limits_as_one_write_can_decide_on() -> None:
    assert len(parse_limits(f"{n}/hour" for n in range(1, 51))) == 50
    with pytest.raises(ValueError, match="limits, 51 of them: must be at most 50"):
        parse_limits(f"{n}/hour" for n in range(1, 52))


def test_limits_of_equal_periods_have_names_of_their_own() -> None:
    assert len(parse_limits(["5/minute", "10/minute", "10/minute burst 4"])) == 3


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ([], ValueError, r"limits \[\]"),
        ([5], TypeError, "limit 5"),
        (5, TypeError, "limits 5"),
        (None, TypeError, "limits None"),
        (b"5/minute", TypeError, "limits b'5/minute'"),
    ],
)
def test_what_is_no_limit_is_refused(given: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        parse_limits(given)


TEN_YEARS_SECONDS = 3_660 * 86_400


def test_the_bounds_of_a_limit_are_among_what_is_taken() -> None:
    assert Limit(1, TEN_YEARS_SECONDS).window_ns == TEN_YEARS_SECONDS * 10**9
    # A token's time is 10.99 ns and counted as 11: exactly 0.1 % is lost.
    assert Limit(91_000, 0.001, burst=1).unit_ns == 11
    with pytest.raises(ValueError, match="rounding it up"):
        Limit(91_001, 0.001, burst=1)
    assert Limit.parse("1/second".ljust(200)) == Limit(1, 1)


@pytest.mark.parametrize("period_seconds", [0, -1, TEN_YEARS_SECONDS + 1])
def test_a_period_that_is_out_of_bounds_is_named(period_seconds: float) -> None:
    told = f"period_seconds {period_seconds}: must be more than 0, and at most ten years"
    with pytest.raises(ValueError, match=re.escape(told)):
        Limit(1_000, period_seconds, burst=1)


@pytest.mark.parametrize(
    ("given", "nanoseconds"),
    [
        (0, 0),
        (0.5, 5 * 10**8),
        (TEN_YEARS_SECONDS, TEN_YEARS_SECONDS * 10**9),
        (" 10 Minutes ", 600 * 10**9),
        ("1 hour".ljust(200), 3_600 * 10**9),
    ],
)
def test_a_duration_is_seconds_or_a_count_of_a_unit(given: float | str, nanoseconds: int) -> None:
    assert duration_ns("block_for", given) == nanoseconds


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (True, TypeError, "block_for True: must be seconds"),
        (None, TypeError, "block_for None: must be seconds"),
        (-1, ValueError, "block_for -1: must be from 0 to ten years"),
        (TEN_YEARS_SECONDS + 1, ValueError, "must be from 0 to ten years"),
        ("10", ValueError, "block_for '10': write '10 minutes', with a unit out of "),
        ("3 moons", ValueError, "second, minute, hour, day, week"),
        ("1 hour".ljust(201), ValueError, "write '10 minutes'"),
    ],
)
def test_what_is_no_duration_is_refused(given: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        duration_ns("block_for", given)
