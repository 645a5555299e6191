"""The hot path against boto3, in one run: CPU per decision on a server with canned replies."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore
from botocore.config import Config

from bench.canned_server import canned_server, keep_to_core
from bench.figure import Figure, interleaved
from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore, MemoryStore, RateLimiter

CONCURRENCY = 32
LIMIT = "100/minute"


def boto3_request() -> dict[str, Any]:
    """The arguments of ``update_item`` that say what a decision says."""
    now_ns = time.time_ns()
    return {
        "TableName": "rate-limits",
        "Key": {"key": {"S": "api:user-123:endpoint"}},
        "UpdateExpression": "SET #0 = :i0, expiresAt = :t",
        "ConditionExpression": "(attribute_not_exists(#0) OR #0 < :n)",
        "ExpressionAttributeNames": {"#0": "fullAt:minute"},
        "ExpressionAttributeValues": {
            ":n": {"N": str(now_ns)},
            ":t": {"N": str(now_ns // 1_000_000_000 + 3_660)},
            ":i0": {"N": str(now_ns + 600_000_000)},
        },
        "ReturnValues": "UPDATED_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def blocking_decisions(store: DynamoDBStore) -> Callable[[int], None]:
    """Whole decisions, one after the other."""
    limiter = RateLimiter(store, LIMIT, on_outage="raise", deadline=5)

    def run(calls: int) -> None:
        for _ in range(calls):
            limiter.acquire("api:user-123:endpoint")

    return run


def boto3_calls(client: Any) -> Callable[[int], None]:
    """What a program would do by hand: the same expression, by boto3."""

    def run(calls: int) -> None:
        for _ in range(calls):
            client.update_item(**boto3_request())

    return run


def asyncio_decisions(store: DynamoDBStore, runner: asyncio.Runner) -> Callable[[int], None]:
    """Whole decisions, CONCURRENCY at once."""
    limiter = AsyncRateLimiter(store, LIMIT, on_outage="raise", deadline=5)

    async def some(calls: int) -> None:
        for _ in range(calls):
            await limiter.acquire("api:user-123:endpoint")

    return lambda calls: runner.run(_side_by_side(some, calls))


def boto3_in_threads(client: Any, runner: asyncio.Runner) -> Callable[[int], None]:
    """boto3 as an asyncio program uses it: CONCURRENCY threads."""

    async def some(calls: int) -> None:
        for _ in range(calls):
            await asyncio.to_thread(client.update_item, **boto3_request())

    return lambda calls: runner.run(_side_by_side(some, calls))


async def _side_by_side(some: Callable[[int], Any], calls: int) -> None:
    await asyncio.gather(*(some(max(1, calls // CONCURRENCY)) for _ in range(CONCURRENCY)))


def on_the_wire(endpoint_url: str, rounds: int, calls: int) -> dict[str, Figure]:
    """CPU per decision, of ours and of boto3's bare call, blocking and asyncio."""
    store = DynamoDBStore("rate-limits", endpoint_url=endpoint_url)
    store.warm_up()
    config = Config(max_pool_connections=CONCURRENCY)
    client = boto3.client("dynamodb", endpoint_url=endpoint_url, config=config)
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(ThreadPoolExecutor(CONCURRENCY))
        figures = interleaved(
            {
                "decision, blocking": (blocking_decisions(store), calls),
                "boto3 update_item": (boto3_calls(client), calls // 10),
                "decision, asyncio c32": (asyncio_decisions(store, runner), calls),
                "boto3 in asyncio.to_thread c32": (boto3_in_threads(client, runner), calls // 10),
            },
            rounds,
        )
        runner.run(store.aclose())
    store.close()
    client.close()
    return figures


def in_memory(rounds: int, calls: int) -> dict[str, Figure]:
    """CPU of a denial from memory, and of a MemoryStore decision; and of a yardstick."""
    denied = RateLimiter(MemoryStore(), "1/day")
    denied.acquire("k")
    allowed = RateLimiter(MemoryStore(), "1000000/second burst 1000000")
    text = json.dumps({"Attributes": {"fullAt:minute": {"N": "1700000000000000000"}}})

    def repeat(once: Callable[[], Any]) -> Callable[[int], None]:
        def run(count: int) -> None:
            for _ in range(count):
                once()

        return run

    return interleaved(
        {
            "denial from seen": (repeat(lambda: denied.acquire("k")), calls),
            "MemoryStore decision": (repeat(lambda: allowed.acquire("k")), calls),
            "yardstick: json.loads of a reply": (repeat(lambda: json.loads(text)), calls),
        },
        rounds,
    )


def main() -> None:
    """Print the figures, and the ratios that matter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=4_000)
    asked = parser.parse_args()
    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    print(f"Python {platform.python_version()}, boto3 {boto3.__version__}, ", end="")
    print(f"botocore {botocore.__version__}, {os.cpu_count()} cores; medians of {asked.rounds}\n")
    with canned_server() as endpoint_url:
        keep_to_core(0)
        wire = on_the_wire(endpoint_url, asked.rounds, asked.calls)
        memory = in_memory(asked.rounds, asked.calls * 5)
    for figure in (*wire.values(), *memory.values()):
        print(figure)
    ours, theirs, ours_async, theirs_async = (figure.median for figure in wire.values())
    print(f"\nblocking: {theirs / ours:.1f} times less CPU than boto3")
    print(f"asyncio, {CONCURRENCY} at once: {theirs_async / ours_async:.1f} times less CPU than")
    print("    boto3 in asyncio.to_thread")


if __name__ == "__main__":
    main()
