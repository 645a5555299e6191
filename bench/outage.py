"""What an outage costs: the wait of each request, and what several processes admit meanwhile.

The table is played by a server whose process is stopped and continued: it keeps its connections,
and says nothing.
"""

from __future__ import annotations

import logging
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bench import lineup
from bench.engine import set_dummy_credentials
from bench.hot_keys.throttling_server import ThrottlingServer, throttling_server
from bench.worker.contender import Rate, bucket_due
from bench.workers import start_workers
from ratelimit_ddb import Decision, DynamoDBStore, RateLimiter

REQUESTS = 1_000
PROCESSES = 4
RATE = Rate(50, 1, 5)
SATURATED_SECONDS = 3.0
MOST_MS, MOST_SECONDS_TO_CLOSE = 1.0, 2.0
PATIENCE_SECONDS = 10.0
AS_SHIPPED = {"limiter": {"deadline": 0.25, "on_outage": "local"}}


@dataclass(frozen=True, slots=True)
class Outage:
    """The figures of an outage.

    Attributes:
        before_ms: the waits of the first requests, before the breaker opened.
        after_ms: the mean wait of a request after that.
        seconds_to_close: from the endpoint's return until a decision was by the table.
        admitted_over_limit: by all processes together, over what one limit gives.
    """

    before_ms: tuple[float, ...]
    after_ms: float
    seconds_to_close: float
    admitted_over_limit: float


def measured() -> Outage:
    """One outage of one process, and one of several."""
    with throttling_server(ceiling=1_000) as server:
        before_ms, after_ms, seconds_to_close = _of_one_process(server)
    with throttling_server(ceiling=1_000) as server:
        return Outage(before_ms, after_ms, seconds_to_close, _of_several_processes(server))


def _of_one_process(server: ThrottlingServer) -> tuple[tuple[float, ...], float, float]:
    with DynamoDBStore("limits", endpoint_url=server.url) as store:
        acquire = RateLimiter(store, "100/second").acquire
        acquire("user")
        os.kill(server.pid, signal.SIGSTOP)
        before_ms: list[float] = []
        while not before_ms or before_ms[-1] > MOST_MS:
            before_ms.append(_wait_ms(acquire, f"first{len(before_ms)}"))
        after_ms = statistics.mean(_wait_ms(acquire, f"user{n}") for n in range(REQUESTS))
        os.kill(server.pid, signal.SIGCONT)
        began = time.monotonic()
        number = 0
        while acquire(f"last{number}").source == "outage":
            number += 1
            if time.monotonic() > began + PATIENCE_SECONDS:
                raise RuntimeError(f"still an outage {PATIENCE_SECONDS:g} s after its end")
            time.sleep(0.01)
        return tuple(before_ms[:-1]), after_ms, time.monotonic() - began


def _of_several_processes(server: ThrottlingServer) -> float:
    arguments = lineup.OURS.start_arguments(server.url, "limits", **AS_SHIPPED)
    with start_workers((), PROCESSES, None, keys=1, **arguments) as workers:
        os.kill(server.pid, signal.SIGSTOP)
        begin_at = time.time() + 2.0
        for worker in workers:
            worker.send(
                "saturate",
                rate=asdict(RATE),
                key="hot",
                seconds=SATURATED_SECONDS,
                begin_at=begin_at,
            )
        admitted = sum(int(worker.receive()["admitted"]) for worker in workers)
    return admitted / bucket_due(RATE, SATURATED_SECONDS)


def _wait_ms(acquire: Callable[[str], Decision], key: str) -> float:
    began_ns = time.perf_counter_ns()
    acquire(key)
    return (time.perf_counter_ns() - began_ns) / 1e6


def missed(outage: Outage) -> list[str]:
    """The aims that were not reached."""
    return [
        text
        for text, is_missed in (
            (f"more than {MOST_MS:g} ms a request", outage.after_ms > MOST_MS),
            (
                f"more than {MOST_SECONDS_TO_CLOSE:g} s until it is over",
                outage.seconds_to_close > MOST_SECONDS_TO_CLOSE,
            ),
            (f"more than {PROCESSES} limits", outage.admitted_over_limit > PROCESSES),
        )
        if is_missed
    ]


def main() -> int:
    """Print them; 1 if an aim is missed."""
    set_dummy_credentials()
    logging.getLogger("ratelimit_ddb").setLevel(logging.ERROR)
    outage = measured()
    waits = ", ".join(f"{wait_ms:.0f}" for wait_ms in outage.before_ms)
    print("an outage: the endpoint takes connections and says nothing")
    print(f"  the first requests wait {waits} ms; each of {REQUESTS:,} others ", end="")
    print(f"{outage.after_ms:.3f} ms on the average")
    print(f"  {outage.seconds_to_close:.2f} s after its return it is asked again")
    print(f"  {PROCESSES} processes at saturation admit ", end="")
    print(f"{outage.admitted_over_limit:.2f} times what one limit gives")
    print(f"  aims: {'; '.join(missed(outage)) or 'met'}")
    return int(bool(missed(outage)))


if __name__ == "__main__":
    sys.exit(main())
