"""The keys that are used most, of however many there are: a heap of those that are kept."""

from __future__ import annotations

import heapq
from itertools import count
from typing import Literal

from ratelimit_ddb.cli.key_usage import KeyUsage

By = Literal["share", "writes"]


class MostUsed:
    """Those seen so far that are used most.

    Args:
        kept: how many.
        by: what by: the largest share of a limit, or the writes of the item; each in favour of the
            other where it is the same.
    """

    __slots__ = ("_by", "_heap", "_kept", "_order")

    def __init__(self, kept: int, by: By) -> None:
        self._kept = kept
        self._by = by
        self._heap: list[tuple[float, float, int, KeyUsage]] = []
        self._order = count(0, -1)

    def add(self, usage: KeyUsage) -> None:
        """Look at one more."""
        first, second = usage.share, float(usage.writes)
        if self._by == "writes":
            first, second = second, first
        entry = (first, second, next(self._order), usage)
        if len(self._heap) < self._kept:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def ranked(self) -> list[KeyUsage]:
        """Those that are kept, the most used first."""
        return [usage for *_, usage in sorted(self._heap, reverse=True)]
