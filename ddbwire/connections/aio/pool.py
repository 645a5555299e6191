"""The connections of one wire on one event loop."""

import asyncio
import ssl
from collections import deque
from time import monotonic_ns
from typing import NamedTuple

from ddbwire.concurrency.slots import Hand, Slot, Slots
from ddbwire.connections.aio.connect import aio_dial
from ddbwire.connections.aio.connection import AioConnection
from ddbwire.connections.misconfiguration import failure_to_connect
from ddbwire.endpoint import Endpoint
from ddbwire.steps import ALL_BUSY, Failure, Reply, Send


class AioPool:
    """At most so many connections, the one used last first; first come, first served.

    Used on its own loop only. A slot that somebody waits for is handed over and never lies free,
    so whoever comes while others wait goes behind them. How an exception at any line loses none is
    told in ``concurrency/slots.py``.
    """

    def __init__(
        self, endpoint: Endpoint, tls: ssl.SSLContext | None, max_connections: int
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._max_connections = max_connections
        self._loop = asyncio.get_running_loop()
        self._slots: Slots[AioConnection] = Slots(max_connections)
        self._waiters: deque[_Waiter] = deque()
        self._closed = False

    async def exchange(self, step: Send, deadline_ns: int) -> Reply | Failure:
        """Send a request over one of the connections; waits for one until the deadline."""
        hand: Hand[AioConnection] = []
        try:
            try:
                if not self._slots.take(hand) and not await self._wait(hand, deadline_ns):
                    return ALL_BUSY
                connection = hand[0].holds
                if connection is None or step.fresh or not connection.fit():
                    connection = await self._connect(hand[0], deadline_ns)
                return await connection.exchange(step.request, deadline_ns)
            except TimeoutError as error:
                cause = str(error) or "the deadline passed"
                return Failure(f"connecting: {cause}", sent=False, timed_out=True)
            except OSError as error:
                return failure_to_connect(error)
            finally:
                self._give_back(hand)
        finally:
            # Nothing is left to give back, unless an exception came at one of the last lines.
            if hand:
                self._give_back(hand)

    def close(self) -> None:
        """Close idle connections now, and those in use as they are put back."""
        self._closed = True
        for _slot in range(self._max_connections):
            hand: Hand[AioConnection] = []
            self._slots.take(hand)
            self._give_back(hand)

    async def _connect(self, slot: Slot[AioConnection], deadline_ns: int) -> AioConnection:
        before, slot.holds = slot.holds, None
        if before is not None:
            before.abort()
        connection = slot.holds = await aio_dial(
            self._endpoint, self._tls, self._make_connection, deadline_ns
        )
        return connection

    def _make_connection(self) -> AioConnection:
        return AioConnection(self._loop)

    def _give_back(self, hand: Hand[AioConnection]) -> None:
        if not hand:
            return
        slot = hand[0]
        connection = slot.holds
        if connection is not None and (self._closed or not connection.usable):
            slot.holds = None
            connection.abort()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.woken.done():
                waiter.given.append(hand.pop())
                waiter.woken.set_result(None)
                return
        self._slots.give_back(hand)

    async def _wait(self, hand: Hand[AioConnection], deadline_ns: int) -> bool:
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
                waiter.leave(hand)
        finally:
            # Again, in case an exception came before it was done.
            waiter.leave(hand)
        return bool(hand)


class _Waiter(NamedTuple):
    """One task's wait for a slot."""

    given: Hand[AioConnection]
    woken: "asyncio.Future[None]"

    def leave(self, hand: Hand[AioConnection]) -> None:
        """Wait no longer; take into ``hand`` what was given, in time or just too late."""
        self.woken.cancel()
        if self.given:
            hand.append(self.given.pop())
