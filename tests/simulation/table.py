"""The simulated table: operation.py read once more, by another than the memory store."""

from __future__ import annotations

from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import (
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


class Table:
    """Items of ``fullAt`` numbers, with TTL at its most eager: gone in the second it may be."""

    __slots__ = (
        "_active_ns",
        "_expires_at_seconds",
        "_items",
        "_leased_until_ns",
        "_refunded_ns",
        "_scheduler",
        "_writes",
        "changes",
    )

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items: dict[str, dict[str, int]] = {}
        self._refunded_ns: dict[tuple[str, str], int] = {}
        self._expires_at_seconds: dict[str, int] = {}
        self._leased_until_ns: dict[str, int] = {}
        self._writes: dict[str, int] = {}
        self._active_ns: dict[str, int] = {}
        self.changes: list[Change] = []

    def held_ns(self, key: str, names: tuple[str, ...]) -> FullAts:
        """Each ``fullAt`` as it is now."""
        item = self._items.get(key)
        if item is None:
            return (None,) * len(names)
        if self._scheduler.now_ns // SECOND_NS > self._expires_at_seconds[key]:
            self._delete(key)
            return (None,) * len(names)
        return tuple([item.get(name) for name in names])

    def apply(self, operation: Operation, request: Request) -> OperationResult:
        """Carry one operation out, at this instant."""
        if isinstance(operation, Take):
            return self._take(operation, request)
        if isinstance(operation, GiveBack):
            return self._give_back(operation, request)
        if isinstance(operation, Read):
            return OperationResult(True, self.held_ns(operation.key, operation.names))
        assert isinstance(operation, Delete), operation
        self._delete(operation.key)
        self._changed(request, operation, (), ())
        return OperationResult(True, ())

    def _take(self, take: Take, request: Request) -> OperationResult:
        held = self.held_ns(take.key, take.names)
        kept_until = self._expires_at_seconds.get(take.key) if take.key in self._items else None
        refused = self._result(False, take.key, take.names, held, kept_until)
        if take.extends and kept_until is not None and kept_until > take.expires_at_seconds:
            return refused
        if not take.extends and (kept_until is None or kept_until < take.expires_at_seconds):
            return refused
        after = []
        for index, full_at_ns in enumerate(held):
            base_ns, cost_ns = take.base_ns[index], take.cost_ns[index]
            if full_at_ns is None:
                after.append(base_ns + cost_ns)
            elif take.idle[index]:
                if full_at_ns >= base_ns:
                    return refused
                after.append(base_ns + cost_ns)
            else:
                if full_at_ns < base_ns or full_at_ns > base_ns + take.room_ns[index]:
                    return refused
                after.append(full_at_ns + cost_ns)
        item = self._items.setdefault(take.key, {})
        item.update(zip(take.names, after, strict=True))
        if take.extends:
            self._expires_at_seconds[take.key] = take.expires_at_seconds
        # A deleted item is a full bucket, so TTL must not come before all its buckets are.
        kept_until_ns = self._expires_at_seconds[take.key] * SECOND_NS
        assert max(item.values()) <= kept_until_ns, f"TTL: {item} is gone too early: {take}"
        self._writes[take.key] = self._writes.get(take.key, 0) + take.writes
        self._active_ns[take.key] = self._active_ns.get(take.key, 0) + take.active_ns
        if take.leased_until_ns:
            self._leased_until_ns[take.key] = take.leased_until_ns
        request.applications += 1
        return self._changed(request, take, held, tuple(after))

    def _give_back(self, give_back: GiveBack, request: Request) -> OperationResult:
        held = self.held_ns(give_back.key, give_back.names)
        refunded = self._refunded(give_back.key, give_back.names)
        refused = self._result(False, give_back.key, give_back.names, held, None)
        if refunded != give_back.refunded_before_ns:
            return refused
        leased_until_ns = self._leased_until_ns.get(give_back.key)
        since_ns = give_back.unleased_since_ns
        if leased_until_ns is not None and since_ns is not None and leased_until_ns >= since_ns:
            return refused
        after = []
        for index, full_at_ns in enumerate(held):
            if full_at_ns is None or full_at_ns < give_back.least_ns[index]:
                return refused
            if full_at_ns > give_back.most_ns[index]:
                return refused
            after.append(full_at_ns - give_back.amount_ns[index])
        for name, refunded_ns in zip(give_back.names, give_back.refunded_after_ns, strict=True):
            self._refunded_ns[give_back.key, name] = refunded_ns
        self._items[give_back.key].update(zip(give_back.names, after, strict=True))
        return self._changed(request, give_back, held, tuple(after))

    def _changed(
        self,
        request: Request,
        operation: Take | GiveBack | Delete,
        before: FullAts,
        after: FullAts,
    ) -> OperationResult:
        now_ns = self._scheduler.now_ns
        self.changes.append(Change(now_ns, request, operation, before, after, request.over))
        if isinstance(operation, Delete):
            return OperationResult(True, ())
        kept_until = self._expires_at_seconds[operation.key]
        return self._result(True, operation.key, operation.names, after, kept_until)

    def _result(
        self,
        applied: bool,
        key: str,
        names: tuple[str, ...],
        full_at_ns: FullAts,
        kept_until: int | None,
    ) -> OperationResult:
        return OperationResult(
            applied,
            full_at_ns,
            None,
            kept_until,
            self._refunded(key, names),
            self._writes.get(key, 0),
            self._leased_until_ns.get(key, 0),
            self._active_ns.get(key, 0),
        )

    def _refunded(self, key: str, names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple([self._refunded_ns.get((key, name), 0) for name in names])

    def _delete(self, key: str) -> None:
        self._items.pop(key, None)
        self._leased_until_ns.pop(key, None)
        self._writes.pop(key, None)
        self._active_ns.pop(key, None)
        for of_key, name in list(self._refunded_ns):
            if of_key == key:
                del self._refunded_ns[of_key, name]
