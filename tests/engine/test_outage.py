"""The table out of reach (P10), and set up wrongly, which is no outage."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from subprocess import DEVNULL, PIPE
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    Decision,
    DynamoDBStore,
    RateLimiter,
    StoreUnavailable,
    TableNotFound,
)
from tests.ddbwire.fault_server import FaultServer, hang, reply
from tests.dynamodb_local import free_port

DEADLINE_SECONDS = 0.25
SCHEDULING_SECONDS = 0.1
"""What waking up may add; the alternative measured in the field is 26 s."""


@pytest.fixture(params=["port closed", "never answers"])
def dead_endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "port closed":
        yield f"http://127.0.0.1:{free_port()}"
        return
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


def blocking(store: DynamoDBStore, **options: Any) -> Decision:
    return RateLimiter(store, "5/minute", **options).acquire("k")


def awaited(store: DynamoDBStore, **options: Any) -> Decision:
    async def decide() -> Decision:
        try:
            return await AsyncRateLimiter(store, "5/minute", **options).acquire("k")
        finally:
            await store.aclose()

    return asyncio.run(decide())


Decide = Callable[..., Decision]
FLAVOURS = pytest.mark.parametrize("decide", [blocking, awaited])


@FLAVOURS
@pytest.mark.parametrize(("on_outage", "allowed"), [("allow", True), ("deny", False)])
def test_p10_a_decision_keeps_the_deadline_and_follows_the_policy(
    dead_endpoint: str, decide: Decide, on_outage: str, allowed: bool
) -> None:
    store = DynamoDBStore("any", endpoint_url=dead_endpoint)
    store.prepare()
    took_seconds = []
    for _ in range(3):
        began = time.monotonic()
        decision = decide(store, on_outage=on_outage)
        took_seconds.append(time.monotonic() - began)
        assert (decision.allowed, decision.source) == (allowed, "outage")
    store.close()
    # The quickest of three: a machine may stand still for a while, a missing deadline always does.
    assert min(took_seconds) <= DEADLINE_SECONDS + SCHEDULING_SECONDS


@FLAVOURS
def test_p10_raise_tells_what_happened(dead_endpoint: str, decide: Decide) -> None:
    store = DynamoDBStore("any", endpoint_url=dead_endpoint)
    with pytest.raises(StoreUnavailable, match="any"):
        decide(store, on_outage="raise")
    store.close()


@FLAVOURS
@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_p10_a_missing_table_always_raises_and_says_how_to_make_it(
    dynamodb_endpoint: str, decide: Decide, on_outage: str
) -> None:
    store = DynamoDBStore("no-such-table", endpoint_url=dynamodb_endpoint)
    with pytest.raises(TableNotFound, match="ratelimit-ddb tables create --table no-such-table"):
        decide(store, on_outage=on_outage, deadline=10)
    store.close()


class Silent(FaultServer):
    """Takes connections and requests, and says nothing until it is told to serve."""

    def __init__(self) -> None:
        super().__init__()
        self.default = hang

    def serve(self) -> None:
        self.default = reply({"Attributes": {"fullAt:1000-per-second": {"N": "1"}}})


@pytest.fixture
def silent() -> Iterator[Silent]:
    with Silent() as server:
        yield server


REQUESTS = 1_000


def require_no_wait(began: list[float]) -> None:
    """Less than a millisecond by the median, for other processes hold some up; few deadlines."""
    assert statistics.median(after - before for before, after in pairwise(began)) < 0.001
    assert began[-1] - began[0] < REQUESTS * DEADLINE_SECONDS / 20


@pytest.mark.parametrize("on_outage", ["local", "allow", "deny"])
def test_p10_after_three_outages_a_request_adds_less_than_a_millisecond(
    silent: Silent, on_outage: Any
) -> None:
    store = DynamoDBStore("any", endpoint_url=silent.url)
    store.prepare()
    limiter = RateLimiter(store, "1000/second", on_outage=on_outage)
    for _ in range(3):
        limiter.acquire("k")
    began = [time.monotonic()]
    for number in range(REQUESTS):
        assert limiter.acquire(f"k{number}").source == "outage"
        began.append(time.monotonic())
    require_no_wait(began)
    silent.serve()
    returned = time.monotonic()
    while limiter.acquire("k").source == "outage":
        time.sleep(0.01)
    assert time.monotonic() - returned < 2
    store.close()


def test_p10_so_it_is_in_an_event_loop(silent: Silent) -> None:
    store = DynamoDBStore("any", endpoint_url=silent.url)

    async def outage() -> None:
        await store.prepare_async()
        limiter = AsyncRateLimiter(store, "1000/second")
        # At once, as requests come: all of these wait for one and the same deadline.
        await asyncio.gather(*[limiter.acquire("k") for _ in range(20)])
        began = [time.monotonic()]
        for number in range(REQUESTS):
            assert (await limiter.acquire(f"k{number}")).source == "outage"
            began.append(time.monotonic())
        require_no_wait(began)
        silent.serve()
        returned = time.monotonic()
        for _ in range(500):
            if (await limiter.acquire("k")).source == "table":
                break
            await asyncio.sleep(0.01)
        assert time.monotonic() - returned < 2
        await store.aclose()

    asyncio.run(outage())


def test_p10_the_first_request_after_a_quiet_time_is_the_tables(silent: Silent) -> None:
    store = DynamoDBStore("any", endpoint_url=silent.url)
    limiter = RateLimiter(store, "1000/second")
    for _ in range(4):
        assert limiter.acquire("k").source == "outage"
    silent.serve()
    time.sleep(1)
    assert limiter.acquire("k").source == "table"
    store.close()


ADMITTING = """
import sys, time
from ratelimit_ddb import DynamoDBStore, RateLimiter

store = DynamoDBStore("any", endpoint_url=sys.argv[1], region_name="us-east-1")
limiter = RateLimiter(store, "20/second burst 10", deadline=0.05)
store.prepare()
print("ready", flush=True)
sys.stdin.readline()
until, admitted = time.monotonic() + 1.5, 0
while time.monotonic() < until:
    admitted += limiter.acquire("k").allowed
    time.sleep(0.001)
print(admitted)
"""
PROCESSES = 4


def test_p10_four_processes_admit_at_most_four_times_the_limit(silent: Silent) -> None:
    command = [sys.executable, "-W", "error", "-c", ADMITTING, silent.url]
    with contextlib.ExitStack() as running:
        processes = [
            running.enter_context(
                subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True)
            )
            for _ in range(PROCESSES)
        ]
        answers = [(one.stdin, one.stdout) for one in processes]
        for _, answer in answers:
            assert answer is not None
            assert answer.readline() == "ready\n"
        began = time.monotonic()
        for question, _ in answers:
            assert question is not None
            print(file=question, flush=True)
        admitted = sum(int(answer.readline()) for _, answer in answers if answer is not None)
        took_seconds = time.monotonic() - began
    assert PROCESSES * 10 < admitted <= PROCESSES * (10 + took_seconds * 20)
