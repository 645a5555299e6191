"""The asyncio driver: runs a call's flow on an event loop, over that loop's pool."""

import asyncio
from collections.abc import Generator
from typing import TypeVar

from ddbwire.concurrency.event_loop import until_done
from ddbwire.connections.aio.loop_pools import AioPools
from ddbwire.steps import Answer, Pause, Send, Step

T = TypeVar("T")


class AioDriver:
    """Runs flows on whatever event loop is running."""

    def __init__(self, pools: AioPools) -> None:
        self.pools = pools

    async def run(self, flow: Generator[Step, Answer, T], deadline_ns: int) -> T:
        """Carry out the steps of ``flow`` until it returns or raises."""
        pool = self.pools.running() or await self.pools.open()
        answer: Answer = None
        try:
            while True:
                step = flow.send(answer)
                if type(step) is Send:
                    answer = await pool.exchange(step, deadline_ns)
                elif type(step) is Pause:
                    await asyncio.sleep(step.seconds)
                    answer = None
                else:
                    await until_done(step.future, deadline_ns)
                    answer = None
        except StopIteration as done:
            result: T = done.value
            return result
