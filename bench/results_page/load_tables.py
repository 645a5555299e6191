"""The page on load: applications under Locust, for seconds and for minutes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.memory_growth import missed
from bench.results_page.markdown import picture, table

Raw = dict[str, Any]

SHORT = """\
## {seconds} seconds each

By Locust (`bench/locustfile.py`), 20 users without pauses. A denied request is none that failed.
"""


SOAK = """\
## {minutes:.0f} minutes each

By Locust (`python -m bench.soak`), {users} visitors without pauses, on a site with sessions and \
two rules, on DynamoDB Local. Where a visitor's cart does not hold what was put into it, the \
request failed. Memory is what is resident of the server, sampled each second; how it grows is the \
slope of a line through the samples after a warm-up.
"""


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """The long load, and the short ones."""
    if "soak" in raw:
        yield from _soak(raw["soak"])
        if "memory" in drawn:
            yield picture("memory", "memory of a server under load")
    if "load" in raw:
        yield from _load(raw, drawn)


def _soak(soak: Raw) -> Iterator[str]:
    yield SOAK.format(minutes=soak["seconds"] / 60, users=soak["users"])
    rows = []
    for run in soak["runs"]:
        name = run["user"].removesuffix("SiteUser").upper()
        if "growth" not in run:
            rows.append((name, run.get("failure", "no requests"), *[""] * 8))
            continue
        rows.append(
            (
                name,
                f"{run['requests']:,}",
                f"{run['per_second']:,.0f}",
                f"{run['denied'] / run['requests']:.0%}",
                f"{run['failures']:,}",
                f"{run['p50_ms']:.0f} / {run['p99_ms']:.0f}",
                f"{run['server_cpu_us']:,.0f}",
                f"{run['growth']['before']:.1f} / {run['growth']['after']:.1f}",
                f"{run['growth']['kilobytes_per_1000']:+.2f}",
                "; ".join(missed(run, soak["seconds"])) or "met",
            )
        )
    yield table(
        (
            "", "requests", "a second", "denied", "failed", "p50 / p99 ms", "server CPU us",
            "memory MB, after the warm-up / at the end", "KB in 1,000 requests", "aims",
        ),
        rows,
    )  # fmt: skip


def _load(raw: Raw, drawn: set[str]) -> Iterator[str]:
    yield SHORT.format(seconds=raw["workload"]["load_seconds"])
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
