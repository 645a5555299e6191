"""Locust without its web page: what applications do under load, with the limiter and without.

``python -m bench.load`` is the short run; the report takes more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.cores import ALLOWED, CLIENT, pin_to_core
from bench.environment import ROOT
from bench.hot_keys.throttling_server import throttling_server
from bench.load_keys import SPREADS
from bench.progress import Progress

USERS = 20
SECONDS_TO_START = 60
LIMIT = "10/second burst 20"
KEYS = 1_000
WRITES_PER_SECOND = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """One load.

    Attributes:
        user: a class of locustfile.py.
        spread: of the keys.
        store: ``memory``; ``partition``, a table played by a server, which throttles a key beyond
            1,000 writes a second; or the URL of an endpoint.
        limit: of each key.
    """

    user: str
    spread: str = "zipf"
    store: str = "memory"
    limit: str = LIMIT


HOT_KEY = Run("HotKeyUser", "one key", "partition", "5000/second")
SHORT = (
    Run("BareAsgiUser"),
    Run("AsgiUser"),
    Run("AsgiUser", "attack"),
    Run("LimiterUser"),
    HOT_KEY,
)


def full(engine_url: str) -> tuple[Run, ...]:
    """Every application, usual and attacked, and the engine where it matters."""
    users = ("AsgiUser", "WsgiUser")
    limited = [Run(user, spread) for user in users for spread in ("zipf", "attack")]
    on_the_engine = [Run(user, "uniform", engine_url) for user in (*users, "LimiterUser")]
    on_the_engine.append(Run("AsgiUser", "attack", engine_url))
    bare = [Run("BareAsgiUser"), Run("BareWsgiUser")]
    return (*bare, *limited, Run("LimiterUser"), HOT_KEY, *on_the_engine)


def measured(runs: Iterable[Run], seconds: int, progress: Progress) -> list[dict[str, Any]]:
    """What each run came to; or ``failure``, with the reason."""
    runs = tuple(runs)
    results = []
    for done, run in enumerate(runs):
        progress.step(done, len(runs), f"{run.user}, {run.spread}")
        where = run.store if run.store in ("memory", "partition") else "table"
        results.append({**asdict(run), "store": where, **_outcome(run, seconds)})
    progress.step(len(runs), len(runs))
    return results


def _outcome(run: Run, seconds: int) -> dict[str, Any]:
    with contextlib.ExitStack() as ending:
        store, table = run.store, list[str]()
        if store == "partition":
            store = ending.enter_context(throttling_server(WRITES_PER_SECOND)).url
            table = ["--table", "limits"]
        folder = ending.enter_context(tempfile.TemporaryDirectory())
        outcome = Path(folder) / "outcome.json"
        command = [sys.executable, "-m", "locust", "-f", "bench/locustfile.py", "--headless"]
        command += ["--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{seconds}s"]
        command += ["--only-summary", "--loglevel", "ERROR"]
        if run.spread in SPREADS:
            command += ["--spread", run.spread]
        command += ["--keys", str(KEYS), "--limit", run.limit, "--store", store, *table]
        command += ["--outcome", str(outcome), run.user]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        pin_to_core(CLIENT, process.pid)
        try:
            _, errors = process.communicate(timeout=seconds + SECONDS_TO_START)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.communicate()
            return {"failure": f"did not end within {seconds + SECONDS_TO_START} s"}
        if not outcome.exists():
            return {"failure": (errors.strip().splitlines() or ["no outcome"])[-1][:200]}
        found: dict[str, Any] = json.loads(outcome.read_text(encoding="utf-8"))
        return found


def shown(run: dict[str, Any]) -> str:
    """A run in a line."""
    name = f"{run['user']:<14} {run['spread']:<8} {run['store']:<7}"
    if "failure" in run:
        return f"{name} failed: {run['failure']}"
    denied = run["denied"] / max(1, run["requests"])
    cpu_us = run["server_cpu_us"] or run["own_cpu_us"] or 0
    return (
        f"{name} {run['per_second']:>7,.0f} a second, {denied:>4.0%} denied, {run['failures']} "
        f"failed, p50 {run['p50_ms']} ms, p99 {run['p99_ms']} ms, {cpu_us:,.0f} us of CPU each"
    )


def is_failed(run: dict[str, Any]) -> bool:
    """Whether a run came to nothing, or some of its requests did; denied ones did not."""
    return "failure" in run or not run["requests"] or bool(run["failures"])


def main() -> int:
    """Print the short run; 1 if any part of it failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=6)
    args = parser.parse_args()
    progress = Progress()
    progress.section(f"Locust, {len(SHORT)} runs")
    runs = measured(SHORT, args.seconds, progress)
    print(f"\n{USERS} users, {KEYS:,} keys, {LIMIT} each, one key {HOT_KEY.limit}; ", end="")
    print(f"{len(ALLOWED)} cores")
    for run in runs:
        print(f"  {shown(run)}")
    return int(any(is_failed(run) for run in runs))


if __name__ == "__main__":
    sys.exit(main())
