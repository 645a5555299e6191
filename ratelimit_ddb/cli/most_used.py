"""The most used keys of a scan, in a heap of fixed size."""

from __future__ import annotations

import heapq
from itertools import count
from typing import Literal

from ratelimit_ddb.cli.key_usage import KeyUsage

By = Literal["share", "writes", "slots"]


class MostUsed:
    """The most used keys so far.

    Args:
        kept: how many keys are kept.
        by: the order: by the largest share of a limit, by the writes of the item, or by the slots
            that are held. Equal keys are ordered by share, then by writes.
    """

    __slots__ = ("_by", "_heap", "_kept", "_order")

    def __init__(self, kept: int, by: By) -> None:
        self._kept = kept
        self._by = by
        self._heap: list[tuple[float, tuple[float, float], int, KeyUsage]] = []
        self._order = count(0, -1)

    def add(self, usage: KeyUsage) -> None:
        """Add a key, and drop the least used one if there are too many."""
        share, writes = usage.share, float(usage.writes)
        first = {"share": share, "writes": writes, "slots": float(usage.slots)}[self._by]
        entry = (first, (share, writes), next(self._order), usage)
        if len(self._heap) < self._kept:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def ranked(self) -> list[KeyUsage]:
        """The kept keys, the most used first."""
        return [usage for *_, usage in sorted(self._heap, reverse=True)]
