"""The driver of flows: what it prepares, which time it gives, and whose functions it calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest

from sessions import StoreUnavailable
from sessions.operations.driver import Driver
from sessions.operations.operation import CallApplication, Find, Flow, Operation, ReadClock, T

DEADLINE_SECONDS = 5.0

Run = Callable[[Driver, Flow[Any]], Any]


class Clock:
    """A clock that stands still at second 7."""

    def __init__(self, *, known: bool) -> None:
        self.known = known

    def now_ns(self) -> int:
        return 7_999_999_999


class Watched:
    """A store that notes what it is asked, and until when it may answer."""

    is_exact_by_owner = False

    def __init__(self, *, ready: bool = True, known: bool = True) -> None:
        self.ready = ready
        self.clock = Clock(known=known)
        self.asked: list[str] = []
        self.deadlines_ns: list[int] = []
        self.outage: StoreUnavailable | None = None

    def prepare(self) -> None:
        self.asked.append("prepare")
        if self.outage is not None:
            raise self.outage

    async def prepare_async(self) -> None:
        self.prepare()

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        self.asked.append(type(operation).__name__)
        self.deadlines_ns.append(deadline_ns)
        return 8

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        return self.send(operation, deadline_ns)


class Later:
    """What an async function returns."""

    def __await__(self) -> Generator[None]:
        yield


def blocking(driver: Driver, flow: Flow[T]) -> T:
    return driver.run(flow)


def in_a_loop(driver: Driver, flow: Flow[T]) -> T:
    return asyncio.run(driver.run_async(flow))


@pytest.fixture(params=[blocking, in_a_loop])
def run(request: pytest.FixtureRequest) -> Run:
    chosen: Run = request.param
    return chosen


def yielding(*operations: Operation | CallApplication) -> Flow[list[Any]]:
    """A flow that returns the results of these."""
    results: list[Any] = []
    for operation in operations:
        results += [(yield operation)]
    return results


@pytest.mark.parametrize(
    ("ready", "asked"), [(True, ["Find", "Find"]), (False, ["prepare", "Find", "Find"])]
)
def test_a_store_is_prepared_unless_it_is_ready(run: Run, *, ready: bool, asked: list[str]) -> None:
    store = Watched(ready=ready)
    run(Driver(store, DEADLINE_SECONDS), yielding(Find("a"), Find("b")))
    assert store.asked == asked
    assert len(set(store.deadlines_ns)) == 1


def test_a_flow_is_told_that_a_store_cant_be_prepared(run: Run) -> None:
    def flow() -> Flow[str]:
        try:
            yield Find("a")
        except StoreUnavailable as outage:
            return str(outage)
        return "found"

    store = Watched(ready=False)
    store.outage = StoreUnavailable("no credentials just now")
    assert run(Driver(store, DEADLINE_SECONDS), flow()) == "no credentials just now"
    assert store.asked == ["prepare"]


@pytest.mark.parametrize(("known", "result", "asked"), [(True, 7, []), (False, 8, ["ReadClock"])])
def test_a_clock_that_is_known_is_read_without_asking_the_store(
    run: Run, *, known: bool, result: int, asked: list[str]
) -> None:
    store = Watched(ready=True, known=known)
    assert run(Driver(store, DEADLINE_SECONDS), yielding(ReadClock())) == [result]
    assert store.asked == asked


def test_a_function_of_the_applications_takes_no_time_of_the_deadline(run: Run) -> None:
    def slow(text: str) -> str:
        began_ns = time.monotonic_ns()
        while time.monotonic_ns() == began_ns:
            pass
        return text.upper()

    store = Watched()
    operations = (Find("a"), CallApplication("read", slow, "old"), Find("b"))
    assert run(Driver(store, DEADLINE_SECONDS), yielding(*operations)) == [8, "OLD", 8]
    first_ns, second_ns = store.deadlines_ns
    assert first_ns < second_ns


def test_an_async_function_of_the_applications_is_awaited_in_a_loop_and_refused_elsewhere() -> None:
    async def read(text: str) -> str:
        await asyncio.sleep(0)
        return text.upper()

    driver, call = Driver(Watched(), DEADLINE_SECONDS), CallApplication("previous.read", read, "a")
    assert in_a_loop(driver, yielding(call)) == ["A"]
    with pytest.raises(TypeError, match=r"previous\.read must not be an async function"):
        blocking(driver, yielding(CallApplication("previous.read", lambda _: Later(), "a")))
