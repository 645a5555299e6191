"""P9: what a process remembers of its keys is bounded."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from moto import mock_aws

from ratelimit_ddb import DynamoDBStore, MemoryStore, RateLimiter
from ratelimit_ddb.bucket.observations import Observation, ObservationCache, cache_group_of
from ratelimit_ddb.operations.operation import Operation, Take
from tests.fake_clock import FakeClock
from tests.rate_limit_table import rate_limit_table

OBSERVATION = Observation(0, (1,), 0, ())


def test_what_was_seen_of_a_mocked_table_does_not_deny() -> None:
    """The next test's table is another one, and empty; the limiter was made at import."""
    store = DynamoDBStore("limits", region_name="us-east-1")
    limiter = RateLimiter(store, "2/hour", on_outage="raise", deadline=10)
    for _ in range(2):
        with mock_aws(), rate_limit_table(None, "limits"):
            assert [limiter.acquire("k").allowed for _ in range(4)] == [True, True, False, False]
    store.close()


def test_an_observation_is_remembered_and_forgotten() -> None:
    cache = ObservationCache[Observation](10)
    assert cache.get("key") is None
    cache.put("key", OBSERVATION, 0)
    assert cache.get("key") == OBSERVATION
    cache.put("key", Observation(1, (2,), 0, ()), 0)
    assert cache.get("key") == Observation(1, (2,), 0, ())
    cache.invalidate("key")
    assert cache.get("key") is None
    cache.invalidate("key")


def test_a_later_observation_takes_the_place_of_one_of_an_older_generation() -> None:
    cache = ObservationCache[Observation](4)
    cache.put("a", OBSERVATION, 0)
    cache.put("b", OBSERVATION, 0)  # a generation ends
    later = Observation(7, (8,), 0, ())
    for key in ("c", "a"):
        cache.put(key, later, 0)
        assert cache.get(key) == later


@pytest.mark.parametrize("most_keys", [2, 3, 10, 1_001])
def test_p9_no_more_keys_are_kept_than_allowed(most_keys: int) -> None:
    cache = ObservationCache[Observation](most_keys)
    for number in range(5 * most_keys):
        cache.put(f"key{number}", OBSERVATION, 0)
        assert len(cache) <= most_keys


@pytest.mark.parametrize("most_keys", [2, 10, 1_000])
def test_p9_the_latest_half_is_always_kept(most_keys: int) -> None:
    cache = ObservationCache[Observation](most_keys)
    for number in range(3 * most_keys):
        cache.put(f"key{number}", OBSERVATION, 0)
    latest = range(3 * most_keys - most_keys // 2, 3 * most_keys)
    assert all(cache.get(f"key{number}") is OBSERVATION for number in latest)


def test_p9_a_key_in_use_is_kept_whatever_else_comes_by() -> None:
    cache = ObservationCache[Observation](10)
    cache.group.invalidate("another")
    cache.put("used", OBSERVATION, cache.group.invalidations)
    for number in range(100):
        cache.put(f"key{number}", OBSERVATION, 0)
        assert cache.get("used") is OBSERVATION
        assert len(cache) <= 10


def test_forgetting_reaches_the_older_half() -> None:
    cache = ObservationCache[Observation](4)
    for key in ("a", "b", "c"):
        cache.put(key, OBSERVATION, 0)
    cache.invalidate("a")
    assert cache.get("a") is None
    assert cache.get("b") is OBSERVATION


@pytest.mark.parametrize("most_keys", [1, 0, -1, 2.0, None, True])
def test_a_size_that_cannot_hold_is_refused(most_keys: Any) -> None:
    with pytest.raises(ValueError, match="seen_keys"):
        ObservationCache[Observation](most_keys)


def test_p9_memory_is_bounded_whatever_the_number_of_keys() -> None:
    store = MemoryStore(max_keys=50)
    limiter = RateLimiter(store, "1/hour", seen_keys=20)
    for number in range(500):
        limiter.acquire(f"user-{number}")
        assert len(store) <= 50


class SlowReplies(MemoryStore):
    """A store of whose replies each may be overtaken: something else happens before it is read.

    Attributes:
        meanwhile: what happens before the reply of the next take is read.
    """

    def __init__(self, *, in_process: bool) -> None:
        super().__init__()
        self.in_process = in_process
        self.meanwhile: Callable[[], object] | None = None

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        result = super().send(operation, deadline_ns)
        if self.meanwhile is not None and isinstance(operation, Take):
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return result


@pytest.mark.parametrize("in_process", [True, False])
@pytest.mark.parametrize(
    ("takes", "gives_back"),
    [
        ("acquire", "refund"),
        ("acquire", "reset"),
        ("charge", "refund"),
        ("charge", "reset"),
        ("block", "reset"),
    ],
)
def test_a_reply_that_a_refund_overtook_does_not_deny_later(
    takes: str, gives_back: str, in_process: bool
) -> None:
    """In one process a refund or a reset is noticed at once, whatever was under way."""
    store = SlowReplies(in_process=in_process)
    other, limiter = (RateLimiter(store, "4/hour") for _ in range(2))
    other.reset("one before")
    taken = other.acquire("k", cost=3)
    give_back: dict[str, Callable[[], object]] = {
        "refund": lambda: other.refund(taken),
        "reset": lambda: other.reset("k"),
    }
    take: dict[str, Callable[[], object]] = {
        "acquire": lambda: limiter.acquire("k", cost=2),
        "charge": lambda: limiter.charge("k", 1),
        "block": lambda: limiter.block("k", 3_600),
    }
    store.meanwhile = give_back[gives_back]
    take[takes]()
    assert limiter.acquire("k", cost=2).allowed


@pytest.mark.parametrize("resets_before", [0, 1])
def test_a_reply_that_a_refund_of_another_key_overtook_is_remembered(resets_before: int) -> None:
    store = SlowReplies(in_process=True)
    other, limiter = (RateLimiter(store, "1/hour") for _ in range(2))
    for _ in range(resets_before):
        other.reset("k")
    other.acquire("k")
    store.meanwhile = lambda: other.reset("another")
    limiter.acquire("k")
    assert limiter.acquire("k").source == "seen"


@pytest.mark.parametrize("first", ["k", "another"])
def test_p9_a_reply_that_very_many_refunds_overtook_is_not_remembered(first: str) -> None:
    """Only the latest are kept in mind, so it may have been of one of those before."""
    store = SlowReplies(in_process=True)
    other, limiter = (RateLimiter(store, "1/hour") for _ in range(2))
    other.acquire("k")

    def give_back() -> None:
        for number in range(1_000):
            other.reset(first if not number else f"another {number}")

    store.meanwhile = give_back
    limiter.acquire("k")
    assert limiter.acquire("k").source == "table"


def test_a_reply_that_a_cleared_store_overtook_is_not_remembered() -> None:
    store = SlowReplies(in_process=True)
    other, limiter = (RateLimiter(store, "1/hour") for _ in range(2))
    other.acquire("k")
    store.meanwhile = store.clear
    limiter.acquire("k")
    assert limiter.acquire("k").allowed
    assert limiter.acquire("k").source == "seen"
    store.clear()
    assert limiter.acquire("k").allowed


def test_the_limiters_on_a_store_share_its_clock_and_in_memory_no_hot_keys() -> None:
    store = MemoryStore()
    group = cache_group_of(store)
    assert group.clock is store.clock
    assert group.hot_keys is None
    assert str(group.refused_without_reason("k", (None,))).startswith(f"{store!r}: a write of key")


def test_p9_of_limiters_that_are_gone_nothing_is_kept() -> None:
    store = MemoryStore()
    group = cache_group_of(store)
    for _ in range(10):
        RateLimiter(store, "1/hour").acquire("k")
    gc.collect()
    assert len(group._members) == 0


def test_an_observation_that_is_forgotten_while_it_is_read_stays_forgotten() -> None:
    """What is read of the older half is stored in the younger one, in two steps."""
    cache = ObservationCache[Observation](4)
    cache.put("a", OBSERVATION, 0)
    cache.put("b", OBSERVATION, 0)  # a generation ends
    since = cache.group.invalidations
    cache.group.invalidate("a")
    cache.put("a", OBSERVATION, since)
    assert cache.get("a") is None


@pytest.mark.parametrize("in_process", [True, False])
def test_without_deny_cache_the_store_is_asked_at_the_same_instant_too(in_process: bool) -> None:
    """A test's clock stands still; another process may have reset the key nonetheless."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    store.in_process = in_process
    limiter = RateLimiter(store, "1/hour", deny_cache=0)
    assert [limiter.acquire("k").source for _ in range(3)] == ["table"] * 3
