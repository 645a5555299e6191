"""What a month of a limiter's load costs, from the least to the most.

An item is under 1 KB, so a write is one unit, whether its condition holds or is refused. A denial
is a write where the table is asked, and none where it rests on what the process saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ratelimit_ddb.pricing.bill import MONTH_HOURS, MONTH_SECONDS, Provisioning
from ratelimit_ddb.pricing.prices import Prices

_MOST_WRITES = 2
"""A decision on one limit writes twice at most: a wrong guess, and the right one (P7)."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a limiter has.

    Attributes:
        requests_per_second: decisions, on the mean of a month.
        denied: the share of them that is denied, from 0 to 1.
        limits: on each key.
        peak: the busiest second over the mean; what provisioned capacity must be enough for.
        utilization: the share of provisioned capacity that is meant to be used.
        decisions_per_write: how many one write serves, where hot keys are leased.
        least: the units that its table is provisioned with at least.
    """

    requests_per_second: float
    denied: float = 0.0
    limits: int = 1
    peak: float = 1.0
    utilization: float = 0.7
    decisions_per_write: float = 1.0
    least: int = 1

    @property
    def decisions_a_month(self) -> float:
        """How many."""
        return self.requests_per_second * MONTH_SECONDS


@dataclass(frozen=True, slots=True)
class LimiterBill:
    """A limiter's load under one assumption.

    Attributes:
        assumption: about which of its decisions are written.
        writes_per_second: write units, on the mean.
        on_demand: dollars a month.
        provisioned: dollars a month.
        provisioned_units: write capacity units to provision.
    """

    assumption: str
    writes_per_second: float
    on_demand: float
    provisioned: float
    provisioned_units: int


def bills(load: Load, prices: Prices) -> Iterator[LimiterBill]:
    """From the least that a limiter's load can cost to the most."""
    allowed = load.requests_per_second * (1 - load.denied)
    most = max(_MOST_WRITES, load.limits + 1)
    if load.decisions_per_write > 1:
        each = f"{load.decisions_per_write:g} decisions a write (leases)"
        yield _bill(each, allowed / load.decisions_per_write, load, prices)
    yield _bill("every denial from memory", allowed, load, prices)
    if load.denied:
        yield _bill("every denial by the table", load.requests_per_second, load, prices)
    yield _bill(
        f"every decision {most} writes (the most)", load.requests_per_second * most, load, prices
    )


def _bill(assumption: str, writes_per_second: float, load: Load, prices: Prices) -> LimiterBill:
    units = Provisioning(load.peak, load.utilization, least=load.least).units(writes_per_second)
    return LimiterBill(
        assumption,
        writes_per_second,
        prices.on_demand(writes=writes_per_second * MONTH_SECONDS),
        units * prices.write_unit_hour * MONTH_HOURS,
        units,
    )
