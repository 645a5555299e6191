"""The parts of the page on scale, accuracy, money, load and what is measured within the process."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from bench.money import dollars_per_million
from bench.results_page.markdown import picture, table
from bench.results_page.raw_results import number, spread
from ratelimit_ddb.pricing.prices import PRICES

Raw = dict[str, Any]

CURVES = (
    ("scale_keys", "cpu_us", "CPU a decision (us) against keys", ("keys", "keys-memory")),
    ("scale_limits", "cpu_us", "CPU a decision (us) against limits on each key", ("limits",)),
    (
        "scale_concurrency",
        "cpu_us",
        "CPU a decision (us) against requests at once",
        ("concurrency", "concurrency-wait"),
    ),
    (
        "scale_processes",
        "per_second",
        "Decisions a second on one hot key against processes",
        ("processes",),
    ),
    (
        "scale_processes",
        "calls_a_decision",
        "Calls a decision on one hot key against processes",
        (),
    ),
)


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """A section for each that was measured."""
    if any(section in raw for section, *_ in CURVES):
        yield "## Scale\n"
    for section, figure, title, pictures in CURVES:
        if section in raw:
            yield from _curve(raw[section], figure, title, [p for p in pictures if p in drawn])
    for section, of in (
        ("accuracy", _accuracy),
        ("money", _money),
        ("load", _load),
        ("middleware", _within),
        ("import", _imports),
        ("mixed", _mixed),
        ("values", _values),
    ):
        if section in raw:
            yield from of(raw, drawn)


def _curve(curve: Raw, figure: str, title: str, pictures: list[str]) -> Iterator[str]:
    xs = sorted({int(x) for by_x in curve["results"].values() for x in by_x})
    rows = []
    for name, by_x in curve["results"].items():
        texts = [
            number(spread(by_x[str(x)][figure]).median) if figure in by_x.get(str(x), {}) else ""
            for x in xs
        ]
        if any(texts):
            rows.append((name, *texts, _bend(by_x, figure)))
    if rows:
        yield f"### {title}\n"
        yield from (picture(name, title) for name in pictures)
        yield table(("", *(f"{x:,}" for x in xs), "last / first"), rows)
    if curve["failures"] and pictures:
        yield _failed(curve["failures"])


def _bend(by_x: Raw, figure: str) -> str:
    values = [
        statistics.median(by_x[x][figure]) for x in sorted(by_x, key=int) if figure in by_x[x]
    ]
    return f"{values[-1] / values[0]:.2f}" if values and values[0] else ""


def _failed(failures: dict[str, str]) -> str:
    return "\n".join(f"- {name} was not measured: {why}" for name, why in failures.items()) + "\n"


def _accuracy(raw: Raw, drawn: set[str]) -> Iterator[str]:
    section = raw["accuracy"]
    rate = section["rate"]
    yield (
        "## Accuracy\n\n"
        f"Processes request more of one key than a limit of {rate['quantity']} a second, burst "
        f"{rate['burst']}, gives, for {raw['workload']['accuracy_seconds']} s. The figures are "
        "what was admitted over what is due by the contender's own rules: for a bucket its burst "
        "and what flows in, for windows a quantity for each that began. 1 is exact; less "
        "withholds, more lets through what should wait. In-memory limiters know one process only.\n"
    )
    if "accuracy" in drawn:
        yield picture("accuracy", "admitted of what is due, at saturation")
    processes = sorted({int(p) for by in section["results"].values() for p in by})
    rows = []
    for name, by_processes in section["results"].items():
        row = [name]
        for count in processes:
            figures = by_processes.get(str(count))
            row.append("" if figures is None else _ratio(figures))
        rows.append(row)
    head = (f"{count} process{'es' if count > 1 else ''}" for count in processes)
    yield table(("", *head), rows)
    yield "(a) fewer were requested than are due: it decides too slowly to be saturated.\n"
    if section["failures"]:
        yield _failed(section["failures"])


def _ratio(figures: Raw) -> str:
    due = statistics.mean(figures["due"])
    mark = " (a)" if statistics.mean(figures["asked"]) < due else ""
    return f"{statistics.mean(figures['admitted']) / due:.3f}{mark}"


def _money(raw: Raw, drawn: set[str]) -> Iterator[str]:
    money = raw["money"]
    names = [f"{prices.name}: {prices.known_since}" for prices in PRICES.values()]
    yield (
        "## Money\n\nCapacity units as the engine reports them (ReturnConsumedCapacity). It counts "
        "transactions and indexes in its own way, so those of AWS can differ; a refused condition "
        "is counted as one write, as AWS bills it. Dollars are for a million, on demand, by "
        f"`ratelimit_ddb/pricing/prices.py` ({'; '.join(names)}). `ratelimit-ddb cost` answers for "
        "a load of your own, with provisioned capacity beside it.\n"
    )
    if "money" in drawn:
        yield picture("money", "a million decisions in dollars")
    rows = [
        (name, case, *(number(figures[f]) for f in ("requests", "write_units", "read_units")),
         *(f"${dollars_per_million(figures, prices):.3f}" for prices in PRICES))
        for name, cases in money["decisions"]["results"].items()
        for case, figures in cases.items()
    ]  # fmt: skip
    dollars = tuple(f"a million, {name}" for name in PRICES)
    head = ("", "", "calls", "writes", "reads", *dollars)
    yield "### Decisions\n\n" + table(head, rows, numbers_from=2)
    if money["decisions"]["failures"]:
        yield _failed(money["decisions"]["failures"])
    for title, key in (("Methods of our limiter", "ours"), ("Sessions", "sessions")):
        rows = [
            (name, *(number(figures[f]) for f in ("calls", "write_units", "read_units")),
             *(f"${dollars_per_million(figures, prices):.3f}" for prices in PRICES))
            for name, figures in money[key].items()
        ]  # fmt: skip
        yield f"### {title}\n\n" + table(("", "calls", "writes", "reads", *dollars), rows)


def _load(raw: Raw, drawn: set[str]) -> Iterator[str]:
    yield "## Under load\n\nBy Locust (`bench/locustfile.py`), 20 users without pauses.\n"
    if "load" in drawn:
        yield picture("load", "server CPU a request")
    rows = []
    for run in raw["load"]:
        name = (run["user"].removesuffix("User"), run["spread"], run["store"])
        if "failure" in run or not run["requests"]:
            rows.append((*name, run.get("failure", "no requests"), "", "", "", ""))
            continue
        cpu_us = run["server_cpu_us"]
        rows.append(
            (
                *name,
                f"{run['per_second']:,.0f}",
                f"{run['denied'] / run['requests']:.0%}",
                f"{run['failures']:,}",
                f"{run['p50_ms']:.0f} / {run['p99_ms']:.0f}",
                "" if cpu_us is None else f"{cpu_us:,.0f}",
            )
        )
    head = ("", "keys", "store", "a second", "denied", "failed", "p50 / p99 ms", "server CPU us")
    yield table(head, rows, numbers_from=3)


def _within(raw: Raw, drawn: set[str]) -> Iterator[str]:
    yield "## What middlewares add\n\nCPU a request (us), on stores that answer at once.\n"
    if "middleware" in drawn:
        yield picture("middleware", "CPU of a request to an ASGI application")
    for section, title in (("middleware", "rate limits"), ("sessions", "sessions")):
        if section not in raw:
            continue
        figures = {name: spread(rounds) for name, rounds in raw[section].items()}
        bare = figures["bare application"].median
        rows = [
            (name, f"{number(of.median)} ({number(of.low)} to {number(of.high)})",
             number(of.median - bare))
            for name, of in figures.items()
        ]  # fmt: skip
        yield table((title, "CPU us", "over the bare application"), rows)


def _imports(raw: Raw, drawn: set[str]) -> Iterator[str]:
    rows = [
        (
            name,
            f"{statistics.median(figures['ms']):.0f} ms",
            f"{statistics.median(figures['megabytes']):.1f} MB",
            "with" if figures["botocore"] else "without",
        )
        for name, figures in raw["import"].items()
    ]
    yield "## Import\n\n" + table(("", "time", "memory", "botocore"), rows)


def _mixed(raw: Raw, drawn: set[str]) -> Iterator[str]:
    rows = []
    for processes, figures in raw["mixed"].items():
        total = sum(figures["kinds"].values())
        kinds = ", ".join(f"{count / total:.0%} {kind}" for kind, count in figures["kinds"].items())
        rows.append((processes, f"{figures['calls_a_decision']:.3f}", kinds))
    yield (
        "## Calls on a mixed load\n\n`bench/mixed_load.py`: a thousand keys, some idle, some hot, "
        "some denied; counted, not timed.\n"
    )
    yield table(("processes", "calls a decision", "decisions"), rows)


def _values(raw: Raw, drawn: set[str]) -> Iterator[str]:
    rows = [
        (name, f"{number(of.median)} ({number(of.low)} to {number(of.high)})")
        for name, of in ((name, spread(rounds)) for name, rounds in raw["values"].items())
    ]
    yield "## Values on the hot path\n\n" + table(("", "CPU us"), rows)
