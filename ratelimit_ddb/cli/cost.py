"""``ratelimit-ddb cost``: what a load costs on DynamoDB, on demand and provisioned."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from ddbwire.shared.command_line.failure import Misuse
from ratelimit_ddb.cli.cost_picture import picture
from ratelimit_ddb.cli.cost_text import limiter_lines, month_lines
from ratelimit_ddb.pricing.bill import (
    MONTH_HOURS,
    Month,
    Provisioning,
    TableLoad,
    limiter,
    month,
    rounded,
    sessions,
    total,
)
from ratelimit_ddb.pricing.limiter_bill import Load, bills
from ratelimit_ddb.pricing.prices import PRICES, Prices

_LIMITER_OPTIONS = {name: name for name in ("denied", "limits", "decisions_per_write")}
_SESSION_OPTIONS = {
    "session_changes": "changed",
    "logins_per_second": "logins",
    "session_kb": "kb",
    "session_gb": "gb",
}


class GivenLoad(NamedTuple):
    """A load, and the names of the numbers that were given, which may be 0."""

    load: TableLoad
    given: frozenset[str] = frozenset()


def run(options: argparse.Namespace) -> bool:
    """Print the bills, or write them to a file."""
    prices = _prices(options)
    load = _limiter_load(options)
    loads = _table_loads(load, options)
    if load is None and not loads:
        options.refuse("give --requests-per-second, --sessions-per-second or --load")
    others = [each for each in PRICES.values() if each.name != prices.name]
    fixed = Provisioning(options.peak, options.utilization, least=options.least)
    months = [month(loads, each, fixed) for each in (prices, *others)]
    if options.format == "json":
        text = json.dumps(_as_json(load, loads, months), indent=2) + "\n"
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


def _limiter_load(options: argparse.Namespace) -> Load | None:
    given = _given_with("requests_per_second", _LIMITER_OPTIONS, options)
    if options.requests_per_second is None:
        return None
    return Load(
        options.requests_per_second,
        peak=options.peak,
        utilization=options.utilization,
        least=options.least,
        **given,
    )


def _given_with(load: str, names: Mapping[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """The given options that describe a load, as arguments. They are refused without that load."""
    given = [name for name in names if getattr(options, name) != options.default_of(name)]
    if given and getattr(options, load) is None:
        options.refuse(f"{_flag(given[0])} needs {_flag(load)}")
    return {names[name]: getattr(options, name) for name in given}


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _table_loads(load: Load | None, options: argparse.Namespace) -> list[TableLoad]:
    loads = []
    if load is not None:
        each = limiter(load.requests_per_second, load.denied, load.decisions_per_write)
        loads.append(GivenLoad(each))
    given = _given_with("sessions_per_second", _SESSION_OPTIONS, options)
    if options.sessions_per_second is not None:
        loads.append(GivenLoad(sessions(options.sessions_per_second, **given)))
    loads += options.load
    names = [each.load.table for each in loads]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Misuse(f"table {min(twice)!r}: two loads are given; give one")
    return [_with_options(each, options) for each in loads]


def _with_options(each: GivenLoad, options: argparse.Namespace) -> TableLoad:
    """A load with the options for all tables. Rate limits are not replicated."""
    of_all = {"recovery": options.recovery}
    if each.load.table != "rate_limiting":
        of_all["replicas"] = options.replicas
    return replace(
        each.load, **{name: value for name, value in of_all.items() if name not in each.given}
    )


def _prices(options: argparse.Namespace) -> Prices:
    prices = PRICES[options.prices]
    given: dict[str, Any] = {}
    for name in ("write_per_million", "write_unit_hour"):
        price = getattr(options, name)
        if price is not None:
            proportion = getattr(prices, f"replicated_{name}") / getattr(prices, name)
            given |= {name: price, f"replicated_{name}": price * proportion}
    return replace(prices, known_since="as given", **given) if given else prices


def _text(
    load: Load | None, loads: list[TableLoad], months: list[Month], prices: Prices
) -> Iterator[str]:
    if load is not None:
        yield from limiter_lines(load, prices)
    if load is None or len(loads) > 1 or any(_costs_more(each) for each in loads):
        if load is not None:
            yield ""
        yield from month_lines(months)


def _costs_more(load: TableLoad) -> bool:
    """Whether a limiter's table costs more than its requests."""
    return bool(load.replicas or load.recovery or load.gb)


def _as_json(load: Load | None, loads: list[TableLoad], months: list[Month]) -> dict[str, object]:
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
                "limiter": [] if load is None else list(_limiter_json(load, each.prices)),
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


def _limiter_json(load: Load, prices: Prices) -> Iterator[dict[str, object]]:
    """A limiter's bill under each assumption; its table's is that of the fewest writes."""
    for bill in bills(load, prices):
        yield asdict(bill) | {
            "on_demand": rounded(bill.on_demand),
            "provisioned": rounded(bill.provisioned),
        }
