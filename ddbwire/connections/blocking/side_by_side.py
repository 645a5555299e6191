"""Several calls side by side in the caller's thread, over one pool.

All requests are written to their connections before the first response is awaited, and missing
connections are opened at the same time. Then each call continues as soon as it is answered: a retry
does not wait for another call's response, which may never come.

A thread that holds connections reads from them while it waits in the pool's queue for another one.
So two threads can't wait for each other, however few connections there are, and a connection is put
back as soon as its response has arrived.
"""

import selectors
import socket
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from time import monotonic_ns
from typing import Any, Generic, TypeAlias, TypeVar

from ddbwire.concurrency.slots import Acquired
from ddbwire.connections.blocking.connection import Connection
from ddbwire.connections.blocking.driver import run
from ddbwire.connections.blocking.pool import ConnectionPool
from ddbwire.connections.blocking.waiter import Waiter
from ddbwire.connections.blocking.waker import Waker
from ddbwire.connections.misconfiguration import connect_failure
from ddbwire.connections.readiness import Awaited, ReadySockets
from ddbwire.steps import (
    POOL_EXHAUSTED,
    TIMED_OUT,
    HTTPResponse,
    NoResponse,
    Send,
    Sleep,
    Step,
    StepResult,
)

T = TypeVar("T")

_NEVER_NS = 1 << 63

Sending: TypeAlias = Generator[Awaited, socket.socket | None, Connection | NoResponse]
"""The generator of ``ConnectionPool.connect_and_send``."""


def run_all(
    calls: Sequence[Generator[Step, StepResult, T]], pool: ConnectionPool, deadline_ns: int
) -> list[T]:
    """Do the steps of all calls until each has returned, or one has raised.

    Returns:
        their results, in their order.
    """
    if len(calls) == 1:
        return [run(calls[0], pool, deadline_ns)]
    members = [_Member(call) for call in calls]
    side_by_side = _SideBySide(members, pool, deadline_ns)
    try:
        try:
            side_by_side.run()
        finally:
            side_by_side.end()
    finally:
        # Ended already, unless an exception interrupted that.
        side_by_side.end()
    return [member.result for member in members]


class _Member(Generic[T]):
    """One of the calls, and the step that it is at."""

    __slots__ = (
        "acquired",
        "awaited",
        "call",
        "connecting",
        "connection",
        "due_ns",
        "future",
        "result",
        "send",
        "waiter",
    )

    result: T

    def __init__(self, call: Generator[Step, StepResult, T]) -> None:
        self.call = call
        self.acquired: Acquired[Connection] = []
        self.send: Send | None = None
        """The request to send, or that was sent; None at another step."""
        self.connecting: Sending | None = None
        """Opens a connection and sends the request."""
        self.awaited: dict[int, socket.socket] = {}
        """The sockets that it waits for, by their descriptors."""
        self.connection: Connection | None = None
        """The connection that will have the response; None while it waits for none."""
        self.waiter: Waiter | None = None
        """Its place in the pool's queue, while it waits there for a connection."""
        self.future: Future[Any] | None = None
        """The future that it waits for; None for none."""
        self.due_ns = _NEVER_NS
        """The latest end of its step; never, after it has returned."""


class _SideBySide(Generic[T]):
    """One run of several calls."""

    __slots__ = (
        "_awaited",
        "_deadline_ns",
        "_members",
        "_pool",
        "_ready",
        "_to_send",
        "_unfinished",
        "_waker",
    )

    def __init__(
        self, members: Sequence[_Member[T]], pool: ConnectionPool, deadline_ns: int
    ) -> None:
        self._members = members
        self._pool = pool
        self._deadline_ns = deadline_ns
        self._awaited: dict[int, _Member[T]] = {}
        self._ready = ReadySockets()
        self._to_send: deque[_Member[T]] = deque()
        self._unfinished = len(members)
        self._waker: Waker | None = None

    def run(self) -> None:
        """Do all their steps."""
        for member in self._members:
            self._resume(member, None)
        self._send()
        while self._unfinished:
            self._receive()
            self._end_waits()
            self._send()

    def end(self) -> None:
        """Release connections, and leave the pool's queue."""
        for member in self._members:
            if member.waiter is not None:
                self._pool.leave_queue(member.waiter, member.acquired)
            if member.connecting is not None:
                member.connecting.close()
            self._pool.release(member.acquired)
            member.call.close()
        self._ready.close()
        if self._waker is not None:
            self._waker.close()

    def _resume(self, member: _Member[T], result: StepResult) -> None:
        """Continue a call until its next step."""
        try:
            step = member.call.send(result)
        except StopIteration as done:
            member.result = done.value
            member.due_ns = _NEVER_NS
            self._unfinished -= 1
            return
        member.due_ns = self._deadline_ns
        if type(step) is Send:
            member.send = step
            self._to_send.append(member)
        elif type(step) is Sleep:
            member.due_ns = monotonic_ns() + int(step.seconds * 1e9)
        else:
            self._wait_for(member, step.future, step.due_ns(self._deadline_ns))

    def _send(self) -> None:
        """Send the requests for which there are connections; queue for the others."""
        while self._to_send:
            member = self._to_send.popleft()
            if member.acquired or self._pool.acquire_now(member.acquired):
                self._send_over_acquired(member)
            elif monotonic_ns() >= self._deadline_ns:
                self._answer(member, POOL_EXHAUSTED)
            else:
                self._queue(member)

    def _send_over_acquired(self, member: _Member[T]) -> None:
        if member.send is None:
            raise TypeError(f"{member.call!r} has nothing to send")
        sent = self._pool.send_now(member.send, member.acquired, self._deadline_ns)
        if sent is None:
            member.connecting = self._pool.connect_and_send(
                member.send, member.acquired, self._deadline_ns
            )
            self._go_on_connecting(member, None)
        else:
            self._sent(member, sent)

    def _go_on_connecting(self, member: _Member[T], ready: socket.socket | None) -> None:
        """Continue to open a connection, until it waits again or the request is sent."""
        if member.connecting is None:
            raise TypeError(f"{member.call!r} opens no connection")
        try:
            awaited = member.connecting.send(ready)
        except StopIteration as done:
            member.connecting = None
            self._sent(member, done.value)
            return
        member.due_ns = awaited.until_ns
        if awaited.future is not None:
            self._wait_for(member, awaited.future, awaited.until_ns)
        for sock in awaited.sockets:
            self._await(member, sock, awaited.event)

    def _sent(self, member: _Member[T], sent: Connection | NoResponse) -> None:
        member.due_ns = self._deadline_ns
        if type(sent) is NoResponse:
            self._answer(member, sent)
        else:
            member.connection = sent
            self._await(member, sent.socket, selectors.EVENT_READ)

    def _await(self, member: _Member[T], sock: socket.socket, event: int) -> None:
        descriptor = sock.fileno()
        member.awaited[descriptor] = sock
        self._awaited[descriptor] = member
        self._ready.add(sock, event)

    def _await_no_more(self, member: _Member[T]) -> None:
        for descriptor in member.awaited:
            del self._awaited[descriptor]
            self._ready.remove(descriptor)
        member.awaited.clear()

    def _wait_for(self, member: _Member[T], future: Future[Any], until_ns: int) -> None:
        member.future = future
        member.due_ns = until_ns
        try:
            future.add_done_callback(self._waker_to_be_read().wake)
        except OSError:
            member.due_ns = 0  # as if the time had passed

    def _queue(self, member: _Member[T]) -> None:
        try:
            waker = self._waker_to_be_read()
        except OSError as error:
            self._answer(member, connect_failure(error))
            return
        member.waiter = Waiter(waker.wake)
        self._pool.queue(member.waiter, member.acquired)

    def _receive(self) -> None:
        """Wait until a socket is ready or a step is due; read what has arrived."""
        due_ns = min([member.due_ns for member in self._members])
        for descriptor in self._ready.wait(max(0, due_ns - monotonic_ns()) / 1e9):
            member = self._awaited.get(descriptor)
            if member is None:
                if self._waker is not None:
                    self._waker.clear()
            elif member.connection is not None:
                response = member.connection.receive_now(self._deadline_ns)
                if response is not None:
                    self._answer(member, response)
            else:
                sock = member.awaited[descriptor]
                self._await_no_more(member)
                self._go_on_connecting(member, sock)

    def _end_waits(self) -> None:
        """Continue calls that do not wait for a socket, or whose time is over."""
        now_ns = monotonic_ns()
        for member in self._members:
            late = now_ns >= member.due_ns
            if member.waiter is not None:
                if late or member.waiter.served:
                    self._end_queueing(member, member.waiter)
            elif member.future is not None:
                if late or member.future.done():
                    member.future = None
                    self._go_on_without_socket(member)
            elif late:
                self._go_on_without_socket(member)

    def _go_on_without_socket(self, member: _Member[T]) -> None:
        if member.connecting is not None:
            self._await_no_more(member)
            self._go_on_connecting(member, None)
        elif member.connection is not None:
            self._answer(member, TIMED_OUT)
        elif member.send is None:
            self._resume(member, None)

    def _end_queueing(self, member: _Member[T], waiter: Waiter) -> None:
        served = self._pool.leave_queue(waiter, member.acquired)
        member.waiter = None
        if served:
            self._to_send.append(member)
        else:
            self._answer(member, POOL_EXHAUSTED)

    def _answer(self, member: _Member[T], result: HTTPResponse | NoResponse) -> None:
        """Put the connection back, and continue the call with the result of its request."""
        self._await_no_more(member)
        member.connection = None
        self._pool.release(member.acquired)
        member.send = None
        self._resume(member, result)

    def _waker_to_be_read(self) -> Waker:
        """The waker of this thread in ``_receive``.

        Raises:
            OSError: as ``Waker`` does.
        """
        if self._waker is None:
            self._waker = Waker()
            self._ready.add(self._waker.socket, selectors.EVENT_READ)
        return self._waker
