"""The asyncio driver: does the steps of a call on an event loop, with that loop's pool."""

import asyncio
from collections.abc import Generator, Sequence
from typing import TypeVar

from ddbwire.concurrency.event_loop import wait_until_done
from ddbwire.connections.aio.pool_per_loop import PoolPerLoop
from ddbwire.connections.aio.side_by_side import run_all
from ddbwire.steps import Send, Sleep, Step, StepResult

T = TypeVar("T")


class AsyncDriver:
    """Does calls on the running event loop."""

    def __init__(self, pools: PoolPerLoop) -> None:
        self.pools = pools

    async def run(self, call: Generator[Step, StepResult, T], deadline_ns: int) -> T:
        """Do the steps of ``call`` until it returns or raises."""
        pool = self.pools.running() or await self.pools.open()
        result: StepResult = None
        try:
            while True:
                step = call.send(result)
                if type(step) is Send:
                    result = await pool.exchange(step, deadline_ns)
                elif type(step) is Sleep:
                    await asyncio.sleep(step.seconds)
                    result = None
                else:
                    await wait_until_done(step.future, step.due_ns(deadline_ns))
                    result = None
        except StopIteration as done:
            returned: T = done.value
            return returned

    async def run_all(
        self, calls: Sequence[Generator[Step, StepResult, T]], deadline_ns: int
    ) -> list[T]:
        """Do the steps of several calls side by side; their results."""
        if len(calls) == 1:
            return [await self.run(calls[0], deadline_ns)]
        return await run_all(calls, self.pools.running() or await self.pools.open(), deadline_ns)
