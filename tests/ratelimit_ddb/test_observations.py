"""P9: what a process remembers of its keys is bounded."""

from __future__ import annotations

from typing import Any

import pytest
from moto import mock_aws

from ratelimit_ddb import DynamoDBStore, MemoryStore, RateLimiter
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
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
    cache = ObservationCache(10)
    assert cache.get("key") is None
    cache.put("key", OBSERVATION)
    assert cache.get("key") == OBSERVATION
    cache.put("key", Observation(1, (2,), 0, ()))
    assert cache.get("key") == Observation(1, (2,), 0, ())
    cache.forget("key")
    assert cache.get("key") is None
    cache.forget("key")


def test_a_later_observation_takes_the_place_of_one_of_an_older_generation() -> None:
    cache = ObservationCache(4)
    cache.put("a", OBSERVATION)
    cache.put("b", OBSERVATION)  # a generation ends
    later = Observation(7, (8,), 0, ())
    for key in ("c", "a"):
        cache.put(key, later)
        assert cache.get(key) == later


@pytest.mark.parametrize("most_keys", [2, 3, 10, 1_001])
def test_p9_no_more_keys_are_kept_than_allowed(most_keys: int) -> None:
    cache = ObservationCache(most_keys)
    for number in range(5 * most_keys):
        cache.put(f"key{number}", OBSERVATION)
        assert len(cache) <= most_keys


@pytest.mark.parametrize("most_keys", [2, 10, 1_000])
def test_p9_the_latest_half_is_always_kept(most_keys: int) -> None:
    cache = ObservationCache(most_keys)
    for number in range(3 * most_keys):
        cache.put(f"key{number}", OBSERVATION)
    latest = range(3 * most_keys - most_keys // 2, 3 * most_keys)
    assert all(cache.get(f"key{number}") is OBSERVATION for number in latest)


def test_p9_a_key_in_use_is_kept_whatever_else_comes_by() -> None:
    cache = ObservationCache(10)
    cache.put("used", OBSERVATION)
    for number in range(100):
        cache.put(f"key{number}", OBSERVATION)
        assert cache.get("used") is OBSERVATION
        assert len(cache) <= 10


def test_forgetting_reaches_the_older_half() -> None:
    cache = ObservationCache(4)
    for key in ("a", "b", "c"):
        cache.put(key, OBSERVATION)
    cache.forget("a")
    assert cache.get("a") is None
    assert cache.get("b") is OBSERVATION


@pytest.mark.parametrize("most_keys", [1, 0, -1, 2.0, None, True])
def test_a_size_that_cannot_hold_is_refused(most_keys: Any) -> None:
    with pytest.raises(ValueError, match="seen_keys"):
        ObservationCache(most_keys)


def test_p9_memory_is_bounded_whatever_the_number_of_keys() -> None:
    store = MemoryStore(max_keys=50)
    limiter = RateLimiter(store, "1/hour", seen_keys=20)
    for number in range(500):
        limiter.acquire(f"user-{number}")
        assert len(store) <= 50
