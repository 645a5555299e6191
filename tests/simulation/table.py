"""The simulated table: operation.py read once more, by another than the memory store."""

from __future__ import annotations

from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operation import Delete, GiveBack, Operation, Outcome, Read, SetBack, Take
from tests.simulation.record import Change, Request
from tests.simulation.scheduler import Scheduler

FullAts = tuple[int | None, ...]


class Table:
    """Items of ``fullAt`` numbers, with TTL at its most eager: gone in the second it may be."""

    __slots__ = ("_expires_at_seconds", "_items", "_scheduler", "changes")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items: dict[str, dict[str, int]] = {}
        self._expires_at_seconds: dict[str, int] = {}
        self.changes: list[Change] = []

    def held_ns(self, key: str, names: tuple[str, ...]) -> FullAts:
        """Each ``fullAt`` as it is now."""
        item = self._items.get(key)
        if item is None:
            return (None,) * len(names)
        if self._scheduler.now_ns // SECOND_NS > self._expires_at_seconds[key]:
            del self._items[key]
            return (None,) * len(names)
        return tuple([item.get(name) for name in names])

    def apply(self, operation: Operation, request: Request) -> Outcome:
        """Carry one operation out, at this instant."""
        kind = type(operation)
        if kind is Take:
            return self._take(operation, request)
        if kind is GiveBack:
            return self._give_back(operation, request)
        if kind is SetBack:
            return self._set_back(operation, request)
        if kind is Read:
            return Outcome(True, self.held_ns(operation.key, operation.names))
        assert kind is Delete, operation
        self._items.pop(operation.key, None)
        self._changed(request, operation, (), ())
        return Outcome(True, ())

    def _take(self, take: Take, request: Request) -> Outcome:
        held = self.held_ns(take.key, take.names)
        after = []
        for index, full_at_ns in enumerate(held):
            cost_ns = take.cost_ns[index]
            if full_at_ns is None:
                after.append(take.now_ns + cost_ns)
            elif take.idle[index]:
                if full_at_ns >= take.now_ns:
                    return Outcome(False, held)
                after.append(take.now_ns + cost_ns)
            else:
                if full_at_ns < take.now_ns or full_at_ns > take.now_ns + take.room_ns[index]:
                    return Outcome(False, held)
                after.append(full_at_ns + cost_ns)
        item = self._items.setdefault(take.key, {})
        item.update(zip(take.names, after, strict=True))
        self._expires_at_seconds[take.key] = take.expires_at_seconds
        request.applications += 1
        return self._changed(request, take, held, tuple(after))

    def _give_back(self, give_back: GiveBack, request: Request) -> Outcome:
        held = self.held_ns(give_back.key, give_back.names)
        after = []
        for full_at_ns, cost_ns in zip(held, give_back.cost_ns, strict=True):
            if full_at_ns is None or full_at_ns <= give_back.now_ns:
                return Outcome(False, held)
            after.append(full_at_ns - cost_ns)
        self._items[give_back.key].update(zip(give_back.names, after, strict=True))
        return self._changed(request, give_back, held, tuple(after))

    def _set_back(self, set_back: SetBack, request: Request) -> Outcome:
        held = self.held_ns(set_back.key, (set_back.name,))
        if held != (set_back.seen_ns,):
            return Outcome(False, held)
        self._items[set_back.key][set_back.name] = set_back.full_at_ns
        return self._changed(request, set_back, held, (set_back.full_at_ns,))

    def _changed(
        self,
        request: Request,
        operation: Take | GiveBack | SetBack | Delete,
        before: FullAts,
        after: FullAts,
    ) -> Outcome:
        now_ns = self._scheduler.now_ns
        self.changes.append(Change(now_ns, request, operation, before, after, request.over))
        return Outcome(True, after)
