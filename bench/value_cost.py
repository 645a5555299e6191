"""What making a value costs: a NamedTuple, made directly or not, and a frozen dataclass instead.

The figures behind docs/decisions/002.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import make_dataclass
from typing import Any

from bench.cpu_per_call import CpuPerCall, interleaved
from ddbwire.tuple_new import tuple_new
from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from ratelimit_ddb.bucket.decision import Decision

LIMIT = Limit(1, 86_400)
VALUES: Any = (False, 0, 1_000_000_000, 1_000_000_000, LIMIT, 0, "seen", None)
Frozen: Any = make_dataclass("Frozen", Decision._fields, frozen=True, slots=True)


def measured(rounds: int, calls: int) -> dict[str, CpuPerCall]:
    """Microseconds each, interleaved; and of a whole denial, which makes one."""
    limiter = RateLimiter(MemoryStore(), LIMIT)
    limiter.acquire("k")

    def repeat(once: Callable[[], Any]) -> Callable[[int], None]:
        def run(count: int) -> None:
            for _ in range(count):
                once()

        return run

    return interleaved(
        {
            "a Decision, a NamedTuple": (repeat(lambda: Decision(*VALUES)), calls),
            "the same, made directly": (repeat(lambda: tuple_new(Decision, VALUES)), calls),
            "the same as a frozen, slotted dataclass": (repeat(lambda: Frozen(*VALUES)), calls),
            "a whole denial from memory": (repeat(lambda: limiter.acquire("k")), calls),
        },
        rounds,
    )


def main() -> None:
    """Print them."""
    for figure in measured(7, 20_000).values():
        print(figure)


if __name__ == "__main__":
    main()
