"""A resolved wire: what carries the calls, and the connections of both drivers."""

import threading
from collections.abc import Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeVar

import ddbwire.calls.retry  # noqa: F401 - so that no failing call imports tenacity within its deadline
from ddbwire.calls.sender import Carrier
from ddbwire.clocks.table_clock import TableClock
from ddbwire.concurrency.fork import at_fork
from ddbwire.connections.blocking.driver import run
from ddbwire.connections.blocking.pool import Pool
from ddbwire.connections.tls import tls_context
from ddbwire.resolution.fallback_reason import builtin_handlers
from ddbwire.resolution.resolve import Resolution
from ddbwire.steps import Answer, Step
from ddbwire.transport.botocore_sender import BotocoreCarrier
from ddbwire.transport.http_sender import LeanCarrier

if TYPE_CHECKING:
    from ddbwire.connections.aio.driver import AioDriver

T = TypeVar("T")


class Line:
    """The carrier of a wire's calls, and the pools of connections it may send over."""

    def __init__(self, resolution: Resolution, max_connections: int, clock: TableClock) -> None:
        self.declined = resolution.declined
        self.region_name = resolution.region
        self._builtin_handlers = resolution.builtin_handlers
        self.carrier = _carrier(resolution, max_connections, clock)
        lean_tls = resolution.endpoint.secure and resolution.declined is None
        tls = tls_context(resolution.ca_bundle) if lean_tls else None
        self._lock = threading.Lock()
        self._connecting = (resolution.endpoint, tls, max_connections)
        self._aio_driver: AioDriver | None = None
        self._pool = Pool(*self._connecting)
        at_fork(self)

    @property
    def outdated(self) -> bool:
        """Whether something has hooked itself into botocore that the resolution did not see."""
        return builtin_handlers() != self._builtin_handlers

    def run(self, flow: Generator[Step, Answer, T], deadline_ns: int) -> T:
        """Run a flow in the caller's thread."""
        return run(flow, self._pool, deadline_ns)

    def run_async(
        self, flow: Generator[Step, Answer, T], deadline_ns: int
    ) -> Coroutine[Any, Any, T]:
        """Run a flow on the running event loop."""
        driver = self._aio_driver or self._make_aio_driver()
        return driver.run(flow, deadline_ns)

    def close(self) -> None:
        """Close the connections of blocking calls; a later call opens others."""
        pool, self._pool = self._pool, Pool(*self._connecting)
        pool.close()
        self.carrier.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and those of blocking calls."""
        self.close()
        if self._aio_driver is not None:
            await self._aio_driver.pools.close()

    def after_fork_in_child(self) -> None:
        """Renew the lock: threads of the parent, which do not exist here, may have held it."""
        self._lock = threading.Lock()

    def _make_aio_driver(self) -> "AioDriver":
        from ddbwire.connections.aio.driver import AioDriver  # imports asyncio
        from ddbwire.connections.aio.loop_pools import AioPools

        with self._lock:
            if self._aio_driver is None:
                self._aio_driver = AioDriver(AioPools(*self._connecting))
            return self._aio_driver


def _carrier(resolution: Resolution, max_connections: int, clock: TableClock) -> Carrier:
    if resolution.declined is not None:
        return BotocoreCarrier(resolution, max_connections, clock)
    return LeanCarrier(
        resolution.endpoint,
        resolution.region,
        resolution.credentials,
        resolution.client,
        clock,
    )
