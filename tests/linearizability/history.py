"""The calls of one history as operations that are to be put in order.

When an operation happens:

- One that was answered, between its call and its return.
- One that ended in an outage, at any time after its call, or never. So may the first attempt of one
  that the wire sent twice, beside the second.
- A denial from memory, where anything was given back or reset meanwhile, may be as old as
  ``deny_cache``: it happens after the call of its process that it was observed by. But what the
  process itself gave back or reset, it knows of at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.linearizability.bucket_specification import BucketSpecification
from tests.linearizability.call import Call
from tests.linearizability.checker import Interval, Order, order_of
from tests.linearizability.program import Setup
from tests.linearizability.slots_specification import SlotsSpecification

_OBSERVE = frozenset({"acquire", "charge", "block"})
_GIVE_BACK = frozenset({"refund", "reset"})
_READ = frozenset({"peek", "look"})
_TRIED_AGAIN_LATER = frozenset({"release", "heartbeat"})
"""Without an answer they are left to the renewer, and the caller is told nothing."""


class Entry(NamedTuple):
    """One operation.

    Attributes:
        call: the call that it is of; without an answer where it may happen or not.
        interval: when it happens.
    """

    call: Call
    interval: Interval


def entries_of(setup: Setup, calls: Sequence[Call]) -> list[Entry]:
    """The operations of a history."""
    in_order = sorted(calls, key=lambda call: call.call_ns)
    answered = [call for call in in_order if _is_answered(call)]
    entries = [Entry(call, _interval(setup, answered, call)) for call in answered]
    for call in in_order:
        is_repeated = call.step.fault == "repeated" and call.step.name != "refund"
        if call.step.name not in _READ and (is_repeated or not _is_answered(call)):
            unknown = Entry(call._replace(answer=None), Interval(call.call_ns, None))
            entries.append(unknown)
            if call.step.name == "take":
                entries.append(_released_by_the_renewer(unknown))
    return entries


def order_of_entries(setup: Setup, entries: Sequence[Entry]) -> Order[Any]:
    """An order that explains a history, or the longest that explains some of it."""
    calls = [entry.call for entry in entries]
    specification = specification_of(setup, calls)
    return order_of(
        [entry.interval for entry in entries],
        specification.first,
        lambda state, index: specification.outcomes(state, calls[index]),
    )


def specification_of(
    setup: Setup, calls: Sequence[Call]
) -> BucketSpecification | SlotsSpecification:
    """What the calls of a history are to be explained by."""
    return SlotsSpecification(setup, calls) if setup.slots else BucketSpecification(setup, calls)


def is_linearizable(setup: Setup, calls: Sequence[Call]) -> bool:
    """Whether there is an order that explains these calls."""
    return order_of_entries(setup, entries_of(setup, calls)).explains


def _is_answered(call: Call) -> bool:
    if call.step.fault == "lost" and call.step.name in _TRIED_AGAIN_LATER:
        return call.answer is False
    return call.answer is not None


def _released_by_the_renewer(unknown: Entry) -> Entry:
    """What the renewer does about a slot that was perhaps taken, and that nobody holds."""
    call = unknown.call
    release = call.step._replace(name="release", of=call.number)
    return unknown._replace(call=call._replace(step=release))


def _interval(setup: Setup, answered: Sequence[Call], call: Call) -> Interval:
    calls_ns, after = [call.call_ns], []
    if call.from_memory and any(one.step.name in _GIVE_BACK for one in answered):
        oldest_ns = min(call.nows_ns) - setup.deny_cache_ns
        for index, one in enumerate(answered):
            if one.process != call.process:
                continue
            if one.step.name in _OBSERVE and max(one.nows_ns) >= oldest_ns:
                calls_ns.append(one.call_ns)
            if one.step.name in _GIVE_BACK and one.return_ns < call.call_ns:
                after.append(index)
    return Interval(min(calls_ns), call.return_ns, tuple(after))
