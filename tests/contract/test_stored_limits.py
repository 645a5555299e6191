"""Limits by name in the table: looked up, changed while limiters run, on every store."""

from __future__ import annotations

import pickle
import time
from typing import Any

import pytest

from ratelimit_ddb import StoredLimits, StoreError, stored
from tests.contract.conftest import AnyStore, MakeLimiter
from tests.fake_clock import FakeClock


def admitted(limiter: Any, key: str, of: int) -> int:
    return sum(bool(limiter.acquire(key)) for _ in range(of))


def test_a_name_without_stored_limits_has_the_default(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter(stored("plan:free", default="3/minute"))
    assert admitted(limiter, "ada", 5) == 3


def test_what_is_stored_holds_in_place_of_the_default(
    store: AnyStore, make_limiter: MakeLimiter
) -> None:
    StoredLimits(store).set("plan:pro", ["5/minute", "8/hour"])
    limiter = make_limiter(stored("plan:pro", default="3/minute"))
    assert admitted(limiter, "ada", 10) == 5
    assert [str(limit) for limit in StoredLimits(store).get("plan:pro") or ()] == [
        "5 per minute",
        "8 per hour",
    ]


def test_a_change_holds_once_what_was_read_is_a_minute_old(
    store: AnyStore, make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    plans = StoredLimits(store)
    plans.set("plan:pro", "5/minute")
    limiter = make_limiter(stored("plan:pro", default="3/minute"))
    assert admitted(limiter, "ada", 10) == 5
    plans.set("plan:pro", "7/minute")
    assert admitted(limiter, "bob", 10) == 5
    clock.advance(60)
    # Another limit is another number: it begins full.
    assert admitted(limiter, "ada", 10) == 7
    plans.delete("plan:pro")
    clock.advance(60)
    assert admitted(limiter, "cy", 10) == 3


def test_peek_charge_block_and_reset_go_by_what_is_stored(
    store: AnyStore, make_limiter: MakeLimiter
) -> None:
    StoredLimits(store).set("plan:pro", "5/minute")
    limiter = make_limiter(stored("plan:pro", default="3/minute"))
    assert limiter.peek("ada").remaining == 5
    limiter.charge("ada", 4)
    assert limiter.peek("ada").remaining == 1
    assert limiter.acquire("ada").remaining == 0
    limiter.reset("ada")
    assert not limiter.block("ada", 30)
    limiter.reset("ada")
    assert admitted(limiter, "ada", 10) == 5


def test_what_was_taken_before_a_change_can_be_given_back_after_it(
    store: AnyStore, make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    plans = StoredLimits(store)
    plans.set("plan:pro", "5/hour")
    limiter = make_limiter(stored("plan:pro", default="3/minute"))
    taken = limiter.acquire("ada", cost=5)
    plans.set("plan:pro", "6/hour")
    clock.advance(60)
    assert limiter.acquire("ada").remaining == 5
    assert limiter.refund(taken)
    plans.set("plan:pro", "5/hour")
    clock.advance(60)
    assert limiter.peek("ada").remaining == 5


def test_no_bucket_has_the_key_of_stored_limits(store: AnyStore, make_limiter: MakeLimiter) -> None:
    plans = StoredLimits(store)
    plans.set("p", "5/minute")
    limiter = make_limiter("2/minute")
    for key in ("limits:p", ("limits", "p"), f"limits:p~sha256:{0:064x}"):
        limiter.acquire(key)
        limiter.reset(key)
    assert plans.get("p") is not None


def test_namespaces_have_limits_of_their_own(store: AnyStore, make_limiter: MakeLimiter) -> None:
    StoredLimits(store, namespace="shop").set("p", "5/minute")
    asked = stored("p", default="3/minute")
    assert admitted(make_limiter(asked, namespace="shop"), "ada", 10) == 5
    assert admitted(make_limiter(asked), "ada", 10) == 3
    assert StoredLimits(store).get("p") is None


@pytest.mark.parametrize("wrong", ["100/fortnight", "", "0/minute"])
def test_what_is_no_limit_is_not_stored(store: AnyStore, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"limit|quantity"):
        StoredLimits(store).set("p", wrong)
    assert StoredLimits(store).get("p") is None


def test_something_else_in_the_table_never_lifts_the_limit(
    store: AnyStore, make_limiter: MakeLimiter, caplog: pytest.LogCaptureFixture
) -> None:
    from ratelimit_ddb.operations.operation import WriteLimits
    from ratelimit_ddb.stored_limits.stored import key_of

    soon_ns = time.monotonic_ns() + 10 * 10**9
    store.prepare()
    store.send(WriteLimits(key_of("", "p"), ("unlimited",), 0), soon_ns)
    limiter = make_limiter(stored("p", default="3/minute"))
    assert admitted(limiter, "ada", 10) == 3
    assert "stored limits 'p'" in caplog.text
    with pytest.raises(StoreError, match="stored limits 'p'"):
        StoredLimits(store).get("p")


def test_stored_limits_are_pickled_by_name() -> None:
    asked = stored("p", default="3/minute", cache_seconds=5)
    assert pickle.loads(pickle.dumps(asked)) == asked
