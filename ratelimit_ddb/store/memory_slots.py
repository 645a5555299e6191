"""The slots of concurrency limits in one process's memory; the store holds its lock meanwhile."""

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

    __slots__ = ("_keys", "_max_keys", "_sweep_above")

    def __init__(self, max_keys: int) -> None:
        self._max_keys = self._sweep_above = max_keys
        self._keys: dict[str, dict[int, int]] = {}

    def clear(self) -> None:
        """Forget all."""
        self._keys.clear()

    def delete(self, key: str) -> None:
        """Forget a key."""
        self._keys.pop(key, None)

    def apply(self, operation: SlotOperation) -> SlotsResult:
        """Carry out an operation."""
        match operation:
            case TakeSlot():
                return self._take(operation)
            case ReadSlots(key):
                return SlotsResult(True, dict(self._keys.get(key, _NOTHING)))
        marks = self._keys.get(operation.key, _NOTHING)
        if marks.get(operation.slot) not in operation.mine:
            return SlotsResult(False, dict(marks))
        if isinstance(operation, RenewSlot):
            marks[operation.slot] = operation.mark
        else:
            self._release(operation, marks)
        return SlotsResult(True, {})

    def _take(self, take: TakeSlot) -> SlotsResult:
        marks = self._keys.get(take.key)
        if marks is None:
            if len(self._keys) >= self._sweep_above:
                self._sweep(take.free_below)
            marks = self._keys[take.key] = {}
        there = marks.get(take.slot)
        applied = there is None or there < take.free_below
        if applied:
            marks[take.slot] = take.mark
        return SlotsResult(applied, dict(marks))

    def _release(self, release: ReleaseSlot, marks: dict[int, int]) -> None:
        del marks[release.slot]
        if not marks:
            del self._keys[release.key]

    def _sweep(self, free_below: int) -> None:
        for key, marks in list(self._keys.items()):
            if max(marks.values(), default=0) < free_below:
                del self._keys[key]
        self._sweep_above = max(self._max_keys, 2 * len(self._keys))
