"""The operation that reads all items of a table: for commands, not for decisions.

Only a DynamoDBStore carries it out. A table is read in segments, each page by page, and the cost is
that of all items, including those that are filtered out (AWS: "Scan" in the API Reference).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Kind = Literal["buckets", "limits"]


class ScanPage(NamedTuple):
    """Read some items of a segment, eventually consistently. Returns: ScannedPage.

    Attributes:
        kind: ``"buckets"`` for those of keys, slots included, ``"limits"`` for stored limits;
            others are left out.
        segment, segments: which one, from 0, of how many.
        after: where the page before ended; None for the first.
        most_items: how many items are read at most, those that are left out included.
        now_seconds: buckets whose items have expired by then are left out; they are full.
    """

    kind: Kind
    segment: int
    segments: int
    after: Any
    most_items: int
    now_seconds: int


class ScannedItem(NamedTuple):
    """An item that a page has.

    Attributes:
        key: its key.
        full_at_ns: each ``fullAt``, by the limit's name.
        writes: how many writes it has counted.
        texts: stored limits, each in its notation; None where it has none.
        changed_at_seconds: when these were stored; None where it does not tell.
        marks: of a concurrency limit, each slot's mark (slot_operation.py).
    """

    key: str
    full_at_ns: Mapping[str, int]
    writes: int
    texts: tuple[str, ...] | None
    changed_at_seconds: int | None
    marks: Mapping[int, int] = {}


class ScannedPage(NamedTuple):
    """What a store returns for ScanPage.

    Attributes:
        items: those that were asked for.
        read_items: how many were read.
        after: where the next page begins; None where the segment has no more.
        capacity_units: as in OperationResult.
    """

    items: tuple[ScannedItem, ...]
    read_items: int
    after: Any
    capacity_units: float | None = None
