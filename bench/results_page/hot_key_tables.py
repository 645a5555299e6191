"""The part of the page on one hot key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.hot_keys.report_section import ON_A_SERVER, ON_THE_ENGINE, SIMULATED
from bench.results_page.markdown import table
from bench.results_page.raw_results import number, spread

Raw = dict[str, Any]

HEAD = """\
A key is an item on one partition, which takes 1,000 writes a second. Requests come at random \
instants, the same number for each process; the burst is a second's worth. *Due* is what the \
bucket holds and gains, or all requests where they are fewer; *steady* is what is admitted in the \
second half, of what one bucket without any delay admits then. The *excess* is by how many tokens \
the worst interval is over `burst + D / unit`: above 0 is too many (`bench/hot_keys/figures.py` \
tells how it is found from calls and answers alone).
"""
PARTS = (
    (
        SIMULATED,
        "Simulated",
        (
            "The limiter's own flows in simulated time, 5 ms a round trip: "
            "`python -m bench.hot_keys.simulation`."
        ),
    ),
    (
        ON_A_SERVER,
        "Real processes",
        (
            "With asyncio, against a server that plays the table, takes 5 ms, and throttles: "
            "`python -m bench.hot_keys.processes`."
        ),
    ),
    (
        ON_THE_ENGINE,
        "Real processes on DynamoDB Local",
        (
            "The same server stands before it and throttles, for a peer that asks more than it "
            "knows. Each partition key has a partition of its own, so a sharded key has several."
        ),
    ),
)
COLUMNS = (
    "limit", "processes", "a second", "admitted / due", "steady", "excess", "writes a second",
    "throttled a second", "units an admission", "wait p50 / p99 ms", "least served", "aims",
)  # fmt: skip


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """The tables, if it was measured."""
    section = raw.get("hot_key")
    if section is None:
        return
    yield HEAD
    for name, title, text in PARTS:
        yield f"## {title}\n\n{text}\n"
        who = {row["who"] for row in section[name]}
        head = COLUMNS if len(who) == 1 else ("", *COLUMNS)
        rows = [_row(row, with_who=len(who) > 1) for row in section[name]]
        yield table(head, rows, numbers_from=len(head) - len(COLUMNS))
    costs = [
        (name, f"{number(of.median)} ({number(of.low)} to {number(of.high)})")
        for name, of in ((name, spread(rounds)) for name, rounds in section["cpu_us"].items())
    ]
    yield "## Leased decisions\n\n" + table(("", "CPU us"), costs)


def worst_excess(raw: Raw) -> float:
    """The most that ours admitted too much, of all rows, in tokens."""
    return max(float(row["excess"]) for row in _ours(raw))


def units(raw: Raw, case: str) -> float:
    """The write units of an admission in a simulated case."""
    return next(float(row["units"]) for row in raw["hot_key"][SIMULATED] if row["case"] == case)


def _ours(raw: Raw) -> list[Raw]:
    return [
        row
        for name, *_ in PARTS
        for row in raw["hot_key"][name]
        if row["who"].startswith("ratelimit-ddb") and "excess" in row
    ]


def _row(row: Raw, *, with_who: bool) -> tuple[str, ...]:
    who = (row["who"],) if with_who else ()
    if "failure" in row:
        return (*who, row["case"], f"not measured: {row['failure']}", *[""] * (len(COLUMNS) - 2))
    slow = "" if row["ceiling"] == 1_000 else f" (throttled from {row['ceiling']}/s on)"
    aims = "; ".join(row["missed"]) or "met"
    return (
        *who,
        f"{row['limit']:,}/s",
        f"{row['processes']}{slow}",
        f"{row['offered']:,}",
        f"{row['admitted_over_due']:.3f}",
        f"{row['steady']:.3f}",
        f"{row['excess']:,.2f}",
        f"{row['writes']:,.0f}",
        f"{row['throttled']:,.0f}",
        number(row["units"]),
        f"{row['p50_ms']:.1f} / {row['p99_ms']:,.0f}",
        f"{row['least_served']:.2f}",
        f"{aims} ({row['note']})" if row["note"] else aims,
    )
