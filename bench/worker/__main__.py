"""A contender's process: reads a command a line, writes a response a line, both JSON.

    {"command": "start", "module": "bench.contenders.ours", "target": {...}}
    {"command": "fill", "keys": 100, "at_most": 100}
    {"command": "timed_run", "case": "mixed", "concurrency": 32, "seconds": 0.2, "at_least": 64}
    {"command": "saturate", "rate": {...}, "key": "hot", "seconds": 3.5, "begin_at": 1790000000.0}
    {"command": "offer", "rate": {...}, "key": "hot", "per_second": 250, "seconds": 3, ...}
    {"command": "exactly", "case": "first", "calls": 10}
    {"command": "counters"}

A response is an object, with ``error`` in it if the contender failed. It runs in any environment
that has what the contender needs, so it imports the standard library only, and that contender.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import resource
from typing import Any

from bench.worker.contender import Contender, Rate, Target
from bench.worker.offered_load import offer
from bench.worker.request_mix import RequestMix
from bench.worker.saturation import saturate
from bench.worker.serving import serve
from bench.worker.timed_run import timed_run

PROBE_CALLS = 10
QUICK_PROBE_CALLS = 3_200
MOST_CALLS = 20_000
QUICK_US = 100.0
QUICK_TIME_EVERY = 8


class Worker:
    """One contender and the commands it serves."""

    def __init__(self) -> None:
        self._contender: Contender
        self._request_mix: RequestMix
        self._runner: asyncio.Runner | None = None

    def start(self, module: str, target: dict[str, Any], keys: int = 100) -> dict[str, Any]:
        """Create the contender and spend the keys that are to be denied."""
        self._contender = importlib.import_module(module).create(Target(**target))
        if self._contender.is_async:
            self._runner = asyncio.Runner()
        self._request_mix = RequestMix(
            self._contender, keys, f"{target['options'].get('prefix', '')}"
        )
        timed_run(list(self._request_mix.draining_requests()), 1, self._runner)
        self.fill(keys, keys)
        return {"pid": os.getpid()}

    def fill(self, keys: int, at_most: int) -> dict[str, Any]:
        """Request each key once, up to ``at_most``, so that measurements find it known."""
        self._request_mix.keys = keys
        requests = [
            (self._request_mix.roomy, self._request_mix.key(n)) for n in range(min(keys, at_most))
        ]
        timed_run(requests, 8 if self._runner else 1, self._runner, QUICK_TIME_EVERY)
        peak_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"peak_megabytes": peak_kilobytes / 1024}

    def timed_run(
        self, case: str, concurrency: int, seconds: float, at_least: int = 0
    ) -> dict[str, Any]:
        """Time as many requests as take about ``seconds``."""
        probes = max(PROBE_CALLS, concurrency)
        took = timed_run(self._request_mix.requests(case, probes), concurrency, self._runner)
        probed = probes
        if took.p50_us < QUICK_US:
            # So few had finished before all callers started.
            probes = QUICK_PROBE_CALLS
            took = timed_run(self._request_mix.requests(case, probes), concurrency, self._runner)
            probed += probes
        calls = min(MOST_CALLS, round(took.per_second * seconds))
        calls = max(calls, 2 * concurrency, at_least, PROBE_CALLS)
        every = QUICK_TIME_EVERY if took.p50_us < QUICK_US else 1
        # A multiple of the callers, so that all work to the end.
        requests = self._request_mix.requests(case, calls - calls % concurrency)
        return {
            **timed_run(requests, concurrency, self._runner, every).as_json(),
            "probes": probed,
        }

    def saturate(
        self, rate: dict[str, Any], key: str, seconds: float, begin_at: float
    ) -> dict[str, Any]:
        """Request more tokens of one key than its rate has."""
        wanted = Rate(**rate)
        got = saturate(self._contender, wanted, key, seconds, begin_at, self._runner)
        return {**got, "due": self._contender.due(wanted, seconds)}

    def offer(
        self,
        rate: dict[str, Any],
        key: str,
        per_second: float,
        seconds: float,
        begin_at_ns: int,
        seed: str,
    ) -> dict[str, Any]:
        """Request at random instants, so many times a second."""
        assert self._runner is not None, "only contenders for asyncio can be offered a load"
        return self._runner.run(
            offer(self._contender, Rate(**rate), key, per_second, seconds, begin_at_ns, seed)
        )

    def exactly(self, case: str, calls: int) -> dict[str, Any]:
        """Time ``calls`` requests, one by one: a case, ``first`` requests, or ``small`` buckets."""
        if case == "first":
            requests = self._request_mix.first_requests(calls)
        elif case == "small":
            requests = self._request_mix.small_bucket_requests(calls)
        else:
            requests = self._request_mix.requests(case, calls)
        return timed_run(requests, 1, self._runner).as_json()

    def counters(self) -> dict[str, Any]:
        """The contender's own counters."""
        return self._contender.counters()


if __name__ == "__main__":
    serve(Worker())
