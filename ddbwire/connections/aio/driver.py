"""The asyncio driver: runs a call's flow on an event loop, over that loop's pool."""

import asyncio
from collections.abc import Generator
from typing import TypeVar

from ddbwire.concurrency.event_loop import wait_until_done
from ddbwire.connections.aio.pool_per_loop import PoolPerLoop
from ddbwire.steps import Send, Sleep, Step, StepResult

T = TypeVar("T")


class AsyncDriver:
    """Runs flows on whatever event loop is running."""

    def __init__(self, pools: PoolPerLoop) -> None:
        self.pools = pools

    async def run(self, flow: Generator[Step, StepResult, T], deadline_ns: int) -> T:
        """Carry out the steps of ``flow`` until it returns or raises."""
        pool = self.pools.running() or await self.pools.open()
        answer: StepResult = None
        try:
            while True:
                step = flow.send(answer)
                if type(step) is Send:
                    answer = await pool.exchange(step, deadline_ns)
                elif type(step) is Sleep:
                    await asyncio.sleep(step.seconds)
                    answer = None
                else:
                    await wait_until_done(step.future, deadline_ns)
                    answer = None
        except StopIteration as done:
            result: T = done.value
            return result
