"""A MemoryStore as an object: its truth, its copies, what it does with what it does not know."""

from __future__ import annotations

import copy
import pickle

import pytest

from ratelimit_ddb import MemoryStore, RateLimiter
from tests.store_flavours import FLAVOURS, Flavour


def test_an_empty_store_is_true() -> None:
    store = MemoryStore()
    assert store
    assert (store or None) is store


@FLAVOURS
@pytest.mark.parametrize("operation", [None, "take", ("k", ("5/minute",)), object()])
def test_an_unknown_operation_is_refused(flavour: Flavour, operation: object) -> None:
    with pytest.raises(TypeError, match=r"must be one of ratelimit_ddb\.operation"):
        flavour(MemoryStore(), "send", operation, 0)


def test_it_says_what_it_is() -> None:
    assert repr(MemoryStore(max_keys=7)) == "MemoryStore(max_keys=7)"


def test_it_is_not_pickled_and_says_why() -> None:
    with pytest.raises(TypeError, match="memory; processes share those of a DynamoDBStore"):
        pickle.dumps(MemoryStore())


def test_a_copy_is_the_store_itself() -> None:
    store = MemoryStore()
    assert copy.copy(store) is store
    assert copy.deepcopy({"store": store})["store"] is store


@FLAVOURS
def test_there_is_nothing_to_check(flavour: Flavour) -> None:
    assert flavour(MemoryStore(), "check", deadline=1.0) is None


@FLAVOURS
def test_it_is_used_again_after_its_block(flavour: Flavour) -> None:
    store = MemoryStore()
    for _ in range(2):
        flavour.within(store, lambda: RateLimiter(store, "2/minute").acquire("k"))
    assert not RateLimiter(store, "2/minute").acquire("k").allowed
