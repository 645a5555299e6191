"""A process of a fleet: it does the work of its role until it is killed.

What each role does is in ``limits.py``, ``slots.py`` and ``browsers.py``.
"""

from __future__ import annotations

import json
import logging
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import SupportsIndex

from tests.engine.faults import browsers, libfaketime, limits, slots
from tests.engine.faults.journal import Journal
from tests.engine.faults.stalls import Stalls


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker does.

    Attributes:
        role: one of ROLES.
        process: its number.
        seed: of its chances.
        url, table: where the table is.
        journal: the file to write to.
        clock: the file that says how wrong its wall clock is; "" for a clock that is left alone.
    """

    role: str
    process: int
    seed: int
    url: str
    table: str
    journal: str
    clock: str


ROLES: dict[str, Callable[[str, str, int, Journal, Stalls], None]] = {
    "limiter": limits.ask_for_single_tokens,
    "leases": limits.ask_for_a_hot_key,
    "local": limits.ask_with_local_buckets,
    "slots": slots.hold,
    "sessions": browsers.visit,
}


def work(given: Work) -> None:
    """Work, without end."""
    logging.disable()
    if given.clock and libfaketime.library() is None:
        _shift_wall_clock(Path(given.clock))
    elif given.clock:
        # libfaketime 0.9.10 refuses clock_nanosleep on a clock that it leaves as it is.
        time.sleep = _sleep
    journal = Journal(Path(given.journal), given.process)
    ROLES[given.role](given.url, given.table, given.seed, journal, Stalls())


def main() -> None:
    """Work, as a program of its own: what is to be done is the argument, as JSON."""
    work(Work(**json.loads(sys.argv[1])))


def _sleep(seconds: float | SupportsIndex) -> None:
    select.select([], [], [], float(seconds))


def _shift_wall_clock(offset_file: Path) -> None:
    right_ns = time.time_ns

    def wrong_ns() -> int:
        return right_ns() + round(float(offset_file.read_text(encoding="utf-8")) * 1e9)

    time.time_ns = wrong_ns
    time.time = lambda: wrong_ns() / 1e9


if __name__ == "__main__":
    main()
