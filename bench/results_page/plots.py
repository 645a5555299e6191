"""The plots of a report, drawn from its raw figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from bench.lineup import NOTHING
from bench.money import BUSINESS_CASE, dollars_per_million
from bench.results_page.charts import Axes, Bar, bars, lines
from bench.results_page.raw_results import Spread, column, is_ours, number, points, spread
from bench.results_page.session_tables import added_us
from bench.session_peers import BARE, OURS

Raw = dict[str, Any]

MEGABYTE = "MB"


def plots(raw: Raw) -> dict[str, str]:
    """SVG texts, by the names of their files; of those sections that were run."""
    drawn = {}
    for name, (needs, draw) in PLOTS.items():
        if all(need in raw for need in needs):
            drawn[name] = draw(raw)
    return drawn


def _cpu(backend: str, case: str, at_once: int, title: str) -> Callable[[Raw], str]:
    def draw(raw: Raw) -> str:
        found = column(raw, backend, case, at_once, "cpu_us")
        subtitle = (
            f"{case}, {at_once} at once; medians, lines from least to most of "
            f"{raw['workload']['rounds']} rounds"
        )
        return bars(title, subtitle, _bars(found, "us"))

    return draw


def _rate(backend: str, case: str, at_once: int, title: str) -> Callable[[Raw], str]:
    def draw(raw: Raw) -> str:
        found = column(raw, backend, case, at_once, "per_second")
        p99 = column(raw, backend, case, at_once, "p99_us")
        rows = [
            Bar(
                name,
                of.median,
                of.low,
                of.high,
                is_ours(name),
                f"{number(of.median)} ({number(p99[name].median / 1000)} ms)",
            )
            for name, of in found.items()
        ]
        subtitle = f"{case}, {at_once} at once; a second, and in brackets the p99 of the wait"
        return bars(title, subtitle, rows)

    return draw


def _bars(found: dict[str, Spread], unit: str) -> list[Bar]:
    return [
        Bar(name, of.median, of.low, of.high, is_ours(name), f"{number(of.median)} {unit}")
        for name, of in found.items()
        if name != NOTHING.name
    ]


def _curve(
    section: str, figure: str, title: str, subtitle: str, axes: Axes
) -> Callable[[Raw], str]:
    def draw(raw: Raw) -> str:
        series = points(raw[section], figure)
        ours_first = dict(sorted(series.items(), key=lambda one: not is_ours(one[0])))
        return lines(title, subtitle, ours_first, axes)

    return draw


def _accuracy(raw: Raw) -> str:
    series = {
        name: {
            float(processes): statistics.mean(figures["admitted"]) / statistics.mean(figures["due"])
            for processes, figures in by_processes.items()
        }
        for name, by_processes in raw["accuracy"]["results"].items()
    }
    return lines(
        "Admitted of what is due, at saturation",
        "processes that ask one key for more than there is; 1.0 is exact, above it is too much",
        series,
        Axes("processes", "admitted / due", is_log_y=False, marked_y=1.0),
    )


def _money(raw: Raw) -> str:
    rows = []
    for name, cases in raw["money"]["decisions"]["results"].items():
        dollars = dollars_per_million(cases[BUSINESS_CASE])
        rows.append(Bar(name, dollars, dollars, dollars, is_ours(name), f"${dollars:.3f}"))
    title = "A million decisions, in dollars on demand"
    return bars(title, f"{BUSINESS_CASE}; units as the engine counts them, list prices", rows)


def _load(raw: Raw) -> str:
    rows = []
    for run in raw["load"]:
        if run["store"] != "memory" or "failure" in run or run["server_cpu_us"] is None:
            continue
        is_bare = run["user"].startswith("Bare")
        label = run["user"].removesuffix("User") + ("" if is_bare else f", {run['spread']}")
        value = run["server_cpu_us"]
        rows.append(Bar(label, value, value, value, not is_bare, f"{number(value)} us"))
    title = "What the server spends on a request, with the limiter and without"
    return bars(title, "CPU of uvicorn's or waitress's process; MemoryStore; load by Locust", rows)


def _sessions(raw: Raw) -> str:
    rows = []
    for framework, sites in raw["session_peers"]["results"].items():
        for name in sites:
            added = None if name == BARE else added_us(sites, name, "session read")
            if added is not None:
                label = f"{framework}, {name}"
                rows.append(Bar(label, *added, name == OURS, f"{number(added[0])} us"))
    title = "What a session that is read adds to a request"
    return bars(title, "CPU over the site without sessions; on DynamoDB Local", rows)


def _soak(raw: Raw) -> str:
    series = {
        run["user"].removesuffix("SiteUser").upper(): _each_minute(run)
        for run in raw["soak"]["runs"]
        if "growth" in run
    }
    return lines(
        "Memory of a server under load",
        f"resident; limits and sessions on DynamoDB Local, {raw['soak']['users']} visitors",
        series,
        Axes("minutes", MEGABYTE, is_log_x=False, is_log_y=False),
    )


def _each_minute(run: Raw) -> dict[float, float]:
    megabytes, a_minute = run["megabytes"], 60 / run["seconds_a_sample"]
    minutes = int(len(megabytes) / a_minute)
    return {
        float(minute): megabytes[min(len(megabytes) - 1, round(minute * a_minute))]
        for minute in range(minutes + 1)
    }


def _middleware(raw: Raw) -> str:
    found = {name: spread(rounds) for name, rounds in raw["middleware"].items()}
    rows = [
        Bar(name, of.median, of.low, of.high, "Starlette" not in name, f"{number(of.median)} us")
        for name, of in found.items()
    ]
    return bars("A request to an ASGI application", "CPU, on a store that answers at once", rows)


PLOTS: dict[str, tuple[tuple[str, ...], Callable[[Raw], str]]] = {
    "cpu-per-decision": (
        ("canned",),
        _cpu("canned", "allowed", 1, "CPU of the client for one decision on a table"),
    ),
    "cpu-per-decision-32": (
        ("canned",),
        _cpu("canned", "allowed", 32, "CPU of the client for one decision on a table"),
    ),
    "cpu-per-denial": (
        ("canned",),
        _cpu("canned", "denied", 32, "CPU of the client for one denial on a table"),
    ),
    "whole-path": (
        ("engine",),
        _rate("engine", "allowed", 32, "Decisions a second on DynamoDB Local, one core each side"),
    ),
    "in-memory": (
        ("memory",),
        _cpu("memory", "allowed", 1, "CPU for one decision in memory"),
    ),
    "keys": (
        ("scale_keys",),
        _curve(
            "scale_keys",
            "cpu_us",
            "CPU for one decision against the number of keys",
            "allowed, keys drawn at random; on canned replies, and in memory",
            Axes("keys", "us", is_log_y=True),
        ),
    ),
    "keys-memory": (
        ("scale_keys",),
        _curve(
            "scale_keys",
            "peak_megabytes",
            "Memory of the process against the number of keys",
            "resident, all of the process; on a table, only what a limiter remembers of it",
            Axes("keys", MEGABYTE, is_log_y=True),
        ),
    ),
    "limits": (
        ("scale_limits",),
        _curve(
            "scale_limits",
            "cpu_us",
            "CPU for one decision against the limits on each key",
            "allowed, all limits in one write; on canned replies, and in memory",
            Axes("limits on each key", "us", is_log_x=False),
        ),
    ),
    "concurrency": (
        ("scale_concurrency",),
        _curve(
            "scale_concurrency",
            "cpu_us",
            "CPU for one decision against requests at once",
            "allowed, on canned replies; client on one core",
            Axes("requests at once", "us", is_log_y=True),
        ),
    ),
    "concurrency-wait": (
        ("scale_concurrency",),
        _curve(
            "scale_concurrency",
            "p99_us",
            "The p99 of the wait against requests at once",
            "allowed, on canned replies; client on one core",
            Axes("requests at once", "us", is_log_y=True),
        ),
    ),
    "processes": (
        ("scale_processes",),
        _curve(
            "scale_processes",
            "per_second",
            "Decisions a second on one hot key against processes",
            "each with 8 requests at once; DynamoDB Local and all processes share the cores",
            Axes("processes", "decisions a second"),
        ),
    ),
    "accuracy": (("accuracy",), _accuracy),
    "money": (("money",), _money),
    "load": (("load",), _load),
    "middleware": (("middleware",), _middleware),
    "sessions": (("session_peers",), _sessions),
    "memory": (("soak",), _soak),
}
"""By file: the sections it needs, and how it is drawn."""
