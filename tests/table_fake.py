"""A table for tests of commands that read all of it: a MemoryStore with pages of items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.operations.scan_operation import ScannedItem, ScannedPage, ScanPage

UNITS_PER_ITEM = 0.5


def item(key: str, writes: int = 1, **full_at_ns: int) -> ScannedItem:
    """An item of a bucket; ``_`` in a limit's name is ``-``."""
    named = {name.replace("_", "-"): at_ns for name, at_ns in full_at_ns.items()}
    return ScannedItem(key, named, writes, None, None)


class ScannedStore(MemoryStore):
    """A store whose pages come from a list.

    Args:
        items: all of them; the one at index i is in segment ``i % segments``.
        failures: what is raised in the place of a page, by how many pages came before it.

    Attributes:
        asked: the pages that were asked for.
    """

    def __init__(
        self,
        items: Sequence[ScannedItem],
        *,
        failures: Mapping[int, BaseException] = {},
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.items = list(items)
        self.failures = dict(failures)
        self.asked: list[ScanPage] = []

    def send(self, operation: Any, deadline_ns: int) -> Any:
        """Answer a page, and what a MemoryStore can."""
        if not isinstance(operation, ScanPage):
            return super().send(operation, deadline_ns)
        failure = self.failures.pop(len(self.asked), None)
        self.asked.append(operation)
        if failure is not None:
            raise failure
        of_segment = self.items[operation.segment :: operation.segments]
        start = operation.after or 0
        end = start + operation.most_items
        page = tuple(of_segment[start:end])
        units = max(0.5, len(page) * UNITS_PER_ITEM)
        return ScannedPage(page, len(page), end if end < len(of_segment) else None, units)
