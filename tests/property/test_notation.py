"""The notation of limits says what it means, and a limit can be written down and read again."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from ratelimit_ddb import Limit
from tests.property.strategies import limits

SECONDS: dict[str, int | Fraction] = {
    "second": 1,
    "sec": 1,
    "s": 1,
    "minute": 60,
    "min": 60,
    "m": 60,
    "hour": 3_600,
    "hr": 3_600,
    "h": 3_600,
    "day": 86_400,
    "d": 86_400,
    "week": 604_800,
    "w": 604_800,
    "millisecond": Fraction(1, 1_000),
    "ms": Fraction(1, 1_000),
}
EXACT_IN_SECONDS_NS = 2**51
"""Below 26 days a float of seconds still tells nanoseconds apart, thrice rounded."""

MOST_WINDOW_SECONDS = 3_650 * 86_400
"""Ten years, a little less than a limit may have."""

spaces = st.sampled_from(["", " ", "  ", "\t"])
gaps = st.sampled_from([" ", "  "])


@given(
    quantity=st.integers(1, 1_000),
    count=st.none() | st.integers(1, 90),
    unit=st.sampled_from(sorted(SECONDS)),
    burst=st.none() | st.integers(1, 100),
    plural=st.sampled_from(["", "s"]),
    between=st.tuples(spaces, spaces, gaps, gaps),
    upper=st.booleans(),
)
def test_a_notation_means_what_it_says(
    quantity: int,
    count: int | None,
    unit: str,
    burst: int | None,
    plural: str,
    between: tuple[str, str, str, str],
    upper: bool,
) -> None:
    window_seconds = (burst or quantity) * (count or 1) * SECONDS[unit] / quantity
    assume(window_seconds < MOST_WINDOW_SECONDS)
    before, after, gap, other_gap = between
    word = unit + plural if len(unit) > 2 else unit
    period = f"{'' if count is None else count}{after}{word}"
    tail = "" if burst is None else f"{gap}burst{other_gap}{burst}"
    notation = f"{before}{quantity}{before}/{after}{period}{tail}"
    limit = Limit.parse(notation.upper() if upper else notation)
    assert limit.quantity == quantity
    assert limit.period_seconds == float((count or 1) * SECONDS[unit])
    assert limit.burst == (quantity if burst is None else burst)
    assert Limit.parse(notation.replace("/", " per ")) == limit


@given(limits(most_burst=100))
def test_a_limit_can_be_written_and_read_again(limit: Limit) -> None:
    assert Limit.parse(str(limit), name=limit.name) == limit


@given(st.integers(1, 3_000 * 86_400_000_000_000))
def test_any_period_can_be_written_and_read_again(period_ns: int) -> None:
    limit = Limit.parse(f"1 per {period_ns} nanoseconds")
    assert Limit.parse(str(limit)) == limit
    if period_ns < EXACT_IN_SECONDS_NS:
        assert limit.unit_ns == period_ns


@given(limits(most_burst=100))
def test_a_token_is_never_due_too_early(limit: Limit) -> None:
    period = Fraction(round(limit.period_seconds * 1_000_000_000))
    assert 0 <= limit.unit_ns - period / limit.quantity < 1
    assert limit.window_ns == limit.burst * limit.unit_ns
