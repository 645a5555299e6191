"""Requests that come whether or not the last one was decided. Standard library only."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from bench.worker.contender import AdmitAsync, Contender, Rate

PATIENCE_SECONDS = 5.0
"""For what is still under way when the last call was made; what takes longer has failed."""


async def offer(
    contender: Contender,
    rate: Rate,
    key: str,
    per_second: float,
    seconds: float,
    begin_at_ns: int,
    seed: str,
) -> dict[str, Any]:
    """Call from ``begin_at_ns`` (of ``time.monotonic_ns()``) on, at random instants.

    Returns:
        ``called_ns`` and ``answered_ns`` of each decision, by the monotonic clock, and whether it
        was ``admitted``; how many calls ``failed``, and the first ``failure``.
    """
    calls = _Calls(contender.limiter(rate))
    await calls.make(f"{key}.warm")
    calls = _Calls(calls.admit)
    expovariate = random.Random(seed).expovariate
    next_ns, until_ns = begin_at_ns, begin_at_ns + round(seconds * 1e9)
    under_way: set[asyncio.Task[None]] = set()
    while next_ns < until_ns:
        early_ns = next_ns - time.monotonic_ns()
        if early_ns > 0:
            await asyncio.sleep(early_ns / 1e9)
            continue
        task = asyncio.create_task(calls.make(key))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        next_ns += round(expovariate(per_second) * 1e9)
    if under_way:
        _, late = await asyncio.wait(under_way, timeout=PATIENCE_SECONDS)
        for task in late:
            task.cancel()
            calls.note_failure(f"no answer {PATIENCE_SECONDS:g} s after the last call")
    return {
        "called_ns": calls.called_ns,
        "answered_ns": calls.answered_ns,
        "admitted": calls.admitted,
        "failed": calls.failed,
        "failure": calls.failure,
    }


class _Calls:
    """Calls of one limiter, and what came of them."""

    def __init__(self, admit: AdmitAsync) -> None:
        self.admit = admit
        self.called_ns: list[int] = []
        self.answered_ns: list[int] = []
        self.admitted: list[bool] = []
        self.failed = 0
        self.failure = ""

    async def make(self, key: str) -> None:
        called_ns = time.monotonic_ns()
        try:
            admitted = await self.admit(key)
        except Exception as error:  # noqa: BLE001 - third-party code; the report names the error
            self.note_failure(f"{type(error).__name__}: {error}")
            return
        self.called_ns.append(called_ns)
        self.answered_ns.append(time.monotonic_ns())
        self.admitted.append(admitted)

    def note_failure(self, failure: str) -> None:
        self.failed += 1
        self.failure = self.failure or failure
