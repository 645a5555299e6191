"""What the slots of a key answer to one call at a time: a ConcurrencyLimiter's specification.

A key has so many slots, each free or held by somebody until an instant. One whose instant has
passed is free for the taking, and is its holder's still until somebody takes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.linearizability.call import Call, Told
from tests.linearizability.program import LIFETIME_NS, MILLISECOND_NS, Setup

_MOST_RETRY_NS = 1_000 * MILLISECOND_NS
_MARGIN = 10

Holder = tuple[int, int]
"""A client, and which of its calls took the slot."""


class Held(NamedTuple):
    """A slot that somebody holds.

    Attributes:
        holder: who.
        until_ns: until when, in whole milliseconds.
    """

    holder: Holder
    until_ns: int


Slots = tuple[Held, ...]
"""Of one key, in the order of their holders."""


class SlotsSpecification:
    """The keys of one ConcurrencyLimiter.

    Args:
        setup: whose slots.
        calls: those of the history, by which a holder's own knowledge is known.
    """

    first: Slots = ()

    def __init__(self, setup: Setup, calls: Sequence[Call]) -> None:
        self._slots = setup.slots
        self._limit = f"{setup.slots} slots"
        self._calls = calls

    def outcomes(self, slots: Slots, call: Call) -> Iterator[Slots]:
        """How a call may leave the slots if it is answered what it was; see ``order_of``."""
        (now_ns,) = call.nows_ns
        for told, after in self.happen(slots, call, now_ns):
            if call.answer is None:
                if after != slots:
                    yield after
            elif told == _without_limit(call.answer):
                yield after

    def told(self, slots: Slots, call: Call) -> Told | bool:
        """What a call would be answered."""
        return next(self.happen(slots, call, call.nows_ns[0]))[0]

    def happen(self, slots: Slots, call: Call, now_ns: int) -> Iterator[tuple[Told | bool, Slots]]:
        """What a call may be answered, and how it leaves the slots."""
        holder = (call.client, call.step.of)
        mine = [one for one in slots if one.holder == holder]
        match call.step.name:
            case "take":
                yield from self._take(slots, (call.client, call.number), now_ns)
            case "release":
                yield True, _without(slots, mine)
            case "heartbeat":
                if not self._counts_itself_a_holder(call, now_ns) or not mine:
                    yield False, slots
                else:
                    yield True, _with(_without(slots, mine), holder, now_ns)
            case "reset":
                yield True, ()
            case "look":
                allowed = len(_held(slots, now_ns)) < self._slots
                yield self._told(slots, now_ns, allowed=allowed), slots

    def _take(
        self, slots: Slots, holder: Holder, now_ns: int
    ) -> Iterator[tuple[Told | bool, Slots]]:
        held = _held(slots, now_ns)
        if any(one.holder == holder for one in slots):  # sent again
            yield self._told(slots, now_ns, allowed=True), slots
            return
        if len(held) >= self._slots:
            yield self._told(slots, now_ns, allowed=False), slots
            return
        run_out = [[one] for one in slots if one not in held]
        if len(slots) < self._slots:
            run_out.append([])
        for taken_from in run_out:
            after = _with(_without(slots, taken_from), holder, now_ns)
            yield self._told(after, now_ns, allowed=True), after

    def _counts_itself_a_holder(self, call: Call, now_ns: int) -> bool:
        """Whether the holder itself is sure, by when it took or renewed its slot last."""
        since_ns = max(
            one.nows_ns[0]
            for one in self._calls
            if one.client == call.client
            and one.number < call.number
            and one.answer
            and (
                one.number == call.step.of
                or (one.step.name == "heartbeat" and one.step.of == call.step.of)
            )
        )
        return now_ns < since_ns + LIFETIME_NS - LIFETIME_NS // _MARGIN

    def _told(self, slots: Slots, now_ns: int, *, allowed: bool) -> Told:
        held = _held(slots, now_ns)
        untils_ns = [one.until_ns - now_ns for one in held]
        reset_ns = max(0, *untils_ns) if held else 0
        if allowed:
            return Told(True, self._slots - len(held), 0, reset_ns, 0, "")
        retry_ns = max(1, min(_MOST_RETRY_NS, *untils_ns))
        return Told(False, 0, retry_ns, reset_ns, 0, "")


def _held(slots: Slots, now_ns: int) -> list[Held]:
    return [one for one in slots if one.until_ns >= now_ns // MILLISECOND_NS * MILLISECOND_NS]


def _without(slots: Slots, some: list[Held]) -> Slots:
    return tuple([one for one in slots if one not in some])


def _with(slots: Slots, holder: Holder, now_ns: int) -> Slots:
    until_ns = (now_ns + LIFETIME_NS) // MILLISECOND_NS * MILLISECOND_NS
    return tuple(sorted([*slots, Held(holder, until_ns)]))


def _without_limit(answer: Told | bool) -> Told | bool:
    return answer._replace(limit="") if isinstance(answer, Told) else answer
