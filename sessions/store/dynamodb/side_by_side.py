"""Several requests side by side, over a few of the store's connections.

Once one has failed no further one is sent, and none is under way when the call returns or raises.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from functools import partial
from typing import Any, NamedTuple

import ddbwire

CONNECTIONS = 16
"""Of the store's, which has 64 unless told otherwise: the site's own requests need theirs."""

OnCall = Callable[[ddbwire.AnsweredCall], None] | None


class SideBySide(NamedTuple):
    """Requests that do not depend on each other.

    Attributes:
        requests: what to send.
        kept: what is kept of a reply, which may be large itself.
    """

    requests: Sequence[ddbwire.DynamoDBRequest]
    kept: Callable[[Any], Any]

    @property
    def name(self) -> str:
        """The operation of all of them, by DynamoDB's name."""
        return self.requests[0].name


def call_all(
    several: SideBySide, call: Callable[[ddbwire.DynamoDBRequest], Any], on_call: OnCall
) -> list[Any]:
    """What is kept of the replies, in the order of the requests.

    Args:
        several: the requests.
        call: sends one, in this thread or another.
        on_call: called with what became of each, in this thread.
    """
    from ddbwire.concurrency.thread_pool import ThreadPool

    unsent = deque(enumerate(several.requests))
    kept: dict[int, Any] = {}
    calls: deque[ddbwire.AnsweredCall] = deque()

    def send_in_turn() -> None:
        try:
            while unsent:
                try:
                    index, request = unsent.popleft()
                except IndexError:  # another thread took the last one
                    return
                reply = call(request)
                kept[index] = several.kept(reply)
                if on_call is not None:
                    calls.append(ddbwire.AnsweredCall.of(request, reply))
        finally:
            unsent.clear()

    # Of this call's own: its threads end with the work, and a forked child inherits none.
    threads = ThreadPool(CONNECTIONS - 1)
    # The caller's context goes along: what is hooked into botocore, such as tracing, needs it.
    futures: list[Future[None]] = [
        threads.submit(partial(copy_context().run, send_in_turn))
        for _ in range(min(CONNECTIONS, len(unsent)) - 1)
    ]
    try:
        send_in_turn()
    finally:
        unsent.clear()
        wait(futures)
        if on_call is not None:
            for answered in calls:
                on_call(answered)
    if len(kept) < len(several.requests):  # else one that could not start was not needed
        for future in futures:
            future.result()
    return [kept[index] for index in range(len(several.requests))]


async def call_all_async(
    several: SideBySide, call: Callable[[ddbwire.DynamoDBRequest], Awaitable[Any]], on_call: OnCall
) -> list[Any]:
    """What is kept of the replies, in the order of the requests; see ``call_all``."""
    import asyncio

    unsent = deque(enumerate(several.requests))
    kept: list[Any] = [None] * len(unsent)

    async def send_in_turn() -> None:
        while unsent:
            index, request = unsent.popleft()
            reply = await call(request)
            kept[index] = several.kept(reply)
            if on_call is not None:
                on_call(ddbwire.AnsweredCall.of(request, reply))

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(CONNECTIONS, len(unsent))):
                tasks.create_task(send_in_turn())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return kept
