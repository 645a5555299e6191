"""The turn of a task that loads or saves its request's session.

It locks out the request's other tasks, and its threads, for which it waits without blocking the
event loop.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_THREAD_POLL_SECONDS = 0.001
"""How long a task pauses between two attempts to lock out a thread that uses the session."""


class TaskTurn:
    """The turns of one request's tasks: ``async with turn: ...``.

    Args:
        thread_lock: the lock that its threads hold while they load or save the session.
    """

    __slots__ = ("_task_lock", "_thread_lock")

    def __init__(self, thread_lock: RLock) -> None:
        self._thread_lock = thread_lock
        self._task_lock: asyncio.Lock | None = None

    async def __aenter__(self) -> None:
        if self._task_lock is None:
            from asyncio import Lock  # not before there is an event loop

            self._task_lock = Lock()
        await self._task_lock.acquire()
        if not self._thread_lock.acquire(blocking=False):
            await self._wait_for_threads(self._task_lock)

    async def __aexit__(self, *_: object) -> None:
        self._thread_lock.release()
        if self._task_lock is not None:
            self._task_lock.release()

    async def _wait_for_threads(self, task_lock: asyncio.Lock) -> None:
        from asyncio import sleep

        try:
            while not self._thread_lock.acquire(blocking=False):  # noqa: ASYNC110 - no event tells
                await sleep(_THREAD_POLL_SECONDS)
        except BaseException:  # the task was cancelled, and does not get its turn
            task_lock.release()
            raise
