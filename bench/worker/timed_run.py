"""A timed run of requests, several at once. Standard library only.

Blocking contenders are called by threads, asyncio ones by tasks. Requests are handed out before the
clocks start, so what is counted is the contender and the loop that calls it
(bench.contenders.nothing shows how much that is).
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

Requests = Sequence[tuple[Any, str]]


@dataclass(frozen=True, slots=True)
class TimedRun:
    """The figures of a timed run.

    Attributes:
        calls: requests that were decided.
        admitted: how many of them were admitted.
        cpu_us: microseconds of the process's CPU for each, user and system, all threads.
        per_second: decisions in a second of wall time.
        p50_us, p99_us: how long a caller waited, wall time.
    """

    calls: int
    admitted: int
    cpu_us: float
    per_second: float
    p50_us: float
    p99_us: float

    def as_json(self) -> dict[str, float]:
        """The attributes."""
        return asdict(self)


def timed_run(
    requests: Requests, concurrency: int, runner: asyncio.Runner | None, time_every: int = 1
) -> TimedRun:
    """Send the requests and time them.

    Args:
        requests: limiter and key of each.
        concurrency: how many requests at once.
        runner: the event loop of an asyncio contender.
        time_every: time one request of so many; for those as quick as reading the clock.
    """
    shares = [requests[number::concurrency] for number in range(concurrency)]
    waits: list[int] = []
    gc.collect()
    if runner is None:
        admitted, cpu_ns, wall_ns = _by_threads(shares, waits, time_every)
    else:
        admitted, cpu_ns, wall_ns = runner.run(_by_tasks(shares, waits, time_every))
    waits.sort()
    return TimedRun(
        calls=len(requests),
        admitted=admitted,
        cpu_us=cpu_ns / len(requests) / 1_000,
        per_second=len(requests) / wall_ns * 1e9,
        p50_us=waits[len(waits) // 2] / 1_000,
        p99_us=waits[min(len(waits) - 1, len(waits) * 99 // 100)] / 1_000,
    )


def _by_threads(
    shares: Sequence[Requests], waits: list[int], time_every: int
) -> tuple[int, int, int]:
    if len(shares) == 1:
        began_cpu_ns, began_ns = time.process_time_ns(), time.perf_counter_ns()
        admitted = _send_all(shares[0], waits, time_every)
        return _since(admitted, began_cpu_ns, began_ns)
    start = threading.Barrier(len(shares) + 1)

    def work(share: Requests) -> int:
        start.wait()
        return _send_all(share, waits, time_every)

    with ThreadPoolExecutor(len(shares)) as pool:
        # Each waits at the barrier, so each has a thread of its own.
        admitted_by = [pool.submit(work, share) for share in shares]
        began_cpu_ns, began_ns = time.process_time_ns(), time.perf_counter_ns()
        start.wait()
        admitted = sum(future.result() for future in admitted_by)
        return _since(admitted, began_cpu_ns, began_ns)


def _send_all(share: Requests, waits: list[int], time_every: int) -> int:
    admitted = 0
    for number, (admit, key) in enumerate(share):
        if number % time_every:
            admitted += admit(key)
            continue
        sent_ns = time.perf_counter_ns()
        admitted += admit(key)
        waits.append(time.perf_counter_ns() - sent_ns)
    return admitted


async def _by_tasks(
    shares: Sequence[Requests], waits: list[int], time_every: int
) -> tuple[int, int, int]:
    async def work(share: Requests) -> int:
        admitted = 0
        for number, (admit, key) in enumerate(share):
            if number % time_every:
                admitted += await admit(key)
                continue
            sent_ns = time.perf_counter_ns()
            admitted += await admit(key)
            waits.append(time.perf_counter_ns() - sent_ns)
        return admitted

    began_cpu_ns, began_ns = time.process_time_ns(), time.perf_counter_ns()
    counts = await asyncio.gather(*(work(share) for share in shares))
    return _since(sum(counts), began_cpu_ns, began_ns)


def _since(admitted: int, began_cpu_ns: int, began_ns: int) -> tuple[int, int, int]:
    return admitted, time.process_time_ns() - began_cpu_ns, time.perf_counter_ns() - began_ns
