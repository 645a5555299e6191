"""The asyncio driver: runs a call's flow on an event loop, over that loop's pool."""

import asyncio
from collections.abc import Generator
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, TypeVar

from ddbwire.aio_pools import AioPools
from ddbwire.step import Answer, Pause, Send, Step

if TYPE_CHECKING:
    from concurrent.futures import Future

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
                    await _until_done(step.future, deadline_ns)
                    answer = None
        except StopIteration as done:
            result: T = done.value
            return result


async def _until_done(future: "Future[Any]", deadline_ns: int) -> None:
    """Wait for ``future``, whatever it brings; at the deadline, leave it to itself."""
    waiting = asyncio.wrap_future(future)
    await asyncio.wait((waiting,), timeout=max(0, deadline_ns - monotonic_ns()) / 1e9)
    if waiting.done():
        # The flow looks at the future itself; asyncio is to know that its copy was looked at.
        waiting.exception()
    else:
        waiting.cancel()
