"""The blocking connections of one wire, shared by threads."""

import socket
import ssl
import threading
import weakref
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from time import monotonic_ns

from ddbwire.concurrency.fork import at_fork
from ddbwire.concurrency.slots import Acquired, Slots
from ddbwire.connections.blocking.connect import connect
from ddbwire.connections.blocking.connection import Connection
from ddbwire.connections.blocking.waiter import Waiter
from ddbwire.connections.misconfiguration import connect_failure
from ddbwire.connections.readiness import Awaited, wait_through
from ddbwire.endpoint import Endpoint
from ddbwire.steps import POOL_EXHAUSTED, HTTPResponse, NoResponse, Send


class ConnectionPool:
    """A limited number of connections; the one used last is used first. First come, first served.

    A connection that becomes free while threads wait goes to the one that waits longest, and a new
    request queues behind them. So a thread that calls in a loop can't starve the others, which on a
    busy pool would be an outage for them.

    There is no lock: every step is one atomic operation, and no order of two threads' steps leaves
    a slot free while somebody waits. ``concurrency/slots.py`` says why an exception at any line
    loses no slot.
    """

    def __init__(
        self, endpoint: Endpoint, tls: ssl.SSLContext | None, max_connections: int
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._max_connections = max_connections
        self._closed = False
        self._begin()
        at_fork(self)

    def exchange(self, step: Send, deadline_ns: int) -> HTTPResponse | NoResponse:
        """Send a request over a connection; waits for a free one until the deadline."""
        acquired: Acquired[Connection] = []
        try:
            try:
                if (self._waiters or not self._slots.acquire(acquired)) and not self._wait(
                    acquired, deadline_ns
                ):
                    return POOL_EXHAUSTED
                sent = self.send_now(step, acquired, deadline_ns)
                if sent is None:
                    sent = wait_through(self.connect_and_send(step, acquired, deadline_ns))
                response = sent if type(sent) is NoResponse else sent.receive(deadline_ns)
            finally:
                self.release(acquired)
        finally:
            # Released already, unless one of the last lines was interrupted by an exception.
            if acquired:
                self.release(acquired)
        # Not in the block: in Python 3.12 its return has an instruction that no finally covers.
        return response

    def acquire_now(self, acquired: Acquired[Connection]) -> bool:
        """Take a slot into ``acquired``; False if none is free, or others wait for one."""
        return not self._waiters and self._slots.acquire(acquired)

    def queue(self, waiter: Waiter, acquired: Acquired[Connection]) -> None:
        """Let a waiter wait in turn for a slot, until it leaves the queue."""
        self._waiters.append(waiter.reference)
        # A slot may have become free before this waiter was in the queue.
        self._serve_waiters(acquired)

    def leave_queue(self, waiter: Waiter, acquired: Acquired[Connection]) -> bool:
        """Stop waiting; whether a slot was given, which is in ``acquired`` then."""
        waiter.leave(acquired)
        if acquired:
            return True  # who gave has removed it from the queue
        with suppress(ValueError):
            self._waiters.remove(waiter.reference)
        return False

    def send_now(
        self, step: Send, acquired: Acquired[Connection], deadline_ns: int
    ) -> Connection | NoResponse | None:
        """Send a request over the connection of an acquired slot, if it is open.

        Returns:
            the connection that will have the response; or the failure; or None if
            ``connect_and_send`` must open a connection.
        """
        connection = acquired[0].resource
        if (
            connection is None
            or step.new_connection
            or not connection.is_available(repeatable=step.repeatable)
        ):
            return None
        return connection.send(step.request, deadline_ns) or connection

    def connect_and_send(
        self, step: Send, acquired: Acquired[Connection], deadline_ns: int
    ) -> Generator[Awaited, socket.socket | None, Connection | NoResponse]:
        """Open the connection of an acquired slot, and send a request over it.

        It yields what it waits for, and returns what ``send_now`` returns.
        """
        slot = acquired[0]
        before, slot.resource = slot.resource, None
        if before is not None:
            before.close()
        try:
            sock = yield from connect(self._endpoint, self._tls, deadline_ns)
            connection = slot.resource = Connection(sock)
        except TimeoutError as error:
            return NoResponse(f"connecting: {error}", sent=False, timed_out=True)
        except OSError as error:
            return connect_failure(error)
        return connection.send(step.request, deadline_ns) or connection

    def release(self, acquired: Acquired[Connection]) -> None:
        """Put back the slot in ``acquired``, if any; close a connection that is not usable."""
        if not acquired:
            return
        slot = acquired[0]
        connection = slot.resource
        if connection is not None and (self._closed or not connection.usable):
            slot.resource = None
            connection.close()
        if self._waiters and self._hand_over(acquired):
            return
        self._slots.release(acquired)
        # A waiter may have queued before the slot was free.
        if self._waiters:
            self._serve_waiters(acquired)

    def close(self) -> None:
        """Close idle connections now, and those in use when they are put back."""
        self._closed = True
        for _slot in range(self._max_connections):
            acquired: Acquired[Connection] = []
            self._slots.acquire(acquired)
            self.release(acquired)

    def after_fork_in_child(self) -> None:
        """Drop the parent's connections: two processes can't share one."""
        for connection in self._slots.resources():
            connection.close()
        self._begin()

    def _begin(self) -> None:
        self._slots: Slots[Connection] = Slots(self._max_connections)
        self._waiters: deque[weakref.ref[Waiter]] = deque()

    def _wait(self, acquired: Acquired[Connection], deadline_ns: int) -> bool:
        """Wait in turn for a slot; False if the deadline passed first."""
        woken = threading.Lock()
        woken.acquire()
        waiter = Waiter(woken.release)
        try:
            try:
                self.queue(waiter, acquired)
                woken.acquire(timeout=max(0, deadline_ns - monotonic_ns()) / 1e9)
            finally:
                waiter.leave(acquired)
        finally:
            # Again, in case an exception interrupted it.
            self.leave_queue(waiter, acquired)
        return bool(acquired)

    def _serve_waiters(self, acquired: Acquired[Connection]) -> None:
        """Give free slots to waiters, by way of ``acquired``."""
        while self._waiters and self._slots.acquire(acquired):
            if not self._hand_over(acquired):
                self._slots.release(acquired)

    def _hand_over(self, acquired: Acquired[Connection]) -> bool:
        """Give the slot to the thread that waits longest; False if none is left waiting."""
        while True:
            try:
                waiter = self._waiters.popleft()()
            except IndexError:
                return False
            # The waiter may be gone: an exception may have ended its wait.
            if waiter is not None and waiter.give(acquired):
                return True
