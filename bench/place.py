"""Where a contender works, and what is wanted of it. Standard library only: peers import this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

CONNECTIONS = 128
"""For every client that lets one choose: more than the most requests under way at once."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit in terms that every contender can say.

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
class Place:
    """What a contender is begun with.

    Attributes:
        endpoint_url: of the engine, or of a server that plays one; "" for those in memory.
        table: the name of a table that it may use, or begin the names of its own with.
        style: how it is called, where it can be called in several ways.
        options: more, for single contenders.
    """

    endpoint_url: str
    table: str
    style: str
    options: dict[str, Any] = field(default_factory=dict)


Admit = Callable[[str], bool]
AdmitAsync = Callable[[str], Awaitable[bool]]


class Contender(Protocol):
    """What a module of bench.contenders begins."""

    is_async: bool

    def limiter(self, rate: Rate) -> Any:
        """An Admit or, for asyncio, an AdmitAsync: whether a request of a key is admitted."""

    def due(self, rate: Rate, seconds: float) -> float:
        """How many requests its own rules admit at saturation, for so long, from fresh."""

    def told(self) -> dict[str, Any]:
        """What it counted, if it counts anything."""


def bucket_due(rate: Rate, seconds: float) -> float:
    """A token bucket: what it holds, and what flows in meanwhile."""
    return rate.capacity + rate.quantity / rate.period_seconds * seconds


def window_due(rate: Rate, seconds: float) -> float:
    """Windows that begin with the first request: one full quantity for each that has begun."""
    return rate.quantity * (seconds // rate.period_seconds + 1)
