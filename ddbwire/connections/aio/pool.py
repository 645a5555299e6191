"""The connections of one wire on one event loop."""

import asyncio
import ssl
from collections import deque
from time import monotonic_ns
from typing import NamedTuple

from ddbwire.concurrency.slots import Acquired, Slot, Slots
from ddbwire.connections.aio.connect import connect
from ddbwire.connections.aio.connection import AsyncConnection
from ddbwire.connections.misconfiguration import connect_failure
from ddbwire.endpoint import Endpoint
from ddbwire.steps import POOL_EXHAUSTED, HTTPResponse, NoResponse, Send


class AsyncConnectionPool:
    """A limited number of connections; the one used last is used first. First come, first served.

    It is used on its own event loop only. A slot that becomes free while tasks wait goes to the one
    that waits longest, so a new request queues behind them. ``concurrency/slots.py`` says why an
    exception at any line loses no slot.
    """

    def __init__(
        self, endpoint: Endpoint, tls: ssl.SSLContext | None, max_connections: int
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._max_connections = max_connections
        self._loop = asyncio.get_running_loop()
        self._slots: Slots[AsyncConnection] = Slots(max_connections)
        self._waiters: deque[_Waiter] = deque()
        self._closed = False

    async def exchange(self, step: Send, deadline_ns: int) -> HTTPResponse | NoResponse:
        """Send a request over a connection; waits for a free one until the deadline."""
        acquired: Acquired[AsyncConnection] = []
        try:
            try:
                if not self._slots.acquire(acquired) and not await self._wait(
                    acquired, deadline_ns
                ):
                    return POOL_EXHAUSTED
                connection = acquired[0].resource
                if (
                    connection is None
                    or step.new_connection
                    or not connection.is_available(repeatable=step.repeatable)
                ):
                    connection = await self._connect(acquired[0], deadline_ns)
                return await connection.exchange(step.request, deadline_ns)
            except TimeoutError as error:
                cause = str(error) or "the deadline passed"
                return NoResponse(f"connecting: {cause}", sent=False, timed_out=True)
            except OSError as error:
                return connect_failure(error)
            finally:
                self.release(acquired)
        finally:
            # Released already, unless one of the last lines was interrupted by an exception.
            if acquired:
                self.release(acquired)

    def exchange_now(
        self, step: Send, acquired: Acquired[AsyncConnection], deadline_ns: int
    ) -> asyncio.Future[HTTPResponse | NoResponse] | None:
        """Send a request at once, if an open connection is free; it is in ``acquired`` then.

        Returns:
            a future of the response; None if it must wait for a connection, or open one.
        """
        if step.new_connection or not self._slots.acquire(acquired):
            return None
        connection = acquired[0].resource
        if connection is None or not connection.is_available(repeatable=step.repeatable):
            self.release(acquired)
            return None
        return connection.exchange(step.request, deadline_ns)

    def release(self, acquired: Acquired[AsyncConnection]) -> None:
        """Put back the slot in ``acquired``, if any; abort a connection that is not usable."""
        if not acquired:
            return
        slot = acquired[0]
        connection = slot.resource
        if connection is not None and (self._closed or not connection.usable):
            slot.resource = None
            connection.abort()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.woken.done():
                waiter.given.append(acquired.pop())
                waiter.woken.set_result(None)
                return
        self._slots.release(acquired)

    def close(self) -> None:
        """Close idle connections now, and those in use when they are put back."""
        self._closed = True
        for _slot in range(self._max_connections):
            acquired: Acquired[AsyncConnection] = []
            self._slots.acquire(acquired)
            self.release(acquired)

    async def _connect(self, slot: Slot[AsyncConnection], deadline_ns: int) -> AsyncConnection:
        before, slot.resource = slot.resource, None
        if before is not None:
            before.abort()
        connection = slot.resource = await connect(
            self._endpoint, self._tls, self._make_connection, deadline_ns
        )
        return connection

    def _make_connection(self) -> AsyncConnection:
        return AsyncConnection(self._loop)

    async def _wait(self, acquired: Acquired[AsyncConnection], deadline_ns: int) -> bool:
        """Wait in turn for a slot; False if the deadline passed first."""
        waiter = _Waiter([], self._loop.create_future())
        try:
            try:
                self._waiters.append(waiter)
                async with asyncio.timeout(max(0, deadline_ns - monotonic_ns()) / 1e9):
                    await waiter.woken
            except TimeoutError:
                pass
            finally:
                waiter.leave(acquired)
        finally:
            # Again, in case an exception interrupted it.
            waiter.leave(acquired)
        return bool(acquired)


class _Waiter(NamedTuple):
    """One task's wait for a slot."""

    given: Acquired[AsyncConnection]
    woken: "asyncio.Future[None]"

    def leave(self, acquired: Acquired[AsyncConnection]) -> None:
        """Stop waiting; take into ``acquired`` a slot that was given, in time or just too late."""
        self.woken.cancel()
        if self.given:
            acquired.append(self.given.pop())
