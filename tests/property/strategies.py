"""What Hypothesis draws from: limits, and demand that keeps close to their edges."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from ratelimit_ddb import Limit

LONGEST_WAIT_NS = 30_000_000_000


@st.composite
def limits(
    draw: st.DrawFn, name: str = "limit", *, least_burst: int = 1, most_burst: int = 12
) -> Limit:
    """A limit with a unit from a microsecond to a minute, whose period need not divide."""
    quantity = draw(st.integers(1, 50))
    unit_ns = draw(
        st.sampled_from([1_000, 50_000_000, 1_000_000_000, 60_000_000_000])
        | st.integers(1_000, 60_000_000_000)
    )
    # So much less than whole units that rounding up matters, and less than the 0.1 % it may lose.
    lacking_ns = draw(st.integers(0, min(quantity - 1, unit_ns * quantity // 1_100)))
    period_ns = unit_ns * quantity - lacking_ns
    burst = draw(st.integers(least_burst, most_burst))
    limit = Limit(quantity, period_ns / 1_000_000_000, burst, name)
    assert limit.unit_ns == unit_ns, "the period is below 2 ** 51 ns, so seconds hold it exactly"
    return limit


def several_limits(most: int = 3, *, least_burst: int = 1) -> st.SearchStrategy[list[Limit]]:
    """One limit or several on one key."""
    return st.integers(1, most).flatmap(
        lambda count: st.tuples(
            *(limits(f"limit{index}", least_burst=least_burst) for index in range(count))
        ).map(list)
    )


class Step(NamedTuple):
    """A call, so long after the one before."""

    gap_ns: int
    process: int
    cost: int
    wait_ns: int


def gaps_ns(unit_ns: int) -> st.SearchStrategy[int]:
    """No time at all, or some quarters of a token's time, or next to that."""
    return st.just(0) | st.builds(
        lambda quarters, off: max(0, quarters * unit_ns // 4 + off),
        st.integers(0, 12),
        st.integers(-1, 1),
    )


def waits_ns(unit_ns: int) -> st.SearchStrategy[int]:
    """Mostly none; else up to some tokens' time, in whole milliseconds, as seconds hold them."""
    most_ms = min(LONGEST_WAIT_NS, 4 * unit_ns) // 1_000_000
    return st.just(0) | st.integers(0, most_ms).map(lambda wait_ms: wait_ms * 1_000_000)


@st.composite
def demand(
    draw: st.DrawFn, on: list[Limit], *, processes: int = 2, waits: bool = True
) -> list[Step]:
    """Calls of some processes upon limits, so close together that many are denied."""
    unit_ns = draw(st.sampled_from([limit.unit_ns for limit in on]))
    smallest_burst = min(limit.burst for limit in on)
    step = st.builds(
        Step,
        gap_ns=gaps_ns(unit_ns),
        process=st.integers(0, processes - 1),
        cost=st.integers(1, smallest_burst),
        wait_ns=waits_ns(unit_ns) if waits else st.just(0),
    )
    return draw(st.lists(step, min_size=1, max_size=20))


@st.composite
def limits_and_demand(
    draw: st.DrawFn, *, most_limits: int = 3, waits: bool = True
) -> tuple[list[Limit], list[Step]]:
    """Limits, and calls upon them."""
    on = draw(several_limits(most_limits))
    return on, draw(demand(on, waits=waits))
