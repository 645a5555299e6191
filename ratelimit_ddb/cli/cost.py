"""``ratelimit-ddb cost``: what a load costs on DynamoDB, on demand and provisioned side by side."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ddbwire.command_line.failure import Misuse
from ratelimit_ddb.cli.cost_picture import picture
from ratelimit_ddb.pricing.bill import (
    MONTH_HOURS,
    MONTH_SECONDS,
    Bill,
    Provisioning,
    TableLoad,
    limiter,
    on_demand,
    provisioned,
    rounded,
    sessions,
    total,
)
from ratelimit_ddb.pricing.prices import PRICES, Prices

KEY_CEILING_WRITES = 1_000
"""Write units a second that one partition takes, and so one key (AWS: "DynamoDB burst and adaptive
capacity")."""

_MOST_WRITES = 2
"""A decision on one limit writes twice at most: a wrong guess, and the right one (P7)."""
_COLUMNS = {
    "reads": "reads",
    "writes": "writes",
    "index_writes": "indexes",
    "stream_reads": "streams",
    "storage": "storage",
    "recovery": "recovery",
    "backups": "backups",
}


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
    """

    requests_per_second: float
    denied: float
    limits: int = 1
    peak: float = 1.0
    utilization: float = 0.7
    decisions_per_write: float = 1.0

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


@dataclass(frozen=True, slots=True)
class Month:
    """All tables under one set of prices.

    Attributes:
        prices: the set.
        on_demand: each table, billed by request.
        provisioned: each table, with capacity for the peak.
        autoscaled: each table, with capacity that follows the load.
    """

    prices: Prices
    on_demand: tuple[Bill, ...]
    provisioned: tuple[Bill, ...]
    autoscaled: tuple[Bill, ...]

    def modes(self) -> dict[str, tuple[Bill, ...]]:
        """The three ways of paying, by name."""
        return {
            "on_demand": self.on_demand,
            "provisioned": self.provisioned,
            "autoscaled": self.autoscaled,
        }


def bills(load: Load, prices: Prices) -> Iterator[LimiterBill]:
    """From the least that a limiter's load can cost to the most.

    An item is under 1 KB, so a write is one unit, whether its condition holds or is refused. A
    denial is a write where the table is asked, and none where it rests on what the process saw.
    """
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
    units = math.ceil(round(writes_per_second * load.peak / load.utilization, 6))
    return LimiterBill(
        assumption,
        writes_per_second,
        prices.on_demand(writes=writes_per_second * MONTH_SECONDS),
        units * prices.write_unit_hour * MONTH_HOURS,
        units,
    )


def run(options: argparse.Namespace) -> bool:
    """Print the bills, or write them to a file."""
    prices = _prices(options)
    load = _limiter_load(options)
    loads = _table_loads(options)
    if load is None and not loads:
        options.refuse("give --requests-per-second, --sessions-per-second or --load")
    others = [each for each in PRICES.values() if each.name != prices.name]
    months = [month(loads, each, options) for each in (prices, *others)]
    if options.format == "json":
        text = json.dumps(_as_json(loads, months), indent=2) + "\n"
    elif options.format == "svg":
        text = picture([(each.prices, each.modes()) for each in months])
    else:
        text = "\n".join(_text(load, loads, months, prices)) + "\n"
    if options.output is None:
        print(text, end="")
    else:
        try:
            Path(options.output).write_text(text, encoding="utf-8")
        except OSError as error:
            raise Misuse(f"--output {options.output}: {error.strerror}") from error
    return True


def month(loads: list[TableLoad], prices: Prices, options: argparse.Namespace) -> Month:
    """What the tables cost by a set of prices."""
    fixed = Provisioning(options.peak, options.utilization, least=options.least)
    scaled = replace(fixed, autoscaled=True)
    return Month(
        prices,
        tuple(on_demand(load, prices) for load in loads),
        tuple(provisioned(load, prices, fixed) for load in loads),
        tuple(provisioned(load, prices, scaled) for load in loads),
    )


def _limiter_load(options: argparse.Namespace) -> Load | None:
    if options.requests_per_second is None:
        return None
    return Load(
        options.requests_per_second,
        options.denied,
        options.limits,
        options.peak,
        options.utilization,
        options.decisions_per_write,
    )


def _table_loads(options: argparse.Namespace) -> list[TableLoad]:
    loads = []
    if options.requests_per_second is not None:
        share = options.decisions_per_write
        loads.append(limiter(options.requests_per_second, options.denied, share))
    if options.sessions_per_second is not None:
        changed, logins = options.session_changes, options.logins_per_second
        each = sessions(options.sessions_per_second, changed, logins, options.session_kb)
        loads.append(each)
    loads += options.load
    names = [load.table for load in loads]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Misuse(f"table {min(twice)!r} has two loads: give one")
    return [_with_options(load, options) for load in loads]


def _with_options(load: TableLoad, options: argparse.Namespace) -> TableLoad:
    """A load with what was said for all tables. Rate limits are not replicated."""
    replicas = 0 if load.table == "rate_limiting" else options.replicas
    return replace(
        load,
        replicas=load.replicas or replicas,
        recovery=load.recovery or options.recovery,
    )


def _prices(options: argparse.Namespace) -> Prices:
    prices = PRICES[options.prices]
    given = {
        name: getattr(options, name)
        for name in ("write_per_million", "write_unit_hour")
        if getattr(options, name) is not None
    }
    return replace(prices, known_since="as given", **given) if given else prices


def _text(
    load: Load | None, loads: list[TableLoad], months: list[Month], prices: Prices
) -> Iterator[str]:
    if load is not None:
        yield from lines(load, prices)
    if load is None or len(loads) > 1 or any(_costs_more(each) for each in loads):
        if load is not None:
            yield ""
        yield from month_lines(months)


def _costs_more(load: TableLoad) -> bool:
    """Whether a limiter's table has something to pay for beside requests."""
    return bool(load.replicas or load.recovery or load.gb)


def lines(load: Load, prices: Prices) -> Iterator[str]:
    """What is printed of a limiter."""
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
        f"One key takes at most about {KEY_CEILING_WRITES:,} writes a second: the ceiling of one "
        "partition. Of a leased key, each of them is many decisions."
    )


def month_lines(months: list[Month]) -> Iterator[str]:
    """What is printed of all tables: each way of paying, and what other prices would make."""
    first = months[0]
    width = max(22, *(len(bill.table) + 2 for bill in first.on_demand))
    for name, table_bills in first.modes().items():
        title = f"Dollars a month, {name.replace('_', ' ')}"
        yield f"{title:{width + 10}}".rstrip()
        heads = "".join(f"{head:>11}" for head in (*_COLUMNS.values(), "total"))
        yield " " * width + heads
        for bill in (*table_bills, total(table_bills)):
            numbers = (*bill.parts().values(), bill.total)
            cells = "".join(f"{_dollars(number):>11}" for number in numbers)
            yield f"  {bill.table:{width - 2}}{cells}"
        yield ""
    for each in months:
        sums = ", ".join(
            f"{_dollars(total(table_bills).total)} {name.replace('_', ' ')}"
            for name, table_bills in each.modes().items()
        )
        yield f"In all: {sums}"
        yield f"  at {each.prices.known_since}"
    yield "Traffic between regions, restores and the free tier are not in it."


def _as_json(loads: list[TableLoad], months: list[Month]) -> dict[str, object]:
    return {
        "month_hours": MONTH_HOURS,
        "units_per_second": {
            load.table: {
                "reads": load.read_units,
                "writes": load.write_units,
                "index_writes": load.index_write_units,
                "regions": load.regions,
            }
            for load in loads
        },
        "bills": [
            {
                "prices": {
                    field.name: getattr(each.prices, field.name) for field in fields(each.prices)
                },
                **{
                    name: {
                        bill.table: {
                            **{part: rounded(sum_) for part, sum_ in bill.parts().items()},
                            "total": rounded(bill.total),
                        }
                        for bill in (*table_bills, total(table_bills))
                    }
                    for name, table_bills in each.modes().items()
                },
            }
            for each in months
        ],
    }


def _dollars(amount: float, digits: int = 2) -> str:
    return f"${rounded(amount, digits):,.{digits}f}"
