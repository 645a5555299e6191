"""The simulated table: operation.py read once more, by another than the memory store."""

from __future__ import annotations

from dataclasses import dataclass, field

from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import (
    BLOCKED,
    Delete,
    GiveBack,
    Operation,
    OperationResult,
    Read,
    Take,
)
from tests.simulation.record import Change, Request
from tests.simulation.scheduler import Scheduler

FullAts = tuple[int | None, ...]


@dataclass(slots=True)
class Item:
    """One key: each ``fullAt`` and what was given back of it, and what its writes noted."""

    expires_at_seconds: int
    full_at_ns: dict[str, int] = field(default_factory=dict)
    refunded_ns: dict[str, int] = field(default_factory=dict)
    leased_until_ns: int = 0
    writes: int = 0
    active_ns: int = 0


class Table:
    """Items of ``fullAt`` numbers, with TTL at its most eager: gone in the second it may be."""

    __slots__ = ("_items", "_scheduler", "changes")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items: dict[str, Item] = {}
        self.changes: list[Change] = []

    def held_ns(self, key: str, names: tuple[str, ...]) -> FullAts:
        """Each ``fullAt`` as it is now."""
        return _held_ns(self._item(key), names)

    def apply(self, operation: Operation, request: Request) -> OperationResult:
        """Carry one operation out, at this instant."""
        if isinstance(operation, Take):
            return self._take(operation, request)
        if isinstance(operation, GiveBack):
            return self._give_back(operation, request)
        if isinstance(operation, Read):
            return OperationResult(True, self.held_ns(operation.key, operation.names))
        assert isinstance(operation, Delete), operation
        self._items.pop(operation.key, None)
        self._changed(request, operation, (), ())
        return OperationResult(True, ())

    def _item(self, key: str) -> Item | None:
        item = self._items.get(key)
        if item is not None and self._scheduler.now_ns // SECOND_NS > item.expires_at_seconds:
            del self._items[key]
            return None
        return item

    def _take(self, take: Take, request: Request) -> OperationResult:
        item = self._item(take.key)
        held = _held_ns(item, take.names)
        if take.extends:
            keeps = item is None or item.expires_at_seconds <= take.expires_at_seconds
        else:
            keeps = item is not None and item.expires_at_seconds >= take.expires_at_seconds
        after = _taken_ns(take, held) if keeps else None
        if after is None:
            expires_at_seconds = None if item is None else item.expires_at_seconds
            return _result(False, take.names, held, item, expires_at_seconds)
        if item is None:
            item = self._items[take.key] = Item(take.expires_at_seconds)
        item.full_at_ns.update(zip(take.names, after, strict=True))
        if take.extends:
            item.expires_at_seconds = take.expires_at_seconds
        # A deleted item is a full bucket, so TTL must not come before all its buckets are.
        kept_until_ns = item.expires_at_seconds * SECOND_NS
        assert max(item.full_at_ns.values()) <= kept_until_ns, (
            f"TTL: {item} is gone too early: {take}"
        )
        item.writes += take.writes
        item.active_ns += take.active_ns
        if take.leased_until_ns:
            item.leased_until_ns = take.leased_until_ns
        request.applications += 1
        self._changed(request, take, held, after)
        return _result(True, take.names, after, item, item.expires_at_seconds)

    def _give_back(self, give_back: GiveBack, request: Request) -> OperationResult:
        item, names = self._item(give_back.key), give_back.names
        held = _held_ns(item, names)
        after = None if item is None else _given_back_ns(give_back, held, item)
        if item is None or after is None:
            return _result(False, names, held, item, None)
        item.refunded_ns.update(zip(names, give_back.refunded_after_ns, strict=True))
        item.full_at_ns.update(zip(names, after, strict=True))
        self._changed(request, give_back, held, after)
        return _result(True, names, after, item, item.expires_at_seconds)

    def _changed(
        self,
        request: Request,
        operation: Take | GiveBack | Delete,
        before: FullAts,
        after: FullAts,
    ) -> None:
        now_ns = self._scheduler.now_ns
        self.changes.append(Change(now_ns, request, operation, before, after, request.over))


def _held_ns(item: Item | None, names: tuple[str, ...]) -> FullAts:
    if item is None:
        return (None,) * len(names)
    return tuple([item.full_at_ns.get(name) for name in names])


def _taken_ns(take: Take, held: FullAts) -> tuple[int, ...] | None:
    """Each ``fullAt`` after a take; None where its condition does not hold."""
    after = []
    for index, full_at_ns in enumerate(held):
        base_ns, cost_ns = take.base_ns[index], take.cost_ns[index]
        if full_at_ns is None:
            after.append(base_ns + cost_ns)
        elif take.idle[index]:
            if full_at_ns >= base_ns:
                return None
            after.append(base_ns + cost_ns)
        else:
            if full_at_ns < base_ns or full_at_ns > base_ns + take.room_ns[index]:
                return None
            after.append(full_at_ns + cost_ns)
    return tuple(after)


def _given_back_ns(give_back: GiveBack, held: FullAts, item: Item) -> tuple[int, ...] | None:
    """Each ``fullAt`` after a refund; None where its condition does not hold."""
    if _refunded_ns(item, give_back.names) != give_back.refunded_before_ns:
        return None
    since_ns = give_back.unleased_since_ns
    if since_ns is not None and _leased_until_ns(item) >= since_ns:
        return None
    after = []
    for index, full_at_ns in enumerate(held):
        if full_at_ns is None or full_at_ns < give_back.least_ns[index]:
            return None
        if full_at_ns > give_back.most_ns[index]:
            return None
        after.append(full_at_ns - give_back.amount_ns[index])
    return tuple(after)


def _leased_until_ns(item: Item) -> int:
    return max(item.leased_until_ns, item.full_at_ns.get(BLOCKED, 0))


def _refunded_ns(item: Item | None, names: tuple[str, ...]) -> tuple[int, ...]:
    if item is None or not item.refunded_ns:
        return (0,) * len(names)
    return tuple([item.refunded_ns.get(name, 0) for name in names])


def _result(
    applied: bool,
    names: tuple[str, ...],
    full_at_ns: FullAts,
    item: Item | None,
    expires_at_seconds: int | None,
) -> OperationResult:
    refunded_ns = _refunded_ns(item, names)
    if item is None:
        return OperationResult(applied, full_at_ns, None, expires_at_seconds, refunded_ns)
    return OperationResult(
        applied,
        full_at_ns,
        None,
        expires_at_seconds,
        refunded_ns,
        item.writes,
        _leased_until_ns(item),
        item.active_ns,
    )
