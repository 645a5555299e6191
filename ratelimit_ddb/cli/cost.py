"""``ratelimit-ddb cost``: what a load costs on DynamoDB, on demand and provisioned side by side."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ratelimit_ddb.prices import PRICES, Prices

MONTH_HOURS = 730
"""What AWS counts a month as."""
KEY_CEILING_WRITES = 1_000
"""Write units a second that one partition takes, and so one key (AWS: "DynamoDB burst and adaptive
capacity")."""

_MOST_WRITES = 2
"""A decision on one limit writes twice at most: a wrong guess, and the right one (P7)."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a user has.

    Attributes:
        requests_per_second: decisions, on the mean of a month.
        denied: the share of them that is denied, from 0 to 1.
        limits: on each key.
        peak: the busiest second over the mean; what provisioned capacity must be enough for.
        utilization: the share of provisioned capacity that is meant to be used.
    """

    requests_per_second: float
    denied: float
    limits: int = 1
    peak: float = 1.0
    utilization: float = 0.7

    @property
    def decisions_a_month(self) -> float:
        """How many."""
        return self.requests_per_second * MONTH_HOURS * 3_600


@dataclass(frozen=True, slots=True)
class Bill:
    """A load under one assumption.

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


def bills(load: Load, prices: Prices) -> Iterator[Bill]:
    """From the least that a load can cost to the most.

    An item is under 1 KB, so a write is one unit, whether its condition holds or is refused. A
    denial is a write where the table is asked, and none where it rests on what the process saw.
    """
    allowed = load.requests_per_second * (1 - load.denied)
    most = max(_MOST_WRITES, load.limits + 1)
    yield _bill("every denial from memory", allowed, load, prices)
    if load.denied:
        yield _bill("every denial by the table", load.requests_per_second, load, prices)
    yield _bill(
        f"every decision {most} writes (the most)", load.requests_per_second * most, load, prices
    )


def _bill(assumption: str, writes_per_second: float, load: Load, prices: Prices) -> Bill:
    units = math.ceil(round(writes_per_second * load.peak / load.utilization, 6))
    return Bill(
        assumption,
        writes_per_second,
        prices.on_demand(writes=writes_per_second * MONTH_HOURS * 3_600),
        units * prices.write_unit_hour * MONTH_HOURS,
        units,
    )


def run(options: argparse.Namespace) -> bool:
    """Print the bills."""
    load = Load(
        options.requests_per_second,
        options.denied,
        options.limits,
        options.peak,
        options.utilization,
    )
    for line in lines(load, _prices(options)):
        print(line)
    return True


def _prices(options: argparse.Namespace) -> Prices:
    prices = PRICES[options.prices]
    given = {
        name: getattr(options, name)
        for name in ("write_per_million", "write_unit_hour")
        if getattr(options, name) is not None
    }
    return replace(prices, known_since="as given", **given) if given else prices


def lines(load: Load, prices: Prices) -> Iterator[str]:
    """What is printed."""
    yield (
        f"{load.requests_per_second:,g} decisions a second, {load.denied:.0%} of them denied: "
        f"{load.decisions_a_month / 1e6:,.1f} million in a month of {MONTH_HOURS} hours"
    )
    yield ""
    head = f"{'writes/s':>10}{'on demand':>14}{'a million':>12}{'provisioned':>14}{'units':>8}"
    yield " " * 38 + head
    for bill in bills(load, prices):
        per_million = bill.on_demand / load.decisions_a_month * 1e6
        yield (
            f"  {bill.assumption:36}{bill.writes_per_second:>10,.1f}"
            f"{_dollars(bill.on_demand):>14}{_dollars(per_million, 3):>12}"
            f"{_dollars(bill.provisioned):>14}{bill.provisioned_units:>8,}"
        )
    yield ""
    yield "Dollars a month for requests; storage and traffic are not in it."
    yield f"Prices: {prices.known_since}."
    yield (
        f"  on demand    {_dollars(prices.write_per_million, 3)} for a million writes; "
        '"a million": for a million decisions'
    )
    yield (
        f"  provisioned  ${prices.write_unit_hour} for a write unit an hour; for a peak of "
        f"{load.peak:g} times the mean, {load.utilization:.0%} used"
    )
    yield (
        f"One key admits at most about {KEY_CEILING_WRITES:,} a second: the ceiling of one "
        "partition."
    )


def _dollars(amount: float, digits: int = 2) -> str:
    return f"${amount:,.{digits}f}"
