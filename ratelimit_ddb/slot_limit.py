"""A concurrency limit: how many slots a key has, and the lifetime of a slot."""

from __future__ import annotations

from dataclasses import dataclass, field

from ratelimit_ddb.arguments import require_int_from, require_seconds_ns

MOST_SLOTS = 1_000
SHORTEST_LIFETIME_SECONDS = 1.0
LONGEST_LIFETIME_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class SlotLimit:
    """``slots`` at once.

    Attributes:
        slots: how many may be held at once, from 1 to 1,000.
        lifetime: seconds, from 1 to 3,600, after which the slot of a crashed holder is free again.
            Other holders renew their slots.
        name: ``"in-flight"``.
        burst: the same as ``slots``, under the name that other limits have for it.
        lifetime_ns: the lifetime in nanoseconds.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    slots: int
    lifetime: float = 60.0
    name: str = field(default="in-flight", init=False, repr=False)
    burst: int = field(init=False, repr=False)
    lifetime_ns: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        slots = require_int_from("slots", self.slots, 1, MOST_SLOTS)
        lifetime_ns = require_seconds_ns(
            "lifetime", self.lifetime, SHORTEST_LIFETIME_SECONDS, LONGEST_LIFETIME_SECONDS
        )
        object.__setattr__(self, "slots", slots)
        object.__setattr__(self, "burst", slots)
        object.__setattr__(self, "lifetime", float(self.lifetime))
        object.__setattr__(self, "lifetime_ns", lifetime_ns)

    def __str__(self) -> str:
        """``"20 at once"``."""
        return f"{self.slots} at once"
