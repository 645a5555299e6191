"""The hot path, side by side: what a decision costs, of everyone, in one run.

On a server with canned replies only the client's cost shows; on an engine the whole path; in memory
there is neither. ``python -m bench.hot_path`` takes a quick look, at ours and boto3 unless
``--everybody`` is given.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from bench import field
from bench.canned_server import canned_server
from bench.cores import CLIENT
from bench.crew import Failed, crew
from bench.demand import CASES
from bench.effort import Effort
from bench.engine import as_nobody
from bench.environment import CannotInstall
from bench.field import Entry
from bench.meter import metered
from bench.progress import Progress
from bench.recording import Recording
from bench.side_by_side import gathered, interleaved

Result = dict[str, Any]
QUICK = (field.OURS, field.OURS_ASYNC, field.OURS_ASKING, field.BOTO3, field.BOTO3_TO_THREAD)
QUICK_IN_MEMORY = (field.OURS_IN_MEMORY, field.OURS_IN_MEMORY_ASYNC, field.NOTHING)


def on_canned_replies(
    entries: Sequence[Entry], engine_url: str | None, table: str, effort: Effort, progress: Progress
) -> Result:
    """The client's cost alone.

    Args:
        entries: who takes part.
        engine_url: an engine, to record its replies to those that need that; None leaves them out.
        table: the name of a table on it.
        effort: how much.
        progress: where to show it.
    """
    with contextlib.ExitStack() as open_:
        usual = open_.enter_context(canned_server())
        urls, failures = {}, {}
        for entry in entries:
            if not entry.is_recorded:
                urls[entry.name] = usual
                continue
            try:
                recording = recorded(entry, engine_url, table)
            except (CannotInstall, Failed) as failure:
                failures[entry.name] = str(failure)[:200]
                continue
            urls[entry.name] = open_.enter_context(canned_server(recording))
        present = [entry for entry in entries if entry.name in urls]
        gathering = open_.enter_context(
            gathered(present, lambda entry: entry.place(urls[entry.name], table), CLIENT)
        )
        taken = interleaved(
            gathering, CASES, effort.concurrencies, effort.rounds, effort.seconds, progress
        )
        return {"taken": taken, "failures": failures | gathering.failures}


def recorded(entry: Entry, engine_url: str | None, table: str) -> Recording:
    """What the engine answers one whose questions the canned server does not know.

    Raises:
        Failed: there is no engine, or the contender does not work on it.
    """
    if engine_url is None:
        raise Failed("it needs an engine whose replies are recorded first")
    with metered(engine_url) as (url, meter):
        # Of the first everything is new, of the second it is as it will be.
        for _ in range(2):
            with crew(entry.packages, 1, None, **entry.place(url, table)) as (member,):
                member.ask("exactly", case="allowed", calls=20)
                member.ask("exactly", case="denied", calls=20)
        return meter.recording


def on_the_engine(
    entries: Sequence[Entry], engine_url: str, table: str, effort: Effort, progress: Progress
) -> Result:
    """The whole path."""
    with gathered(entries, lambda entry: entry.place(engine_url, table), CLIENT) as gathering:
        taken = interleaved(
            gathering, CASES, effort.concurrencies, effort.engine_rounds, effort.seconds, progress
        )
        return {"taken": taken, "failures": gathering.failures}


def in_memory(entries: Sequence[Entry], effort: Effort, progress: Progress) -> Result:
    """Those that keep their buckets in the process."""
    seconds = effort.seconds / 3
    with gathered(entries, lambda entry: entry.place("", ""), CLIENT) as gathering:
        taken = interleaved(
            gathering, CASES, effort.concurrencies, effort.rounds, seconds, progress
        )
        return {"taken": taken, "failures": gathering.failures}


def main() -> int:
    """Print a quick look; 1 if any part of it failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.15)
    parser.add_argument("--everybody", action="store_true", help="peers too; installs them once")
    asked = parser.parse_args()
    as_nobody()
    effort = Effort(asked.rounds, asked.rounds, asked.seconds, concurrencies=(1, 32))
    progress = Progress()
    on_a_table = field.ON_A_TABLE if asked.everybody else QUICK
    memory = field.IN_MEMORY if asked.everybody else QUICK_IN_MEMORY
    progress.section("canned replies")
    canned = on_canned_replies(on_a_table, None, "limits", effort, progress)
    print_result("CPU on canned replies", canned)
    progress.section("in memory")
    kept = in_memory(memory, effort, progress)
    print_result("CPU in memory", kept)
    return int(any(result["failures"] for result in (canned, kept)))


def print_result(title: str, result: Result) -> None:
    """A line for each contender and case."""
    print(f"\n{title}, microseconds a decision, medians (least to most)")
    for name, cases in result["taken"].items():
        for case, concurrencies in cases.items():
            parts = []
            for concurrency, figures in concurrencies.items():
                values = figures["cpu_us"]
                middle = statistics.median(values)
                parts.append(
                    f"{concurrency:>4} at once {middle:>8,.1f} ({min(values):,.1f} to "
                    f"{max(values):,.1f})"
                )
            print(f"  {name:<38} {case:<8} {'   '.join(parts)}")
    for name, reason in result["failures"].items():
        print(f"  {name:<38} not measured: {reason}")


if __name__ == "__main__":
    sys.exit(main())
