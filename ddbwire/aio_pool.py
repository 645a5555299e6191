"""The connections of one wire on one event loop."""

import asyncio
import ssl
from collections import deque
from time import monotonic_ns

from ddbwire.aio_connection import AioConnection
from ddbwire.endpoint import Endpoint
from ddbwire.step import Failure, Reply, Send

_ALL_BUSY = Failure("all connections stayed busy", sent=False, timed_out=True)
_CONNECT_LATE = Failure("connecting: the deadline passed", sent=False, timed_out=True)


class AioPool:
    """At most so many connections, the one used last first; first come, first served.

    Used on its own loop only, so there is no lock. A connection or the right to open one is a
    slot; whoever takes a slot must put one back. Open connections are put on the right and empty
    slots on the left, so that one is opened only when none is idle. A slot that somebody waits
    for is handed over and never lies on the deque.
    """

    def __init__(
        self, endpoint: Endpoint, tls: ssl.SSLContext | None, max_connections: int
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._slots: deque[AioConnection | None] = deque([None] * max_connections)
        self._waiters: deque[asyncio.Future[AioConnection | None]] = deque()
        self._closed = False

    async def exchange(self, step: Send, deadline_ns: int) -> Reply | Failure:
        """Send a request over one of the connections; waits for one until the deadline."""
        if self._slots:
            slot = self._slots.pop()
        else:
            try:
                slot = await self._await_slot(deadline_ns)
            except TimeoutError:
                return _ALL_BUSY
        try:
            if slot is None or step.fresh or not slot.fit():
                slot = await self._replace(slot, deadline_ns)
            return await slot.exchange(step.request, deadline_ns)
        except TimeoutError:
            return _CONNECT_LATE
        except OSError as error:
            return Failure(f"connecting: {error}", sent=False)
        finally:
            self._put_back(slot)

    def close(self) -> None:
        """Close idle connections now, and those in use as they are put back."""
        self._closed = True
        for _slot in range(len(self._slots)):
            self._put_back(self._slots.pop())

    async def _replace(self, slot: AioConnection | None, deadline_ns: int) -> AioConnection:
        if slot is not None:
            slot.abort()
        async with asyncio.timeout(max(0, deadline_ns - monotonic_ns()) / 1e9):
            _transport, connection = await self._loop.create_connection(
                self._make_connection, self._endpoint.host, self._endpoint.port, ssl=self._tls
            )
        return connection

    def _make_connection(self) -> AioConnection:
        return AioConnection(self._loop)

    def _put_back(self, slot: AioConnection | None) -> None:
        if slot is not None and (self._closed or not slot.usable):
            slot.abort()
            slot = None
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(slot)
                return
        if slot is None:
            self._slots.appendleft(None)
        else:
            self._slots.append(slot)

    async def _await_slot(self, deadline_ns: int) -> AioConnection | None:
        waiter: asyncio.Future[AioConnection | None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(max(0, deadline_ns - monotonic_ns()) / 1e9):
                return await waiter
        except (TimeoutError, asyncio.CancelledError):
            if waiter.done() and not waiter.cancelled():
                # The slot and the end of the wait came in the same turn of the loop.
                self._put_back(waiter.result())
            raise
