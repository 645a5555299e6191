"""Workers that hold slots, now and then for longer than a lifetime."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import monotonic_ns

from ratelimit_ddb import ConcurrencyLimiter, DynamoDBStore, Slot
from tests.engine.faults.journal import Journal
from tests.engine.faults.stalls import Stalls

SLOTS = 3
LIFETIME_SECONDS = 2.0
THREADS = 3
KEY = "report"
LOOK_SECONDS = 0.02


def hold(url: str, table: str, seed: int, journal: Journal, stalls: Stalls) -> None:
    """Hold slots in several threads, without end."""
    store = DynamoDBStore(table, endpoint_url=url)
    limiter = ConcurrencyLimiter(
        store, SLOTS, lifetime=LIFETIME_SECONDS, on_outage="deny", deadline=0.5
    )
    with ThreadPoolExecutor(THREADS) as threads:
        for thread in threads.map(
            lambda number: _hold(limiter, Random(f"{seed}.{number}"), journal, number),
            range(THREADS),
        ):
            raise AssertionError(thread)


def _hold(limiter: ConcurrencyLimiter, chance: Random, journal: Journal, number: int) -> None:
    turn = 0
    while True:
        slot = limiter.acquire(KEY, max_wait=0.3)
        if slot:
            turn += 1
            seconds = chance.choice([0.01, 0.05, 0.2, 1.5 * LIFETIME_SECONDS])
            _keep(slot, seconds, journal, f"{number}.{turn}")
            slot.release()
        time.sleep(chance.uniform(0, 0.02))


def _keep(slot: Slot, seconds: float, journal: Journal, name: str) -> None:
    """Note now and then that it is held: at an instant between two."""
    until_ns = monotonic_ns() + round(seconds * 1e9)
    while True:
        before_ns = monotonic_ns()
        lost = slot.lost
        journal.note("lost" if lost else "held", before_ns, monotonic_ns(), name)
        if lost or monotonic_ns() >= until_ns:
            return
        time.sleep(LOOK_SECONDS)
