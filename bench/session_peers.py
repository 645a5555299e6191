"""Sessions side by side, on the same engine: ours, flask-session's, starsessions', Django's own.

The same site runs on each, in the framework of the peer: calls and capacity units of single
requests, as the engine bills them, and the CPU of many. starsessions and Django ship no store on
DynamoDB; theirs are in bench/session_contenders. ``bare`` is the site without sessions.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from bench.cores import CLIENT
from bench.engine import engine, limit_table, session_table, set_dummy_credentials
from bench.environment import CannotInstall, python_with
from bench.metering_proxy import Meter, metered
from bench.progress import Progress
from bench.workers import ContenderFailed, WorkerProcess

BARE, OURS = "bare", "ours"
ROUNDS = 3
REQUESTS = 100


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """One site in the lineup.

    Attributes:
        framework: that it is written in.
        name: of its sessions, in the report.
        module: of bench.session_contenders.
        style: which sessions: see there.
        packages: what its environment has; none means this project's own environment.
        note: what a reader of its figures must know.
    """

    framework: str
    name: str
    module: str
    style: str
    packages: tuple[str, ...] = ()
    note: str = ""

    def start_arguments(self, endpoint_url: str, table: str) -> dict[str, Any]:
        """The arguments of its worker's ``start`` command."""
        target = {"endpoint_url": endpoint_url, "table": table, "style": self.style}
        return {"module": f"bench.session_contenders.{self.module}", "target": target}


LINEUP = (
    SessionEntry("Flask", BARE, "flask_site", "bare"),
    SessionEntry("Flask", OURS, "flask_site", "ours"),
    SessionEntry(
        "Flask",
        "flask-session",
        "flask_site",
        "flask-session",
        ("flask-session", "boto3", "mypy-boto3-dynamodb"),
        "as shipped, with its table; its read is eventually consistent, half a unit",
    ),
    SessionEntry("Starlette", BARE, "starlette_site", "bare"),
    SessionEntry("Starlette", OURS, "starlette_site", "ours"),
    SessionEntry(
        "Starlette",
        "starsessions",
        "starlette_site",
        "starsessions",
        ("starsessions", "aiobotocore", "boto3"),
        "a store of 30 lines by aiobotocore, for it ships none on DynamoDB; an idle timeout "
        "(`rolling`). Its login leaves the session of before in the store, which is one call less",
    ),
    SessionEntry("Django", BARE, "django_site", "bare"),
    SessionEntry("Django", OURS, "django_site", "ours"),
    SessionEntry(
        "Django",
        "Django itself",
        "django_site",
        "django",
        ("django", "boto3"),
        "its database backend, written for DynamoDB by boto3, for it ships none",
    ),
)

STORY = (
    ("no cookie, session untouched", "/untouched", True),
    ("no cookie, a value is set", "/write", True),
    ("session untouched", "/untouched", False),
    ("session read", "/read", False),
    ("a value is changed", "/write", False),
    ("login", "/login", False),
    ("logout", "/logout", False),
)
"""What is done, the page that does it, and whether the visitor comes without a cookie."""
TIMED = {"session untouched": "/untouched", "session read": "/read", "a value is changed": "/write"}


def measured(
    engine_url: str,
    table: str,
    progress: Progress,
    rounds: int = ROUNDS,
    requests: int = REQUESTS,
    lineup: Sequence[SessionEntry] | None = None,
) -> dict[str, Any]:
    """Calls, units and CPU by framework, name and case; and who could not be measured.

    Args:
        engine_url: of the engine.
        table: tables are made there whose names begin so; the caller deletes them.
        progress: where to show it.
        rounds: of the timed requests, interleaved.
        requests: a round.
        lineup: LINEUP unless given.
    """
    results: dict[str, Any] = {}
    failures: dict[str, str] = {}
    ours = session_table(engine_url, table)
    with ExitStack() as ending:
        workers: dict[SessionEntry, WorkerProcess] = {}
        proxy_url, meter = ending.enter_context(metered(engine_url))
        for entry in LINEUP if lineup is None else lineup:
            try:
                with _started(entry, proxy_url, ours) as worker:
                    cases = _billed(worker, meter)
                workers[entry] = ending.enter_context(_started(entry, engine_url, ours))
            except (CannotInstall, ContenderFailed) as failure:
                failures[f"{entry.framework}, {entry.name}"] = str(failure).splitlines()[0][:200]
                continue
            results.setdefault(entry.framework, {})[entry.name] = cases
        for done in range(rounds):
            for case, path in TIMED.items():
                for entry, worker in workers.items():
                    figures = results[entry.framework][entry.name][case]
                    worker.request("visit", path="/write")
                    took = worker.request("visit", path=path, times=requests)
                    figures.setdefault("cpu_us", []).append(round(took["cpu_us"], 1))
            progress.step(done + 1, rounds)
    return {"results": results, "failures": failures}


@contextmanager
def _started(entry: SessionEntry, url: str, table: str) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(python_with(entry.packages), CLIENT, "bench.worker.visits")
    try:
        worker.request("start", **entry.start_arguments(url, table))
        yield worker
    finally:
        worker.stop()


def _billed(worker: WorkerProcess, meter: Meter) -> dict[str, Any]:
    cases: dict[str, Any] = {}
    for name, path, is_new in STORY:
        if is_new:
            worker.request("forget")
        meter.read()
        worker.request("visit", path=path)
        counted = meter.read()
        cases[name] = {
            "calls": counted["requests"],
            "write_units": counted["write_units"],
            "read_units": counted["read_units"],
        }
    return cases


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    set_dummy_credentials()
    with engine() as url, limit_table(url) as table:
        found = measured(url, table, Progress(), args.rounds)
    for framework, sites in found["results"].items():
        print(f"\n{framework:<40}{'calls':>7}{'writes':>8}{'reads':>7}{'CPU us':>9}")
        for name, cases in sites.items():
            for case, of in cases.items():
                cpu_us = f"{statistics.median(of['cpu_us']):>9,.0f}" if "cpu_us" in of else ""
                units = f"{of['calls']:>7}{of['write_units']:>8g}{of['read_units']:>7g}"
                print(f"  {f'{name}: {case}':<38}{units}{cpu_us}")
    for name, reason in found["failures"].items():
        print(f"{name} was not measured: {reason}")


if __name__ == "__main__":
    main()
