"""Limiters as objects: shown, copied, pickled as their arguments."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore, Limit, MemoryStore, RateLimiter
from tests.dynamodb_local import free_port
from tests.fake_clock import FakeClock

MakeLimiter = Callable[..., Any]
BOTH = pytest.mark.parametrize("make_limiter", [RateLimiter, AsyncRateLimiter])


@BOTH
def test_a_limiter_is_shown_as_its_store_and_limits(make_limiter: MakeLimiter) -> None:
    name = make_limiter.__name__
    limiter = make_limiter(MemoryStore(max_keys=7), ["5/minute", "10/second burst 50"])
    limits = "['5 per minute', '10 per second burst 50']"
    assert repr(limiter) == f"{name}(MemoryStore(max_keys=7), {limits}, on_outage='local')"
    limiter = make_limiter(DynamoDBStore("t", region_name="eu-west-1"), "5/minute")
    assert "DynamoDBStore('t', region_name='eu-west-1'), ['5 per minute']" in repr(limiter)


@BOTH
def test_a_limiter_is_pickled_as_its_arguments(make_limiter: MakeLimiter) -> None:
    limits = [Limit(5, 60, name="plan"), Limit.parse("10/second burst 50")]
    limiter = make_limiter(DynamoDBStore("t"), limits, on_outage="deny", namespace="shop")
    assert repr(limiter).endswith(", on_outage='deny', namespace='shop')")
    again = pickle.loads(pickle.dumps(limiter))
    assert type(again) is make_limiter
    assert again.limits == limiter.limits
    assert repr(again) == repr(limiter)


def test_every_option_is_pickled() -> None:
    store = DynamoDBStore("t", endpoint_url=f"http://127.0.0.1:{free_port()}")
    limiter = RateLimiter(store, "5/minute", on_outage="deny", deadline=0.05)
    decision = pickle.loads(pickle.dumps(limiter)).acquire("k")
    assert (decision.allowed, decision.source) == (False, "outage")
    disabled = RateLimiter(store, "5/minute", enabled=False)
    assert pickle.loads(pickle.dumps(disabled)).acquire("k").source == "disabled"


@BOTH
def test_a_limiter_in_memory_is_not_pickled(make_limiter: MakeLimiter) -> None:
    with pytest.raises(TypeError, match="a MemoryStore can't be pickled"):
        pickle.dumps(make_limiter(MemoryStore(), "5/minute"))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_takes_of_the_same_buckets(copied: Callable[[Any], Any]) -> None:
    limiter = RateLimiter(MemoryStore(), "2/minute")
    other = copied(limiter)
    assert [one.acquire("k").allowed for one in (limiter, other, limiter)] == [True, True, False]
    assert not other.acquire("k").allowed


def test_the_order_of_limits_makes_no_other_limiter() -> None:
    """That of a set is another one in each process."""
    store = MemoryStore(clock=FakeClock())
    limits = ["5/minute", "100/hour"]
    one, other = (RateLimiter(store, given) for given in (limits, limits[::-1]))
    decision, reservation = one.acquire("k", cost=2), one.reserve("k", 3)
    assert not other.peek("k")
    assert other.refund(decision)
    other.settle(reservation, 1)
    assert [limiter.peek("k").remaining for limiter in (one, other)] == [4, 4]
    assert one.acquire("k", cost=4)
