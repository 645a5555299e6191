"""Several workers: started, killed, suspended, and begun anew."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from time import monotonic_ns

from tests.engine.faults import libfaketime
from tests.engine.faults.journal import Line, lines_of
from tests.engine.faults.nursery import Nursery
from tests.engine.faults.worker import Work

_SECONDS_TO_BEGIN = 60.0
_SUCCESSES = ("admitted:", "held", "did:")


class Fleet:
    """The workers of one story.

    Args:
        nursery: what they are forked of.
        role: what all of them do.
        url, table: where the table is.
        folder: for journals and clocks.
        size: how many there are at a time.
        has_clocks: whether their wall clocks are set.

    Attributes:
        killed_ns: when each process was killed, by its number.
    """

    def __init__(
        self,
        nursery: Nursery,
        role: str,
        url: str,
        table: str,
        folder: Path,
        size: int,
        *,
        has_clocks: bool,
    ) -> None:
        self._nursery = nursery
        self._role = role
        self._url = url
        self._table = table
        self._folder = folder
        self._has_clocks = has_clocks
        self._begun = 0
        self._at_work: list[int] = []
        self.killed_ns: dict[int, int] = {}
        for place in range(size):
            self.set_clock(place, 0)
            self._at_work.append(self._started(place))

    def wait_until_at_work(self) -> None:
        """Return once each worker has had what it wants.

        Raises:
            RuntimeError: one has ended by itself, or takes too long.
        """
        until = time.monotonic() + _SECONDS_TO_BEGIN
        for number in self._at_work:
            while not any(
                line.what.startswith(_SUCCESSES) for line in lines_of(self._journal(number))
            ):
                if self._nursery.has_ended(number) or time.monotonic() > until:
                    raise RuntimeError(f"worker {number} does not work: {self._errors(number)}")
                time.sleep(0.05)

    def kill(self, place: int) -> None:
        """``kill -9`` one, and start another in its place."""
        number = self._at_work[place]
        # Before: from here on nobody can say whether it lives.
        self.killed_ns[number] = monotonic_ns()
        self._nursery.signal("kill", number)
        self._at_work[place] = self._started(place)

    def suspend(self, place: int) -> None:
        """SIGSTOP."""
        self._nursery.signal("suspend", self._at_work[place])

    def resume(self, place: int) -> None:
        """SIGCONT."""
        self._nursery.signal("resume", self._at_work[place])

    def set_clock(self, place: int, wrong_by_seconds: float) -> None:
        """Set one's wall clock."""
        libfaketime.set_clock(self._clock(place), wrong_by_seconds)

    def end(self) -> None:
        """Kill all.

        Raises:
            RuntimeError: one had ended by itself.
        """
        ended = [number for number in self._at_work if self._nursery.has_ended(number)]
        for number in self._at_work:
            self.killed_ns.setdefault(number, monotonic_ns())
            self._nursery.signal("kill", number)
        self._at_work = []
        if ended:
            texts = "\n".join(self._errors(number) for number in ended)
            raise RuntimeError(f"workers ended by themselves: {ended}\n{texts}")

    def lines(self) -> list[Line]:
        """All that all of them have noted, each one's in its order."""
        return [line for number in range(self._begun) for line in lines_of(self._journal(number))]

    def _started(self, place: int) -> int:
        number = self._begun
        self._begun += 1
        journal, clock = str(self._journal(number)), ""
        if self._has_clocks:
            clock = str(self._clock(place))
        self._nursery.start(
            Work(self._role, number, number, self._url, self._table, journal, clock)
        )
        return number

    def _clock(self, place: int) -> Path:
        return self._folder / f"clock{place}"

    def _journal(self, number: int) -> Path:
        return self._folder / f"journal{number}"

    def _errors(self, number: int) -> str:
        file = self._folder / f"journal{number}.errors"
        return file.read_text(encoding="utf-8")[-2_000:] if file.exists() else ""


@contextlib.contextmanager
def fleet_of(
    nursery: Nursery,
    role: str,
    url: str,
    table: str,
    folder: Path,
    size: int,
    *,
    has_clocks: bool = False,
) -> Iterator[Fleet]:
    """A fleet at work, while the block lasts."""
    fleet = Fleet(nursery, role, url, table, folder, size, has_clocks=has_clocks)
    try:
        fleet.wait_until_at_work()
        yield fleet
    finally:
        fleet.end()
