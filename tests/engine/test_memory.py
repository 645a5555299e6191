"""What a process keeps in mind of many keys (P9).

What may grow with the keys is Python's, so it is weighed to the byte, over 20,000 keys of a table:
more of them take the engine minutes. What is not Python's shows in the process's size. 200,000 keys
are those of a store in memory.
"""

from __future__ import annotations

import subprocess
import sys

BYTES_PER_KEY = 20
"""Less than a key alone is: 3 MB for 150,000 of them."""

WEIGHED = """
import asyncio, gc, os, resource, sys, tracemalloc
from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore, MemoryStore

# On Linux a program begins with the high water of the process that it replaced, which was pytest's
# twin and larger. A fork begins with its own.
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

def high_water_bytes():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

def python_bytes():
    gc.collect()
    return tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0

async def ask(limiter, numbers):
    for number in numbers:
        assert (await limiter.acquire(f"user-{number}")).allowed

async def ask_in_two_parts(store, seen_keys, first, all):
    limiter = AsyncRateLimiter(
        store, "100/hour", on_outage="raise", deadline=30, seen_keys=seen_keys
    )
    for begin, end in ((0, first), (first, all)):
        numbers = iter(range(begin, end))
        await asyncio.gather(*(ask(limiter, numbers) for _ in range(32)))
        print(python_bytes(), high_water_bytes())
"""

OF_A_TABLE = """
async def main():
    table, endpoint_url = sys.argv[1:]
    store = DynamoDBStore(table, endpoint_url=endpoint_url)
    tracemalloc.start()
    await ask_in_two_parts(store, 2_000, 5_000, 25_000)
    await store.aclose()

asyncio.run(main())
"""

IN_MEMORY = """
store = MemoryStore(max_keys=20_000)
asyncio.run(ask_in_two_parts(store, 20_000, 50_000, 200_000))
"""


def growth_of(program: str, *arguments: str) -> tuple[int, int]:
    """By how many bytes Python's memory and the process's size grew over the later keys."""
    done = subprocess.run(
        [sys.executable, "-c", WEIGHED + program, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    first, later = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    return later[0] - first[0], later[1] - first[1]


def test_p9_memory_is_bounded_whatever_the_number_of_keys(
    dynamodb_endpoint: str, table: str
) -> None:
    python_bytes, process_bytes = growth_of(OF_A_TABLE, table, dynamodb_endpoint)
    assert python_bytes < 20_000 * BYTES_PER_KEY
    assert process_bytes < 3_000_000


def test_p9_memory_is_bounded_over_two_hundred_thousand_keys() -> None:
    _, process_bytes = growth_of(IN_MEMORY)
    assert process_bytes < 150_000 * BYTES_PER_KEY
