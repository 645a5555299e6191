"""One hot key and real processes: against a partition that throttles, and on DynamoDB Local.

    python -m bench.hot_keys.processes                # ours, on the throttling server
    python -m bench.hot_keys.processes --engine       # on DynamoDB Local too, beside a peer

Machines have few cores, so the loads are small; simulation.py has the large ones. zae-limiter asks
more of a table than the throttling server knows. So both meet the same server once more where it
stands before DynamoDB Local and throttles for it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from bench import lineup
from bench.engine import engine, limit_table, set_dummy_credentials
from bench.environment import CannotInstall
from bench.hot_keys.case import FLOOD, ROOM_ENOUGH, SATURATED, Case
from bench.hot_keys.figures import Figures, Observed, figures_of, missed
from bench.hot_keys.table import heading, line
from bench.hot_keys.throttling_server import ThrottlingServer, throttling_server
from bench.lineup import LineupEntry
from bench.worker.contender import Rate
from bench.workers import ContenderFailed, WorkerProcess, start_workers
from ratelimit_ddb.limit import SECOND_NS, Limit

SECONDS_TO_GET_READY = 0.5
AS_SHIPPED = {"limiter": {"deadline": 0.25, "on_outage": "allow"}}
"""The default deadline, and what a flood was let in by before throttles were told from outages."""

CASES = (
    Case(Limit(10, 1), 4, 20, 10, SATURATED),
    Case(Limit(100, 1), 4, 200, 6, SATURATED),
    Case(Limit(1_000, 1), 8, 1_500, 4, SATURATED),
    Case(Limit(1_000, 1), 8, 800, 4, ROOM_ENOUGH),
    Case(Limit(5_000, 1), 4, 4_000, 4, ROOM_ENOUGH),
    Case(Limit(2_000, 1), 4, 5_000, 4, SATURATED),
    Case(Limit(4, 1), 8, 300, 6, FLOOD, ceiling=40),
    Case(Limit(8, 1), 8, 60, 6, FLOOD, ceiling=40),
    Case(Limit(30, 1), 1, 160, 6, FLOOD, ceiling=40),
)
"""What a machine of two cores can offer beside the server."""

ENGINE_CASES = (
    Case(Limit(50, 1), 4, 200, 6, SATURATED),
    Case(Limit(200, 1), 4, 160, 4, ROOM_ENOUGH),
    Case(Limit(1_000, 1), 4, 2_000, 4, SATURATED),
    Case(Limit(50, 1), 4, 200, 6, SATURATED, ceiling=100),
    Case(Limit(200, 1), 4, 160, 6, ROOM_ENOUGH, ceiling=100),
    Case(Limit(4, 1), 4, 300, 6, FLOOD, ceiling=40),
)
"""What DynamoDB Local can take beside four processes that load it."""


def measured(
    entry: LineupEntry, case: Case, server: ThrottlingServer, table: str
) -> tuple[Figures, str]:
    """The figures of a case, and a word on calls that failed."""
    options = AS_SHIPPED if entry.is_ours else {}
    arguments = entry.start_arguments(server.url, table, **options)
    with start_workers(entry.packages, case.processes, None, keys=1, **arguments) as workers:
        return _offered(workers, case, server)


def _offered(
    workers: Sequence[WorkerProcess], case: Case, server: ThrottlingServer
) -> tuple[Figures, str]:
    rate = Rate(case.limit.quantity, 1, case.limit.burst)
    begin_at_ns = time.monotonic_ns() + int(SECONDS_TO_GET_READY * SECOND_NS)
    for number, worker in enumerate(workers):
        worker.send(
            "offer",
            rate=asdict(rate),
            key=f"hot{begin_at_ns}",
            per_second=case.offered / case.processes,
            seconds=case.seconds,
            begin_at_ns=begin_at_ns,
            seed=str(number),
        )
    got = [worker.receive() for worker in workers]
    observed = observed_by(got, begin_at_ns)
    served, throttled = server.read()
    observed.writes.extend(
        instant_ns
        for instant_ns, units in served
        for _ in range(units)
        if instant_ns >= begin_at_ns
    )
    observed.throttled.extend(instant for instant in throttled if instant >= begin_at_ns)
    failed = sum(one["failed"] for one in got)
    failures = [one["failure"] for one in got if one["failure"]]
    note = f"{failed} failed: {failures[0][:80]}" if failed else ""
    return figures_of(case, observed), note


def observed_by(responses: Iterable[dict[str, Any]], began_ns: int) -> Observed:
    """What the processes saw together, in the order of the answers."""
    rows = sorted(
        (answered_ns, called_ns, admitted, process)
        for process, one in enumerate(responses)
        for called_ns, answered_ns, admitted in zip(
            one["called_ns"], one["answered_ns"], one["admitted"], strict=True
        )
    )
    observed = Observed(began_ns)
    for answered_ns, called_ns, admitted, process in rows:
        observed.called_ns.append(called_ns)
        observed.answered_ns.append(answered_ns)
        observed.admitted.append(admitted)
        observed.process.append(process)
    return observed


def main() -> int:
    """Print the cases; 1 if ours misses an aim."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", action="store_true", help="on DynamoDB Local too")
    args = parser.parse_args()
    set_dummy_credentials()
    all_met = True
    print("real processes, one table played by a server")
    print(heading())
    for case in CASES:
        with throttling_server(case.ceiling) as server:
            all_met &= _shown(lineup.OURS_LEASED_ASYNC, case, server, "limits")
    if args.engine:
        print("\nreal processes, DynamoDB Local behind a ceiling")
        print(heading())
        with engine() as url, limit_table(url) as table:
            for case in ENGINE_CASES:
                for entry in (lineup.OURS_LEASED_ASYNC, lineup.ZAE):
                    with throttling_server(case.ceiling, url) as server:
                        met = _shown(entry, case, server, table)
                        all_met &= met or not entry.is_ours
    return int(not all_met)


def _shown(entry: LineupEntry, case: Case, server: ThrottlingServer, table: str) -> bool:
    try:
        figures, note = measured(entry, case, server, table)
    except (CannotInstall, ContenderFailed) as failure:
        print(f"{case.name:<26} {entry.name}: not measured: {failure}", flush=True)
        return False
    print(f"{line(case, figures)}  {entry.name} {note}".rstrip(), flush=True)
    return not missed(figures, case.all_aims)


if __name__ == "__main__":
    sys.exit(main())
