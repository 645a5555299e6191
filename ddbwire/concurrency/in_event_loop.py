"""Whether this thread runs an asyncio event loop, where a blocking call stops all its tasks."""

from __future__ import annotations

import sys


def in_event_loop() -> bool:
    """Whether this thread runs an asyncio event loop. Does not import asyncio."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None
