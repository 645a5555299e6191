"""The checker itself, on histories of which it is known whether an order explains them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest

from tests.linearizability.call import Call, Told
from tests.linearizability.checker import Interval, Order, order_of
from tests.linearizability.counterexample import counterexample, shortest
from tests.linearizability.history import entries_of, is_linearizable, order_of_entries
from tests.linearizability.program import MILLISECOND_NS, SETUPS, Name, Program, Setup, Step


class Access(NamedTuple):
    """One access to a register that holds a number, 0 at first."""

    call_ns: int
    return_ns: int | None
    writes: int | None = None
    reads: int | None = None
    after: tuple[int, ...] = ()


def order_of_accesses(accesses: Sequence[Access]) -> Order[int]:
    def outcomes(register: int, index: int) -> Iterator[int]:
        access = accesses[index]
        if access.writes is not None:
            yield access.writes
        elif access.reads == register:
            yield register

    intervals = [Interval(one.call_ns, one.return_ns, one.after) for one in accesses]
    return order_of(intervals, 0, outcomes)


EXPLAINED = {
    "nothing": [],
    "one after the other": [Access(0, 1, writes=1), Access(2, 3, reads=1)],
    "a read that overlaps a write sees it": [Access(0, 9, writes=1), Access(1, 2, reads=1)],
    "or does not": [Access(0, 9, writes=1), Access(1, 2, reads=0)],
    "first seen not, then seen": [
        Access(0, 9, writes=1),
        Access(1, 2, reads=0),
        Access(3, 4, reads=1),
    ],
    "two writes in the order that the reads need": [
        Access(0, 9, writes=1),
        Access(0, 9, writes=2),
        Access(1, 3, reads=2),
        Access(4, 6, reads=1),
    ],
    "a write that never returned, seen late": [
        Access(0, None, writes=1),
        Access(1, 2, reads=0),
        Access(8, 9, reads=1),
    ],
    "a write that never happened": [Access(0, None, writes=1), Access(8, 9, reads=0)],
    "what returns when another one is called may overlap it": [
        Access(0, 1, writes=1),
        Access(1, 2, reads=0),
    ],
}
UNEXPLAINED = {
    "a stale read": [Access(0, 1, writes=1), Access(2, 3, reads=0)],
    "a read of what nobody wrote": [Access(0, 1, reads=1)],
    "seen, then not seen": [
        Access(0, 9, writes=1),
        Access(1, 2, reads=1),
        Access(3, 4, reads=0),
    ],
    "two readers that see two writes in two orders": [
        Access(0, 1, writes=1),
        Access(2, 3, writes=2),
        Access(4, 5, reads=2),
        Access(6, 7, reads=1),
    ],
    "a write that is seen before it was called": [
        Access(0, 1, reads=1),
        Access(2, None, writes=1),
    ],
    "a stale read that is called early, but comes after the write": [
        Access(2, 3, writes=1),
        Access(0, 9, reads=0, after=(0,)),
    ],
}


@pytest.mark.parametrize("accesses", EXPLAINED.values(), ids=EXPLAINED.keys())
def test_an_order_is_found_where_there_is_one(accesses: list[Access]) -> None:
    order = order_of_accesses(accesses)
    assert order.explains
    returned = {index for index, one in enumerate(accesses) if one.return_ns is not None}
    assert returned <= set(order.indexes)
    for place, later in enumerate(order.indexes):
        for sooner in order.indexes[place + 1 :]:
            return_ns = accesses[sooner].return_ns
            assert return_ns is None or return_ns >= accesses[later].call_ns


@pytest.mark.parametrize("accesses", UNEXPLAINED.values(), ids=UNEXPLAINED.keys())
def test_none_is_found_where_there_is_none(accesses: list[Access]) -> None:
    assert not order_of_accesses(accesses).explains


def test_the_longest_order_is_told_where_none_explains_all() -> None:
    accesses = [Access(0, 1, writes=1), Access(2, 3, reads=1), Access(4, 5, reads=0)]
    assert order_of_accesses(accesses) == Order(False, (0, 1), 1)


def test_what_led_nowhere_once_is_not_tried_again() -> None:
    """Eleven equal writes at once: 40 million orders, and 2,048 sets of them."""
    tried = 0

    def outcomes(register: int, index: int) -> Iterator[int]:
        nonlocal tried
        tried += 1
        if index:
            yield 1

    intervals = [Interval(20, 21), *[Interval(0, 10)] * 11]
    assert not order_of(intervals, 0, outcomes).explains
    assert tried <= 11 * 2**11 + 1


ONE, FROM_MEMORY = SETUPS[0], SETUPS[2]
ADMITTED = {left: Told(True, left, 0, (4 - left) * MILLISECOND_NS, 0, "") for left in range(5)}


def denied(left: int, retry_ms: int) -> Told:
    return Told(False, left, retry_ms * MILLISECOND_NS, (4 - left) * MILLISECOND_NS, 0, "")


def call(
    client: int,
    number: int,
    name: Name,
    interval: tuple[int, int],
    answer: Told | bool | None,
    cost: int = 1,
    of: int = -1,
) -> Call:
    """A call of a client alone in its process, at instant 0 of its clock."""
    if isinstance(answer, Told):
        answer = answer._replace(limit=str(ONE.limits[0]))
    step = Step(name, 0, cost, of=of)
    return Call(client, client, number, step, *interval, (0,), answer)


def history(setup: Setup, *calls: Call) -> bool:
    return is_linearizable(setup, calls)


def test_two_takes_at_once_are_explained_and_a_lost_one_is_not() -> None:
    first = call(0, 0, "acquire", (0, 9), ADMITTED[3])
    second = call(1, 0, "acquire", (1, 8), ADMITTED[2])
    lost = call(1, 0, "acquire", (1, 8), ADMITTED[3])
    assert history(ONE, first, second)
    assert not history(ONE, first, lost)


def test_a_take_without_an_answer_may_have_happened_or_not() -> None:
    unknown = call(0, 0, "acquire", (0, 1), None, cost=3)
    for left in (4, 1):
        assert history(ONE, unknown, call(1, 0, "peek", (2, 3), ADMITTED[left]))
    assert not history(ONE, unknown, call(1, 0, "peek", (2, 3), ADMITTED[2]))


def test_a_take_that_was_sent_twice_may_have_taken_twice() -> None:
    taken = call(0, 0, "acquire", (0, 1), ADMITTED[2], cost=1)
    assert not history(ONE, taken)
    assert history(ONE, taken._replace(step=taken.step._replace(fault="repeated")))


def test_a_refund_gives_back_once() -> None:
    taken = call(0, 0, "acquire", (0, 1), ADMITTED[0], cost=4)
    given = call(0, 1, "refund", (2, 3), True, cost=1, of=0)
    assert history(ONE, taken, given, call(1, 0, "peek", (4, 5), ADMITTED[1]))
    assert not history(ONE, taken, given, call(1, 0, "peek", (4, 5), ADMITTED[2]))


def test_a_denial_from_memory_may_be_older_than_its_call_where_others_reset() -> None:
    taken = call(0, 0, "acquire", (0, 1), ADMITTED[0], cost=4)
    observed = call(1, 0, "acquire", (2, 3), denied(0, 1), cost=1)
    reset = call(0, 1, "reset", (4, 5), True)
    stale = call(1, 1, "acquire", (6, 7), denied(0, 1), cost=1)
    assert not history(FROM_MEMORY, taken, observed, reset, stale)
    stale = stale._replace(from_memory=True)
    assert history(FROM_MEMORY, taken, observed, reset, stale)
    # Its own process's reset it knows of, and of one that nobody observed it can't know.
    assert not history(FROM_MEMORY, taken, observed, reset._replace(process=1), stale)
    assert not history(FROM_MEMORY, taken, observed._replace(process=2), reset, stale)


def test_a_denial_from_memory_says_no_more_than_is_lacking() -> None:
    taken = call(0, 0, "acquire", (0, 1), ADMITTED[0], cost=4)
    for left, retry_ms, explained in ((1, 2, True), (0, 3, True), (0, 4, False)):
        told = denied(left, retry_ms)
        seen = call(1, 0, "acquire", (2, 3), told, cost=3)._replace(from_memory=True)
        assert history(FROM_MEMORY, taken, seen) == explained


def test_a_counterexample_is_short_and_says_what_was_expected() -> None:
    calls = [
        call(2, 0, "peek", (0, 1), ADMITTED[4]),
        call(0, 0, "acquire", (2, 3), ADMITTED[3], cost=1),
        call(2, 1, "peek", (4, 5), ADMITTED[3]),
        call(1, 0, "acquire", (6, 7), ADMITTED[3], cost=1),
        call(2, 2, "peek", (8, 9), ADMITTED[2]),
    ]
    entries = shortest(ONE, entries_of(ONE, calls))
    assert [(entry.call.client, entry.call.number) for entry in entries] == [(0, 0), (1, 0)]
    assert not order_of_entries(ONE, entries).explains
    lines = counterexample(Program(ONE, 17, ()), calls).splitlines()
    assert lines[0] == "one limit, seed 17: no order explains what these calls answered,"
    assert lines[-2:] == [
        "The longest order that holds: A1.",
        "Then B1 would be answered admitted: 2 left, full in 2.",
    ]
