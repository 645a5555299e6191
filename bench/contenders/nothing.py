"""Admits everything at once: what is measured then is the measuring itself."""

from __future__ import annotations

from typing import Any

from bench.place import Place, Rate


class Nothing:
    """Blocking or asyncio."""

    def __init__(self, place: Place) -> None:
        self.is_async = place.style == "asyncio"

    def limiter(self, rate: Rate) -> Any:
        def admit(key: str) -> bool:
            return bool(key)

        async def admit_async(key: str) -> bool:
            return bool(key)

        return admit_async if self.is_async else admit

    def told(self) -> dict[str, Any]:
        return {}


def begin(place: Place) -> Nothing:
    """Nothing."""
    return Nothing(place)
