"""The breaker: after three outages in a row no decision asks, until something answers (P10)."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ratelimit_ddb import (
    AccessDenied,
    AsyncRateLimiter,
    Decision,
    MemoryStore,
    RateLimiter,
    StoreUnavailable,
    TableNotFound,
)
from ratelimit_ddb.errors import KeyThrottled
from ratelimit_ddb.key import KEY_OF_NO_BUCKET
from ratelimit_ddb.operations import breaker as breaker_module
from ratelimit_ddb.operations.breaker import Breaker, breaker_of
from ratelimit_ddb.operations.operation import ClockMoved, GiveBack, Operation, ReadClock
from ratelimit_ddb.web import Rule
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, limited_wsgi

DOWN = StoreUnavailable("down")


class Caller:
    """A limiter of either kind, awaited where that is needed."""

    def __init__(self, kind: Callable[..., Any], store: Any, **options: Any) -> None:
        self.limiter = kind(store, "1000/second", **{"on_outage": "allow", **options})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            answer = getattr(self.limiter, name)(*args, **options)
            return asyncio.run(answer) if inspect.iscoroutine(answer) else answer

        return call


@pytest.fixture(params=[RateLimiter, AsyncRateLimiter], ids=["blocking", "asyncio"])
def make(request: pytest.FixtureRequest) -> Callable[..., Caller]:
    return lambda store, **options: Caller(request.param, store, **options)


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


@pytest.fixture
def probe_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a probe be due as soon as the breaker is open, and be waited for."""
    monkeypatch.setattr(breaker_module, "PROBE_INTERVAL_NS", 0)
    monkeypatch.setattr(breaker_module, "PATIENCE_NS", 5_000_000_000)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.filtering(logging.Filter("ratelimit_ddb")):
        yield caplog


def open_breaker(store: FlakyStore) -> None:
    store.failure = StoreUnavailable("down")
    for _ in range(3):
        RateLimiter(store, "5/minute", on_outage="deny").acquire("k")
    assert breaker_of(store).is_open
    store.operations.clear()


def probes(store: FlakyStore) -> list[Operation]:
    return [one for one in store.operations if isinstance(one, GiveBack)]


def test_p10_after_three_outages_in_a_row_no_decision_asks(
    make: Callable[..., Caller], store: FlakyStore
) -> None:
    caller = make(store)
    store.failure = DOWN
    for number in range(20):
        assert caller.acquire(f"key-{number}").source == "outage"
    assert len(store.operations) == 3


@pytest.mark.parametrize("on_outage", ["local", "allow", "deny"])
def test_p10_a_decision_that_does_not_ask_follows_on_outage(
    make: Callable[..., Caller], store: FlakyStore, on_outage: str
) -> None:
    open_breaker(store)
    decision = make(store, on_outage=on_outage).acquire("another")
    assert (decision.allowed, decision.source) == (on_outage != "deny", "outage")
    assert store.operations == []


def test_p10_raised_it_says_that_it_was_not_asked_and_what_the_last_outage_was(
    make: Callable[..., Caller], store: FlakyStore
) -> None:
    open_breaker(store)
    with pytest.raises(StoreUnavailable, match=r"not asked, .* the last 3 got no answer: down"):
        make(store, on_outage="raise").acquire("k")
    assert store.operations == []


def test_outages_with_an_answer_between_them_are_not_in_a_row(
    make: Callable[..., Caller], store: FlakyStore
) -> None:
    caller = make(store)
    for failure in (DOWN, DOWN, None, DOWN, DOWN, None):
        store.failure = failure
        caller.acquire("k")
    assert not breaker_of(store).is_open
    assert len(store.operations) == 6


def test_all_limiters_and_rules_on_a_store_have_one_breaker(store: FlakyStore) -> None:
    open_breaker(store)
    ask = limited_wsgi(store=store, rules=Rule("/*", "5/minute"), on_outage="deny")
    assert ask(Get()).status == 503
    assert RateLimiter(MemoryStore(), "5/minute").acquire("k").source == "table"
    assert store.operations == []


def test_a_request_of_several_rules_is_one_outage(store: FlakyStore) -> None:
    rules = [Rule("/*", "5/minute", name=name) for name in ("a", "b", "c", "d")]
    ask = limited_wsgi(store=store, rules=rules, on_outage="allow")
    store.failure = DOWN
    ask(Get())
    assert breaker_of(store).outages == 1
    ask(Get())
    ask(Get())
    assert breaker_of(store).is_open


@pytest.mark.parametrize("what", ["peek", "reset"])
def test_p10_the_others_ask_whatever_the_breaker_says_and_what_they_find_counts(
    make: Callable[..., Caller], store: FlakyStore, what: str
) -> None:
    caller = make(store)
    store.failure = DOWN
    for _ in range(4):
        with pytest.raises(StoreUnavailable, match=r"^down$"):
            getattr(caller, what)("k")
    assert len(store.operations) == 4
    assert breaker_of(store).is_open
    store.failure = None
    getattr(caller, what)("k")
    assert caller.acquire("k").source == "table"


def test_p10_a_refund_asks_too(make: Callable[..., Caller], store: FlakyStore) -> None:
    caller = make(store)
    decision = caller.acquire("k")
    open_breaker(store)
    store.failure = None
    assert caller.refund(decision)
    assert not breaker_of(store).is_open


class KnowsTheTime(FlakyStore):
    """Answers for the time without asking anybody, as a table's clock does once it is known."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, ReadClock):
            return self.clock.now_ns()
        return super().send(operation, deadline_ns)


def test_the_time_that_is_known_is_no_answer_of_the_table(make: Callable[..., Caller]) -> None:
    store = KnowsTheTime()
    store.failure = DOWN
    caller = make(store)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            caller.peek("k")
    assert breaker_of(store).is_open


@pytest.mark.usefixtures("probe_at_once")
def test_a_probe_closes_it_and_the_decision_that_started_it_asks(
    make: Callable[..., Caller], store: FlakyStore
) -> None:
    open_breaker(store)
    caller = make(store)
    assert caller.acquire("k").source == "outage"
    now_ns, none = store.time.now_ns, (0,)
    assert store.operations == [
        GiveBack(KEY_OF_NO_BUCKET, ("probe",), none, none, none, none, none, now_ns, None)
    ], "a write that no item lets through, and that would change nothing"
    store.failure = None
    assert caller.acquire("k").source == "table"
    assert len(store) == 1, "a probe leaves nothing behind"


@pytest.mark.usefixtures("probe_at_once")
def test_a_probe_has_a_second_for_its_answer(store: FlakyStore) -> None:
    left_ns = []
    send = store.send

    def note(operation: Operation, deadline_ns: int) -> Any:
        left_ns.append(deadline_ns - time.monotonic_ns())
        return send(operation, deadline_ns)

    store.send = note  # type: ignore[method-assign]
    breaker = breaker_of(store)
    for _ in range(3):
        breaker.failed(DOWN)
    assert breaker.may_ask()
    assert 500_000_000 < left_ns[0] <= 1_000_000_000


def test_it_is_probed_at_most_once_a_second_while_it_is_open(
    store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker_module, "PATIENCE_NS", 5_000_000_000)
    now_ns = [0]
    breaker = Breaker(store, lambda: now_ns[0])
    assert breaker.may_ask()
    store.failure = DOWN
    for _ in range(3):
        breaker.failed(DOWN)
    probed = []
    for milliseconds in (0, 999, 1_000, 1_500, 1_999, 2_000, 3_500):
        now_ns[0] = milliseconds * 1_000_000
        assert not breaker.may_ask()
        probed.append(len(probes(store)))
    assert probed == [0, 0, 1, 1, 1, 2, 3]
    assert store.prepared == 3, "since the store is not ready"


@pytest.mark.usefixtures("probe_at_once")
@pytest.mark.parametrize("answer", [KeyThrottled("hot"), AccessDenied("no"), TableNotFound("no")])
def test_whatever_shows_that_the_table_serves_closes_it(
    store: FlakyStore, answer: Exception
) -> None:
    open_breaker(store)
    store.failure = answer
    limiter = RateLimiter(store, "5/minute")
    if isinstance(answer, KeyThrottled):
        assert limiter.acquire("k").source == "throttled"
    else:
        with pytest.raises(type(answer)):
            limiter.acquire("k")
    assert not breaker_of(store).is_open


def test_a_mistake_and_a_throttled_key_are_no_outages(
    make: Callable[..., Caller], store: FlakyStore
) -> None:
    caller = make(store)
    for failure in (DOWN, DOWN, KeyThrottled("hot"), DOWN, DOWN, AccessDenied("no"), DOWN, DOWN):
        store.failure = failure
        if isinstance(failure, AccessDenied):
            with pytest.raises(AccessDenied):
                caller.acquire("k")
        else:
            caller.acquire("k")
    assert not breaker_of(store).is_open


def test_each_outage_says_that_it_was_counted(store: FlakyStore) -> None:
    breaker = Breaker(store, lambda: 0)
    counted = [breaker.failed(DOWN) for _ in range(4)]
    assert (counted, breaker.outages, breaker.is_open) == ([True] * 4, 4, True)
    assert breaker.failed(ClockMoved("moved")) is False
    assert breaker.failed(KeyThrottled("hot")) is False


def test_a_clock_that_moved_is_neither_an_outage_nor_an_answer(store: FlakyStore) -> None:
    breaker = breaker_of(store)
    breaker.failed(DOWN)
    for _ in range(3):
        breaker.failed(ClockMoved("moved"))
    assert (breaker.outages, breaker.is_open) == (1, False)


class Hanging(FlakyStore):
    """Holds every probe until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = True
        self.let_go = threading.Event()

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, GiveBack):
            self.let_go.wait(10)
        return super().send(operation, deadline_ns)


def test_p10_nobody_waits_for_a_probe_that_gets_no_answer(
    make: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker_module, "PROBE_INTERVAL_NS", 0)
    store = Hanging()
    open_breaker(store)
    caller = make(store)
    began = time.monotonic()
    assert {caller.acquire("k").source for _ in range(50)} == {"outage"}
    assert time.monotonic() - began < 2, "each of 50 would have waited 250 ms"
    store.failure = None
    store.let_go.set()
    while breaker_of(store).is_open:
        time.sleep(0.001)
    assert len(probes(store)) == 1, "one at a time"
    assert caller.acquire("k").source == "table"


class NotReady(FlakyStore):
    """Has no credentials to prepare with."""

    def prepare(self) -> None:
        super().prepare()
        raise DOWN

    async def prepare_async(self) -> None:
        self.prepare()


def test_p10_a_store_that_can_not_be_prepared_is_not_prepared_by_each(
    make: Callable[..., Caller],
) -> None:
    store = NotReady()
    caller = make(store)
    for _ in range(10):
        assert caller.acquire("k").source == "outage"
    assert store.prepared == 3
    assert store.operations == []
    with pytest.raises(StoreUnavailable, match=r"the last 3 got no answer: down"):
        make(store, on_outage="raise").acquire("k")


def records(log: pytest.LogCaptureFixture) -> list[str]:
    assert all(record.levelno == logging.WARNING for record in log.records)
    return [record.getMessage() for record in log.records]


@pytest.mark.usefixtures("probe_at_once")
@pytest.mark.parametrize("on_outage", ["local", "allow"])
def test_opening_closing_and_the_first_admission_are_logged_once_each(
    make: Callable[..., Caller], store: FlakyStore, log: pytest.LogCaptureFixture, on_outage: str
) -> None:
    caller = make(store, on_outage=on_outage)
    store.failure = DOWN
    for _ in range(10):
        assert caller.acquire("k").allowed
    store.failure = None
    for _ in range(3):
        assert caller.acquire("k").allowed
    first, opened, closed = records(log)
    assert first.startswith("FlakyStore(max_keys=100000): out of reach, and on_outage='")
    assert ("n of them admit up to n times it" in first) == (on_outage == "local")
    assert "3 outages in a row" in opened
    assert opened.endswith("The last: down")
    assert "it answers again" in closed


def test_without_admissions_only_the_breaker_is_logged(
    store: FlakyStore, log: pytest.LogCaptureFixture
) -> None:
    open_breaker(store)
    assert len(records(log)) == 1


def test_admissions_are_told_of_once_an_outage_and_at_most_once_a_second(
    store: FlakyStore, log: pytest.LogCaptureFixture
) -> None:
    now_ns = [0]
    breaker = Breaker(store, lambda: now_ns[0])
    for at_ns, told, is_over in (
        (0, 1, True),
        (999_999_999, 1, True),
        (1_000_000_000, 2, True),
        (2_000_000_000, 3, False),
        (3_000_000_000, 3, True),
    ):
        now_ns[0] = at_ns
        breaker.failed(DOWN)
        breaker.tell_admission("allow", DOWN)
        if is_over:
            breaker.answered()
        assert len(records(log)) == told


def test_what_is_logged_of_an_outage(store: FlakyStore, log: pytest.LogCaptureFixture) -> None:
    now_ns = [1_000_000_000]
    breaker = Breaker(store, lambda: now_ns[0])
    breaker.failed(DOWN)
    breaker.tell_admission("allow", DOWN)
    breaker.failed(DOWN)
    breaker.failed(DOWN)
    now_ns[0] += 2_500_000_000
    breaker.answered()
    name = "FlakyStore(max_keys=100000)"
    assert records(log) == [
        f"{name}: out of reach, and on_outage='allow' admits: no limit holds. down",
        (
            f"{name}: 3 outages in a row; until it answers, decisions do not ask it and follow "
            "on_outage at once. The last: down"
        ),
        f"{name}: it answers again, after 2.5 s; decisions ask it",
    ]


def test_a_table_that_answers_now_and_then_does_not_fill_the_log(
    make: Callable[..., Caller], store: FlakyStore, log: pytest.LogCaptureFixture
) -> None:
    caller = make(store)
    for number in range(40):
        store.failure = DOWN if number % 2 else None
        caller.acquire("k")
    assert len(records(log)) <= 3


def test_a_breaker_does_not_keep_its_store_alive() -> None:
    store = FlakyStore()
    open_breaker(store)
    RateLimiter(store, "5/minute", on_outage="local").acquire("k")
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None


class WithoutWeakReferences:
    """A store of somebody's own that can't be referred to weakly."""

    __slots__ = ("_memory", "clock", "in_process", "ready")

    def __init__(self) -> None:
        self._memory = MemoryStore()
        self.clock = self._memory.clock
        self.in_process = True
        self.ready = True

    def prepare(self) -> None:
        """Nothing to do."""

    async def prepare_async(self) -> None:
        """Nothing to do."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        raise DOWN

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        raise DOWN

    def send_all(self, sequences: Any, deadline_ns: int) -> None:
        raise DOWN

    async def send_all_async(self, sequences: Any, deadline_ns: int) -> None:
        raise DOWN


def test_a_store_of_any_kind_has_one(make: Callable[..., Caller]) -> None:
    caller = make(WithoutWeakReferences(), on_outage="local")
    decisions: list[Decision] = [caller.acquire("k") for _ in range(5)]
    assert all(decision.allowed for decision in decisions)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_during_a_probe_probes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_module, "PROBE_INTERVAL_NS", 0)
    store = Hanging()
    open_breaker(store)
    limiter = RateLimiter(store, "5/minute", on_outage="allow")
    limiter.acquire("k")
    store.failure = None
    with breaker_of(store)._lock:
        child = os.fork()
    if child == 0:
        store.let_go.set()
        monkeypatch.setattr(breaker_module, "PATIENCE_NS", 5_000_000_000)
        os._exit(0 if limiter.acquire("k").source == "table" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.let_go.set()


def test_without_a_thread_to_probe_in_it_stays_open(
    store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(breaker_module, "PROBE_INTERVAL_NS", 0)
    open_breaker(store)
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    limiter = RateLimiter(store, "5/minute", on_outage="allow")
    assert [limiter.acquire("k").source for _ in range(3)] == ["outage"] * 3
