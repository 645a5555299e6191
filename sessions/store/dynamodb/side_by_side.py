"""Sends several requests at the same time, over some of the store's connections.

After one has failed no further one is sent, and none is under way when the call returns or raises.
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
"""How many connections are used. The store has 64 by default, and the site needs the others."""

OnCall = Callable[[ddbwire.AnsweredCall], None] | None


class SideBySide(NamedTuple):
    """Requests that do not depend on each other.

    Attributes:
        requests: the requests.
        kept: a function that returns the part of a reply to keep, since replies may be large.
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
    """Send the requests; what is kept of the replies, in the order of the requests.

    Args:
        several: the requests.
        call: sends one request, in this thread or another.
        on_call: called with each answered request, in this thread.
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

    # A pool for this call: its threads end with the work, and a forked child inherits none.
    threads = ThreadPool(CONNECTIONS - 1)
    # With the caller's context, which hooks of botocore need, such as tracing.
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
    if len(kept) < len(several.requests):  # else a thread that could not start was not needed
        for future in futures:
            future.result()
    return [kept[index] for index in range(len(several.requests))]


async def call_all_async(
    several: SideBySide, call: Callable[[ddbwire.DynamoDBRequest], Awaitable[Any]], on_call: OnCall
) -> list[Any]:
    """Send the requests in an event loop; see ``call_all``."""
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
