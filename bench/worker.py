"""A contender's process: reads an order a line, answers a line, both in JSON.

    {"do": "begin", "module": "bench.contenders.ours", "place": {...}}
    {"do": "fill", "keys": 100, "at_most": 100}
    {"do": "stint", "case": "mixed", "concurrency": 32, "seconds": 0.2, "at_least": 64}
    {"do": "saturate", "rate": {...}, "key": "hot", "seconds": 3.5, "begin_at": 1790000000.0}
    {"do": "exactly", "case": "first", "calls": 10}
    {"do": "told"}

An answer is an object, with ``error`` in it if the contender failed. It runs in any environment
that has what the contender needs, so it imports the standard library only, and that contender.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

from bench.demand import Demand
from bench.place import Contender, Place, Rate
from bench.saturation import saturate
from bench.stint import stint

PROBE_CALLS = 10
QUICK_PROBE_CALLS = 3_200
MOST_CALLS = 20_000
QUICK_US = 100.0
QUICK_TIME_EVERY = 8


class Worker:
    """One contender and what it is asked."""

    def __init__(self) -> None:
        self._contender: Contender
        self._demand: Demand
        self._runner: asyncio.Runner | None = None

    def begin(self, module: str, place: dict[str, Any], keys: int = 100) -> dict[str, Any]:
        """Set the contender up and empty the keys that are to be denied."""
        self._contender = importlib.import_module(module).begin(Place(**place))
        if self._contender.is_async:
            self._runner = asyncio.Runner()
        self._demand = Demand(self._contender, keys, f"{place['options'].get('prefix', '')}")
        stint(list(self._demand.emptying()), 1, self._runner)
        self.fill(keys, keys)
        return {"pid": os.getpid()}

    def fill(self, keys: int, at_most: int) -> dict[str, Any]:
        """Ask once about each key, up to so many, that measurements then find it known."""
        self._demand.keys = keys
        requests = [(self._demand.roomy, self._demand.key(n)) for n in range(min(keys, at_most))]
        stint(requests, 8 if self._runner else 1, self._runner, QUICK_TIME_EVERY)
        peak_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"peak_megabytes": peak_kilobytes / 1024}

    def stint(
        self, case: str, concurrency: int, seconds: float, at_least: int = 0
    ) -> dict[str, Any]:
        """As many requests as take about so long."""
        probes = max(PROBE_CALLS, concurrency)
        took = stint(self._demand.requests(case, probes), concurrency, self._runner)
        probed = probes
        if took.p50_us < QUICK_US:
            # So few were over before all callers had begun.
            probes = QUICK_PROBE_CALLS
            took = stint(self._demand.requests(case, probes), concurrency, self._runner)
            probed += probes
        calls = min(MOST_CALLS, round(took.per_second * seconds))
        calls = max(calls, 2 * concurrency, at_least, PROBE_CALLS)
        every = QUICK_TIME_EVERY if took.p50_us < QUICK_US else 1
        # A multiple of the callers, so that all work to the end.
        requests = self._demand.requests(case, calls - calls % concurrency)
        return {
            **stint(requests, concurrency, self._runner, every).as_json(),
            "probes": probed,
        }

    def saturate(
        self, rate: dict[str, Any], key: str, seconds: float, begin_at: float
    ) -> dict[str, Any]:
        """Ask for more of one key than there is."""
        wanted = Rate(**rate)
        got = saturate(self._contender, wanted, key, seconds, begin_at, self._runner)
        return {**got, "due": self._contender.due(wanted, seconds)}

    def exactly(self, case: str, calls: int) -> dict[str, Any]:
        """So many requests, one after the other: a case, ``first`` uses, or ``small`` buckets."""
        if case == "first":
            requests = self._demand.first_uses(calls)
        elif case == "small":
            requests = self._demand.of_small_buckets(calls)
        else:
            requests = self._demand.requests(case, calls)
        return stint(requests, 1, self._runner).as_json()

    def told(self) -> dict[str, Any]:
        """What the contender counted."""
        return self._contender.told()


def main() -> None:
    """Serve orders until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # What a peer prints must not be taken for an answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    worker = Worker()
    for line in sys.stdin:
        order = json.loads(line)
        do: Callable[..., dict[str, Any]] = getattr(worker, order.pop("do"))
        try:
            answer = do(**order)
        except Exception as failure:  # noqa: BLE001 - a peer may raise anything; it is reported
            answer = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(answer), file=answers, flush=True)
    # Peers' threads need not be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
