"""Requesting more than a limit gives: how much is admitted. Standard library only."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.worker.contender import Contender, Rate

PAUSE_SECONDS = 0.004
"""Between a denial and the next try: far less than a token's time, and it leaves others the CPU."""


def saturate(
    contender: Contender,
    rate: Rate,
    key: str,
    seconds: float,
    begin_at: float,
    runner: asyncio.Runner | None,
) -> dict[str, Any]:
    """Ask from ``begin_at`` (of ``time.time()``) on.

    Returns:
        how many requests were sent, and how many admitted.
    """
    admit = contender.limiter(rate)
    if runner is None:
        admit(f"{key}.warm")
        return _blocking(admit, key, seconds, begin_at)
    return runner.run(_awaiting(admit, key, seconds, begin_at))


def _blocking(admit: Any, key: str, seconds: float, begin_at: float) -> dict[str, Any]:
    time.sleep(max(0.0, begin_at - time.time()))
    until = begin_at + seconds
    asked = admitted = 0
    while time.time() < until:
        asked += 1
        if admit(key):
            admitted += 1
        else:
            time.sleep(PAUSE_SECONDS)
    return {"asked": asked, "admitted": admitted}


async def _awaiting(admit: Any, key: str, seconds: float, begin_at: float) -> dict[str, Any]:
    await admit(f"{key}.warm")
    await asyncio.sleep(max(0.0, begin_at - time.time()))
    until = begin_at + seconds
    asked = admitted = 0
    while time.time() < until:
        asked += 1
        if await admit(key):
            admitted += 1
        else:
            await asyncio.sleep(PAUSE_SECONDS)
    return {"asked": asked, "admitted": admitted}
