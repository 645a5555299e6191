"""Admits everything at once: this measures the loop that calls it."""

from __future__ import annotations

from typing import Any

from bench.worker.contender import Rate, Target


class Nothing:
    """Blocking or asyncio."""

    def __init__(self, target: Target) -> None:
        self.is_async = target.style == "asyncio"

    def limiter(self, rate: Rate) -> Any:
        def admit(key: str) -> bool:
            return bool(key)

        async def admit_async(key: str) -> bool:
            return bool(key)

        return admit_async if self.is_async else admit

    def counters(self) -> dict[str, Any]:
        return {}


def create(target: Target) -> Nothing:
    """Nothing."""
    return Nothing(target)
