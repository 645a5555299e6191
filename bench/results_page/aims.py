"""What this project set out to reach, and whether it did in a run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import outage, rules_side_by_side
from bench.hot_keys.leased_decision import BLOCKING, MOST_US
from bench.many_sessions import MOST_SECONDS, SESSIONS
from bench.memory_growth import MOST_KILOBYTES_PER_1000
from bench.results_page.hot_key_tables import units, worst_excess
from bench.results_page.raw_results import cell, number, spread
from bench.results_page.session_tables import most_seconds

Raw = dict[str, Any]
BASE_HTTP = "Starlette's BaseHTTPMiddleware, doing nothing"


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim.

    Attributes:
        text: what was to be.
        needs: the section that it is read from.
        read: the value in a run.
        bound: what the value is compared with.
        at_least: whether it must be at least that; at most otherwise.
        unit: of the value.
    """

    text: str
    needs: str
    read: Callable[[Raw], float]
    bound: float
    at_least: bool
    unit: str

    def is_reached(self, raw: Raw) -> bool:
        """Whether the value is on the right side."""
        value = self.read(raw)
        return value >= self.bound if self.at_least else value <= self.bound


def _ratio(theirs: str, ours: str, at_once: int) -> Callable[[Raw], float]:
    def read(raw: Raw) -> float:
        return _cpu(raw, "canned", theirs, "allowed", at_once) / _cpu(
            raw, "canned", ours, "allowed", at_once
        )

    return read


def _cpu(raw: Raw, backend: str, name: str, case: str, at_once: int) -> float:
    return spread(cell(raw, backend, name, case, at_once)["cpu_us"]).median


def added(raw: Raw, name: str, section: str = "middleware") -> float:
    """Microseconds over the bare application."""
    figures: dict[str, list[float]] = raw[section]
    return statistics.median(figures[name]) - statistics.median(figures["bare application"])


def _rules_times(raw: Raw) -> float:
    medians = [
        {rules: statistics.median(waits) for rules, waits in by.items()}
        for by in raw["rules"].values()
    ]
    return max(float(by["3"] / by["1"]) for by in medians)


def _soaked(figure: Callable[[Raw], float]) -> Callable[[Raw], float]:
    """The most of both sites; a site that came to nothing misses every aim."""
    return lambda raw: max(
        math.inf if "growth" not in run else figure(run) for run in raw["soak"]["runs"]
    )


AIMS = (
    Aim(
        "CPU of boto3's `update_item` over that of a blocking decision",
        "canned", _ratio("boto3 update_item", "ratelimit-ddb", 1), 16, True, "times",
    ),
    Aim(
        "CPU of boto3 in `asyncio.to_thread` over that of an asyncio decision, 32 at once",
        "canned",
        _ratio("boto3 in asyncio.to_thread", "ratelimit-ddb, asyncio", 32), 14, True, "times",
    ),
    Aim(
        "calls a decision on a mixed load, one process",
        "mixed", lambda raw: float(raw["mixed"]["1"]["calls_a_decision"]), 1.05, False, "",
    ),
    Aim(
        "calls a decision on a mixed load, four processes that share the keys",
        "mixed", lambda raw: raw["mixed"]["4"]["calls_a_decision"], 1.05, False, "",
    ),
    Aim(
        "a denial from memory",
        "memory",
        lambda raw: _cpu(raw, "memory", "ratelimit-ddb, MemoryStore", "denied", 1), 3, False, "us",
    ),
    Aim(
        "a MemoryStore decision",
        "memory",
        lambda raw: _cpu(raw, "memory", "ratelimit-ddb, MemoryStore", "allowed", 1), 6, False, "us",
    ),
    Aim(
        "tokens admitted too many in the worst interval, of all loads of one hot key",
        "hot_key", worst_excess, 0, False, "",
    ),
    Aim(
        "write units of an admission, 16,000 a second under 20,000/s by 16 processes",
        "hot_key", lambda raw: units(raw, "20000/s,16,16000"), 0.02, False, "",
    ),
    Aim(
        "write units of an admission, 40,000 a second under 20,000/s by 16 processes",
        "hot_key", lambda raw: units(raw, "20000/s,16,40000"), 0.03, False, "",
    ),
    Aim(
        "a leased decision",
        "hot_key", lambda raw: statistics.median(raw["hot_key"]["cpu_us"][BLOCKING]), MOST_US,
        False, "us",
    ),
    Aim(
        "what one rule of the ASGI middleware adds to a request, store apart",
        "middleware", lambda raw: added(raw, "one rule, by address"), 30, False, "us",
    ),
    Aim(
        "what an untouched session adds to a request, its read apart",
        "sessions", lambda raw: added(raw, "session, untouched", "sessions"), 60, False, "us",
    ),
    Aim(
        f"{SESSIONS:,} sessions of one user are listed, or ended",
        "many_sessions", most_seconds, MOST_SECONDS, False, "s",
    ),
    Aim(
        "what a request waits for three rules, over one", "rules", _rules_times,
        rules_side_by_side.MOST_TIMES, False, "times",
    ),
    Aim(
        "a decision in an outage, after the first three",
        "outage", lambda raw: float(raw["outage"]["after_ms"]), outage.MOST_MS, False, "ms",
    ),
    Aim(
        "until an outage is known to be over",
        "outage", lambda raw: float(raw["outage"]["seconds_to_close"]),
        outage.MOST_SECONDS_TO_CLOSE, False, "s",
    ),
    Aim(
        "what four processes admit in an outage, over one limit",
        "outage", lambda raw: float(raw["outage"]["admitted_over_limit"]), outage.PROCESSES, False,
        "times",
    ),
    Aim(
        "requests that failed in minutes of load",
        "soak", _soaked(lambda run: float(run["failures"])), 0, False, "",
    ),
    Aim(
        "memory that 1,000 requests leave behind",
        "soak", _soaked(lambda run: float(run["growth"]["kilobytes_per_1000"])),
        MOST_KILOBYTES_PER_1000, False, "KB",
    ),
    Aim(
        "promises that faults broke",
        "faults", lambda raw: sum(row["violations"] for row in raw["faults"]["rows"]), 0, False, "",
    ),
    Aim(
        "`import ratelimit_ddb`",
        "import", lambda raw: statistics.median(raw["import"]["ratelimit_ddb"]["ms"]), 60, False,
        "ms",
    ),
    Aim(
        "memory after `import ratelimit_ddb`",
        "import", lambda raw: statistics.median(raw["import"]["ratelimit_ddb"]["megabytes"]), 25,
        False, "MB",
    ),
)  # fmt: skip


def rows(raw: Raw) -> Iterator[tuple[str, str, str, str]]:
    """Aim, bound, reached value, yes or no; of those whose sections were run."""
    for aim in AIMS:
        if aim.needs not in raw:
            continue
        bound = f"at {'least' if aim.at_least else 'most'} {aim.bound:g} {aim.unit}".strip()
        value = f"{number(aim.read(raw))} {aim.unit}".strip()
        yield aim.text, bound, value, "yes" if aim.is_reached(raw) else "**no**"
