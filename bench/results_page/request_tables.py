"""The page on what a request costs besides the table: middleware, rules, imports, guesses."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from bench.results_page.markdown import picture, table
from bench.results_page.raw_results import number, spread

Raw = dict[str, Any]

MIDDLEWARE = """\
## What middlewares add

CPU a request (us), on stores that answer at once.
"""
RULES = """\
## Several rules

What a request waits, in round trips of 5 ms, medians of {requests} requests: all its rules are \
asked at once. Nothing is leased here, and nothing denied from memory.
"""
MIXED = """\
## Calls on a mixed load

`bench/mixed_load.py`: a thousand keys, some idle, some hot, some denied; counted, not timed.
"""
SUITE = """\
## The tests

`make test`, begun {began}: {tests:,} tests in {minutes:.1f} minutes; {failed} failed, {skipped} \
were skipped.
"""


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """A section for each that was measured."""
    if {"middleware", "sessions"} & set(raw):
        yield from _within(raw, drawn)
    if "rules" in raw:
        yield from _rules(raw["rules"])
    if "mixed" in raw:
        yield from _mixed(raw["mixed"])
    if "import" in raw:
        yield from _imports(raw["import"])
    if "suite" in raw:
        suite = raw["suite"]
        failed = suite["failures"] + suite["errors"]
        yield SUITE.format(**suite, minutes=suite["seconds"] / 60, failed=failed)


def _rules(by_style: Raw) -> Iterator[str]:
    rows = []
    for style, waits in by_style.items():
        one, three = (statistics.median(waits[rules]) for rules in ("1", "3"))
        rows.append((style, f"{one:.2f} ms", f"{three:.2f} ms", f"{three / one:.2f}"))
    yield RULES.format(requests=len(next(iter(by_style.values()))["1"]))
    yield table(("", "one rule", "three rules", "times"), rows)


def _within(raw: Raw, drawn: set[str]) -> Iterator[str]:
    yield MIDDLEWARE
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


def _imports(by_name: Raw) -> Iterator[str]:
    rows = [
        (
            name,
            f"{statistics.median(figures['ms']):.0f} ms",
            f"{statistics.median(figures['megabytes']):.1f} MB",
            "with" if figures["botocore"] else "without",
        )
        for name, figures in by_name.items()
    ]
    yield "## Import\n\n" + table(("", "time", "memory", "botocore"), rows)


def _mixed(by_processes: Raw) -> Iterator[str]:
    rows = []
    for processes, figures in by_processes.items():
        total = sum(figures["kinds"].values())
        kinds = ", ".join(f"{count / total:.0%} {kind}" for kind, count in figures["kinds"].items())
        rows.append((processes, f"{figures['calls_a_decision']:.3f}", kinds))
    yield MIXED
    yield table(("processes", "calls a decision", "decisions"), rows)
