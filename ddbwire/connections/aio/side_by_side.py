"""Several calls side by side on the running event loop, over its pool.

The asyncio counterpart of ``connections/blocking/side_by_side.py``. A request that gets an open
connection at once, as most do, needs no task: only its response is awaited. Any other step, such as
connecting, gets a task.
"""

import asyncio
from collections.abc import Generator, Sequence
from time import monotonic_ns
from typing import Any, Generic, TypeVar

from ddbwire.concurrency.event_loop import wait_until_done
from ddbwire.concurrency.slots import Acquired
from ddbwire.connections.aio.connection import AsyncConnection
from ddbwire.connections.aio.pool import AsyncConnectionPool
from ddbwire.steps import Send, Sleep, Step, StepResult

T = TypeVar("T")

_AGAIN_SECONDS = 0.05


async def run_all(
    calls: Sequence[Generator[Step, StepResult, T]], pool: AsyncConnectionPool, deadline_ns: int
) -> list[T]:
    """Do the steps of all calls until each has returned, or one has raised.

    Returns:
        their results, in their order.
    """
    members = [_Member(call) for call in calls]
    side_by_side = _SideBySide(members, pool, deadline_ns)
    try:
        try:
            await side_by_side.run()
        finally:
            side_by_side.end()
    finally:
        # Ended already, unless an exception interrupted that.
        side_by_side.end()
    return [member.result for member in members]


class _Member(Generic[T]):
    """One of the calls, and the step that it is at."""

    __slots__ = ("acquired", "call", "result", "step", "task")

    result: T

    def __init__(self, call: Generator[Step, StepResult, T]) -> None:
        self.call = call
        self.acquired: Acquired[AsyncConnection] = []
        """The slot of the connection, if the request was sent without a task."""
        self.step: asyncio.Future[Any] | None = None
        """The future of its step's result; None after the call has returned."""
        self.task: asyncio.Task[Any] | None = None
        """The task that does its step; None if it needs none."""

    @property
    def is_done(self) -> bool:
        """Whether its step is done, and the call has not got the result yet."""
        return self.step is not None and self.step.done()


class _SideBySide(Generic[T]):
    """One run of several calls."""

    __slots__ = (
        "_deadline_ns",
        "_loop",
        "_members",
        "_pool",
        "_timer",
        "_unfinished",
        "_wake_up",
    )

    def __init__(
        self, members: Sequence[_Member[T]], pool: AsyncConnectionPool, deadline_ns: int
    ) -> None:
        self._members = members
        self._pool = pool
        self._deadline_ns = deadline_ns
        self._unfinished = len(members)
        self._loop = asyncio.get_running_loop()
        self._wake_up: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Do all their steps."""
        for member in self._members:
            self._resume(member, None)
        self._set_timer(max(0, self._deadline_ns - monotonic_ns()) / 1e9)
        while self._unfinished:
            done = [member for member in self._members if member.is_done]
            for member in done:
                self._answer(member)
            if not done:
                self._wake_up = self._loop.create_future()
                await self._wake_up

    def end(self) -> None:
        """Cancel the tasks, and release connections."""
        for member in self._members:
            if member.task is not None:
                member.task.cancel()
            self._pool.release(member.acquired)
            member.call.close()
        if self._timer is not None:
            self._timer.cancel()

    def _resume(self, member: _Member[T], result: StepResult) -> None:
        """Continue a call until its next step, and start that."""
        try:
            step = member.call.send(result)
        except StopIteration as done:
            member.result = done.value
            self._unfinished -= 1
            return
        future: asyncio.Future[Any] | None = None
        if type(step) is Send:
            future = self._pool.exchange_now(step, member.acquired, self._deadline_ns)
        if future is None:
            future = member.task = asyncio.ensure_future(self._do(step))
        member.step = future
        future.add_done_callback(self._wake)

    def _answer(self, member: _Member[T]) -> None:
        """Put the connection back, and continue the call with the result of its step."""
        step, member.step, member.task = member.step, None, None
        self._pool.release(member.acquired)
        self._resume(member, None if step is None else step.result())

    async def _do(self, step: Step) -> StepResult:
        if type(step) is Send:
            return await self._pool.exchange(step, self._deadline_ns)
        if type(step) is Sleep:
            await asyncio.sleep(step.seconds)
        else:
            await wait_until_done(step.future, step.due_ns(self._deadline_ns))
        return None

    def _wake(self, _: object = None) -> None:
        if self._wake_up is not None and not self._wake_up.done():
            self._wake_up.set_result(None)

    def _set_timer(self, seconds: float) -> None:
        """Check the steps then, in case a callback was lost (for lack of memory)."""
        self._timer = self._loop.call_later(seconds, self._timer_went_off)

    def _timer_went_off(self) -> None:
        self._set_timer(_AGAIN_SECONDS)
        self._wake()
