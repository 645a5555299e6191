"""A parallel scan of a table that keeps to a rate of read units.

Each round reads one page of each unfinished segment. Together the pages have about as many items as
half a second's units pay for, by the average cost of an item so far. After a round it pauses until
the units of the round are within the rate. So the table sees little more than one second's units at
once, and an interrupted scan leaves no request open. When the table throttles, the scan waits, and
reads smaller pages.

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
"""The deadline of one round, including retries."""
_FIRST_ITEMS = 25
"""The items of the first page, before the cost of an item is known."""
_GROWTH = 4
"""By what factor the next page may be larger."""
_MOST_ITEMS = 100_000
_PART_OF_A_SECOND = 0.5
_FIRST_PAUSE_SECONDS = 1.0
"""The pause after a throttled round; it doubles after each further one."""
_MOST_THROTTLES = 5
"""The throttled rounds in a row after which the scan fails."""


class Progress(NamedTuple):
    """The progress of a scan.

    Attributes:
        items: how many items were read.
        units: the read units that they cost; None if the table does not report them.
        is_complete: whether the whole table was read.
    """

    items: int
    units: float | None
    is_complete: bool

    def described(self) -> str:
        """What was read and its cost, on one line."""
        units = "" if self.units is None else f", {self.units:,.1f} read units"
        partly = "" if self.is_complete else ", not the whole table"
        return f"read {self.items:,} items{units}{partly}"


class TableScan:
    """One scan of a table.

    Args:
        store: the table's store; it must report capacity.
        kind: which items to return.
        segments: how many parts are read in parallel.
        units_per_second: the maximum rate of read units.
        monotonic: the clock of that rate, in seconds.
        sleep: waits for a number of seconds.

    Attributes:
        progress: the progress so far.
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
        """The items of each page.

        Raises:
            StoreError: as the store raises it; the pages before it are valid.
        """
        started = self._monotonic()
        after: dict[int, object] = dict.fromkeys(range(self._segments))
        most_items, throttled = _FIRST_ITEMS, 0
        while after:
            # One segment finds out what an item costs. A page costs half a unit at least, so a
            # low rate does not pay for a page of every segment.
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
        """The next page of each segment, or its failure."""
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
        """How many rounds in a row were throttled; 0 if this one was not.

        Raises:
            StoreError: too many were throttled in a row, or the failure is not a throttle.
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
    from ddbwire.shared.store_errors import error_code_and_message

    if isinstance(failure, KeyThrottled):
        return True
    cause = failure.__cause__
    return isinstance(cause, Exception) and error_code_and_message(cause)[0] in THROTTLES
