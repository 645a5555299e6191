"""The hot path: what a decision costs, for every contender, in one run.

On a server with canned replies only the client's cost shows; on an engine the whole path; in memory
there is neither. ``python -m bench.hot_path`` takes a quick look, at ours and boto3 unless
``--all`` is given.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from bench import lineup
from bench.canned_server import canned_server
from bench.cores import CLIENT
from bench.engine import set_dummy_credentials
from bench.environment import CannotInstall
from bench.lineup import LineupEntry
from bench.metering_proxy import metered
from bench.progress import Progress
from bench.recording import Recording
from bench.side_by_side import interleaved, running_contenders
from bench.worker.request_mix import CASES
from bench.workers import ContenderFailed, start_workers
from bench.workload import Workload

Result = dict[str, Any]
QUICK = (
    lineup.OURS, lineup.OURS_ASYNC, lineup.OURS_LEASED, lineup.BOTO3, lineup.BOTO3_TO_THREAD,
    lineup.BARE_SOCKET,
)  # fmt: skip
QUICK_IN_MEMORY = (lineup.OURS_IN_MEMORY, lineup.OURS_IN_MEMORY_ASYNC, lineup.NOTHING)


def on_canned_replies(
    entries: Sequence[LineupEntry],
    engine_url: str | None,
    table: str,
    workload: Workload,
    progress: Progress,
) -> Result:
    """The client's cost alone.

    Args:
        entries: the contenders.
        engine_url: an engine, to record its replies to those that need that; None leaves them out.
        table: the name of a table on it.
        workload: how much.
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
            except (CannotInstall, ContenderFailed) as failure:
                failures[entry.name] = str(failure)[:200]
                continue
            urls[entry.name] = open_.enter_context(canned_server(recording))
        present = [entry for entry in entries if entry.name in urls]
        running = open_.enter_context(
            running_contenders(
                present, lambda entry: entry.start_arguments(urls[entry.name], table), CLIENT
            )
        )
        results = interleaved(
            running, CASES, workload.concurrencies, workload.rounds, workload.seconds, progress
        )
        return {"results": results, "failures": failures | running.failures}


def recorded(entry: LineupEntry, engine_url: str | None, table: str) -> Recording:
    """The engine's replies to a contender whose requests the canned server does not know.

    Raises:
        ContenderFailed: there is no engine, or the contender does not work on it.
    """
    if engine_url is None:
        raise ContenderFailed("it needs an engine whose replies are recorded first")
    with metered(engine_url) as (url, meter):
        # Of the first everything is new, of the second it is as it will be.
        for _ in range(2):
            with start_workers(entry.packages, 1, None, **entry.start_arguments(url, table)) as (
                worker,
            ):
                worker.request("exactly", case="allowed", calls=20)
                worker.request("exactly", case="denied", calls=20)
        return meter.recording


def on_the_engine(
    entries: Sequence[LineupEntry],
    engine_url: str,
    table: str,
    workload: Workload,
    progress: Progress,
) -> Result:
    """The whole path."""
    with running_contenders(
        entries, lambda entry: entry.start_arguments(engine_url, table), CLIENT
    ) as running:
        results = interleaved(
            running,
            CASES,
            workload.concurrencies,
            workload.engine_rounds,
            workload.seconds,
            progress,
        )
        return {"results": results, "failures": running.failures}


def in_memory(entries: Sequence[LineupEntry], workload: Workload, progress: Progress) -> Result:
    """Those that keep their buckets in the process."""
    seconds = workload.seconds / 3
    with running_contenders(
        entries, lambda entry: entry.start_arguments("", ""), CLIENT
    ) as running:
        results = interleaved(
            running, CASES, workload.concurrencies, workload.rounds, seconds, progress
        )
        return {"results": results, "failures": running.failures}


def main() -> int:
    """Print a quick look; 1 if any part of it failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.15)
    parser.add_argument("--all", action="store_true", help="peers too; installs them once")
    args = parser.parse_args()
    set_dummy_credentials()
    workload = Workload(args.rounds, args.rounds, args.seconds, concurrencies=(1, 32))
    progress = Progress()
    on_canned = lineup.ON_CANNED_REPLIES if args.all else QUICK
    memory_entries = lineup.IN_MEMORY if args.all else QUICK_IN_MEMORY
    progress.section("canned replies")
    canned = on_canned_replies(on_canned, None, "limits", workload, progress)
    print_result("CPU on canned replies", canned)
    progress.section("in memory")
    memory = in_memory(memory_entries, workload, progress)
    print_result("CPU in memory", memory)
    return int(any(result["failures"] for result in (canned, memory)))


def print_result(title: str, result: Result) -> None:
    """A line for each contender and case."""
    print(f"\n{title}, microseconds a decision, medians (least to most)")
    for name, cases in result["results"].items():
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
