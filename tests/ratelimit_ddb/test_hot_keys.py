"""Hot keys: one write in flight for all who ask, and tokens leased for the requests to come."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    Decision,
    DynamoDBStore,
    LimiterDecision,
    MemoryStore,
    RateLimiter,
)
from ratelimit_ddb.errors import KeyThrottled, StoreError, StoreUnavailable, TableNotFound
from ratelimit_ddb.hot_keys.hot_keys import HotKeys
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.in_turn import send_in_turn, send_in_turn_async
from ratelimit_ddb.operations.operation import (
    ClockMoved,
    Operation,
    OperationResult,
    OperationSequence,
    ReadClock,
    Take,
    Wait,
)
from ratelimit_ddb.operations.store import Clock
from tests.fake_clock import FakeClock


class SettableClock:
    """A store's clock, whose wall clock can be set by ``ahead_ns``."""

    known = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead_ns = 0

    def now_ns(self) -> int:
        return self._clock.now_ns()

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()

    def wall_ns(self) -> int:
        return self._clock.wall_ns() + self.ahead_ns


class SharedStore:
    """A memory store that seems to be far away: its calls take as long as the test lets them.

    Attributes:
        takes: those that were sent.
        most_in_flight: how many were sent at a time.
        before: called before each operation; may block or raise.
    """

    in_process = False
    ready = True

    def __init__(self, clock: FakeClock | None = None, delay_seconds: float = 0.0) -> None:
        self._memory = MemoryStore(clock=clock)
        self._delay_seconds = delay_seconds
        self._in_flight = 0
        self.clock = SettableClock(self._memory.clock)
        self.takes: list[Take] = []
        self.most_in_flight = 0
        self.before: Callable[[], None] = lambda: None

    def prepare(self) -> None: ...

    async def prepare_async(self) -> None: ...

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        self._begin(operation)
        try:
            self.before()
            if self._delay_seconds and isinstance(operation, Take):
                time.sleep(self._delay_seconds)
            return self._memory.send(operation, deadline_ns)
        finally:
            self._in_flight -= isinstance(operation, Take)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        self._begin(operation)
        try:
            if isinstance(operation, Take):
                await asyncio.sleep(self._delay_seconds)
            self.before()
            return self._memory.send(operation, deadline_ns)
        finally:
            self._in_flight -= isinstance(operation, Take)

    def send_all(self, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
        send_in_turn(self, sequences, deadline_ns)

    async def send_all_async(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> None:
        await send_in_turn_async(self, sequences, deadline_ns)

    def _begin(self, operation: Operation) -> None:
        if isinstance(operation, Take):
            self.takes.append(operation)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)


def heat(limiter: RateLimiter, clock: FakeClock, key: str = "k") -> None:
    """Ask so often that the key is leased: 200 requests in a second."""
    for _ in range(200):
        limiter.acquire(key)
        clock.advance(0.005)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_tasks_that_ask_at_once_are_served_by_two_writes() -> None:
    store = SharedStore(delay_seconds=0.005)

    async def ask() -> list[Decision]:
        limiter = AsyncRateLimiter(store, "100/hour", deadline=5)
        return await asyncio.gather(*(limiter.acquire("k") for _ in range(200)))

    decisions = asyncio.run(ask())
    assert sum(decision.allowed for decision in decisions) == 100
    assert len(store.takes) <= 3
    assert store.most_in_flight == 1
    assert [decision.allowed for decision in decisions] == [True] * 100 + [False] * 100


def test_p5_of_tasks_that_ask_at_once_those_are_served_whom_every_limit_has_tokens_for() -> None:
    store = SharedStore(delay_seconds=0.005)

    async def ask() -> list[Decision]:
        limiter = AsyncRateLimiter(store, ["100/hour", "60/minute burst 30"], deadline=5)
        return await asyncio.gather(*(limiter.acquire("k", cost=2) for _ in range(40)))

    decisions = asyncio.run(ask())
    assert [decision.allowed for decision in decisions] == [True] * 15 + [False] * 25
    assert len(store.takes) <= 3


def test_p6_who_waited_for_a_reply_that_left_nothing_is_denied_by_it_without_a_write(
    clock: FakeClock,
) -> None:
    store = SharedStore(clock)
    bucket = RateLimiter(store, "5/hour")._core.bucket
    flows: list[Any] = [bucket.acquire("k", cost, 0, clock.now_ns) for cost in (5, 1)]
    take = next(flows[0])
    assert isinstance(next(flows[1]), Wait)
    with pytest.raises(StopIteration):
        flows[0].send(store.send(take, 0))
    assert flows[1].send(True) == ReadClock()
    with pytest.raises(StopIteration) as done:
        flows[1].send(clock.now_ns)
    decision = done.value.value
    assert (decision.allowed, decision.source) == (False, "seen")
    assert store.takes == [take]


def test_threads_that_ask_at_once_are_served_by_few_writes() -> None:
    store = SharedStore(delay_seconds=0.05)
    limiter = RateLimiter(store, "10/hour", deadline=5)
    decisions: list[Decision] = []
    threads = [
        threading.Thread(target=lambda: decisions.append(limiter.acquire("k"))) for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(decision.allowed for decision in decisions) == 10
    assert store.most_in_flight == 1
    assert len(store.takes) <= 4


def test_who_waits_for_tokens_gets_them_in_the_order_of_the_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = SharedStore(delay_seconds=0.001)
    slept: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds > 0.05:
            slept.append(seconds)
        else:
            await real_sleep(seconds)

    async def ask() -> list[Decision]:
        limiter = AsyncRateLimiter(store, "10/second burst 5", deadline=5)
        asking = (limiter.acquire("k", max_wait=10) for _ in range(20))
        return await asyncio.gather(*asking)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    decisions = asyncio.run(ask())
    waits = [decision.waited_ns for decision in decisions]
    assert all(decision.allowed for decision in decisions)
    assert waits == sorted(waits)
    assert waits[-1] - waits[5] == pytest.approx(14 * SECOND_NS // 10, abs=SECOND_NS // 5)
    assert len(slept) >= 13


def test_a_leader_that_is_cancelled_leaves_nobody_waiting() -> None:
    store = SharedStore(delay_seconds=0.02)

    async def ask() -> list[Decision]:
        limiter = AsyncRateLimiter(store, "100/minute", deadline=5)
        leader = asyncio.create_task(limiter.acquire("k"))
        await asyncio.sleep(0)
        others = [asyncio.create_task(limiter.acquire("k")) for _ in range(5)]
        await asyncio.sleep(0.005)
        leader.cancel()
        return await asyncio.wait_for(asyncio.gather(*others), 2)

    assert all(decision.allowed for decision in asyncio.run(ask()))


def test_a_leader_that_is_interrupted_leaves_nobody_waiting() -> None:
    store = SharedStore()
    reached, go_on = threading.Event(), threading.Event()
    others: list[Decision] = []

    def interrupt() -> None:
        store.before = lambda: None
        reached.set()
        assert go_on.wait(5)
        raise KeyboardInterrupt

    store.before = interrupt
    limiter = RateLimiter(store, "100/minute", deadline=5)

    def lead() -> None:
        with pytest.raises(KeyboardInterrupt):
            limiter.acquire("k")

    leader = threading.Thread(target=lead)
    leader.start()
    assert reached.wait(5)
    follower = threading.Thread(target=lambda: others.append(limiter.acquire("k")))
    follower.start()
    time.sleep(0.02)
    go_on.set()
    follower.join(5)
    leader.join(5)
    assert [decision.allowed for decision in others] == [True]


@pytest.mark.parametrize("followers", [1, 5])
def test_a_leader_whose_event_loop_stands_still_leaves_nobody_waiting(followers: int) -> None:
    store = SharedStore(delay_seconds=0.01)
    waiting = AsyncRateLimiter(store, "100/hour", deadline=0.4)
    limiter = RateLimiter(store, "100/hour", deadline=0.4)
    loop = asyncio.new_event_loop()
    stuck = loop.create_task(waiting.acquire("k"))
    loop.call_soon(loop.stop)
    loop.run_forever()
    decisions: list[Decision] = []
    threads = [
        threading.Thread(target=lambda: decisions.append(limiter.acquire("k")))
        for _ in range(followers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert [one.source for one in decisions] == ["table"] * followers
    assert all(one.allowed for one in decisions)
    assert len(store.takes) <= 3
    assert loop.run_until_complete(stuck).allowed
    loop.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_queues_in_a_loop_that_was_closed_fails_nobody_of_the_next_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As where each of several loops of a thread runs until its one result is there."""
    store = SharedStore(delay_seconds=3_600)
    limiter = AsyncRateLimiter(store, "100/hour", deadline=0.1)
    with asyncio.Runner() as runner:
        abandoned = asyncio.new_event_loop()
        tasks = [abandoned.create_task(limiter.acquire("k")) for _ in range(3)]
        abandoned.run_until_complete(asyncio.sleep(0.01))
        abandoned.close()
        store._delay_seconds = 0.0
        decision = runner.run(limiter.acquire("k"))
        assert (decision.allowed, decision.source) == (True, "table")
    caplog.clear()  # they are destroyed, though pending
    tasks.clear()


def test_a_visit_whose_requests_another_has_served_meanwhile_takes_nothing_more(
    clock: FakeClock,
) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second", deadline=0.05)
    heat(limiter, clock)
    limiter.reset("k")

    def begin() -> tuple[Any, Any]:
        flow: Any = limiter._core.bucket.acquire("k", 1, 0, clock())
        return flow, next(flow)

    def send_until_take(flow: Any, operation: Any) -> Take:
        while not isinstance(operation, Take):
            operation = flow.send(store.send(operation, 0))
        return operation

    def finish(flow: Any, operation: Any) -> Decision:
        try:
            while True:
                operation = flow.send(store.send(operation, 0))
        except StopIteration as ended:
            decision: Decision = ended.value
            return decision

    cancelled, _ = begin()
    (first, first_wait), (second, second_wait) = begin(), begin()
    for wait in (first_wait, second_wait):
        wait.awaited.attach(lambda: None)
    cancelled.close()
    first_take = send_until_take(first, first.send(True))
    clock.advance(0.036)  # more than half of the deadline
    second_take = send_until_take(second, second.send(True))
    store.takes.clear()
    assert finish(first, first_take).allowed
    assert finish(second, second_take).allowed
    assert store.takes[-1] is second_take, "it was refused, and nobody was left to take for"


class OutageOfAnotherStore(StoreUnavailable):
    """As somebody's own store may raise: made of other things than its message."""

    def __init__(self, *, host: str) -> None:
        super().__init__(f"{host} is down")
        self.host = host


@pytest.mark.parametrize(
    "error", [StoreUnavailable("down"), TableNotFound("none"), OutageOfAnotherStore(host="db")]
)
def test_what_a_visit_meets_is_everybodys_who_waits_for_it(error: Exception) -> None:
    store = SharedStore(delay_seconds=0.01)

    async def ask() -> list[Any]:
        limiter = AsyncRateLimiter(store, "100/minute", deadline=5, on_outage="raise")
        asking = [asyncio.create_task(limiter.acquire("k")) for _ in range(5)]
        await asyncio.sleep(0)
        return await asyncio.gather(*asking, return_exceptions=True)

    def fail() -> None:
        raise error

    store.before = fail
    found = asyncio.run(ask())
    assert [type(one) for one in found] == [type(error)] * 5
    assert {str(one) for one in found} == {str(error)}
    assert all(vars(one) == vars(error) for one in found)
    assert len({id(one) for one in found}) == 5, "each has a traceback of its own"


def test_p7_a_hot_key_is_decided_from_a_lease_without_calls(clock: FakeClock) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second")
    heat(limiter, clock)
    sources: Counter[str] = Counter()
    before = len(store.takes)
    for _ in range(200):
        decision = limiter.acquire("k")
        assert decision.allowed
        sources[decision.source] += 1
        clock.advance(0.005)
    assert sources["lease"] > 150
    assert len(store.takes) - before < 20


def test_p5_a_lease_takes_of_each_of_several_limits_what_the_scarcest_allows(
    clock: FakeClock,
) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, ["1000/second", "100000/hour burst 600"])
    heat(limiter, clock)
    leases = [take for take in store.takes if take.leased_until_ns]
    assert leases
    for take in leases:
        tokens, of_the_other = take.cost_ns[0] // 1_000_000, take.cost_ns[1] // 36_000_000
        assert tokens == of_the_other > 1


def test_a_cold_key_is_never_leased(clock: FakeClock) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second")
    for _ in range(20):
        assert limiter.acquire("k").source == "table"
        clock.advance(0.2)
    assert all(take.leased_until_ns == 0 for take in store.takes)


def test_a_small_limit_is_never_leased_however_many_ask(clock: FakeClock) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "10/second")
    heat(limiter, clock)
    assert all(take.leased_until_ns == 0 for take in store.takes)


def test_what_is_known_of_a_throttled_key_says_when_it_is_full_again(clock: FakeClock) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "5/minute")
    limiter.acquire("k", cost=4)

    def throttle() -> None:
        raise KeyThrottled("too many writes")

    store.before = throttle
    denied = limiter.acquire("k")
    assert (denied.allowed, denied.source, denied.reset_after) == (False, "throttled", 48)


def test_a_store_in_this_process_leases_nothing(clock: FakeClock) -> None:
    """Its calls cost nothing, and other limiters on it see each take at once."""
    limiter = RateLimiter(MemoryStore(clock=clock), "1000/second")
    heat(limiter, clock)
    assert {limiter.acquire("k").source for _ in range(50)} == {"table"}


def test_a_lease_of_nought_leases_nothing(clock: FakeClock) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second", lease=0)
    heat(limiter, clock)
    assert all(take.leased_until_ns == 0 for take in store.takes)


def test_p1_a_lease_lasts_a_quarter_of_the_window_at_most(clock: FakeClock) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second", lease=10)
    heat(limiter, clock)
    leases = [take for take in store.takes if take.leased_until_ns]
    assert leases
    assert {take.leased_until_ns - take.now_ns for take in leases} == {SECOND_NS // 4}
    assert all(take.base_ns == (take.leased_until_ns,) for take in leases)


def leased(clock: FakeClock) -> tuple[SharedStore, RateLimiter, Decision]:
    """A limiter that holds a lease, and a decision of it."""
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second")
    heat(limiter, clock)
    for _ in range(100):
        decision = limiter.acquire("k")
        if decision.source == "lease":
            return store, limiter, decision
        clock.advance(0.005)
    raise AssertionError("no lease")


def test_the_event_of_a_leased_decision_tells_no_calls_and_no_units(clock: FakeClock) -> None:
    told: list[LimiterDecision] = []
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second", on_decision=told.append)
    heat(limiter, clock)
    of_leases = [one for one in told if one.decision.source == "lease"]
    assert len(of_leases) > 100
    assert {(one.calls, one.capacity_units) for one in of_leases} == {(0, 0)}


def test_p9_the_states_of_hot_keys_are_bounded(clock: FakeClock) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "100/second")
    for number in range(10_000):
        for _ in range(2):  # a key that was written a moment before is kept in mind
            limiter.acquire(f"k{number}")
    group = limiter._core.bucket.cache.group
    assert group.hot_keys is not None
    assert 0 < len(group.hot_keys) <= 8_192


def test_p1_nothing_of_a_lease_is_spent_after_its_end(clock: FakeClock) -> None:
    store, limiter, _ = leased(clock)
    before = len(store.takes)
    clock.advance(0.26)
    assert limiter.acquire("k").source == "table"
    assert len(store.takes) > before


def test_p1_a_lease_whose_time_was_wrong_is_dated_after_the_clocks_that_end_it_were_read(
    clock: FakeClock,
) -> None:
    store, limiter, _ = leased(clock)
    clock.advance(0.26)
    flow = limiter._core.bucket.acquire("k", 1, 0, store.clock.now_ns())
    assert not isinstance(flow, Decision)
    take: Any = next(flow)
    lease_ns = take.leased_until_ns - take.now_ns
    assert lease_ns > 0
    assert flow.throw(ClockMoved("a second")) == ReadClock()
    asked_at_ns = store.clock.now_ns()
    clock.advance(0.1)  # before the answer is read, and the process's own clocks
    anew: Any = flow.send(asked_at_ns)
    assert anew.now_ns == asked_at_ns + SECOND_NS // 10
    assert anew.leased_until_ns == anew.now_ns + lease_ns
    flow.close()


@pytest.mark.parametrize("lease", [0.0, 0.5])
def test_where_the_time_is_not_known_yet_it_is_asked_for_before_the_first_take(
    clock: FakeClock, lease: float
) -> None:
    store = SharedStore(clock)
    store.clock.known = False
    limiter = RateLimiter(store, "5/minute", lease=lease)
    assert limiter.acquire("k", cost=2).remaining == 3
    assert limiter.acquire("k", cost=4).retry_after == 12
    assert [take.now_ns for take in store.takes] == [clock.now_ns]
    hot_keys = limiter._core.bucket.cache.group.hot_keys
    assert hot_keys is not None
    assert len(hot_keys) == 0


def test_p7_where_others_take_in_between_the_branch_that_is_likely_is_tried_first(
    clock: FakeClock,
) -> None:
    store = SharedStore(clock)
    here, elsewhere = (RateLimiter(one, "100/second") for one in (store, store._memory))
    writes: list[int] = []
    for _ in range(30):
        clock.advance(0.05)
        elsewhere.acquire("k")
        before = len(store.takes)
        assert here.acquire("k").allowed
        writes.append(len(store.takes) - before)
    assert writes[1] == 2, "the bucket was full by what was seen of it"
    assert writes[-20:] == [1] * 20
    clock.advance(0.05)
    before = len(store.takes)
    assert here.acquire("k").allowed
    assert len(store.takes) - before == 2, "nobody else took this time"


def test_p1_a_lease_is_dated_after_the_clocks_that_end_it_were_read(clock: FakeClock) -> None:
    store, limiter, _ = leased(clock)
    clock.advance(0.26)
    flow = limiter._core.bucket.acquire("k", 1, 0, store.clock.now_ns())
    assert not isinstance(flow, Decision)
    clock.advance(0.1)  # before the flow is begun
    take: Any = next(flow)
    assert take.leased_until_ns > take.now_ns == clock.now_ns
    flow.close()


def test_p7_a_refused_lease_that_is_shown_no_reason_for_it_is_an_error(clock: FakeClock) -> None:
    store, limiter, _ = leased(clock)
    clock.advance(0.26)
    flow = limiter._core.bucket.acquire("k", 1, 0, store.clock.now_ns())
    assert not isinstance(flow, Decision)
    take: Any = next(flow)
    assert take.leased_until_ns
    refused = OperationResult(False, (None,))
    with pytest.raises(StoreError, match="the item that was shown"):
        flow.send(refused)


def test_p12_a_suspended_process_spends_nothing_that_is_over(clock: FakeClock) -> None:
    """The monotonic clock stands still in a suspension; the wall clock does not."""
    store, limiter, _ = leased(clock)
    store.clock.ahead_ns = SECOND_NS
    assert limiter.acquire("k").source == "table"


def test_p12_a_wall_clock_that_is_set_back_prolongs_no_lease(clock: FakeClock) -> None:
    store, limiter, _ = leased(clock)
    store.clock.ahead_ns = -3_600 * SECOND_NS
    clock.advance(0.26)
    assert limiter.acquire("k").source == "table"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_p12_a_forked_child_has_no_lease(clock: FakeClock) -> None:
    _, limiter, _ = leased(clock)
    child = os.fork()
    if child == 0:
        source = "none"
        try:
            source = limiter.acquire("k").source
        finally:
            os._exit(0 if source == "table" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert limiter.acquire("k").source == "lease"


class NearTable(DynamoDBStore):
    """A DynamoDBStore whose table is in this process's memory."""

    ready = True

    def __init__(self, clock: FakeClock) -> None:
        super().__init__("limits", clock=clock)
        self._memory = MemoryStore(clock=clock)

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        return self._memory.send(operation, deadline_ns)


@pytest.mark.parametrize("close", [DynamoDBStore.close, lambda store: asyncio.run(store.aclose())])
def test_p12_closing_a_store_drops_its_leases(
    clock: FakeClock, close: Callable[[DynamoDBStore], None]
) -> None:
    store = NearTable(clock)
    limiter = RateLimiter(store, "1000/second")
    heat(limiter, clock)
    while limiter.acquire("k").source != "lease":
        clock.advance(0.005)
    close(store)
    assert limiter.acquire("k").source == "table"


def test_a_leased_token_is_given_back_to_its_lease_without_a_write(clock: FakeClock) -> None:
    store, limiter, decision = leased(clock)
    before = len(store.takes)
    left = limiter.acquire("k").remaining
    assert limiter.refund(decision) is True
    assert limiter.acquire("k").remaining == left
    assert len(store.takes) == before


def test_a_token_of_a_lease_that_was_spent_meanwhile_is_given_back_to_it(
    clock: FakeClock,
) -> None:
    store, limiter, decision = leased(clock)
    spend(limiter)
    taken = len(store.takes)
    assert limiter.refund(decision) is True
    sources = Counter(limiter.acquire("k").source for _ in range(40))
    assert sources["lease"] == 40
    assert limiter.acquire("k").source == "table"
    assert len(store.takes) == taken + 1


def spend(limiter: RateLimiter) -> None:
    """Spend what is held of "k": the last request brings another lease."""
    while limiter.acquire("k").source == "lease":
        pass


@pytest.mark.parametrize(
    "drop",
    [
        lambda limiter: limiter.reset("k"),
        lambda limiter: limiter.block("k", 600),
        lambda limiter: limiter._core.bucket.cache.group.hot_keys.clear(),
    ],
    ids=["reset", "block", "close"],
)
def test_p1_a_token_of_a_spent_lease_is_not_given_back_once_leases_were_dropped(
    clock: FakeClock, drop: Callable[[RateLimiter], object]
) -> None:
    _, limiter, decision = leased(clock)
    spend(limiter)
    drop(limiter)
    limiter.acquire("k")  # begins the state of the key anew
    assert limiter.refund(decision) is False


def test_p1_a_token_is_not_given_back_to_a_lease_that_is_not_known_any_more(
    clock: FakeClock,
) -> None:
    _, limiter, decision = leased(clock)
    hot_keys = limiter._core.bucket.cache.group.hot_keys
    assert hot_keys is not None
    for number in range(2 * 4_096):  # more than are kept
        hot_keys.enter("others", str(number), 0)
    limiter.reset("k")
    limiter.acquire("k")
    limiter.acquire("k")  # a moment later, so that the key has a state again
    assert limiter.refund(decision) is False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_p12_a_forked_child_gives_nothing_back_to_a_spent_lease(clock: FakeClock) -> None:
    _, limiter, decision = leased(clock)
    spend(limiter)
    child = os.fork()
    if child == 0:
        given = True
        try:
            limiter.acquire("k")  # begins the state of the key anew
            given = limiter.refund(decision)
        finally:
            os._exit(1 if given else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert limiter.refund(decision) is True


def test_p1_a_leased_token_is_not_given_back_after_its_lease(clock: FakeClock) -> None:
    _, limiter, decision = leased(clock)
    clock.advance(0.26)
    assert limiter.refund(decision) is False


def test_p1_nothing_is_given_back_out_of_turn_while_a_longer_lease_of_other_limits_may_live(
    clock: FakeClock,
) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, ["1000 per 100 seconds", "1000/second"])
    early = limiter.acquire("k", cost=200)
    expires = clock.now_ns // SECOND_NS + 1_000

    def lease(seconds: float, *names: str) -> None:
        """As other processes lease, of the first of these limits alone, or of both."""
        ends_ns, each = clock.now_ns + int(seconds * SECOND_NS), len(names)
        of_each = ((False,) * each, clock.now_ns, (clock.now_ns,) * each, (1,) * each)
        room = (100 * SECOND_NS,) * each
        assert store.send(Take("k", names, *of_each, room, expires, True, ends_ns), 0).applied

    lease(10, "1000-per-100-seconds")
    lease(0.25, "1000-per-100-seconds", "1000-per-second")
    clock.advance(10.25)
    assert limiter.refund(early, cost=90) is False
    clock.advance_ns(1)
    assert limiter.refund(early, cost=90) is True


def test_p1_a_reset_drops_the_leases_of_its_key(clock: FakeClock) -> None:
    _, limiter, _ = leased(clock)
    limiter.reset("k")
    assert limiter.acquire("k").source == "table"


def test_p9_the_states_of_cold_keys_leave_nothing_behind(clock: FakeClock) -> None:
    store = SharedStore(clock)
    limiter = RateLimiter(store, "100/minute")
    for number in range(1_000):
        limiter.acquire(f"user-{number}")
        clock.advance(0.01)
    hot_keys = limiter._core.bucket.cache.group.hot_keys
    assert hot_keys is not None
    assert len(hot_keys) == 0


@pytest.mark.parametrize("how", ["enter", "get"])
def test_p9_the_state_of_a_key_in_use_is_kept_whatever_else_comes_by(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("ratelimit_ddb.hot_keys.hot_keys._GENERATION_SIZE", 2)
    hot_keys = HotKeys(SharedStore(clock).clock)
    state = hot_keys.enter("limits", "used", 0)
    for number in range(10):
        hot_keys.enter("limits", f"key {number}", 0)
        used = (
            hot_keys.get("limits", "used") if how == "get" else hot_keys.enter("limits", "used", 0)
        )
        assert used is state
        assert len(hot_keys) <= 3
    assert hot_keys.get("limits", "never seen") is None


@pytest.mark.parametrize("forget", [HotKeys.clear, HotKeys.after_fork_in_child])
def test_p12_what_is_forgotten_of_hot_keys_is_forgotten_in_both_halves(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, forget: Callable[[HotKeys], None]
) -> None:
    monkeypatch.setattr("ratelimit_ddb.hot_keys.hot_keys._GENERATION_SIZE", 2)
    hot_keys = HotKeys(SharedStore(clock).clock)
    leases = [Lease(5, (), (), 10**18, 10**18) for _ in range(3)]
    for key, lease in enumerate(leases):
        hot_keys.enter("limits", f"{key}", 0).hold(lease, 0, 0)
    forget(hot_keys)
    assert [lease.left for lease in leases] == [0, 0, 0]
    assert len(hot_keys) == 0
    assert hot_keys.get("limits", "0") is None
    assert hot_keys.enter("limits", "0", 0).leases == []


def test_a_state_that_was_begun_anew_is_not_forgotten_for_an_old_one(clock: FakeClock) -> None:
    hot_keys = HotKeys(SharedStore(clock).clock)
    old = hot_keys.enter("limits", "k", 0)
    hot_keys.forget("limits", old, 0)
    new = hot_keys.enter("limits", "k", 0)
    hot_keys.forget("limits", old, 0)
    assert hot_keys.get("limits", "k") is new


def test_two_limiters_of_the_same_limits_share_their_queues() -> None:
    store = SharedStore(delay_seconds=0.01)

    async def ask() -> list[Decision]:
        limiters = [AsyncRateLimiter(store, "100/minute", deadline=5) for _ in range(2)]
        return await asyncio.gather(*(limiters[i % 2].acquire("k") for i in range(50)))

    assert all(decision.allowed for decision in asyncio.run(ask()))
    assert store.most_in_flight == 1


@pytest.mark.parametrize("lease", [-1, 10.5, "1", True, float("nan")])
def test_a_lease_that_is_no_duration_is_refused(lease: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="lease"):
        RateLimiter(MemoryStore(), "100/minute", lease=lease)
