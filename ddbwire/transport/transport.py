"""The transport of a resolved wire: a sender, and connection pools for both drivers."""

import threading
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.handlers import BUILTIN_HANDLERS

import ddbwire.calls.retry  # noqa: F401 - so that no failing call imports tenacity within its deadline
from ddbwire.calls.call import StartCall
from ddbwire.calls.sender import Sender
from ddbwire.clocks.table_clock import TableClock
from ddbwire.concurrency.fork import at_fork
from ddbwire.connections.blocking.driver import run
from ddbwire.connections.blocking.pool import ConnectionPool
from ddbwire.connections.blocking.side_by_side import run_all
from ddbwire.connections.tls import tls_context
from ddbwire.resolution.resolve import Resolution
from ddbwire.transport.botocore_sender import BotocoreSender
from ddbwire.transport.http_sender import HTTPSender

if TYPE_CHECKING:
    from ddbwire.connections.aio.driver import AsyncDriver

T = TypeVar("T")


class Transport:
    """The sender of a wire's calls, and the connection pools of the drivers."""

    def __init__(self, resolution: Resolution, max_connections: int, clock: TableClock) -> None:
        self.fallback_reason = resolution.fallback_reason
        self.region_name = resolution.region
        self._builtin_handlers = resolution.builtin_handlers
        self.sender = _sender(resolution, max_connections, clock)
        own_tls = resolution.endpoint.secure and resolution.fallback_reason is None
        tls = tls_context(resolution.ca_bundle) if own_tls else None
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another.
        self._lock = threading.RLock()
        self._pool_arguments = (resolution.endpoint, tls, max_connections)
        self._aio_driver: AsyncDriver | None = None
        self._pool = ConnectionPool(*self._pool_arguments)
        at_fork(self)

    @property
    def is_outdated(self) -> bool:
        """Whether botocore has got new hooks since the resolution."""
        return len(BUILTIN_HANDLERS) != self._builtin_handlers

    def run(self, start: StartCall[T], deadline_ns: int) -> T:
        """Do a call in the caller's thread."""
        return run(start(self.sender, deadline_ns), self._pool, deadline_ns)

    def run_async(self, start: StartCall[T], deadline_ns: int) -> Coroutine[Any, Any, T]:
        """Do a call on the running event loop."""
        driver = self._aio_driver or self._make_aio_driver()
        return driver.run(start(self.sender, deadline_ns), deadline_ns)

    def run_all(self, starts: Sequence[StartCall[T]], deadline_ns: int) -> list[T]:
        """Do several calls side by side in the caller's thread."""
        sender = self.sender
        return run_all([start(sender, deadline_ns) for start in starts], self._pool, deadline_ns)

    def run_all_async(
        self, starts: Sequence[StartCall[T]], deadline_ns: int
    ) -> Coroutine[Any, Any, list[T]]:
        """Do several calls side by side on the running event loop."""
        driver = self._aio_driver or self._make_aio_driver()
        sender = self.sender
        return driver.run_all([start(sender, deadline_ns) for start in starts], deadline_ns)

    def close(self) -> None:
        """Close the connections of blocking calls; a later call opens others."""
        pool, self._pool = self._pool, ConnectionPool(*self._pool_arguments)
        pool.close()
        self.sender.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and those of blocking calls."""
        self.close()
        if self._aio_driver is not None:
            await self._aio_driver.pools.close()

    def after_fork_in_child(self) -> None:
        """Renew the lock: a thread of the parent process may have held it."""
        self._lock = threading.RLock()

    def _make_aio_driver(self) -> "AsyncDriver":
        from ddbwire.connections.aio.driver import AsyncDriver  # imports asyncio
        from ddbwire.connections.aio.pool_per_loop import PoolPerLoop

        with self._lock:
            if self._aio_driver is None:
                self._aio_driver = AsyncDriver(PoolPerLoop(*self._pool_arguments))
            return self._aio_driver


def _sender(resolution: Resolution, max_connections: int, clock: TableClock) -> Sender:
    if resolution.fallback_reason is not None:
        return BotocoreSender(resolution, max_connections, clock)
    return HTTPSender(
        resolution.endpoint,
        resolution.region,
        resolution.credentials,
        resolution.client,
        clock,
    )
