"""Reading stored limits: when, how often, and what holds where they can't be read."""

from __future__ import annotations

import asyncio
import importlib
import threading
from typing import Any

import pytest

from ratelimit_ddb import (
    AccessDenied,
    AsyncRateLimiter,
    Decision,
    Limit,
    MemoryStore,
    RateLimiter,
    StoredLimits,
    StoreError,
    StoreUnavailable,
    acquire_all,
    rate_limited,
    stored,
)
from ratelimit_ddb.limit import parse_limits
from ratelimit_ddb.operations.operation import LimitsResult, ReadLimits, Wait, WriteLimits
from ratelimit_ddb.stored_limits.limits_cache import MOST_NAMES, LimitsCache
from ratelimit_ddb.stored_limits.stored import key_of
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore


def reads(store: FlakyStore) -> int:
    return sum(isinstance(operation, ReadLimits) for operation in store.operations)


def admitted(limiter: RateLimiter, key: str, of: int) -> int:
    return sum(bool(limiter.acquire(key)) for _ in range(of))


def test_a_name_is_read_once_in_cache_seconds() -> None:
    store = FlakyStore()
    limiter = RateLimiter(store, stored("p", default="100/minute", cache_seconds=10))
    admitted(limiter, "ada", 20)
    assert reads(store) == 1
    store.time.advance(9.9)
    admitted(limiter, "ada", 20)
    assert reads(store) == 1
    store.time.advance(0.1)
    admitted(limiter, "ada", 20)
    assert reads(store) == 2


def test_an_outage_keeps_what_was_read_last() -> None:
    store = FlakyStore()
    StoredLimits(store).set("p", "5/minute")
    limiter = RateLimiter(store, stored("p", default="100/minute"), on_outage="local")
    assert limiter.acquire("ada").limit.burst == 5
    store.failure = StoreUnavailable("gone")
    store.time.advance(60)
    assert admitted(limiter, "bob", 10) == 5
    store.time.advance(3600)
    assert admitted(limiter, "cy", 10) == 5


def test_an_outage_before_anything_was_read_has_the_default() -> None:
    store = FlakyStore()
    StoredLimits(store).set("p", "5/minute")
    store.failure = StoreUnavailable("gone")
    limiter = RateLimiter(store, stored("p", default="3/minute"), on_outage="local")
    assert admitted(limiter, "ada", 10) == 3
    assert reads(store) == 1
    store.failure = None
    store.time.advance(1)  # it is tried again after a second
    assert limiter.peek("bob").remaining == 5


def test_a_mistake_of_set_up_is_raised() -> None:
    store = FlakyStore()
    store.failure = AccessDenied("no")
    with pytest.raises(AccessDenied):
        RateLimiter(store, stored("p", default="3/minute")).acquire("ada")


@pytest.mark.parametrize("texts", [("unlimited",), (), ("",), ("10/second", "10/second")])
def test_bad_text_keeps_what_was_read_last_and_is_logged_each_time(
    texts: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    store = FlakyStore()
    StoredLimits(store).set("p", "5/minute")
    limiter = RateLimiter(store, stored("p", default="100/minute"))
    assert limiter.acquire("ada").limit.burst == 5
    store.send(WriteLimits(key_of("", "p"), texts, 0), 0)
    with pytest.raises((TypeError, ValueError)) as why:
        parse_limits(texts)
    for seconds in (60, 1):
        caplog.clear()
        store.time.advance(seconds)
        assert limiter.acquire("ada").limit.burst == 5
        assert [(record.name, record.levelname) for record in caplog.records] == [
            ("ratelimit_ddb", "ERROR")
        ]
        assert caplog.messages == [
            f"stored limits 'p': {why.value}; what was read before stays in force, or the default"
        ]


class SlowReads(MemoryStore):
    """Holds back reads of limits until it is told."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.go_on = threading.Event()
        self.began = threading.Event()
        self.reads = 0

    def send(self, operation: Any, deadline_ns: int) -> Any:
        if isinstance(operation, ReadLimits):
            self.reads += 1
            self.began.set()
            self.go_on.wait(5)
        return super().send(operation, deadline_ns)


def test_one_thread_reads_and_the_others_wait_for_it_where_nothing_is_known() -> None:
    store = SlowReads(FakeClock())
    StoredLimits(store).set("p", "5/minute")
    limiter = RateLimiter(store, stored("p", default="3/minute"), deadline=10)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(limiter.acquire("ada").limit.burst))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    assert store.began.wait(5)
    store.go_on.set()
    for thread in threads:
        thread.join()
    assert found == [5] * 4
    assert store.reads == 1


def test_while_one_thread_reads_the_others_go_by_what_was_read_last() -> None:
    clock = FakeClock()
    store = SlowReads(clock)
    StoredLimits(store).set("p", "5/minute")
    limiter = RateLimiter(store, stored("p", default="3/minute"), deadline=10)
    store.go_on.set()
    limiter.acquire("ada")
    store.go_on.clear()
    store.began.clear()
    StoredLimits(store).set("p", "7/minute")
    clock.advance(60)
    reader = threading.Thread(target=lambda: limiter.acquire("ada"))
    reader.start()
    assert store.began.wait(5)
    assert limiter.acquire("bob").limit.burst == 5  # without waiting
    store.go_on.set()
    reader.join()
    assert limiter.acquire("bob").limit.burst == 7
    assert store.reads == 2


def test_a_read_that_was_dropped_holds_nobody_up() -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    cache = LimitsCache(stored("p", default="3/minute"), "", store.clock)
    next(cache.refresh("p"))  # the flow is dropped, as by a deadline
    assert cache.fresh("p") is None
    limiter = RateLimiter(store, stored("p", default="3/minute"))
    assert limiter.acquire("ada").limit.burst == 3


def test_a_read_whose_event_loop_was_stopped_is_given_up_after_a_minute() -> None:
    clock = FakeClock()
    cache = LimitsCache(stored("p", default="3/minute"), "", MemoryStore(clock=clock).clock)
    stopped = cache.refresh("p")
    assert isinstance(next(stopped), ReadLimits)
    clock.advance(59)
    assert isinstance(next(cache.refresh("p")), Wait)
    clock.advance(1)
    assert isinstance(next(cache.refresh("p")), ReadLimits)
    stopped.close()


def limits_of(flow: Any, answer: Any = None) -> Any:
    """What a flow returns to the answer."""
    with pytest.raises(StopIteration) as done:
        flow.send(answer)
    return done.value.value


def test_who_waits_for_a_read_gets_its_limits_or_at_the_deadline_the_default() -> None:
    clock = FakeClock()
    cache = LimitsCache(stored("p", default="3/minute"), "", MemoryStore(clock=clock).clock)
    reads, one, late = (cache.refresh("p") for _ in range(3))
    assert isinstance(next(reads), ReadLimits)
    assert isinstance(next(one), Wait)
    assert isinstance(next(late), Wait)
    assert isinstance(one.send(True), Wait)  # woken for nothing
    assert limits_of(late, False) == (Limit(3, 60),)
    assert limits_of(reads, LimitsResult(("5/minute",))) == (Limit(5, 60),)
    assert limits_of(one, True) == (Limit(5, 60),)
    clock.advance(60)
    reads = cache.refresh("p")
    assert isinstance(next(reads), ReadLimits)
    assert limits_of(cache.refresh("p")) == cache.fresh("p") == (Limit(5, 60),)  # no waiting
    reads.close()
    reads, one = (cache.refresh("q") for _ in range(2))
    assert isinstance(next(reads), ReadLimits)
    assert isinstance(next(one), Wait)
    reads.close()  # as of a task that is cancelled
    assert isinstance(one.send(True), ReadLimits)
    assert limits_of(one, LimitsResult(("7/minute",))) == (Limit(7, 60),)


class SlowReadsAsync(MemoryStore):
    """A store whose reads of limits take as long as the test lets them, in an event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.go_on = asyncio.Event(), asyncio.Event()

    async def send_async(self, operation: Any, deadline_ns: int) -> Any:
        if isinstance(operation, ReadLimits):
            self.began.set()
            await self.go_on.wait()
        return super().send(operation, deadline_ns)


def test_where_the_one_that_reads_is_cancelled_the_next_one_reads() -> None:
    async def ask() -> list[int]:
        store = SlowReadsAsync()
        StoredLimits(store).set("p", "2/minute")
        limiter = AsyncRateLimiter(store, stored("p", default="100/minute"), deadline=10)
        reads = asyncio.create_task(limiter.acquire("ada"))
        await store.began.wait()
        others = [asyncio.create_task(limiter.acquire("ada")) for _ in range(3)]
        await asyncio.sleep(0)
        reads.cancel()  # as by a client that disconnects
        store.go_on.set()
        return [(await other).limit.burst for other in others]

    assert asyncio.run(ask()) == [2, 2, 2]


def test_a_mistake_of_set_up_is_raised_for_those_who_wait_for_the_read_too() -> None:
    cache = LimitsCache(stored("p", default="3/minute"), "", MemoryStore().clock)
    reads, one = (cache.refresh("p") for _ in range(2))
    assert isinstance(next(reads), ReadLimits)
    assert isinstance(next(one), Wait)
    with pytest.raises(AccessDenied):
        reads.throw(AccessDenied("no"))
    assert isinstance(one.send(True), ReadLimits)
    with pytest.raises(AccessDenied):
        one.throw(AccessDenied("no"))


def test_after_a_fork_the_parents_reads_are_given_up() -> None:
    store = MemoryStore(clock=FakeClock())
    cache = LimitsCache(stored("p", default="3/minute"), "", store.clock)
    mine = cache.refresh("p")
    next(mine)
    cache.after_fork_in_child()
    assert isinstance(next(cache.refresh("p")), ReadLimits)


def test_names_are_forgotten_beyond_the_bound() -> None:
    store = MemoryStore(clock=FakeClock())
    cache = LimitsCache(stored(lambda _: "p", default="3/minute"), "", store.clock)
    for number in (*range(MOST_NAMES), 5, *range(MOST_NAMES, MOST_NAMES + 10)):
        flow = cache.refresh(f"tenant:{number}")
        operation: Any = next(flow)
        with pytest.raises(StopIteration):
            flow.send(store.send(operation, 0))
    for number, is_known in ((5, True), (10, False), (11, True)):  # the oldest are forgotten
        assert (cache.fresh(f"tenant:{number}") is not None) is is_known


def test_a_decorated_function_has_stored_limits() -> None:
    store = MemoryStore(clock=FakeClock())
    StoredLimits(store).set("emails", "1/minute")

    @rate_limited(stored("emails", default="3/minute"), store=store)
    def send() -> None: ...

    send()
    with pytest.raises(Exception, match="1 per minute"):
        send()


def test_what_was_used_beyond_a_reservation_is_charged_to_the_stored_limits() -> None:
    """By a limiter that has not read them yet, as that of a process which only settles."""
    store = MemoryStore(clock=FakeClock())
    StoredLimits(store).set("p", "100/minute")
    limits = stored("p", default="5/minute")
    limiter = RateLimiter(store, limits)
    RateLimiter(store, limits).settle(limiter.reserve("ada", 10), 60)
    assert limiter.peek("ada").remaining == 40
    reservation = limiter.reserve("bob", 10)
    with pytest.raises(ValueError, match="which 100 per minute refills in ten years"):
        RateLimiter(store, limits).settle(reservation, 10**9)
    RateLimiter(store, limits).settle(reservation, 4)
    assert limiter.peek("bob").remaining == 96


def test_several_limiters_at_once_have_stored_limits() -> None:
    store = MemoryStore(clock=FakeClock())
    StoredLimits(store).set("p", "1/minute")
    one = RateLimiter(store, stored("p", default="3/minute"))
    other = RateLimiter(store, "5/minute")
    assert acquire_all([(one, "ada"), (other, "bob")])
    assert not acquire_all([(one, "ada"), (other, "bob")])
    assert other.peek("bob").remaining == 4


def test_p1_several_limiters_at_once_take_no_more_than_the_stored_limit_ever_holds() -> None:
    store = FlakyStore()
    StoredLimits(store).set("p", "5/minute")
    one = RateLimiter(store, stored("p", default="100/minute"))
    other = RateLimiter(store, "9/minute")
    with pytest.raises(ValueError, match="cost 50: must be from 1 to the burst of 5"):
        acquire_all([(other, "bob"), (one, "ada", 50)])
    with pytest.raises(ValueError, match="cost 6 together, more than the burst 5"):
        acquire_all([(other, "bob"), (one, "ada", 3), (one, "ada", 3)])
    assert one.peek("ada").remaining == 5
    assert other.peek("bob").remaining == 9


def test_several_limiters_at_once_may_take_what_the_stored_limit_holds_and_the_default_not() -> (
    None
):
    store = FlakyStore()
    StoredLimits(store).set("p", "100/minute")
    one = RateLimiter(store, stored("p", default="5/minute"))
    assert acquire_all([(one, "ada", 50), (one, "ada", 50)])
    assert reads(store) == 1

    @rate_limited(stored("p", default="5/minute"), store=store, cost=50)
    def send() -> None: ...

    send()


@pytest.mark.parametrize("failure", [StoreUnavailable("gone"), AccessDenied("no")], ids=type)
def test_several_limiters_whose_stored_limits_can_not_be_read(failure: StoreError) -> None:
    store = FlakyStore()
    one = RateLimiter(store, stored("p", default="5/minute"))
    requests: list[Any] = [(one, "ada", 5), (RateLimiter(store, "9/minute"), "ada")]
    store.failure = failure
    if isinstance(failure, AccessDenied):
        with pytest.raises(AccessDenied):
            acquire_all(requests)
        assert len(store.operations) == 1, "nothing is taken"
    else:
        assert [one.source for one in acquire_all(requests).decisions if one] == ["outage"] * 2
        assert not acquire_all(requests)


@pytest.mark.parametrize("failure", [None, StoreUnavailable("gone")], ids=type)
def test_p1_a_cost_is_taken_of_the_limits_it_was_checked_by(
    failure: StoreError | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread reads smaller limits just when the cost has been checked."""
    store = FlakyStore()
    limiter = RateLimiter(store, stored("p", default="100/minute"))
    limiter.peek("ada")
    for module in ("limiter_core", "all_or_none.request"):
        checks = importlib.import_module(f"ratelimit_ddb.{module}")
        check = checks.require_cost

        def and_then(cost: object, most: int, check: Any = check) -> int:
            number: int = check(cost, most)
            limiter._core._use(parse_limits("5/minute"))
            return number

        monkeypatch.setattr(checks, "require_cost", and_then)
    store.failure = failure
    decisions: list[Decision | None] = [limiter.acquire("ada", cost=50)]
    limiter._core._use(parse_limits("100/minute"))
    decisions += acquire_all([(limiter, "bob", 50)]).decisions
    assert [(one.allowed, one.limit.burst) for one in decisions if one] == [(True, 100)] * 2


def test_a_limiter_has_one_name_for_all_keys() -> None:
    with pytest.raises(TypeError, match="one name for all keys"):
        RateLimiter(MemoryStore(), stored(lambda _: "p", default="3/minute"))


@pytest.mark.parametrize("wrong", [None, 5, b"5/minute", Limit(5, 60)])
def test_what_is_no_notation_is_not_stored(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^limits .*: must be a str such as"):
        StoredLimits(MemoryStore()).set("p", wrong)


@pytest.mark.parametrize("name", ["", "x" * 513, "\ud800"])
def test_a_name_has_1_to_512_bytes(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 512 bytes"):
        stored(name, default="3/minute")


@pytest.mark.parametrize("namespace", ["\ud800", "x" * 2_048])
def test_a_namespace_that_a_stored_name_can_not_have_is_refused_when_the_limiter_is_made(
    namespace: str,
) -> None:
    limits, store = stored("plan:pro", default="5/minute"), MemoryStore()
    with pytest.raises(ValueError, match=r"^(namespace '\\ud800'|name of stored limits)"):
        RateLimiter(store, limits, namespace=namespace)
    with pytest.raises(ValueError, match=r"^(namespace '\\ud800'|name of stored limits)"):
        StoredLimits(store, namespace=namespace).set("plan:pro", "5/minute")


@pytest.mark.parametrize("seconds", [0, 0.5, 86_401, float("nan")])
def test_cache_seconds_are_from_1_to_86400(seconds: float) -> None:
    with pytest.raises(ValueError, match="from 1 to 86400"):
        stored("p", default="3/minute", cache_seconds=seconds)


def test_stored_limits_are_set_and_deleted_in_event_loops() -> None:
    async def change() -> tuple[object, object]:
        plans = StoredLimits(MemoryStore())
        await plans.set_async("p", "5/minute")
        found = await plans.get_async("p")
        await plans.delete_async("p")
        return found, await plans.get_async("p")

    found, none = asyncio.run(change())
    assert found is not None
    assert none is None
