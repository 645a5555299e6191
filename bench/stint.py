"""One stretch of requests, so many at once, and what it took. Standard library only.

Blocking contenders are asked by threads, asyncio ones by tasks. Requests are handed out before the
clocks start, so what is counted is the contender, and the loop that asks it (bench.contenders
.nothing tells how much that is).
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Requests = Sequence[tuple[Any, str]]


@dataclass(frozen=True, slots=True)
class Stint:
    """What a stretch took.

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


def stint(
    requests: Requests, concurrency: int, runner: asyncio.Runner | None, time_every: int = 1
) -> Stint:
    """Have the requests decided.

    Args:
        requests: limiter and key of each.
        concurrency: how many are under way at once.
        runner: the event loop of an asyncio contender.
        time_every: of how many requests one is timed; for those as quick as a look at the clock.
    """
    shares = [requests[number::concurrency] for number in range(concurrency)]
    waits: list[int] = []
    gc.collect()
    if runner is None:
        admitted, cpu_ns, wall_ns = _by_threads(shares, waits, time_every)
    else:
        admitted, cpu_ns, wall_ns = runner.run(_by_tasks(shares, waits, time_every))
    waits.sort()
    return Stint(
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
        admitted = _ask(shares[0], waits, time_every)
        return _since(admitted, began_cpu_ns, began_ns)
    counts: list[int] = []
    failures: list[BaseException] = []
    start = threading.Barrier(len(shares) + 1)

    def work(share: Requests) -> None:
        start.wait()
        try:
            counts.append(_ask(share, waits, time_every))
        except BaseException as failure:  # noqa: BLE001 - raised again below, in the main thread
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    began_cpu_ns, began_ns = time.process_time_ns(), time.perf_counter_ns()
    start.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return _since(sum(counts), began_cpu_ns, began_ns)


def _ask(share: Requests, waits: list[int], time_every: int) -> int:
    admitted = 0
    for number, (admit, key) in enumerate(share):
        if number % time_every:
            admitted += admit(key)
            continue
        asked_ns = time.perf_counter_ns()
        admitted += admit(key)
        waits.append(time.perf_counter_ns() - asked_ns)
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
            asked_ns = time.perf_counter_ns()
            admitted += await admit(key)
            waits.append(time.perf_counter_ns() - asked_ns)
        return admitted

    began_cpu_ns, began_ns = time.process_time_ns(), time.perf_counter_ns()
    counts = await asyncio.gather(*(work(share) for share in shares))
    return _since(sum(counts), began_cpu_ns, began_ns)


def _since(admitted: int, began_cpu_ns: int, began_ns: int) -> tuple[int, int, int]:
    return admitted, time.process_time_ns() - began_cpu_ns, time.perf_counter_ns() - began_ns
