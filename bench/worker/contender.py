"""What a contender is given and what it implements. Standard library only: peers import this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

CONNECTIONS = 128
"""For every client that lets one choose: more than the most requests under way at once."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit in terms that every contender can express.

    Attributes:
        quantity: tokens a period.
        period_seconds: its length, in whole seconds.
        burst: tokens at once, where the contender has buckets; a window gives ``quantity``.
    """

    quantity: int
    period_seconds: int = 1
    burst: int | None = None

    @property
    def capacity(self) -> int:
        """Tokens at once."""
        return self.quantity if self.burst is None else self.burst


ROOMY = Rate(1_000_000)
STRICT = Rate(1, 86_400)


@dataclass(frozen=True, slots=True)
class Target:
    """What a contender is created with.

    Attributes:
        endpoint_url: of the engine, or of a server that plays one; "" for those in memory.
        table: the name of a table that it may use, or prefix the names of its own tables with.
        style: how it is called, where it can be called in several ways.
        options: further options of single contenders.
    """

    endpoint_url: str
    table: str
    style: str
    options: dict[str, Any] = field(default_factory=dict)


Admit = Callable[[str], bool]
AdmitAsync = Callable[[str], Awaitable[bool]]


class Contender(Protocol):
    """What ``create`` of a module in bench.contenders returns."""

    is_async: bool

    def limiter(self, rate: Rate) -> Any:
        """An Admit or, for asyncio, an AdmitAsync: whether a request of a key is admitted."""

    def due(self, rate: Rate, seconds: float) -> float:
        """How many requests its own rules admit at saturation, for so long, from fresh."""

    def counters(self) -> dict[str, Any]:
        """Its own counters by name, if it has any."""


def bucket_due(rate: Rate, seconds: float) -> float:
    """A token bucket: what it holds, and what flows in meanwhile."""
    return rate.capacity + rate.quantity / rate.period_seconds * seconds


def window_due(rate: Rate, seconds: float) -> float:
    """Windows that start at the first request: a full quantity for each that has started."""
    return rate.quantity * (seconds // rate.period_seconds + 1)
