"""What a process keeps in mind of 200,000 keys (P9)."""

from __future__ import annotations

import subprocess
import sys

MANY_KEYS = """
import asyncio, resource, sys
from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore

table, endpoint_url = sys.argv[1:]

def high_water_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

async def ask(limiter, numbers):
    for number in numbers:
        assert (await limiter.acquire(f"user-{number}")).source == "table"

async def main():
    store = DynamoDBStore(table, endpoint_url=endpoint_url)
    limiter = AsyncRateLimiter(
        store, "100/hour", on_outage="raise", deadline=30, seen_keys=20_000
    )
    for first, last in ((0, 50_000), (50_000, 200_000)):
        numbers = iter(range(first, last))
        await asyncio.gather(*(ask(limiter, numbers) for _ in range(32)))
        print(high_water_megabytes())
    await store.aclose()

asyncio.run(main())
"""


def test_p9_memory_is_bounded_whatever_the_number_of_keys(
    dynamodb_endpoint: str, table: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MANY_KEYS, table, dynamodb_endpoint],
        check=True,
        capture_output=True,
        text=True,
    )
    after_50_000, after_200_000 = map(float, done.stdout.split())
    assert after_200_000 - after_50_000 < 3
