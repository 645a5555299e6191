"""Calls per decision on a mixed load: a thousand keys, some idle, some hot, some denied.

Four processes' worth of limiters share one table (the memory store, which counts its calls)
under a clock that the script moves, so a run is exact and can be repeated.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ratelimit_ddb import MemoryStore, RateLimiter
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.in_turn import send_in_turn, send_in_turn_async
from ratelimit_ddb.operations.operation import Operation, OperationSequence

KEYS = 1_000
PROCESSES = 4
DECISIONS = 200_000
LIMIT = "10/second burst 20"
REQUESTS_PER_SECOND = 2_000
"""Over all keys: two a second for the mean key, and far more than its limit for the hottest."""


class CountingStore:
    """A memory store that counts its calls by kind."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.clock = store.clock
        self.in_process = True
        self.calls: Counter[str] = Counter()

    @property
    def ready(self) -> bool:
        return self._store.ready

    def prepare(self) -> None:
        self._store.prepare()

    async def prepare_async(self) -> None:
        self._store.prepare()

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        self.calls[type(operation).__name__] += 1
        return self._store.send(operation, deadline_ns)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        return self.send(operation, deadline_ns)

    def send_all(self, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
        send_in_turn(self, sequences, deadline_ns)

    async def send_all_async(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> None:
        await send_in_turn_async(self, sequences, deadline_ns)


def mixed_load(processes: int, seed: int = 1) -> tuple[float, Counter[str]]:
    """Calls per decision, and how many decisions of each kind there were."""
    now_ns = 2_000_000_000 * SECOND_NS
    store = CountingStore(MemoryStore(clock=lambda: now_ns))
    limiters = [RateLimiter(store, LIMIT) for _ in range(processes)]
    chance = random.Random(seed)
    zipf = [1 / rank for rank in range(1, KEYS + 1)]
    keys = chance.choices([f"user-{number}" for number in range(KEYS)], zipf, k=DECISIONS)
    kinds: Counter[str] = Counter()
    for key in keys:
        now_ns += round(chance.expovariate(REQUESTS_PER_SECOND) * SECOND_NS)
        decision = chance.choice(limiters).acquire(key)
        kinds["admitted" if decision.allowed else f"denied by {decision.source}"] += 1
    return store.calls.total() / DECISIONS, kinds


def main() -> None:
    """Print calls per decision, for one process and for several that share the keys."""
    print(f"{DECISIONS:,} decisions on {KEYS:,} keys (Zipf), {LIMIT}")
    for processes in (1, PROCESSES):
        per_decision, kinds = mixed_load(processes)
        parts = ", ".join(f"{count / DECISIONS:.0%} {kind}" for kind, count in kinds.most_common())
        print(f"{processes} process(es): {per_decision:.3f} calls a decision ({parts})")


if __name__ == "__main__":
    main()
