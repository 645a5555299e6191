"""The cases: a limit, how many processes share its key, what they are asked for, and the aims."""

from __future__ import annotations

from dataclasses import dataclass

from ratelimit_ddb.limit import Limit

Aims = dict[str, tuple[float | None, float | None]]
"""The least and the most that a figure may be, by its name (figures.py); None for no bound."""

SATURATED: Aims = {"steady": (0.99, None)}
ROOM_ENOUGH: Aims = {"denied": (None, 0.0), "p99_ms": (None, 20.0)}
ROOM_ENOUGH_FOR_MANY: Aims = {"denied": (None, 0.005)}
"""For more than 50 processes, whose requests may all be writes."""
FLOOD: Aims = {"admitted_over_due": (None, 1.0), "p99_ms": (None, 250.0)}


@dataclass(frozen=True, slots=True)
class Case:
    """One load on one key.

    Attributes:
        limit: of the key.
        processes: that ask alike, each a Poisson stream.
        offered: requests a second, of all together.
        seconds: how long.
        ceiling: writes a second that the partition takes.
        aims: what is to be reached, beside the aims of every case.
    """

    limit: Limit
    processes: int
    offered: int
    seconds: float
    aims: Aims
    ceiling: int = 1_000

    @property
    def name(self) -> str:
        """What it is chosen by on the command line."""
        ceiling = "" if self.ceiling == 1_000 else f"<{self.ceiling}"
        return f"{self.limit.quantity}/s,{self.processes},{self.offered}{ceiling}"

    @property
    def all_aims(self) -> Aims:
        """Its own aims and those of every case."""
        every: Aims = {"excess": (None, 0.0)}
        if self.ceiling == 1_000:
            every["settled"] = (None, 950.0)
        admitted_per_second = min(self.limit.quantity, self.offered)
        if admitted_per_second * self.seconds / self.processes >= MANY_TOKENS:
            # Of fewer tokens each, chance alone gives some process less than half its share.
            every["least_served"] = (0.5, None)
        return every | self.aims


MANY_TOKENS = 60


def _case(per_second: int, processes: int, offered: int, seconds: float, aims: Aims) -> Case:
    return Case(Limit(per_second, 1), processes, offered, seconds, aims)


def _flood(per_second: int, processes: int, offered: int) -> Case:
    return Case(Limit(per_second, 1), processes, offered, 6, FLOOD, ceiling=40)


CASES = (
    _case(10, 4, 5, 120, {"writes": (None, 6.98)}),  # what single takes need, and 1 % chance
    _case(10, 4, 20, 120, SATURATED | {"writes": (None, 17.3)}),  # likewise
    _case(40, 20, 300, 10, SATURATED),
    _case(100, 50, 80, 20, ROOM_ENOUGH),
    _case(100, 50, 5_000, 6, SATURATED),
    _case(1_000, 10, 800, 6, ROOM_ENOUGH),
    _case(1_000, 10, 2_000, 6, SATURATED),
    _case(1_000, 50, 800, 6, ROOM_ENOUGH),
    _case(1_000, 64, 800, 8, ROOM_ENOUGH_FOR_MANY),
    _case(1_000, 64, 1_500, 8, SATURATED),
    _case(1_000, 200, 900, 8, {}),
    _case(1_000, 200, 5_000, 16, SATURATED),
    _case(10_000, 50, 8_000, 3, ROOM_ENOUGH),
    _case(10_000, 50, 20_000, 3, SATURATED),
    _case(20_000, 16, 16_000, 3, ROOM_ENOUGH | {"units": (None, 0.02)}),
    _case(20_000, 16, 40_000, 3, SATURATED | {"units": (None, 0.03)}),
    _case(100_000, 100, 90_000, 1.5, ROOM_ENOUGH_FOR_MANY),
    _flood(4, 20, 300),
    _flood(8, 10, 60),
    _flood(30, 1, 160),
)
"""The table of docs/decisions on leases, and the floods of a slow partition. Bursts are a second's
worth."""
