"""The slots that a process counts by itself, for outages: local_slots.py."""

from __future__ import annotations

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.slots.local_slots import LocalSlots, local_slots_of


def test_p16_slots_are_counted_by_key_and_no_more_are_given_than_there_are() -> None:
    counts = LocalSlots(MemoryStore())
    counts.add("a")
    counts.add("a")
    assert counts.take("a", 4) == 1
    assert counts.take("a", 4) == 0
    assert counts.take("a", 4) is None
    assert counts.take("b", 4) == 3
    assert counts.take("c", 1) == 0
    for _ in range(3):
        counts.remove("a")
        assert counts.take("a", 4) == 0
    counts.remove("a")
    assert counts.take("a", 3) is None


def test_p9_keys_without_a_slot_are_not_kept() -> None:
    counts = LocalSlots(MemoryStore())
    counts.add("a")
    counts.add("a")
    counts.remove("a")
    assert counts._counts == {"a": 1}
    counts.remove("a")
    counts.remove("never taken")
    assert counts._counts == {}


def test_p16_the_limiters_on_a_store_count_together() -> None:
    store = MemoryStore()
    assert local_slots_of(store) is local_slots_of(store)
    assert local_slots_of(store) is not local_slots_of(MemoryStore())
