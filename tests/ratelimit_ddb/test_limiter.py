"""The limiters as users call them, blocking and awaited: one suite for both."""

from __future__ import annotations

import asyncio
import copy
import enum
import inspect
import pickle
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from ratelimit_ddb import (
    AccessDenied,
    AsyncRateLimiter,
    Decision,
    Limit,
    MemoryStore,
    RateLimiter,
    StoreUnavailable,
    TableNotFound,
)
from ratelimit_ddb.operations.operation import Operation
from ratelimit_ddb.operations.store import Store
from tests.decisions import told
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore

KEY = "api:user-123:endpoint"
LIMIT = Limit(10, 1, burst=5)
UNIT_NS = 100_000_000


class Caller:
    """Calls a limiter of either kind, waiting for its answer."""

    def __init__(self, kind: type[RateLimiter | AsyncRateLimiter]) -> None:
        self.kind = kind
        self.limiter: RateLimiter | AsyncRateLimiter

    def of(self, store: Store, limits: Any = LIMIT, **options: Any) -> Caller:
        self.limiter = self.kind(store, limits, **options)
        return self

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            answer = getattr(self.limiter, name)(*args, **options)
            return asyncio.run(answer) if inspect.iscoroutine(answer) else answer

        return call


@pytest.fixture(params=[RateLimiter, AsyncRateLimiter], ids=["blocking", "asyncio"])
def caller(request: pytest.FixtureRequest) -> Caller:
    return Caller(request.param)


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each sleep, which takes no time."""
    seconds: list[float] = []

    async def sleep_async(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr("ratelimit_ddb.limiter.time.sleep", seconds.append)
    monkeypatch.setattr("asyncio.sleep", sleep_async)
    return seconds


def test_tokens_are_taken_until_none_is_left(caller: Caller, store: FlakyStore) -> None:
    limiter = caller.of(store)
    for left in (4, 3, 2, 1, 0):
        decision = limiter.acquire(KEY)
        assert told(decision) == Decision(True, left, 0, (5 - left) * UNIT_NS, LIMIT)
    decision = limiter.acquire(KEY)
    assert (decision.allowed, decision.remaining) == (False, 0)
    assert decision.retry_after == 0.1
    assert decision.reset_after == 0.5
    store.time.advance_ns(UNIT_NS)
    assert limiter.acquire(KEY).allowed


def test_p7_a_repeated_denial_asks_nobody(caller: Caller, store: FlakyStore) -> None:
    limiter = caller.of(store)
    limiter.acquire(KEY, cost=5)
    sent = len(store.operations)
    assert limiter.acquire(KEY).source == "seen"
    assert len(store.operations) == sent


def test_without_a_deny_cache_the_store_is_always_asked(caller: Caller, store: FlakyStore) -> None:
    limiter = caller.of(store, deny_cache=0.0)
    limiter.acquire(KEY, cost=5)
    store.time.advance_ns(1)
    assert limiter.acquire(KEY).source == "table"


def test_keys_do_not_share_their_tokens(caller: Caller, store: FlakyStore) -> None:
    limiter = caller.of(store, "1/hour")
    assert limiter.acquire("a").allowed
    assert limiter.acquire(("a", "b")).allowed
    assert limiter.acquire("b").allowed
    assert not limiter.acquire(("a",)).allowed


def test_several_limits_name_the_one_that_denies(caller: Caller, store: FlakyStore) -> None:
    limiter = caller.of(store, ["10/second", "15/hour"])
    assert [str(limit) for limit in caller.limiter.limits] == ["10 per second", "15 per hour"]
    assert limiter.acquire(KEY, cost=10).allowed
    assert str(limiter.acquire(KEY, cost=1).limit) == "10 per second"
    assert str(limiter.acquire(KEY, cost=6).limit) == "15 per hour"


def test_peek_refund_and_reset(caller: Caller, store: FlakyStore) -> None:
    limiter = caller.of(store)
    decision = limiter.acquire(KEY, cost=5)
    peeked = limiter.peek(KEY)
    assert (peeked.allowed, peeked.remaining, peeked.retry_after) == (False, 0, 0.1)
    assert limiter.refund(decision, cost=2) is True
    assert limiter.peek(KEY, cost=2).remaining == 2
    assert limiter.acquire(KEY).remaining == 1
    assert limiter.reset(KEY) is None
    assert limiter.peek(KEY).remaining == 5


def test_a_wait_is_slept_and_told(caller: Caller, store: FlakyStore, slept: list[float]) -> None:
    limiter = caller.of(store)
    limiter.acquire(KEY, cost=5)
    first = limiter.acquire(KEY, max_wait=0.5)
    second = limiter.acquire(KEY, cost=2, max_wait=0.5)
    assert (first.allowed, first.waited) == (True, 0.1)
    assert (second.allowed, second.waited) == (True, 0.3)
    denied = limiter.acquire(KEY, cost=3, max_wait=0.5)
    assert (denied.allowed, denied.waited, denied.retry_after) == (False, 0.0, 0.1)
    assert slept == [0.1, 0.3]


def test_no_wait_is_no_sleep(caller: Caller, store: FlakyStore, slept: list[float]) -> None:
    assert caller.of(store).acquire(KEY, max_wait=30).waited == 0.0
    assert slept == []


def test_a_cancelled_wait_has_taken_its_tokens(store: FlakyStore) -> None:
    async def cancel_while_waiting() -> Decision:
        limiter = AsyncRateLimiter(store, LIMIT)
        await limiter.acquire(KEY, cost=5)
        waiting = asyncio.ensure_future(limiter.acquire(KEY, max_wait=30))
        await asyncio.wait([waiting], timeout=0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await limiter.peek(KEY)

    assert asyncio.run(cancel_while_waiting()).retry_after_ns == 2 * UNIT_NS


@pytest.mark.parametrize(("on_outage", "allowed"), [("allow", True), ("deny", False)])
def test_p10_an_outage_is_answered_as_was_chosen(
    caller: Caller, store: FlakyStore, on_outage: str, allowed: bool
) -> None:
    limiter = caller.of(store, on_outage=on_outage)
    store.failure = StoreUnavailable("down")
    decision = limiter.acquire(KEY)
    assert (decision.allowed, decision.source) == (allowed, "outage")
    assert decision.remaining == 0
    assert decision.retry_after == (0.0 if allowed else 1.0)


def test_p10_an_outage_is_raised_where_that_was_chosen(caller: Caller, store: FlakyStore) -> None:
    limiter = caller.of(store, on_outage="raise")
    store.failure = StoreUnavailable("down")
    with pytest.raises(StoreUnavailable, match="down"):
        limiter.acquire(KEY)


@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
@pytest.mark.parametrize("mistake", [TableNotFound, AccessDenied, OSError])
def test_p10_mistakes_of_set_up_are_always_raised(
    caller: Caller, store: FlakyStore, on_outage: str, mistake: type[Exception]
) -> None:
    limiter = caller.of(store, on_outage=on_outage)
    store.failure = mistake("as it is set up")
    with pytest.raises(mistake, match="as it is set up"):
        limiter.acquire(KEY)


@pytest.mark.parametrize("what", ["peek", "refund", "reset"])
def test_p10_nothing_stands_in_for_the_others(caller: Caller, store: FlakyStore, what: str) -> None:
    limiter = caller.of(store, on_outage="allow")
    of_what = limiter.acquire(KEY) if what == "refund" else KEY
    store.failure = StoreUnavailable("down")
    with pytest.raises(StoreUnavailable):
        getattr(limiter, what)(of_what)


@pytest.mark.parametrize("what", ["refund", "reset"])
def test_p6_what_may_have_been_given_back_is_not_denied_from_memory(
    caller: Caller, store: FlakyStore, what: str
) -> None:
    limiter = caller.of(store)
    decision = limiter.acquire(KEY, cost=5)
    store.applies, store.failure = True, StoreUnavailable("the reply was lost")
    # The error is kept, as a program that reports it later keeps it.
    with pytest.raises(StoreUnavailable) as kept:
        getattr(limiter, what)(decision if what == "refund" else KEY)
    store.failure = None
    assert limiter.acquire(KEY).source == "table", kept


class SlowToPrepare(FlakyStore):
    """Notes when it was prepared, and how long after that each operation may take."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared_at_ns = 0
        self.left_ns: list[int] = []

    def prepare(self) -> None:
        super().prepare()
        self.prepared_at_ns = time.monotonic_ns()

    async def prepare_async(self) -> None:
        self.prepare()

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        self.left_ns.append(deadline_ns - self.prepared_at_ns)
        return super().send(operation, deadline_ns)


def test_the_store_is_prepared_outside_of_the_deadline(caller: Caller) -> None:
    store = SlowToPrepare()
    caller.of(store, deadline=0.5).acquire(KEY)
    assert store.prepared == 1
    assert store.left_ns[0] >= 500_000_000


def test_a_store_that_is_ready_is_not_prepared(caller: Caller, store: FlakyStore) -> None:
    store.ready = True
    assert caller.of(store).acquire(KEY).allowed
    caller.peek(KEY)
    assert store.prepared == 0


@pytest.mark.parametrize("what", ["acquire", "peek", "refund", "reset"])
def test_each_call_prepares_a_store_that_is_not_ready(
    caller: Caller, store: FlakyStore, what: str
) -> None:
    limiter = caller.of(store)
    of_what = limiter.acquire(KEY) if what == "refund" else KEY
    store.prepared, store.ready = 0, False
    getattr(limiter, what)(of_what)
    assert store.prepared == 1


def test_a_denial_from_memory_prepares_nothing(caller: Caller, store: FlakyStore) -> None:
    caller.of(store).acquire(KEY, cost=5)
    store.prepared = 0
    assert caller.acquire(KEY).source == "seen"
    assert store.prepared == 0


@pytest.mark.parametrize(
    ("limits", "error"),
    [("fast", ValueError), ([], ValueError), (["1/s", "1/1000ms"], ValueError), (60, TypeError)],
)
def test_limits_that_cannot_hold_are_refused_at_construction(
    caller: Caller, store: FlakyStore, limits: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        caller.of(store, limits)


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("on_outage", "ignore", ValueError),
        ("deadline", 0, ValueError),
        ("deadline", float("nan"), ValueError),
        ("deadline", "1", TypeError),
        ("deny_cache", -1, ValueError),
        ("deny_cache", 3_600, ValueError),
        ("deny_cache", None, TypeError),
        ("seen_keys", 0, ValueError),
    ],
)
def test_options_that_cannot_hold_are_refused_at_construction(
    caller: Caller, store: FlakyStore, option: str, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"{option} '?{value}"):
        caller.of(store, **{option: value})


WRONG_COSTS = {
    0: ValueError,
    -1: ValueError,
    6: ValueError,
    1.5: ValueError,
    2.0: ValueError,
    float("nan"): ValueError,
    "1": TypeError,
    None: TypeError,
    True: TypeError,
}


@pytest.mark.parametrize("what", ["acquire", "peek"])
@pytest.mark.parametrize(("cost", "error"), WRONG_COSTS.items())
def test_a_cost_that_cannot_be_is_refused_at_the_call(
    caller: Caller, store: FlakyStore, what: str, cost: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"cost '?{cost}"):
        getattr(caller.of(store), what)(KEY, cost=cost)
    assert store.operations == []


@pytest.mark.parametrize(("cost", "error"), WRONG_COSTS.items())
def test_a_refund_of_a_cost_that_cannot_be_is_refused_and_loses_nothing(
    caller: Caller, store: FlakyStore, cost: Any, error: type[Exception]
) -> None:
    if cost is None:
        return  # all that was taken
    limiter = caller.of(store)
    decision = limiter.acquire(KEY, cost=5)
    with pytest.raises(error, match=f"cost '?{cost}"):
        limiter.refund(decision, cost=cost)
    assert limiter.refund(decision)
    assert limiter.peek(KEY).remaining == 5


class Cost(enum.IntEnum):
    UPLOAD = 3


def test_a_member_of_an_int_enumeration_is_the_int_that_it_is(
    caller: Caller, store: FlakyStore
) -> None:
    limiter = caller.of(store, limits=[Limit(Cost.UPLOAD, 60, Cost.UPLOAD)], seen_keys=Cost.UPLOAD)
    decision = limiter.acquire(KEY, cost=Cost.UPLOAD)
    assert (decision.allowed, decision.remaining) == (True, 0)
    assert type(decision.taken.cost) is type(decision.limit.burst) is int
    assert limiter.refund(decision, cost=Cost.UPLOAD)
    assert limiter.charge(KEY, Cost.UPLOAD).remaining == 0
    limiter.block(KEY, Cost.UPLOAD)


def test_the_longest_block_is_told_in_digits(caller: Caller, store: FlakyStore) -> None:
    with pytest.raises(ValueError, match=r"seconds inf: must be from 0\.001 to 316224000 seconds"):
        caller.of(store).block(KEY, float("inf"))


@pytest.mark.parametrize("what", ["acquire", "peek", "reset"])
@pytest.mark.parametrize(("key", "error"), [("", ValueError), (None, TypeError), (True, TypeError)])
def test_a_key_that_cannot_be_is_refused_at_the_call(
    caller: Caller, store: FlakyStore, what: str, key: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="key"):
        getattr(caller.of(store), what)(key)
    assert store.operations == []


WRONG_WAITS = {
    -0.1: ValueError,
    30.1: ValueError,
    float("nan"): ValueError,
    float("inf"): ValueError,
    "1": TypeError,
    True: TypeError,
    False: TypeError,
    Decimal("0.5"): TypeError,
}


@pytest.mark.parametrize("value", [10**5_000, -(10**100), "x" * 10_000, b"x" * 10_000], ids=type)
@pytest.mark.parametrize("name", ["key", "cost", "max_wait", "seconds", "used", "decision"])
def test_a_value_of_any_length_is_refused_in_a_short_message(
    caller: Caller, store: FlakyStore, name: str, value: Any
) -> None:
    limiter = caller.of(store)
    reserved = RateLimiter(store, "10/second burst 5").reserve(KEY, 1)
    store.operations.clear()
    calls: dict[str, Callable[[], object]] = {
        "key": lambda: limiter.acquire([value]),
        "cost": lambda: limiter.charge(KEY, value),
        "max_wait": lambda: limiter.acquire(KEY, max_wait=value),
        "seconds": lambda: limiter.block(KEY, value),
        "used": lambda: limiter.settle(reserved, value),
        "decision": lambda: limiter.refund(value),
    }
    told = "refund of" if name == "decision" else name
    with pytest.raises((TypeError, ValueError), match=told) as caught:
        calls[name]()
    assert len(str(caught.value)) < 250
    assert store.operations == []


@pytest.mark.parametrize(
    ("max_wait", "error"), [*WRONG_WAITS.items(), (Decimal(0), TypeError), (0j, TypeError)]
)
def test_a_wait_that_cannot_be_is_refused_at_the_call(
    caller: Caller, store: FlakyStore, max_wait: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="max_wait"):
        caller.of(store).acquire(KEY, max_wait=max_wait)
    assert store.operations == []


def test_a_decision_is_true_if_it_allows(caller: Caller, store: FlakyStore) -> None:
    limiter = caller.of(store)
    assert sum(1 for _ in range(10) if limiter.acquire(KEY)) == 5


def test_limiters_of_different_namespaces_share_no_bucket(
    caller: Caller, store: FlakyStore
) -> None:
    shop, wiki = (
        Caller(caller.kind).of(store, "1/hour", namespace=name) for name in ("shop", "wiki")
    )
    assert shop.acquire("user-1").allowed
    assert wiki.acquire("user-1").allowed
    assert not shop.acquire("user-1").allowed
    assert caller.of(store, "1/hour").peek("shop:user-1").remaining == 0
    shop.reset("user-1")
    assert shop.acquire("user-1").allowed


@pytest.mark.parametrize("namespace", [None, 7, ("a",)])
def test_a_namespace_that_is_no_str_is_refused(
    caller: Caller, store: FlakyStore, namespace: Any
) -> None:
    with pytest.raises(TypeError, match="namespace"):
        caller.of(store, namespace=namespace)


def test_a_limiter_that_is_switched_off_allows_all_and_asks_nobody(
    caller: Caller, store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = caller.of(store, enabled=False)
    assert "switched off by enabled=False" in caplog.text
    decisions = [limiter.acquire(KEY) for _ in range(9)]
    assert all(decisions)
    assert {decision.source for decision in decisions} == {"disabled"}
    assert limiter.peek(KEY).allowed
    assert limiter.refund(decisions[0]) is False
    limiter.reset(KEY)
    assert store.operations == []
    with pytest.raises(ValueError, match="cost 6"):
        limiter.acquire(KEY, cost=6)


@pytest.mark.parametrize(
    ("word", "enabled", "limits"),
    [("0", None, False), ("off", None, False), ("True", None, True), ("no", True, True)],
)
def test_the_environment_switches_limiting_off(
    caller: Caller,
    store: FlakyStore,
    monkeypatch: pytest.MonkeyPatch,
    word: str,
    enabled: bool | None,
    limits: bool,
) -> None:
    monkeypatch.setenv("RATELIMIT_DDB_ENABLED", word)
    limiter = caller.of(store, "1/hour", enabled=enabled)
    limiter.acquire(KEY)
    assert limiter.acquire(KEY).allowed is not limits


def test_a_switch_that_means_nothing_is_refused(
    caller: Caller, store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATELIMIT_DDB_ENABLED", "fasle")
    with pytest.raises(ValueError, match="RATELIMIT_DDB_ENABLED='fasle'"):
        caller.of(store)
    with pytest.raises(TypeError, match="enabled 0"):
        caller.of(store, enabled=0)


def test_p6_a_reset_or_refund_is_noticed_by_every_limiter_of_the_process(
    store: FlakyStore,
) -> None:
    one, other, of_other_limits = (RateLimiter(store, "1/hour") for _ in range(3))
    decision = one.acquire(KEY)
    assert not one.acquire(KEY)
    other.refund(decision)
    assert one.acquire(KEY)
    assert not one.acquire(KEY)
    of_other_limits.reset(KEY)
    assert one.acquire(KEY)


class WithoutHash(MemoryStore):
    __hash__ = None  # type: ignore[assignment]  # as a dataclass has none

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WithoutHash)


class WithSlots:
    """A store that can't be weakly referenced, around another."""

    __slots__ = ("_inner",)

    def __init__(self) -> None:
        self._inner = MemoryStore()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize("make_store", [WithoutHash, WithSlots])
def test_p6_a_reset_is_noticed_on_a_store_that_has_no_hash_or_no_weak_references(
    make_store: Callable[[], Any],
) -> None:
    store = make_store()
    one, other = RateLimiter(store, "1/hour"), RateLimiter(store, "1/hour")
    apart = RateLimiter(make_store(), "1/hour")
    assert one.acquire(KEY)
    assert not one.acquire(KEY)
    assert apart.acquire(KEY)
    other.reset(KEY)
    assert one.acquire(KEY)
    assert not apart.acquire(KEY)


def test_what_was_taken_from_another_store_is_not_given_back_here(caller: Caller) -> None:
    """P1: its tokens were never taken of this one's bucket, which others have taken of since."""
    here, there = MemoryStore(clock=FakeClock()), MemoryStore(clock=FakeClock())
    decision = RateLimiter(there, LIMIT).acquire(KEY)
    limiter = caller.of(here)
    limiter.acquire(KEY, cost=3)
    with pytest.raises(ValueError, match=r"another store than MemoryStore\(max_keys=100000\)"):
        limiter.refund(decision)
    assert limiter.peek(KEY).remaining == 2
    assert decision.taken is not None
    assert decision.taken.kept == 1


def test_a_limiter_that_is_off_gives_nothing_back_and_asks_nothing(
    caller: Caller, store: FlakyStore
) -> None:
    decision = RateLimiter(store, LIMIT).acquire(KEY)
    store.operations.clear()
    assert caller.of(store, enabled=False).refund(decision) is False
    assert store.operations == []


def test_p1_a_copy_of_a_decision_is_given_back_once_with_it(store: FlakyStore) -> None:
    limiter = RateLimiter(store, LIMIT)
    limiter.acquire(KEY)
    decision = limiter.acquire(KEY, cost=2)
    copies = copy.copy(decision), copy.deepcopy(decision), decision._replace(remaining=0)
    assert limiter.refund(decision)
    for one in copies:
        with pytest.raises(ValueError, match="given back before"):
            limiter.refund(one)


def test_a_pickled_decision_is_given_back_by_a_limiter_elsewhere(store: FlakyStore) -> None:
    decision = RateLimiter(store, LIMIT).acquire(KEY, cost=2)
    loaded = pickle.loads(pickle.dumps(decision))
    assert loaded == decision
    assert RateLimiter(store, LIMIT).refund(loaded)
    assert RateLimiter(store, LIMIT).peek(KEY).remaining == 5


def test_p1_of_threads_that_give_back_the_same_decision_one_does() -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), "100/minute")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for round_number in range(1_000):
            key = f"{KEY}{round_number}"
            limiter.acquire(key, cost=10)
            decision = limiter.acquire(key, cost=3)
            together = threading.Barrier(3)
            given_back: list[bool | str] = []

            def refund(
                decision: Decision = decision,
                together: threading.Barrier = together,
                given_back: list[bool | str] = given_back,
            ) -> None:
                together.wait()
                try:
                    given_back.append(limiter.refund(decision))
                except ValueError:
                    given_back.append("refused")

            threads = [threading.Thread(target=refund) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(given_back, key=str) == [True, "refused", "refused"]
            assert limiter.peek(key).remaining == 90
    finally:
        sys.setswitchinterval(interval)
