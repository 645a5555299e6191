"""acquire_all, on every store: all limiters take their tokens, or none keeps any."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ratelimit_ddb import (
    AccessDenied,
    AsyncRateLimiter,
    Decisions,
    DynamoDBStore,
    MemoryStore,
    RateLimiter,
    StoreUnavailable,
    acquire_all,
    acquire_all_async,
    refund_all,
    refund_all_async,
)
from ratelimit_ddb.operations.operation import GiveBack, Operation, Take
from tests.contract.conftest import AnyStore
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore


class Flavour:
    """One of the two kinds of limiters, and the functions for it."""

    def __init__(self, kind: str) -> None:
        self.kind: Any = RateLimiter if kind == "blocking" else AsyncRateLimiter
        self.runner = None if kind == "blocking" else asyncio.Runner()

    def limiter(self, store: Any, limits: Any, **options: Any) -> Any:
        return self.kind(store, limits, **{"deadline": 10, **options})

    def acquire_all(self, requests: Any) -> Any:
        if self.runner is None:
            return acquire_all(requests)
        return self.runner.run(acquire_all_async(requests))

    def refund_all(self, decisions: Any) -> Any:
        if self.runner is None:
            return refund_all(decisions)
        return self.runner.run(refund_all_async(decisions))

    def left(self, limiter: Any, key: Any) -> int:
        peeked = limiter.peek(key)
        decision = peeked if self.runner is None else self.runner.run(peeked)
        remaining: int = decision.remaining
        return remaining

    def acquire(self, limiter: Any, key: Any, cost: int = 1) -> Any:
        acquired = limiter.acquire(key, cost=cost)
        return acquired if self.runner is None else self.runner.run(acquired)

    def refund(self, limiter: Any, decision: Any) -> Any:
        refunded = limiter.refund(decision)
        return refunded if self.runner is None else self.runner.run(refunded)


def sources_of(decisions: Any) -> list[str | None]:
    return [None if one is None else one.source for one in decisions.decisions]


def admissions_of(decisions: Any) -> list[bool | None]:
    return [None if one is None else one.allowed for one in decisions.decisions]


@pytest.fixture(params=["blocking", "asyncio"])
def flavour(request: pytest.FixtureRequest) -> Iterator[Flavour]:
    flavour = Flavour(request.param)
    yield flavour
    if flavour.runner is not None:
        flavour.runner.close()


def test_p5_all_take_their_tokens(store: AnyStore, flavour: Flavour) -> None:
    api, site = flavour.limiter(store, "5/hour"), flavour.limiter(store, "9/hour")
    decisions = flavour.acquire_all([(api, "user"), (site, ("all", 1), 3), (api, "other", 2)])
    assert decisions
    assert decisions.allowed
    assert [one.remaining for one in decisions.decisions] == [4, 6, 3]
    assert decisions.denials == ()
    assert (decisions.retry_after, decisions.refunded) == (0.0, False)
    assert decisions.limiters == (api, site, api)


def test_p5_or_none_keeps_any(store: AnyStore, flavour: Flavour) -> None:
    api, site = flavour.limiter(store, "5/hour"), flavour.limiter(store, "9/hour")
    flavour.acquire(flavour.limiter(store, "9/hour"), "all", 9)
    decisions = flavour.acquire_all([(api, "user", 2), (site, "all"), (api, "other")])
    assert not decisions
    assert [one.allowed for one in decisions.decisions] == [True, False, True]
    assert decisions.refunded
    assert [flavour.left(api, key) for key in ("user", "other")] == [5, 5]
    assert flavour.left(site, "all") == 0


def test_p4_the_longest_wait_is_told_and_is_exact(
    store: AnyStore, flavour: Flavour, clock: FakeClock
) -> None:
    short, long = flavour.limiter(store, "1/minute"), flavour.limiter(store, "1/hour")
    for limiter, key in ((short, "a"), (long, "b")):
        flavour.acquire(flavour.limiter(store, limiter.limits), key)
    requests = [(short, "a"), (long, "b"), (short, "free")]
    for _cold_then_from_memory in range(2):
        decisions = flavour.acquire_all(requests)
        assert len(decisions.denials) == 2
        assert decisions.retry_after == 3_600.0
    clock.advance(3_599.999)
    assert not flavour.acquire_all(requests)
    clock.advance(0.001)
    assert flavour.acquire_all(requests)


def test_all_of_it_can_be_given_back(store: AnyStore, flavour: Flavour) -> None:
    api, site = flavour.limiter(store, "5/hour"), flavour.limiter(store, "9/hour")
    decisions = flavour.acquire_all([(api, "user", 2), (site, "all", 3)])
    assert flavour.refund_all(decisions)
    assert (flavour.left(api, "user"), flavour.left(site, "all")) == (5, 9)
    assert not flavour.refund_all(decisions), "it is given back once"
    assert (flavour.left(api, "user"), flavour.left(site, "all")) == (5, 9)


def test_one_of_them_can_be_given_back(store: AnyStore, flavour: Flavour) -> None:
    api, site = flavour.limiter(store, "5/hour"), flavour.limiter(store, "9/hour")
    decisions = flavour.acquire_all([(api, "user", 2), (site, "all", 3)])
    assert flavour.refund(site, decisions.decisions[1])
    assert (flavour.left(api, "user"), flavour.left(site, "all")) == (3, 9)
    assert flavour.refund_all(decisions)
    assert (flavour.left(api, "user"), flavour.left(site, "all")) == (5, 9)


def test_p5_what_another_thread_gives_back_meanwhile_leaves_nothing_else_taken() -> None:
    meanwhile: list[Callable[[], object]] = []

    class Clock(FakeClock):
        def __call__(self) -> int:
            if meanwhile:
                meanwhile.pop()()
            return super().__call__()

    limiter = RateLimiter(MemoryStore(clock=Clock()), "5/hour")
    decisions = acquire_all([(limiter, key) for key in "abc"])
    of_b = decisions.decisions[1]
    assert of_b is not None
    meanwhile.append(lambda: limiter.refund(of_b))
    assert refund_all(decisions)
    assert not meanwhile
    assert [limiter.peek(key).remaining for key in "abc"] == [5, 5, 5]
    again = acquire_all([(limiter, key) for key in "abc"])
    meanwhile.append(lambda: refund_all(again))
    assert refund_all(again)
    assert [limiter.peek(key).remaining for key in "abc"] == [5, 5, 5]


def test_of_a_denied_request_nothing_is_left_to_give_back(
    store: AnyStore, flavour: Flavour
) -> None:
    api = flavour.limiter(store, "5/hour")
    flavour.acquire(flavour.limiter(store, "5/hour"), "empty", 5)
    decisions = flavour.acquire_all([(api, "user"), (api, "empty")])
    assert not flavour.refund_all(decisions)
    assert flavour.left(api, "user") == 5


def test_limiters_that_share_a_key_each_see_what_the_others_took(
    store: AnyStore, flavour: Flavour
) -> None:
    one, other = flavour.limiter(store, "5/hour"), flavour.limiter(store, "5/hour")
    decisions = flavour.acquire_all([(one, "k", 2), (other, "k", 2), (one, "apart")])
    assert [each.remaining for each in decisions.decisions] == [3, 1, 4]
    denied = flavour.acquire_all([(one, "k"), (other, "k"), (one, "apart")])
    assert not denied
    assert flavour.left(one, "k") == flavour.left(other, "k") == 1
    assert flavour.left(one, "apart") == 4
    assert flavour.acquire_all([(one, "k")])


def test_p4_limiters_that_share_a_key_tell_when_both_can_be_had(
    store: AnyStore, flavour: Flavour, clock: FakeClock
) -> None:
    one, other = flavour.limiter(store, "5/hour"), flavour.limiter(store, "5/hour")
    flavour.acquire(one, "k", 4)
    requests = [(one, "k"), (other, "k")]
    wait = flavour.acquire_all(requests).retry_after
    clock.advance(wait - 0.001)
    assert not flavour.acquire_all(requests)
    clock.advance(0.001)
    assert flavour.acquire_all(requests)


def test_limits_of_different_windows_on_one_key(store: AnyStore, flavour: Flavour) -> None:
    second, hour = flavour.limiter(store, "2/second"), flavour.limiter(store, "9/hour")
    requests = [(second, "k"), (hour, "k")]
    assert [bool(flavour.acquire_all(requests)) for _ in range(4)] == [True, True, False, False]
    assert flavour.left(hour, "k") == 7


def test_limiters_on_different_stores(store: AnyStore, flavour: Flavour, clock: FakeClock) -> None:
    memory = MemoryStore(clock=clock)
    shared, local = flavour.limiter(store, "5/hour"), flavour.limiter(memory, "2/hour")
    requests = [(shared, "k"), (local, "k")]
    assert [bool(flavour.acquire_all(requests)) for _ in range(3)] == [True, True, False]
    assert (flavour.left(shared, "k"), flavour.left(local, "k")) == (3, 0)
    decisions = flavour.acquire_all([(shared, "k2"), (local, "k2")])
    assert flavour.refund_all(decisions)
    assert (flavour.left(shared, "k2"), flavour.left(local, "k2")) == (5, 2)


def test_a_limiter_that_is_switched_off_admits(store: AnyStore, flavour: Flavour) -> None:
    off, on = flavour.limiter(store, "1/hour", enabled=False), flavour.limiter(store, "2/hour")
    requests = [(off, "k"), (on, "k")]
    assert [bool(flavour.acquire_all(requests)) for _ in range(3)] == [True, True, False]
    assert flavour.acquire_all([(off, "k")]).decisions[0].source == "disabled"


# What needs a store that can be watched or broken.


class Watched(FlakyStore):
    """A store that gives no answer, or a mistake, for some keys."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: dict[str, Exception] = {}

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        result = super().send(operation, deadline_ns)
        failure = self.failures.get(getattr(operation, "key", ""))
        if failure is not None:
            raise failure
        return result

    def sent(self, kind: type[Any]) -> list[str]:
        return [one.key for one in self.operations if isinstance(one, kind)]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_p6_what_is_denied_from_memory_sends_nothing(flavour: Flavour, watched: Watched) -> None:
    api, site = flavour.limiter(watched, "5/hour"), flavour.limiter(watched, "1/hour")
    other = Watched()
    elsewhere = flavour.limiter(other, "5/hour")
    flavour.acquire(site, "all")
    flavour.acquire(site, "all")
    watched.operations.clear()
    decisions = flavour.acquire_all([(elsewhere, "k"), (api, "user"), (site, "all")])
    assert not decisions
    assert sources_of(decisions) == [None, None, "seen"]
    assert (watched.operations, other.operations) == ([], [])
    assert not decisions.refunded


def test_who_denies_first_spares_the_stores_behind_it(flavour: Flavour, watched: Watched) -> None:
    other = Watched()
    flavour.acquire(flavour.limiter(watched, "1/hour"), "k")
    decisions = flavour.acquire_all(
        [(flavour.limiter(watched, "1/hour"), "k"), (flavour.limiter(other, "1/hour"), "k")]
    )
    assert admissions_of(decisions) == [False, None]
    assert other.operations == []


@pytest.mark.parametrize("on_outage", ["allow", "deny"])
def test_p14_each_follows_its_own_on_outage(
    flavour: Flavour, watched: Watched, on_outage: str
) -> None:
    api = flavour.limiter(watched, "5/hour")
    lost = flavour.limiter(watched, "5/hour", on_outage=on_outage)
    watched.failures["lost"] = StoreUnavailable("no answer")
    decisions = flavour.acquire_all([(lost, "lost"), (api, "user")])
    assert decisions.allowed == (on_outage == "allow")
    assert [one.source for one in decisions.decisions] == ["outage", "table"]
    assert flavour.left(api, "user") == (4 if on_outage == "allow" else 5)


def test_an_outage_is_raised_after_what_was_taken_is_given_back(
    flavour: Flavour, watched: Watched
) -> None:
    api = flavour.limiter(watched, "5/hour")
    lost = flavour.limiter(watched, "5/hour", on_outage="raise")
    watched.failures["lost"] = StoreUnavailable("no answer")
    with pytest.raises(StoreUnavailable, match="no answer"):
        flavour.acquire_all([(api, "user"), (lost, "lost")])
    assert flavour.left(api, "user") == 5


def test_p14_a_denial_stands_where_an_outage_would_be_raised(
    flavour: Flavour, watched: Watched
) -> None:
    full = flavour.limiter(watched, "1/hour")
    lost = flavour.limiter(watched, "5/hour", on_outage="raise")
    flavour.acquire(flavour.limiter(watched, "1/hour"), "full")
    watched.failures["lost"] = StoreUnavailable("no answer")
    decisions = flavour.acquire_all([(lost, "lost"), (full, "full")])
    assert sources_of(decisions) == ["outage", "table"]
    assert not decisions


def test_a_store_that_cannot_be_reached_at_all(flavour: Flavour, watched: Watched) -> None:
    other = Watched()
    other.failure = StoreUnavailable("gone")
    reached = flavour.limiter(watched, "5/hour")
    for policy, allowed in (("allow", True), ("deny", False)):
        lost = flavour.limiter(other, "5/hour", on_outage=policy)
        decisions = flavour.acquire_all([(reached, policy), (lost, "a"), (lost, "b")])
        assert decisions.allowed == allowed
        assert flavour.left(reached, policy) == (4 if allowed else 5)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_mistake_of_set_up_is_raised_after_what_was_taken_is_given_back(
    flavour: Flavour, watched: Watched, elsewhere: bool
) -> None:
    other = Watched() if elsewhere else watched
    other.failures["forbidden"] = AccessDenied("not allowed")
    api, forbidden = flavour.limiter(watched, "5/hour"), flavour.limiter(other, "5/hour")
    with pytest.raises(AccessDenied):
        flavour.acquire_all([(api, "user"), (forbidden, "forbidden")])
    assert flavour.left(api, "user") == 5


def test_a_store_that_cannot_be_prepared_gives_back_what_another_took(
    flavour: Flavour, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    store = DynamoDBStore("limits")
    api, regionless = flavour.limiter(watched, "5/hour"), flavour.limiter(store, "5/hour")
    with contextlib.closing(store), pytest.raises(Exception, match="region"):
        flavour.acquire_all([(api, "user"), (regionless, "k")])
    assert flavour.left(api, "user") == 5


def test_what_cannot_be_given_back_says_so(flavour: Flavour, watched: Watched) -> None:
    api, full = flavour.limiter(watched, "5/hour"), flavour.limiter(watched, "1/hour")
    flavour.acquire(flavour.limiter(watched, "1/hour"), "full")
    sent = watched.send

    def send(operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, GiveBack):
            raise StoreUnavailable("no answer")
        return sent(operation, deadline_ns)

    watched.send = send  # type: ignore[method-assign]
    decisions = flavour.acquire_all([(api, "user"), (full, "full")])
    assert (decisions.allowed, decisions.refunded) == (False, False)
    admitted = flavour.acquire_all([(api, "user"), (api, "other")])
    with pytest.raises(StoreUnavailable):
        flavour.refund_all(admitted)


def test_p7_each_request_is_one_call_and_so_is_giving_it_back(
    flavour: Flavour, watched: Watched
) -> None:
    api = flavour.limiter(watched, "5/hour")
    requests = [(api, "a"), (api, "b"), (api, "c"), (api, "a")]
    for _cold_then_warm in range(2):
        watched.operations.clear()
        decisions = flavour.acquire_all(requests)
        assert sorted(watched.sent(Take)) == ["a", "a", "b", "c"]
        assert len(watched.operations) == 4
    flavour.refund_all(decisions)
    assert sorted(watched.sent(GiveBack)) == ["a", "a", "b", "c"]


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (lambda api: [], "of no requests"),
        (lambda api: [(api,)], "must be \\(limiter, key\\)"),
        (lambda api: [(api, "k", 1, 2)], "must be \\(limiter, key\\)"),
        (lambda api: [(api, "")], "key"),
        (lambda api: [(api, "k", 0)], "cost 0"),
        (lambda api: [(api, "k", 6)], "cost 6"),
        (lambda api: [(api, "k", True)], "cost True"),
        (lambda api: [(api, "k", 3), (api, "k", 3)], "cost 6 together, more than the burst 5"),
        (lambda api: [("api", "k")], "limiter 'api': must be"),
    ],
)
def test_misuse_is_told_and_takes_nothing(
    flavour: Flavour, watched: Watched, requests: Callable[[Any], Any], message: str
) -> None:
    api = flavour.limiter(watched, "5/hour")
    with pytest.raises((TypeError, ValueError), match=message):
        flavour.acquire_all([(api, "other"), *requests(api)] if requests(api) else [])
    assert watched.operations == []


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (lambda api: (api, "k"), r"^request .*RateLimiter.*: must be \(limiter, key\).* in a list"),
        (lambda api: {api: "k"}, r"^request .*RateLimiter.*: must be \(limiter, key\)"),
        (lambda api: [api], r"^request .*RateLimiter.*: must be \(limiter, key\)"),
        (lambda api: ["ab"], r"^request 'ab': must be \(limiter, key\)"),
        (lambda api: [None], r"^request None: must be \(limiter, key\)"),
        (lambda api: None, r"^requests None: must be a list of \(limiter, key\)"),
        (lambda api: "k", r"^requests 'k': must be a list of \(limiter, key\)"),
    ],
)
def test_what_is_no_list_of_requests_is_refused_with_what_is(
    flavour: Flavour, requests: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        flavour.acquire_all(requests(flavour.limiter(MemoryStore(), "5/hour")))


def test_the_other_kind_of_limiter_is_refused_with_the_way_out() -> None:
    blocking, awaited = (
        RateLimiter(MemoryStore(), "1/hour"),
        AsyncRateLimiter(MemoryStore(), "1/hour"),
    )
    with pytest.raises(TypeError, match="there is acquire_all_async"):
        acquire_all([(awaited, "k")])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"there is acquire_all$"):
        asyncio.run(acquire_all_async([(blocking, "k")]))  # type: ignore[list-item]
    with pytest.raises(TypeError, match="must be what acquire_all returned"):
        refund_all(blocking.acquire("k"))  # type: ignore[arg-type]


def test_decisions_can_be_copied_and_pickled() -> None:
    store = DynamoDBStore("t")
    limiter = RateLimiter(store, "5/hour", enabled=False)
    decisions = acquire_all([(limiter, "k")])
    assert isinstance(decisions, Decisions)
    assert copy.copy(decisions) == decisions
    assert pickle.loads(pickle.dumps(decisions)).decisions == decisions.decisions


def test_p10_while_the_breaker_is_open_nothing_is_sent(flavour: Flavour, watched: Watched) -> None:
    lost = flavour.limiter(watched, "5/hour", on_outage="deny")
    watched.failure = StoreUnavailable("gone")
    for _ in range(3):
        assert not flavour.acquire_all([(lost, "a"), (lost, "b")])
    asked = len(watched.sent(Take))
    for _ in range(5):
        decisions = flavour.acquire_all([(lost, "a"), (lost, "b")])
        assert sources_of(decisions) == ["outage", "outage"]
    assert len(watched.sent(Take)) == asked


def test_p14_the_outage_of_one_key_does_not_open_the_breaker(
    flavour: Flavour, watched: Watched
) -> None:
    api = flavour.limiter(watched, "9/hour", on_outage="deny")
    watched.failures["lost"] = StoreUnavailable("no answer")
    for _ in range(5):
        assert sources_of(flavour.acquire_all([(api, "lost"), (api, "k")])) == ["outage", "table"]
    assert flavour.acquire(api, "k").source == "table"


def test_on_decision_of_each_limiter_is_told(flavour: Flavour, watched: Watched) -> None:
    heard: list[Any] = []
    api = flavour.limiter(watched, "5/hour", on_decision=heard.append)
    full = flavour.limiter(watched, "1/hour", on_decision=heard.append)
    flavour.acquire_all([(api, "user", 2), (full, "all")])
    flavour.acquire_all([(api, "user"), (full, "all")])
    assert sorted((one.key, one.cost, one.decision.source, one.calls) for one in heard) == [
        ("all", 1, "seen", 0),
        ("all", 1, "table", 1),
        ("user", 2, "table", 1),
    ]


def test_p3_an_outage_takes_none_of_this_processs_own_tokens_where_one_denies(
    flavour: Flavour, watched: Watched
) -> None:
    few, many = flavour.limiter(watched, "1/hour"), flavour.limiter(watched, "5/hour")
    watched.failure = StoreUnavailable("gone")
    requests = [(many, "b"), (few, "a")]
    assert [bool(flavour.acquire_all(requests)) for _ in range(10)] == [True, *[False] * 9]
    twice = [(few, "c"), (many, "b", 2), (many, "b", 3)]
    assert not flavour.acquire_all(twice), "4 are left of 5"
    assert [bool(flavour.acquire(many, "b")) for _ in range(5)] == [*[True] * 4, False]
