"""Buckets in one process's memory, with the table's semantics."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Self

from ddbwire.clocks.local_clock import LocalClock
from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.arguments import require_deadline_ns, require_max_keys
from ratelimit_ddb.bucket.observations import cache_group_of
from ratelimit_ddb.operations.in_turn import send_in_turn, send_in_turn_async
from ratelimit_ddb.operations.operation import (
    BLOCKED,
    Delete,
    GiveBack,
    LimitsResult,
    Operation,
    OperationResult,
    OperationSequence,
    Read,
    ReadClock,
    ReadLimits,
    Take,
    WriteLimits,
)
from ratelimit_ddb.operations.slot_operation import (
    ReadSlots,
    ReleaseSlot,
    RenewSlot,
    TakeSlot,
)
from ratelimit_ddb.operations.store import Store, TakeAtOnce, TakenAtOnce
from ratelimit_ddb.store.memory_slots import MemorySlots

Item = dict[str, int]

_NEVER_NS = -1


class MemoryStore:
    """A store for one process: tests, development, or a site that runs as one process.

    Other processes don't share its buckets, and a fork starts with a copy. It keeps at most
    ``max_keys`` buckets; beyond that the least recently used one is dropped, and is full again.
    ``copy`` returns the store itself, and it can't be pickled: two stores would admit twice as
    much.

    Args:
        max_keys: how many buckets to keep (P9).
        clock: nanoseconds since the epoch, for tests that set the time themselves.

    Raises:
        TypeError, ValueError: ``max_keys`` is not an int of at least 1, or the clock no function.
    """

    def __init__(self, *, max_keys: int = 100_000, clock: Callable[[], int] | None = None) -> None:
        self._max_keys = require_max_keys("max_keys", max_keys, 1)
        from ddbwire.arguments import require_clock  # here, for these bring the wire along
        from ddbwire.concurrency.fork import at_fork

        if clock is not None:
            require_clock(clock)
        self.clock = LocalClock(clock)
        self.in_process = True
        self.ready = True
        self._items: OrderedDict[str, Item] = OrderedDict()
        self._refunded: dict[str, Item] = {}
        self._leased_until_ns: dict[str, int] = {}
        self._slots = MemorySlots(self._max_keys)
        self._limits: dict[str, tuple[str, ...]] = {}
        self._writes = 0
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another. What
        # was read before it is read again then, which the number of writes shows.
        self._lock = threading.RLock()
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Renew the lock: a thread of the parent, which does not exist here, may have held it."""
        self._lock = threading.RLock()

    def prepare(self) -> None:
        """Nothing needs preparing."""

    async def prepare_async(self) -> None:
        """Nothing needs preparing."""

    def warm_up(self) -> None:
        """Nothing needs warming; here so that the stores can be exchanged."""

    async def warm_up_async(self) -> None:
        """Nothing needs warming; here so that the stores can be exchanged."""

    def close(self) -> None:
        """Nothing is open; here so that the stores can be exchanged."""

    async def aclose(self) -> None:
        """Nothing is open; here so that the stores can be exchanged."""

    def check(self, *, deadline: float = 5.0) -> None:
        """Nothing can be wrong but the deadline; here so that the stores can be exchanged."""
        require_deadline_ns(deadline)

    async def check_async(self, *, deadline: float = 5.0) -> None:
        """Nothing can be wrong but the deadline; here so that the stores can be exchanged."""
        self.check(deadline=deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def clear(self) -> None:
        """Remove all buckets, slots and stored limits: a clean start for a test.

        Limiters and rules on this store forget what they have observed, too.
        """
        with self._lock:
            self._writes += 1
            self._items.clear()
            self._refunded.clear()
            self._leased_until_ns.clear()
            self._slots.clear()
            self._limits.clear()
        cache_group_of(self).clear()

    def send(self, operation: Operation, deadline_ns: int) -> Any:  # noqa: ARG002 - never late
        """Carry out one operation, atomically among this process's threads."""
        with self._lock:
            return self._apply(operation)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """Carry out one operation; it never waits."""
        return self.send(operation, deadline_ns)

    def send_all(self, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
        """Carry out several sequences, one after the other: none ever waits."""
        send_in_turn(self, sequences, deadline_ns)

    async def send_all_async(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> None:
        """Carry out several sequences; it never waits."""
        await send_in_turn_async(self, sequences, deadline_ns)

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return True  # an empty store is a store

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_keys={self._max_keys})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} can't be pickled: its buckets are in this process's memory; "
            "processes share those of a DynamoDBStore"
        )

    def _apply(self, operation: Operation) -> Any:
        match operation:
            case Take():
                return self._take(operation)
            case ReadClock():
                return self.clock.now_ns()
            case GiveBack():
                return self._give_back(operation)
            case Read():
                return self._result(True, operation.key, operation.names)
            case Delete():
                self._writes += 1
                self._items.pop(operation.key, None)
                self._forget_details(operation.key)
                self._slots.delete(operation.key)
                self._limits.pop(operation.key, None)
                return OperationResult(True, ())
        return self._apply_to_others(operation)

    def _apply_to_others(self, operation: Operation) -> Any:
        match operation:
            case TakeSlot() | RenewSlot() | ReleaseSlot() | ReadSlots():
                return self._slots.apply(operation)
            case ReadLimits():
                return LimitsResult(self._limits.get(operation.key))
            case WriteLimits():
                self._limits[operation.key] = operation.texts
                return OperationResult(True, ())
        raise TypeError(
            f"operation {operation!r} must be one of ratelimit_ddb.operations.operation"
        )

    def _take(self, take: Take) -> OperationResult:
        key, names, idles, _, bases_ns, costs_ns, rooms_ns, _, _, leased_until_ns, _, _ = take
        writes = self._writes
        item = self._items.get(key)
        if item is None:
            item = self._new_item(key)
        else:
            try:
                self._items.move_to_end(key)
            except KeyError:
                return self._take(take)
        taken: dict[str, int] = {}
        for index, name in enumerate(names):
            at_ns, base_ns = item.get(name), bases_ns[index]
            if at_ns is None or (idles[index] and at_ns < base_ns):
                at_ns = base_ns
            elif idles[index] or not base_ns <= at_ns <= base_ns + rooms_ns[index]:
                shown = self._result(False, key, names)
                return shown if self._writes == writes else self._take(take)
            taken[name] = at_ns + costs_ns[index]
        if self._writes != writes:
            return self._take(take)
        self._writes = writes + 1
        item.update(taken)
        if leased_until_ns:
            self._leased_until_ns[key] = leased_until_ns
        refunded = self._refunded_of(key, names) if self._refunded else (0,) * len(names)
        full_at_ns = tuple(taken.values())
        return tuple_new(OperationResult, (True, full_at_ns, None, None, refunded, 0, 0, 0))

    def _take_at_once(
        self,
        key: str,
        names: tuple[str, ...],
        bases_ns: tuple[int, ...],
        costs_ns: tuple[int, ...],
        rooms_ns: tuple[int, ...],
    ) -> TakenAtOnce:
        """Take tokens in one step, atomically among this process's threads; see ``TakeAtOnce``."""
        with self._lock:
            writes = self._writes
            item = self._items.get(key)
            if item is None:
                item = self._new_item(key)
            else:
                try:
                    self._items.move_to_end(key)
                except KeyError:
                    return self._take_at_once(key, names, bases_ns, costs_ns, rooms_ns)
            taken: dict[str, int] = {}
            applied = True
            for index, name in enumerate(names):
                base_ns = bases_ns[index]
                at_ns = item.get(name, base_ns)
                if at_ns < base_ns:
                    at_ns = base_ns
                elif at_ns > base_ns + rooms_ns[index]:
                    applied = False
                    taken = {one: item.get(one, _NEVER_NS) for one in names}
                    break
                taken[name] = at_ns + costs_ns[index]
            if self._writes != writes:
                return self._take_at_once(key, names, bases_ns, costs_ns, rooms_ns)
            if applied:
                self._writes = writes + 1
                item.update(taken)
            refunded = self._refunded_of(key, names) if self._refunded else (0,) * len(names)
        return applied, tuple(taken.values()), refunded

    def _new_item(self, key: str) -> Item:
        if len(self._items) >= self._max_keys:
            forgotten, _ = self._items.popitem(last=False)
            self._forget_details(forgotten)
        return self._items.setdefault(key, {})

    def _forget_details(self, key: str) -> None:
        self._refunded.pop(key, None)
        self._leased_until_ns.pop(key, None)

    def _give_back(self, give_back: GiveBack) -> OperationResult:
        key, names, amounts_ns, leasts_ns, mosts_ns, before_ns, after_ns, _, since_ns = give_back
        writes, item = self._writes, self._items.get(key, {})
        if self._refunded_of(key, names) != before_ns:
            return self._result(False, key, names)
        leased_until_ns = self._leased_until_of(key, item)
        if since_ns is not None and leased_until_ns and since_ns <= leased_until_ns:
            return self._result(False, key, names)
        for name, least_ns, most_ns in zip(names, leasts_ns, mosts_ns, strict=True):
            if not least_ns <= item.get(name, -1) <= most_ns:
                return self._result(False, key, names)
        changes = {
            name: item[name] - amount_ns for name, amount_ns in zip(names, amounts_ns, strict=True)
        }
        if self._writes != writes:
            return self._give_back(give_back)
        self._writes = writes + 1
        item.update(changes)
        if after_ns != before_ns:
            self._refunded.setdefault(key, {}).update(zip(names, after_ns, strict=True))
        return self._result(True, key, names)

    def _result(self, applied: bool, key: str, names: tuple[str, ...]) -> OperationResult:
        item = self._items.get(key, {})
        full_at_ns = tuple(item.get(name) for name in names)
        refunded_ns = self._refunded_of(key, names)
        leased_until_ns = self._leased_until_of(key, item)
        return OperationResult(applied, full_at_ns, None, None, refunded_ns, 0, leased_until_ns)

    def _leased_until_of(self, key: str, item: Item) -> int:
        """When the last lease or block ends; leases are stored apart, since few keys have any."""
        return max(self._leased_until_ns.get(key, 0), item.get(BLOCKED, 0))

    def _refunded_of(self, key: str, names: tuple[str, ...]) -> tuple[int, ...]:
        """What was given back out of turn; it is stored apart, since few keys have any."""
        refunded = self._refunded.get(key)
        if refunded is None:
            return (0,) * len(names)
        return tuple([refunded.get(name, 0) for name in names])


def take_at_once_of(store: Store) -> TakeAtOnce | None:
    """How a MemoryStore takes without a flow; None for other stores, also for subclasses of it."""
    return store._take_at_once if type(store) is MemoryStore else None
