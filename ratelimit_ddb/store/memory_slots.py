"""The slots of concurrency limits in one process's memory; the store holds its lock meanwhile.

A finalizer or a signal handler of the same thread may release a slot in the midst of another
operation. What was read before it is read again then, which the number of writes shows.
"""

from __future__ import annotations

from ratelimit_ddb.operations.slot_operation import (
    ReadSlots,
    ReleaseSlot,
    RenewSlot,
    SlotOperation,
    SlotsResult,
    TakeSlot,
)

_NOTHING: dict[int, int] = {}


class MemorySlots:
    """The slots of all keys.

    A slot that is held is never removed, or more slots would be held than there are. So memory is
    bounded by the number of held slots; ``max_keys`` only says when others are removed.

    Args:
        max_keys: beyond this number, keys whose slots have all run out are removed.
    """

    __slots__ = ("_keys", "_max_keys", "_sweep_above", "_writes")

    def __init__(self, max_keys: int) -> None:
        self._max_keys = self._sweep_above = max_keys
        self._keys: dict[str, dict[int, int]] = {}
        self._writes = 0

    def clear(self) -> None:
        """Forget all."""
        self._writes += 1
        self._keys.clear()

    def delete(self, key: str) -> None:
        """Forget a key."""
        self._writes += 1
        self._keys.pop(key, None)

    def apply(self, operation: SlotOperation) -> SlotsResult:
        """Carry out an operation."""
        match operation:
            case TakeSlot():
                return self._take(operation)
            case ReadSlots(key):
                return SlotsResult(True, dict(self._keys.get(key, _NOTHING)))
        return self._change(operation)

    def _change(self, operation: RenewSlot | ReleaseSlot) -> SlotsResult:
        writes, marks = self._writes, self._keys.get(operation.key, _NOTHING)
        mark = operation.mark if isinstance(operation, RenewSlot) else None
        if marks.get(operation.slot) not in operation.mine:
            return SlotsResult(False, dict(marks))
        if self._writes != writes:
            return self._change(operation)
        self._writes = writes + 1
        if mark is not None:
            marks[operation.slot] = mark
        else:
            marks.pop(operation.slot, None)
            if not marks:
                self._keys.pop(operation.key, None)
        return SlotsResult(True, {})

    def _take(self, take: TakeSlot) -> SlotsResult:
        if take.key not in self._keys and len(self._keys) >= self._sweep_above:
            self._sweep(take.free_below)
        writes = self._writes
        marks = self._keys.setdefault(take.key, {})
        there = marks.get(take.slot)
        applied = there is None or there < take.free_below
        if self._writes != writes:
            return self._take(take)
        if applied:
            self._writes = writes + 1
            marks[take.slot] = take.mark
        return SlotsResult(applied, dict(marks))

    def _sweep(self, free_below: int) -> None:
        for key, marks in list(self._keys.items()):
            # One that has none is about to get it, by a call in whose midst this one is made.
            if marks and max(marks.values()) < free_below:
                self._keys.pop(key, None)
        self._sweep_above = max(self._max_keys, 2 * len(self._keys))
