"""The keys that are used most, of however many there are: a heap of those that are kept."""

from __future__ import annotations

import heapq
from itertools import count
from typing import Literal

from ratelimit_ddb.cli.key_usage import KeyUsage

By = Literal["share", "writes", "slots"]


class MostUsed:
    """Those seen so far that are used most.

    Args:
        kept: how many.
        by: what by: the largest share of a limit, the writes of the item, or the slots that are
            held. Where it is the same, the share decides, and then the writes.
    """

    __slots__ = ("_by", "_heap", "_kept", "_order")

    def __init__(self, kept: int, by: By) -> None:
        self._kept = kept
        self._by = by
        self._heap: list[tuple[float, tuple[float, float], int, KeyUsage]] = []
        self._order = count(0, -1)

    def add(self, usage: KeyUsage) -> None:
        """Look at one more."""
        share, writes = usage.share, float(usage.writes)
        first = {"share": share, "writes": writes, "slots": float(usage.slots)}[self._by]
        entry = (first, (share, writes), next(self._order), usage)
        if len(self._heap) < self._kept:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def ranked(self) -> list[KeyUsage]:
        """Those that are kept, the most used first."""
        return [usage for *_, usage in sorted(self._heap, reverse=True)]
