"""The blocking connections of one wire, shared by threads."""

import ssl
import threading
from collections import deque
from contextlib import suppress
from time import monotonic_ns

from ddbwire.connection import Connection
from ddbwire.dial import dial
from ddbwire.endpoint import Endpoint
from ddbwire.fork import at_fork
from ddbwire.step import Failure, Reply, Send

_ALL_BUSY = Failure("all connections stayed busy", sent=False, timed_out=True)


class Pool:
    """At most so many connections, the one used last first.

    There is a slot for each: an open connection, or None where one may be opened. Whoever takes
    a slot holds the only reference to it and must put one back. Open connections are put on the
    right and empty slots on the left, so that taking from the right opens a connection only when
    none is idle. The deque's own atomicity is all the locking there is, but for threads that
    find no slot.
    """

    def __init__(
        self, endpoint: Endpoint, tls: ssl.SSLContext | None, max_connections: int
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._max_connections = max_connections
        self._open: set[Connection] = set()
        self._closed = False
        self._begin()
        at_fork(self)

    def exchange(self, step: Send, deadline_ns: int) -> Reply | Failure:
        """Send a request over one of the connections; waits for one until the deadline."""
        try:
            slot = self._slots.pop()
        except IndexError:
            try:
                slot = self._await_slot(deadline_ns)
            except TimeoutError:
                return _ALL_BUSY
        try:
            if slot is None or step.fresh or not slot.fit():
                slot = self._replace(slot, deadline_ns)
            return slot.exchange(step.request, deadline_ns)
        except TimeoutError as error:
            return Failure(f"connecting: {error}", sent=False, timed_out=True)
        except OSError as error:
            return Failure(f"connecting: {error}", sent=False)
        finally:
            self._put_back(slot)

    def close(self) -> None:
        """Close idle connections now, and those in use as they are put back."""
        self._closed = True
        for _slot in range(self._max_connections):
            try:
                slot = self._slots.pop()
            except IndexError:
                return
            self._put_back(slot)

    def after_fork_in_child(self) -> None:
        """Drop the parent's connections: two processes can't talk over one."""
        for connection in list(self._open):
            connection.close()
        self._begin()

    def _begin(self) -> None:
        self._open.clear()
        self._slots: deque[Connection | None] = deque([None] * self._max_connections)
        self._slot_freed = threading.Condition(threading.Lock())
        self._waiting = 0

    def _replace(self, slot: Connection | None, deadline_ns: int) -> Connection:
        if slot is not None:
            self._discard(slot)
        connection = Connection(dial(self._endpoint, self._tls, deadline_ns))
        self._open.add(connection)
        return connection

    def _discard(self, connection: Connection) -> None:
        connection.close()
        self._open.discard(connection)

    def _put_back(self, slot: Connection | None) -> None:
        if slot is not None and slot.usable and not self._closed:
            self._slots.append(slot)
        else:
            if slot is not None:
                self._discard(slot)
            self._slots.appendleft(None)
        # A waiter counts itself before it looks for a slot, so one of the two sees the other.
        if self._waiting:
            with self._slot_freed:
                self._slot_freed.notify()

    def _await_slot(self, deadline_ns: int) -> Connection | None:
        with self._slot_freed:
            self._waiting += 1
            try:
                while True:
                    # A thread that comes just now may still be quicker: so try, don't look.
                    with suppress(IndexError):
                        return self._slots.pop()
                    left_ns = deadline_ns - monotonic_ns()
                    if left_ns <= 0:
                        raise TimeoutError
                    self._slot_freed.wait(left_ns / 1e9)
            finally:
                self._waiting -= 1
