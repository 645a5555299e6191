"""What a limiter's load costs a month, from the least to the most.

An item is under 1 KB, so a write is one unit, whether its condition holds or fails. A denial by the
table is a write; a denial from memory is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ratelimit_ddb.pricing.bill import MONTH_HOURS, MONTH_SECONDS, Provisioning
from ratelimit_ddb.pricing.prices import Prices

_MOST_WRITES = 2
"""A decision on one limit takes two writes at most: a failed condition, and the retry (P7)."""


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a limiter.

    Attributes:
        requests_per_second: decisions a second, on average over a month.
        denied: the share of denials, from 0 to 1.
        limits: the number of limits on each key.
        peak: the busiest second divided by the mean, for provisioned capacity.
        utilization: the target utilization of provisioned capacity, from 0 to 1.
        decisions_per_write: the decisions that one write serves, with leases of hot keys.
        least: the minimum provisioned units of the table.
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
        """The decisions of a month."""
        return self.requests_per_second * MONTH_SECONDS


@dataclass(frozen=True, slots=True)
class LimiterBill:
    """The bill of a limiter's load under one assumption.

    Attributes:
        assumption: which of its decisions are writes.
        writes_per_second: write units a second, on average.
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
    """The bills of a load, from the least that it can cost to the most."""
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
