"""What a leased decision costs: CPU of a call that is decided by tokens which the process holds.

A table played by the throttling server; the renewals of the lease, a few a second, are in it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from bench.cores import CLIENT, pin_to_core
from bench.cpu_per_call import CpuPerCall, cpu_us_per_call
from bench.engine import set_dummy_credentials
from bench.hot_keys.throttling_server import throttling_server
from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore, RateLimiter

LIMIT = "1000000/second"
KEY = "hot"
WARM_UP_SECONDS = 2.0
"""Until the lease follows what is asked."""
BLOCKING, ASYNCIO = "a leased decision, blocking", "a leased decision, asyncio"
MOST_US = 5.0
LEAST_LEASED = 0.98


def measured(rounds: int, calls: int) -> dict[str, CpuPerCall]:
    """Microseconds of CPU each, by name.

    Raises:
        RuntimeError: less than LEAST_LEASED of the decisions were by leases.
    """
    with (
        throttling_server(ceiling=1_000) as server,
        DynamoDBStore("limits", endpoint_url=server.url) as store,
    ):
        store.warm_up()
        return {BLOCKING: _blocking(store, rounds, calls), ASYNCIO: _asyncio(store, rounds, calls)}


def _blocking(store: DynamoDBStore, rounds: int, calls: int) -> CpuPerCall:
    acquire = RateLimiter(store, LIMIT).acquire

    def run(count: int) -> None:
        for _ in range(count):
            acquire(KEY)

    until = time.monotonic() + WARM_UP_SECONDS
    while time.monotonic() < until:
        run(1_000)
    _require_leased(Counter(acquire(KEY).source for _ in range(1_000)))
    return CpuPerCall(BLOCKING, tuple(cpu_us_per_call(run, calls) for _ in range(rounds)))


def _asyncio(store: DynamoDBStore, rounds: int, calls: int) -> CpuPerCall:
    acquire = AsyncRateLimiter(store, LIMIT).acquire

    async def repeat(count: int) -> None:
        for _ in range(count):
            await acquire(KEY)

    async def warm_up() -> None:
        until = time.monotonic() + WARM_UP_SECONDS
        while time.monotonic() < until:
            await repeat(1_000)
        _require_leased(Counter([(await acquire(KEY)).source for _ in range(1_000)]))

    with asyncio.Runner() as runner:
        runner.run(warm_up())
        figure = CpuPerCall(
            ASYNCIO,
            tuple(
                cpu_us_per_call(lambda count: runner.run(repeat(count)), calls)
                for _ in range(rounds)
            ),
        )
        runner.run(store.aclose())
        return figure


def _require_leased(sources: Counter[str]) -> None:
    if sources["lease"] < LEAST_LEASED * sources.total():
        raise RuntimeError(f"of {sources.total()} decisions, these were by: {dict(sources)}")


def main() -> None:
    """Print them."""
    set_dummy_credentials()
    pin_to_core(CLIENT)
    for figure in measured(7, 50_000).values():
        print(figure)


if __name__ == "__main__":
    main()
