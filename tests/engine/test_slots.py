"""Several real processes want more slots than there are (P16)."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

import pytest

from ddbwire import AnsweredCall
from ratelimit_ddb import ConcurrencyLimiter, DynamoDBStore
from tests.rate_limit_table import client

pytestmark = pytest.mark.alone

SLOTS = 8
PROCESSES = 4
THREADS = 25
SECONDS = 4.0
LIFETIME = 2.0

Held = tuple[int, int]
"""When a slot was surely held, on the machine's monotonic clock, which its processes share."""


@contextlib.contextmanager
def limiter_on(endpoint_url: str, table: str) -> Iterator[ConcurrencyLimiter]:
    with DynamoDBStore(table, endpoint_url=endpoint_url) as store:
        yield ConcurrencyLimiter(store, SLOTS, lifetime=LIFETIME, on_outage="raise", deadline=10)


def work(endpoint_url: str, table: str, go: Any, results: Connection) -> None:
    """In a process of its own: 25 threads that hold slots as often as may be."""
    with limiter_on(endpoint_url, table) as limiter, ThreadPoolExecutor(THREADS) as threads:
        limiter.peek("warm up")
        go.wait()
        until_ns = time.monotonic_ns() + round(SECONDS * 1e9)
        seeds = [os.getpid() * THREADS + number for number in range(THREADS)]
        of_threads = threads.map(lambda seed: hold(limiter, random.Random(seed), until_ns), seeds)
        results.send([one for held in of_threads for one in held])


def hold(limiter: ConcurrencyLimiter, chance: random.Random, until_ns: int) -> list[Held]:
    held = []
    while time.monotonic_ns() < until_ns:
        slot = limiter.acquire("report", max_wait=0.5)
        if slot:
            begin_ns = time.monotonic_ns()
            time.sleep(chance.uniform(0.01, 0.05))
            assert not slot.lost
            held.append((begin_ns, time.monotonic_ns()))
            slot.release()
    return held


def most_at_once(held: list[Held]) -> int:
    edges = [(begin_ns, 1) for begin_ns, _ in held] + [(end_ns, -1) for _, end_ns in held]
    at_once = most = 0
    for _, change in sorted(edges):
        at_once += change
        most = max(most, at_once)
    return most


def test_p16_a_hundred_workers_never_hold_more_than_eight_slots_and_use_them_all(
    dynamodb_endpoint: str, table: str
) -> None:
    spawn = multiprocessing.get_context("spawn")
    go = spawn.Barrier(PROCESSES)
    pipes, processes = [], []
    for _ in range(PROCESSES):
        here, there = spawn.Pipe(duplex=False)
        processes.append(spawn.Process(target=work, args=(dynamodb_endpoint, table, go, there)))
        pipes.append(here)
    for process in processes:
        process.start()
    held = [one for pipe in pipes for one in pipe.recv()]
    for process in processes:
        process.join()
    assert most_at_once(held) == SLOTS
    with limiter_on(dynamodb_endpoint, table) as limiter:
        assert limiter.peek("report").remaining == SLOTS


def hold_all(endpoint_url: str, table: str, ready: Any) -> None:
    with limiter_on(endpoint_url, table) as limiter:
        slots = [limiter.acquire("report") for _ in range(SLOTS)]
        assert all(slots)
        ready.set()
        threading.Event().wait()


def test_p16_slots_of_a_process_that_was_killed_are_free_after_their_lifetime(
    dynamodb_endpoint: str, table: str
) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=hold_all, args=(dynamodb_endpoint, table, ready))
    process.start()
    assert ready.wait(30)
    with limiter_on(dynamodb_endpoint, table) as limiter:
        time.sleep(1.5 * LIFETIME)
        assert limiter.peek("report").remaining == 0, "a holder that lives renews its slots"
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        killed = time.monotonic()
        with limiter.slot("report", max_wait=10):
            assert time.monotonic() - killed <= LIFETIME + 1
            time.sleep(0.5)
            assert limiter.peek("report").remaining == SLOTS - 1, "the others have run out too"


@pytest.mark.parametrize(
    ("held", "most_units"), [(0, 1), (40, 1), (200, 5), (500, 12), (1_000, 22)]
)
def test_units_grow_with_the_slots_that_are_held(
    dynamodb_endpoint: str, table: str, held: int, most_units: int
) -> None:
    """What docs/guide/concurrency.md says of what it costs."""
    calls: list[AnsweredCall] = []
    dynamodb = client(dynamodb_endpoint)
    until = (time.time_ns() // 1_000_000 + 60_000) * 10**19
    item: dict[str, Any] = {f"s{slot}": {"N": str(until + slot)} for slot in range(held - 1)}
    dynamodb.put_item(TableName=table, Item={"key": {"S": "report:slots"}, **item})
    dynamodb.close()
    with (
        DynamoDBStore(table, endpoint_url=dynamodb_endpoint, on_call=calls.append) as store,
        ConcurrencyLimiter(store, max(held, 1), deadline=10).slot("report"),
    ):
        pass
    taken, released = [call.capacity_units for call in calls][-2:]
    assert taken == released
    assert taken is not None
    assert most_units - 3 < taken <= most_units
