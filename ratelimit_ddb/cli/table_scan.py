"""All items of a table, read page by page, in segments side by side, no faster than is allowed.

Each round reads one page of the segments that are not over. The pages have about as many items as
the units of half a second pay for, by what items have cost so far, and after a round there is a
pause until its units are paid for. So a table bears little more than a second's units at once, and
what is interrupted leaves nothing under way. A table that throttles is asked later, and for less.

AWS: "Best practices for querying and scanning data", Developer Guide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from ratelimit_ddb.errors import KeyThrottled, StoreError
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import OperationSequence
from ratelimit_ddb.operations.scan_operation import Kind, ScannedItem, ScannedPage, ScanPage
from ratelimit_ddb.operations.store import Store

_ROUND_SECONDS = 30.0
"""For one round, with all that is sent again of it."""
_FIRST_ITEMS = 25
"""Of a first page, before it is known what items cost."""
_GROWTH = 4
"""How many times as many items the next page may have."""
_MOST_ITEMS = 100_000
_PART_OF_A_SECOND = 0.5
_FIRST_PAUSE_SECONDS = 1.0
"""After a round that the table throttled; each further one is followed by one twice as long."""
_MOST_THROTTLES = 5
"""In a row, before it is given up."""


class Progress(NamedTuple):
    """How far a scan is.

    Attributes:
        items: how many were read.
        units: what the table billed for them, in read units; None where it does not tell.
        is_complete: whether all were read.
    """

    items: int
    units: float | None
    is_complete: bool

    def described(self) -> str:
        """What was read, and what it cost, in a line."""
        units = "" if self.units is None else f", {self.units:,.1f} read units"
        partly = "" if self.is_complete else ": not all of the table"
        return f"read {self.items:,} items{units}{partly}"


class TableScan:
    """One scan of a table.

    Args:
        store: the table's; it must report capacity.
        kind: which items are wanted.
        segments: how many parts are read side by side.
        units_per_second: how many read units are used at most.
        monotonic: the time by which it keeps to that, in seconds.
        sleep: waits.

    Attributes:
        progress: how far it is.
    """

    def __init__(
        self,
        store: Store,
        kind: Kind,
        *,
        segments: int,
        units_per_second: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store = store
        self._kind: Kind = kind
        self._segments = segments
        self._units_per_second = units_per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self.progress = Progress(0, None, False)

    def pages(self) -> Iterator[tuple[ScannedItem, ...]]:
        """The items of all pages, as they come.

        Raises:
            StoreError: as the store raises it; what came before it stays good.
        """
        started = self._monotonic()
        after: dict[int, object] = dict.fromkeys(range(self._segments))
        most_items, throttled = _FIRST_ITEMS, 0
        while after:
            # What items cost is found out by one segment. A page is billed half a unit at least, so
            # of many segments not all can have a turn.
            most_turns = max(1, int(self._units_per_second)) if self.progress.items else 1
            turns = dict(islice(after.items(), most_turns))
            answers = self._round(turns, most_items)
            pages = {at: page for at, page in answers.items() if isinstance(page, ScannedPage)}
            for segment, page in pages.items():
                after[segment] = page.after
                if page.after is None:
                    del after[segment]
            self._count(pages.values(), is_complete=not after)
            yield from (page.items for page in pages.values())
            throttled = self._throttled(answers.values(), throttled)
            if throttled:
                most_items = max(1, most_items // 2)
                self._sleep(_FIRST_PAUSE_SECONDS * 2 ** (throttled - 1))
                continue
            most_items = self._most_items(most_items)
            paid_for_seconds = (self.progress.units or 0.0) / self._units_per_second
            ahead = paid_for_seconds - (self._monotonic() - started)
            if after and ahead > 0:
                self._sleep(ahead)

    def _round(
        self, after: Mapping[int, object], most_items: int
    ) -> dict[int, ScannedPage | StoreError]:
        """The next page of each segment, or why there is none."""
        answers: dict[int, ScannedPage | StoreError] = {}
        now_seconds = self._store.clock.now_ns() // SECOND_NS

        def sequence(segment: int, began: object) -> OperationSequence:
            answers[segment] = yield ScanPage(
                self._kind, segment, self._segments, began, most_items, now_seconds
            )

        deadline_ns = time.monotonic_ns() + round(_ROUND_SECONDS * SECOND_NS)
        self._store.send_all([sequence(*one) for one in after.items()], deadline_ns)
        return answers

    def _throttled(self, answers: Iterable[ScannedPage | StoreError], before: int) -> int:
        """How many rounds in a row the table throttled; 0 where it did not.

        Raises:
            StoreError: it was not the first of too many, or something else failed.
        """
        failures = [answer for answer in answers if isinstance(answer, StoreError)]
        for failure in failures:
            if before >= _MOST_THROTTLES or not _is_throttle(failure):
                raise failure
        return before + 1 if failures else 0

    def _count(self, pages: Iterable[ScannedPage], *, is_complete: bool) -> None:
        items, units, _ = self.progress
        for page in pages:
            items += page.read_items
            if page.capacity_units is not None:
                units = (units or 0.0) + page.capacity_units
        self.progress = Progress(items, units, is_complete)

    def _most_items(self, before: int) -> int:
        """How many items the next page of each segment may have."""
        items, units, _ = self.progress
        if not items or not units:
            return before
        affordable = self._units_per_second * _PART_OF_A_SECOND * items / units / self._segments
        return max(1, min(int(affordable), before * _GROWTH, _MOST_ITEMS))


def _is_throttle(failure: StoreError) -> bool:
    from ddbwire.errors import THROTTLES
    from ddbwire.store_errors import error_code_and_message

    if isinstance(failure, KeyThrottled):
        return True
    cause = failure.__cause__
    return isinstance(cause, Exception) and error_code_and_message(cause)[0] in THROTTLES
