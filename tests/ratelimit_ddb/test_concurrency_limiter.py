"""Concurrency limiters: construction, `with`, waiting, outages, the renewer."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import gc
import inspect
import os
import pickle
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, cast

import pytest

from ratelimit_ddb import (
    AsyncConcurrencyLimiter,
    ConcurrencyLimiter,
    Decision,
    DynamoDBStore,
    LimiterDecision,
    MemoryStore,
    RateLimited,
    RateLimiter,
    StoreUnavailable,
)
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.driver import run
from ratelimit_ddb.operations.slot_operation import ReadSlots, ReleaseSlot, TakeSlot
from ratelimit_ddb.slots.renewer import thread_renewer
from ratelimit_ddb.slots.slot import Grant
from ratelimit_ddb.slots.slots_core import SlotsCore
from tests.flaky_store import FlakyStore


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"slots": 0}, "slots 0: must be from 1 to 1000"),
        ({"slots": 1_001}, "slots 1001: must be from 1 to 1000"),
        ({"slots": 1.5}, "slots 1.5: must be an int"),
        ({"slots": 1, "lifetime": 0.5}, "lifetime 0.5: must be from 1 to 3600 seconds"),
        ({"slots": 1, "lifetime": 7_200}, "lifetime 7200: must be from 1 to 3600 seconds"),
        ({"slots": 1, "on_outage": "no"}, "on_outage 'no'"),
        ({"slots": 1, "deadline": 0}, "deadline 0"),
    ],
)
def test_what_can_not_hold_is_refused(arguments: dict[str, Any], message: str) -> None:
    for kind in (ConcurrencyLimiter, AsyncConcurrencyLimiter):
        with pytest.raises(ValueError, match=message):
            kind(MemoryStore(), **arguments)


@pytest.mark.parametrize("kind", [ConcurrencyLimiter, AsyncConcurrencyLimiter])
def test_a_slot_is_its_own_copy_and_can_not_be_pickled(kind: Any) -> None:
    limiter = kind(MemoryStore(), 1)

    async def take() -> Any:
        slot = limiter.acquire("report")
        slot = await slot if inspect.iscoroutine(slot) else slot
        assert copy.copy(slot) is slot
        assert copy.deepcopy([slot])[0] is slot
        with pytest.raises(TypeError, match=r"Slot\('report:slots', 1 at once\) can't be pickled"):
            pickle.dumps(slot)
        released = slot.release()
        return await released if inspect.iscoroutine(released) else released

    asyncio.run(take())


def test_a_function_to_be_called_must_be_one() -> None:
    with pytest.raises(TypeError, match="on_lost 5: must be a function"):
        ConcurrencyLimiter(MemoryStore(), 1).acquire("report", on_lost=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="on_decision 5: must be a function"):
        ConcurrencyLimiter(MemoryStore(), 1, on_decision=5)  # type: ignore[arg-type]


def test_p8_a_bucket_whose_key_ends_as_those_of_slots_is_in_an_item_of_its_own() -> None:
    store = MemoryStore()
    limiter, slots = RateLimiter(store, "5/day"), ConcurrencyLimiter(store, 1)
    keys: list[Any] = [("user", "slots"), "user:slots"]
    assert all(limiter.acquire(key, cost=2) for key in keys)
    with slots.slot("user"):
        limiter.reset("user:slots")
        assert slots.peek("user").remaining == 0
    assert all(limiter.acquire(key, cost=2) for key in keys)
    slots.reset("user")
    assert limiter.peek("user:slots").remaining == 1


def test_a_block_that_gets_no_slot_does_not_run() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 1)
    with limiter.slot("report"):
        with pytest.raises(RateLimited, match="over 1 at once"), limiter.slot("report"):
            pytest.fail("it ran")
        with pytest.raises(RateLimited), limiter.acquire("report"):
            pytest.fail("it ran")
    assert limiter.peek("report").remaining == 1


def test_an_exception_releases_the_slot() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 1)
    with pytest.raises(ZeroDivisionError), limiter.slot("report"):
        raise ZeroDivisionError
    assert limiter.peek("report").remaining == 1


def test_p16_a_slot_whose_taker_is_interrupted_is_not_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a signal for instance, as Celery's soft time limit: it ends with its lifetime."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Grant, "__init__", interrupted)
    monkeypatch.setattr(Grant, "__del__", lambda _: None)
    limiter = ConcurrencyLimiter(MemoryStore(), 1)
    before = len(thread_renewer()._schedule)
    with pytest.raises(KeyboardInterrupt):
        limiter.acquire("report")
    assert limiter.peek("report").remaining == 0
    assert len(thread_renewer()._schedule) == before


@pytest.mark.parametrize(
    ("step", "let_go"),
    [
        ("release", lambda slot: slot.release()),
        ("give_up", lambda slot: slot._grant.give_up()),
    ],
)
def test_p16_a_slot_whose_release_is_interrupted_is_released_by_the_renewer(
    monkeypatch: pytest.MonkeyPatch, step: str, let_go: Callable[[Any], object]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    limiter = ConcurrencyLimiter(MemoryStore(), 1)
    slot = limiter.acquire("report")
    held = slot._grant._held
    assert held is not None
    monkeypatch.setattr(SlotsCore, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        let_go(slot)
    flow = limiter._core.flows.renew(held)  # what the renewer does when it is due
    assert run(flow, limiter._core.store, SECOND_NS, limiter._core.breaker) is False
    assert limiter.peek("report").remaining == 1


def test_a_slot_that_is_collected_in_the_middle_of_its_renewal_does_not_wait_for_itself() -> None:
    slot = ConcurrencyLimiter(MemoryStore(), 1).acquire("report")
    held = slot._grant._held
    assert held is not None
    with held._lock:  # as the renewer has it, when the collector runs in its thread
        assert held._lock.acquire(blocking=False)
        slot.release()
        held._lock.release()
    assert held.released


def test_p16_a_grant_that_is_interrupted_as_it_begins_has_nothing_to_release() -> None:
    grant, nothing = Grant.__new__(Grant), cast("Any", None)
    with pytest.raises(AttributeError):
        Grant.__init__(grant, nothing, "report", nothing, nothing)
    assert not grant.holds


def test_it_decorates_functions() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 1)

    @limiter.slot("report")
    def report() -> int:
        return limiter.peek("report").remaining

    assert [report(), report()] == [0, 0]


def test_it_decorates_coroutine_functions() -> None:
    limiter = AsyncConcurrencyLimiter(MemoryStore(), 1)

    @limiter.slot("report")
    async def report() -> int:
        return (await limiter.peek("report")).remaining

    async def reports() -> list[int]:
        return [await report(), await report()]

    assert asyncio.run(reports()) == [0, 0]


def plain() -> None: ...


async def coroutine() -> None: ...


def generator() -> Iterator[None]:
    yield


async def async_generator() -> AsyncIterator[None]:
    yield


class AsyncCallable:
    async def __call__(self) -> None: ...


@pytest.mark.parametrize("function", [coroutine, functools.partial(coroutine), AsyncCallable()])
def test_p16_a_coroutine_function_is_no_function_of_a_blocking_limiter(function: Any) -> None:
    """It would run after its slot was released."""
    with pytest.raises(TypeError, match="use an AsyncConcurrencyLimiter"):
        ConcurrencyLimiter(MemoryStore(), 1).slot("report")(function)


def test_p16_a_coroutine_that_a_plain_function_returns_is_told_at_the_call() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 1)

    @limiter.slot("report")
    def call() -> Any:
        return coroutine()

    with pytest.raises(TypeError, match="returned a coroutine"):
        call()
    assert limiter.peek("report").remaining == 1


class GeneratorCallable:
    def __call__(self) -> Iterator[None]:
        return generator()


@pytest.mark.parametrize(
    "function",
    [
        lambda: (None for _ in "a"),
        GeneratorCallable(),
        async_generator,
        contextlib.contextmanager(generator),
        functools.partial(contextlib.asynccontextmanager(async_generator)),
    ],
    ids=["an expression", "an object's", "async", "a context manager", "an async context manager"],
)
def test_p16_a_generator_that_a_function_returns_is_told_at_the_call(function: Any) -> None:
    """It would run after its slot was released."""
    store = MemoryStore()
    limiter = ConcurrencyLimiter(store, 1)

    def call() -> Any:
        return function()

    async def call_async() -> Any:
        return function()

    with pytest.raises(TypeError, match="take the slot inside the generator"):
        limiter.slot("report")(call)()
    with pytest.raises(TypeError, match="take the slot inside the generator"):
        asyncio.run(AsyncConcurrencyLimiter(store, 1).slot("report")(call_async)())
    assert limiter.peek("report").remaining == 1


def test_a_coroutine_function_that_iterates_what_it_wraps_is_decorated() -> None:
    @functools.wraps(async_generator)
    async def collected() -> list[None]:
        return [one async for one in async_generator()]

    limiter = AsyncConcurrencyLimiter(MemoryStore(), 1)
    assert asyncio.run(limiter.slot("report")(collected)()) == [None]


@pytest.mark.parametrize("kind", [ConcurrencyLimiter, AsyncConcurrencyLimiter])
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (generator, "take the slot inside it"),
        (async_generator, "take the slot inside it"),
        (contextlib.asynccontextmanager(async_generator), "take the slot inside it"),
        (MemoryStore, "the class MemoryStore.*decorate its method"),
        ("report", "must be a function"),
        (staticmethod(plain), "put it below @staticmethod"),
        (classmethod(lambda _: None), "put it below @classmethod"),
        (functools.partialmethod(plain), "decorate each function that it calls"),
    ],
)
def test_p16_what_runs_later_or_is_no_function_is_not_decorated(
    kind: Any, function: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        kind(MemoryStore(), 1).slot("report")(function)


def test_a_plain_function_is_none_of_an_async_limiter() -> None:
    function: Any = plain
    with pytest.raises(TypeError, match="must be a coroutine function"):
        AsyncConcurrencyLimiter(MemoryStore(), 1).slot("report")(function)


def test_what_is_decorated_keeps_its_name_and_signature() -> None:
    decorated = ConcurrencyLimiter(MemoryStore(), 1).slot("report")(plain)
    assert (decorated.__name__, inspect.signature(decorated)) == ("plain", inspect.signature(plain))
    assert inspect.iscoroutinefunction(
        AsyncConcurrencyLimiter(MemoryStore(), 1).slot("report")(coroutine)
    )


@pytest.mark.parametrize("kind", [ConcurrencyLimiter, AsyncConcurrencyLimiter])
def test_arguments_of_a_decorator_are_refused_where_it_is_made(kind: Any) -> None:
    limiter = kind(MemoryStore(), 1)
    with pytest.raises(TypeError, match="key <function plain"):
        limiter.slot(plain)
    with pytest.raises(ValueError, match="max_wait 31"):
        limiter.slot("report", max_wait=31)
    with pytest.raises(TypeError, match="on_lost 5: must be a function"):
        limiter.slot("report", on_lost=5)
    with pytest.raises(TypeError, match=r"on_lost .* nothing awaits it here"):
        limiter.slot("report", on_lost=coroutine)


def test_a_slot_is_for_one_with() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 2)
    context = limiter.slot("report")
    with context, pytest.raises(RuntimeError, match="call it anew for each `with`"), context:
        pytest.fail("it ran")
    assert limiter.peek("report").remaining == 2


def test_a_slot_is_for_one_async_with() -> None:
    async def enter_twice() -> int:
        limiter = AsyncConcurrencyLimiter(MemoryStore(), 2)
        context = limiter.slot("report")
        async with context:
            with pytest.raises(RuntimeError, match="call it anew for each `with`"):
                await context.__aenter__()
        return (await limiter.peek("report")).remaining

    assert asyncio.run(enter_twice()) == 2


class SlowStore(MemoryStore):
    """A store that lets other tasks run before it answers."""

    async def send_async(self, operation: Any, deadline_ns: int) -> Any:
        await asyncio.sleep(0)
        return self.send(operation, deadline_ns)


def test_p16_of_two_tasks_that_enter_one_async_with_one_gets_the_slot() -> None:
    """Else the first to leave would release the slot of the other, which goes on."""

    async def enter_at_once() -> Sequence[object]:
        limiter = AsyncConcurrencyLimiter(SlowStore(), 2)
        context = limiter.slot("report")

        async def work() -> int:
            async with context:
                return (await limiter.peek("report")).remaining

        return await asyncio.gather(work(), work(), return_exceptions=True)

    first, second = asyncio.run(enter_at_once())
    assert first == 1
    assert isinstance(second, RuntimeError)


def test_p16_of_two_threads_that_enter_one_with_one_gets_the_slot() -> None:
    entered, go_on = threading.Event(), threading.Event()

    class WaitingStore(MemoryStore):
        def send(self, operation: Any, deadline_ns: int) -> Any:
            if isinstance(operation, TakeSlot):
                entered.set()
                go_on.wait(5)
            return super().send(operation, deadline_ns)

    context = ConcurrencyLimiter(WaitingStore(), 2, deadline=10).slot("report")
    first = threading.Thread(target=context.__enter__)
    first.start()
    assert entered.wait(5)
    go_on.set()
    with pytest.raises(RuntimeError, match="call it anew for each `with`"):
        context.__enter__()
    first.join(5)
    context.__exit__(None, None, None)


@pytest.mark.parametrize("released_by", ["with", "release"])
def test_p16_a_slot_that_was_released_is_not_entered_again(released_by: str) -> None:
    slot = ConcurrencyLimiter(MemoryStore(), 1).acquire("report")
    if released_by == "release":
        slot.release()
    else:
        with slot:
            pass
    with pytest.raises(RuntimeError, match="a slot of 'report:slots' was released or"), slot:
        pytest.fail("it ran")


def test_p16_a_slot_that_is_entered_is_not_entered_again() -> None:
    """Else the inner block would release it, and the rest of the outer one run without."""
    limiter = ConcurrencyLimiter(MemoryStore(), 1)
    with limiter.acquire("report") as slot:
        with pytest.raises(RuntimeError, match="entered before"), slot:
            pytest.fail("it ran")
        assert limiter.peek("report").remaining == 0


def test_p16_an_async_slot_that_was_released_is_not_entered_again() -> None:
    async def enter_again() -> None:
        slot = await AsyncConcurrencyLimiter(MemoryStore(), 1).acquire("report")
        async with slot:
            pass
        with pytest.raises(RuntimeError, match="was released or entered before"):
            await slot.__aenter__()

    asyncio.run(enter_again())


def test_switched_off_a_slot_is_entered_as_often_as_anybody_likes() -> None:
    slot = ConcurrencyLimiter(MemoryStore(), 1, enabled=False).acquire("report")
    for _ in range(2):
        with slot:
            pass


def test_p16_of_threads_that_release_a_slot_at_once_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, process = FlakyStore(), os.getpid()
    limiter = ConcurrencyLimiter(store, 2)
    kept, slot = limiter.acquire("report"), limiter.acquire("report")

    def another_thread_releases() -> int:
        monkeypatch.undo()
        slot.release()
        return process

    monkeypatch.setattr("ratelimit_ddb.slots.slot.os.getpid", another_thread_releases)
    slot.release()
    store.failure = StoreUnavailable("down")
    # Counted twice, this process would hold three in the outage.
    with limiter.acquire("report"):
        assert not limiter.acquire("report")
    store.failure = None
    kept.release()


def test_limiters_are_pickled_as_their_arguments() -> None:
    limiter = ConcurrencyLimiter(DynamoDBStore("limits"), 3, lifetime=5, namespace="shop")
    assert repr(pickle.loads(pickle.dumps(limiter))) == repr(limiter)
    assert repr(limiter).endswith(", 3, lifetime=5, on_outage='local', namespace='shop')")
    assert repr(ConcurrencyLimiter(MemoryStore(), 3)).endswith("lifetime=60, on_outage='local')")


def test_switched_off_everybody_gets_a_slot(caplog: pytest.LogCaptureFixture) -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 1, enabled=False)
    assert caplog.messages == [
        "limiter of 1 at once is switched off by enabled=False: every request is allowed"
    ]
    with limiter.slot("report") as one, limiter.slot("report"):
        assert one.decision == Decision(True, 1, 0, 0, limiter.limit, 0, "disabled")
        assert not one.lost


def test_those_who_wait_in_a_process_are_served_in_the_order_of_their_calls() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 1)
    order: list[int] = []

    def work(number: int) -> None:
        with limiter.slot("report", max_wait=10):
            order.append(number)

    with limiter.slot("report"):
        threads = []
        for number in range(6):
            thread = threading.Thread(target=work, args=(number,))
            thread.start()
            threads.append(thread)
            while len(limiter._core._wait_queue._waiters.get("report:slots", ())) <= number:
                time.sleep(0.001)
        assert limiter.acquire("report").decision.source == "seen", "it would be before them"
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4, 5]


def test_a_slot_that_another_process_releases_is_found_by_the_one_who_waits() -> None:
    store = MemoryStore()
    here, elsewhere = ConcurrencyLimiter(store, 1), ConcurrencyLimiter(store, 1)
    held = elsewhere.acquire("report")
    release = threading.Timer(0.05, held.release)
    release.start()
    with here.slot("report", max_wait=5) as slot:
        assert 0 < slot.decision.waited < 5
    release.join()


def test_a_cancelled_wait_lets_the_next_one_go_on() -> None:
    async def scenario() -> float:
        limiter = AsyncConcurrencyLimiter(MemoryStore(), 1)
        async with limiter.slot("report"):
            first = asyncio.create_task(limiter.acquire("report", max_wait=10))
            await asyncio.sleep(0.01)
            second = asyncio.create_task(limiter.acquire("report", max_wait=10))
            await asyncio.sleep(0.01)
            first.cancel()
            await asyncio.sleep(0.01)
        slot = await second
        await slot.release()
        return slot.decision.waited

    assert asyncio.run(scenario()) < 1


def test_the_take_of_a_cancelled_task_is_released_in_the_background() -> None:
    class Slow(MemoryStore):
        async def send_async(self, operation: Any, deadline_ns: int) -> Any:
            answer = self.send(operation, deadline_ns)
            if isinstance(operation, TakeSlot):
                await asyncio.sleep(10)
            return answer

    async def scenario() -> int:
        store = Slow()
        task = asyncio.create_task(AsyncConcurrencyLimiter(store, 1, lifetime=1).acquire("report"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        limiter = ConcurrencyLimiter(store, 1)
        assert limiter.peek("report").remaining == 0
        await asyncio.sleep(0.3)
        return limiter.peek("report").remaining

    assert asyncio.run(scenario()) == 1


def test_the_release_of_a_cancelled_task_goes_on_in_the_background() -> None:
    class Slow(MemoryStore):
        releases = 0

        async def send_async(self, operation: Any, deadline_ns: int) -> Any:
            if isinstance(operation, ReleaseSlot):
                self.releases += 1
                if self.releases == 1:
                    await asyncio.sleep(10)
            return self.send(operation, deadline_ns)

    async def scenario() -> None:
        store = Slow()
        slot = await AsyncConcurrencyLimiter(store, 1, lifetime=1, deadline=20).acquire("report")
        task = asyncio.create_task(slot.release())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        limiter = ConcurrencyLimiter(store, 1)
        assert limiter.peek("report").remaining == 0
        until = time.monotonic() + 5
        while store.releases < 2:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        assert limiter.peek("report").remaining == 1

    asyncio.run(scenario())


def test_a_slot_that_nobody_released_is_released_and_warned_of() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 1, lifetime=1)
    slot = limiter.acquire("report")
    with pytest.warns(ResourceWarning, match="was not released") as warned:
        del slot
    assert [one.filename for one in warned] == [__file__]
    until = time.monotonic() + 5
    while not limiter.peek("report").remaining and time.monotonic() < until:
        time.sleep(0.01)
    assert limiter.peek("report").remaining == 1


def test_who_holds_no_slot_is_not_warned() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 1)
    with warnings.catch_warnings(record=True) as warned, limiter.slot("report"):
        warnings.simplefilter("always")
        assert not limiter.acquire("report")
        assert ConcurrencyLimiter(MemoryStore(), 1, enabled=False).acquire("report")
        gc.collect()
    assert not warned


def test_a_slot_is_released_once() -> None:
    store = FlakyStore()
    limiter = ConcurrencyLimiter(store, 1)
    kept = len(thread_renewer()._schedule)
    slot = limiter.acquire("report")
    for _ in range(2):
        slot.release()
    assert len(thread_renewer()._schedule) == kept
    assert not limiter._core._local._counts
    assert sum(isinstance(sent, ReleaseSlot) for sent in store.operations) == 1
    store.time.advance(3_600)
    assert not slot.lost


@pytest.mark.parametrize("threads", [True, False], ids=["thread", "event loop"])
def test_a_long_holder_keeps_its_slot_by_itself(threads: bool) -> None:
    store = MemoryStore()
    other = ConcurrencyLimiter(store, 1)

    def hold() -> None:
        with ConcurrencyLimiter(store, 1, lifetime=1).slot("report") as slot:
            time.sleep(2.2)
            assert not slot.lost
            assert not other.acquire("report")

    async def hold_async() -> None:
        async with AsyncConcurrencyLimiter(store, 1, lifetime=1).slot("report") as slot:
            await asyncio.sleep(2.2)
            assert not slot.lost
            assert not other.acquire("report")

    if threads:
        hold()
    else:
        asyncio.run(hold_async())
    assert other.peek("report").remaining == 1


def test_one_thread_keeps_all_slots_of_a_process() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 50)
    slots = [limiter.acquire("report")]
    before = threading.enumerate()
    slots += [limiter.acquire("report") for _ in range(49)]
    begun = [thread.name for thread in threading.enumerate() if thread not in before]
    assert "ratelimit_ddb slots" in [thread.name for thread in before]
    assert "ratelimit_ddb slots" not in begun
    for slot in slots:
        slot.release()


def outage(store: FlakyStore) -> None:
    store.failure = StoreUnavailable("out of reach")


def test_p16_in_an_outage_a_process_holds_no_more_than_the_limit() -> None:
    store = FlakyStore()
    limiter = ConcurrencyLimiter(store, 3)
    first = limiter.acquire("report")
    outage(store)
    slots = [limiter.acquire("report") for _ in range(5)]
    assert [bool(slot) for slot in slots] == [True, True, False, False, False]
    assert slots[0].decision.source == "outage"
    assert [slot.decision.remaining for slot in slots[:2]] == [1, 0]
    slots[0].release()
    again = limiter.acquire("report")
    assert again
    assert not limiter.acquire("report")
    for slot in (first, slots[1], again):
        slot.release()
    assert "report:slots" not in limiter._core._local._counts


def test_in_an_outage_the_policy_decides(caplog: pytest.LogCaptureFixture) -> None:
    store = FlakyStore()
    outage(store)
    allowed = ConcurrencyLimiter(store, 1, on_outage="allow")
    slots = [allowed.acquire("report") for _ in range(3)]
    assert all(slots)
    assert not any(slot.lost for slot in slots)
    assert caplog.messages[0].endswith("on_outage='allow' admits: no limit holds. out of reach")
    assert allowed._core._local._counts == {"report:slots": 3}
    for slot in slots:
        slot.release()
    assert not allowed._core._local._counts
    assert not ConcurrencyLimiter(store, 1, on_outage="deny").acquire("report")
    with pytest.raises(StoreUnavailable):
        ConcurrencyLimiter(store, 1, on_outage="raise").acquire("report")


def test_what_was_decided_in_an_outage_is_told_with_the_reason_and_the_policy() -> None:
    store = FlakyStore()
    told: list[LimiterDecision] = []
    limiters = [
        ConcurrencyLimiter(store, 2, on_outage=on_outage, on_decision=told.append, namespace="a")
        for on_outage in ("local", "allow", "deny")
    ]
    outage(store)
    slots = [limiter.acquire("report") for limiter in limiters]
    limit, second_ns = limiters[0].limit, 1_000_000_000
    assert [slot.decision for slot in slots] == [
        Decision(True, 1, 0, 0, limit, 0, "outage"),
        Decision(True, 0, 0, 0, limit, 0, "outage"),
        Decision(False, 0, second_ns, second_ns, limit, 0, "outage"),
    ]
    assert [(one.rule, one.key, one.decision) for one in told] == [
        ("a: 2 at once", "a:report:slots", slot.decision) for slot in slots
    ]
    assert [(one.outage, one.on_outage) for one in told] == [
        (store.failure, "local"),
        (store.failure, "allow"),
        (store.failure, "deny"),
    ]
    for slot in slots:
        slot.release()


def test_a_slot_is_not_held_where_its_event_raises() -> None:
    def fails(_: LimiterDecision) -> None:
        raise ZeroDivisionError

    store = FlakyStore()
    limiter = ConcurrencyLimiter(store, 1, lifetime=1, on_decision=fails)
    with pytest.raises(ZeroDivisionError):
        limiter.acquire("report")
    assert "report:slots" not in limiter._core._local._counts
    until = time.monotonic() + 5
    while not limiter.peek("report").remaining:
        assert time.monotonic() < until
        time.sleep(0.01)
    sent = [type(one) for one in store.operations if not isinstance(one, ReadSlots)]
    assert sent == [TakeSlot, ReleaseSlot]


def test_a_lost_reply_of_a_take_does_not_keep_the_slot() -> None:
    store = FlakyStore()
    limiter = ConcurrencyLimiter(store, 1, lifetime=1, on_outage="deny")
    store.applies = True
    outage(store)
    assert not limiter.acquire("report")
    store.failure = None
    until = time.monotonic() + 5
    while not any(isinstance(sent, ReleaseSlot) for sent in store.operations):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert limiter.peek("report").remaining == 1


def test_a_release_without_an_answer_is_tried_again() -> None:
    store = FlakyStore()
    limiter = ConcurrencyLimiter(store, 1, lifetime=1)
    slot = limiter.acquire("report")
    outage(store)
    slot.release()
    store.failure = None
    assert limiter.peek("report").remaining == 0
    until = time.monotonic() + 5
    while not limiter.peek("report").remaining:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("kind", [ConcurrencyLimiter, AsyncConcurrencyLimiter])
def test_p10_after_three_outages_a_release_does_not_wait_for_the_store(kind: type[Any]) -> None:
    store = FlakyStore()

    async def scenario() -> list[Any]:
        limiter = kind(store, 1, lifetime=60, on_outage="deny")

        async def done(call: Any) -> Any:
            return await call if inspect.isawaitable(call) else call

        slot = await done(limiter.acquire("report"))
        outage(store)
        for _ in range(3):
            assert not await done(limiter.acquire("report"))
        store.operations.clear()
        await done(slot.release())
        return store.operations.copy()

    assert asyncio.run(scenario()) == []
    store.failure = None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_does_not_release_its_parents_slot() -> None:
    store = MemoryStore()
    limiter = ConcurrencyLimiter(store, 1)
    with limiter.slot("report") as slot:
        child = os.fork()
        if not child:
            lost = slot.lost
            slot.release()
            still_held = limiter.peek("report").remaining == 0
            os._exit(0 if lost and still_held else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert not slot.lost
