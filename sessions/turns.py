"""Tasks and threads of one request in turn: each that loads or saves its session has it alone.

A websocket has a task that reads and one that writes, and both save. Side by side, two first saves
would begin two sessions, and only one of them could have the cookie.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class Turns:
    """The turns of one request.

    Attributes:
        of_threads: a lock for blocking callers, who may have it already.
    """

    __slots__ = ("_of_tasks", "of_threads")

    def __init__(self) -> None:
        self.of_threads = RLock()
        self._of_tasks: asyncio.Lock | None = None

    @property
    def of_tasks(self) -> asyncio.Lock:
        """A lock for tasks of an event loop."""
        if self._of_tasks is None:
            from asyncio import Lock  # not before there is an event loop

            self._of_tasks = Lock()
        return self._of_tasks
