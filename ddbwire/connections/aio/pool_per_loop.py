"""One pool for each event loop that a wire is used on."""

import asyncio
import ssl
from collections.abc import AsyncGenerator

from ddbwire.concurrency.event_loop import running_loop
from ddbwire.concurrency.fork import at_fork
from ddbwire.connections.aio.pool import AsyncConnectionPool
from ddbwire.endpoint import Endpoint

_NO_LAST: tuple[asyncio.AbstractEventLoop | None, AsyncConnectionPool | None] = (None, None)

_inherited: list[object] = []
"""Pools that a forked child has from its parent.

They are kept, unchanged, forever: closing or finalizing their transports would remove the sockets
from the selector that the child's copy of the loop shares with the parent's.
"""


class PoolPerLoop:
    """Finds the running loop's pool; makes it on first use, closes it as the loop shuts down.

    Loops in several threads may use it at the same time: shared state changes by atomic operations.
    """

    _last: tuple[asyncio.AbstractEventLoop | None, AsyncConnectionPool | None]

    def __init__(
        self, endpoint: Endpoint, tls: ssl.SSLContext | None, max_connections: int
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._max_connections = max_connections
        self._begin()
        at_fork(self)

    def running(self) -> AsyncConnectionPool | None:
        """The pool of the running loop; None before ``open``.

        Raises:
            RuntimeError: no event loop of asyncio is running.
        """
        loop = running_loop()
        last_loop, last_pool = self._last
        if loop is last_loop:
            return last_pool
        entry = self._pools.get(loop)
        if entry is None:
            return None
        self._last = (loop, entry[0])
        return entry[0]

    async def open(self) -> AsyncConnectionPool:
        """The pool of the running loop, which is made if there is none."""
        pool = self.running()
        if pool is None:
            loop = running_loop()
            pool = AsyncConnectionPool(self._endpoint, self._tls, self._max_connections)
            watch = self._until_shutdown(loop, pool)
            await anext(watch)
            for closed in [other for other in list(self._pools) if other.is_closed()]:
                self._pools.pop(closed, None)
            self._pools[loop] = (pool, watch)
        return pool

    async def close(self) -> None:
        """Close the running loop's pool; a later call opens a new one."""
        entry = self._pools.get(running_loop())
        if entry is not None:
            await entry[1].aclose()

    def after_fork_in_child(self) -> None:
        """Leave the parent's connections alone."""
        _inherited.append(self._pools)
        self._begin()

    def _begin(self) -> None:
        self._pools: dict[
            asyncio.AbstractEventLoop, tuple[AsyncConnectionPool, AsyncGenerator[None, None]]
        ] = {}
        self._last = _NO_LAST

    async def _until_shutdown(
        self, loop: asyncio.AbstractEventLoop, pool: AsyncConnectionPool
    ) -> AsyncGenerator[None, None]:
        """Close ``pool`` when the loop shuts its async generators down, as asyncio.run does.

        Every kind of loop has this hook. So the wire need not be closed at the end of each
        ``asyncio.run``, and no socket is left to the garbage collector.
        """
        try:
            yield
        finally:
            entry = self._pools.get(loop)
            if entry is not None and entry[0] is pool:
                del self._pools[loop]
            self._last = _NO_LAST
            pool.close()
            # The transports close their sockets in the loop's next turn.
            await asyncio.sleep(0)
