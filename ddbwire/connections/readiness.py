"""Waits until a socket can be read or written."""

import select
import selectors
import socket
import time
from collections.abc import Callable, Generator
from concurrent.futures import wait
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

Wait: TypeAlias = Callable[[float], object]
"""Waits for at most the given milliseconds; the result is true if the socket is ready."""


def until_readable(sock: socket.socket) -> Wait:
    """A function that waits until ``sock`` can be read; it can be called repeatedly."""
    return _until(sock, selectors.EVENT_READ)


def await_readable(sock: socket.socket, deadline_ns: int) -> None:
    """Wait until ``sock`` can be read.

    Raises:
        TimeoutError: the deadline passed first.
    """
    _await(_until(sock, selectors.EVENT_READ), deadline_ns)


def await_writable(sock: socket.socket, deadline_ns: int) -> None:
    """Wait until ``sock`` can be written.

    Raises:
        TimeoutError: the deadline passed first.
    """
    _await(_until(sock, selectors.EVENT_WRITE), deadline_ns)


class Awaited(NamedTuple):
    """What to wait for: any of the sockets, or the future, or the time.

    Attributes:
        sockets: the sockets, any of which may be ready.
        event: ``selectors.EVENT_READ`` or ``EVENT_WRITE``.
        until_ns: the time, on ``time.monotonic_ns()``.
        future: the future of a thread's work; None for none.
    """

    sockets: tuple[socket.socket, ...]
    event: int
    until_ns: int
    future: "Future[Any] | None" = None


def wait_through(
    waiting: Generator[Awaited, socket.socket | None, T],
) -> T:
    """Do the waits of a generator, blocking; returns its result."""
    ready: socket.socket | None = None
    try:
        while True:
            awaited = waiting.send(ready)
            seconds = max(0, awaited.until_ns - monotonic_ns()) / 1e9
            if awaited.future is None:
                ready = _first_ready(awaited, seconds)
            else:
                wait((awaited.future,), seconds)
                ready = None
    except StopIteration as done:
        returned: T = done.value
        return returned
    finally:
        waiting.close()


def _first_ready(awaited: Awaited, seconds: float) -> socket.socket | None:
    with ReadySockets() as ready:
        for sock in awaited.sockets:
            ready.add(sock, awaited.event)
        descriptors = ready.wait(seconds)
    return next((sock for sock in awaited.sockets if sock.fileno() in descriptors), None)


class ReadySockets:
    """Waits until any of several sockets is ready."""

    __slots__ = ("_poll", "_selector", "_sockets")

    def __init__(self) -> None:
        # As in ``_until``.
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._selector = selectors.DefaultSelector() if self._poll is None else None
        self._sockets = 0

    def add(self, sock: socket.socket, event: int) -> None:
        """Wait for this socket too, for one event."""
        if self._poll is not None:
            self._poll.register(sock, _poll_event(event))
        elif self._selector is not None:
            self._selector.register(sock, event)
        self._sockets += 1

    def remove(self, descriptor: int) -> None:
        """Stop waiting for it."""
        if self._poll is not None:
            self._poll.unregister(descriptor)
        elif self._selector is not None:
            self._selector.unregister(descriptor)
        self._sockets -= 1

    def wait(self, seconds: float) -> list[int]:
        """The descriptors of the ready sockets; empty if none is ready in that time."""
        if not self._sockets:
            time.sleep(seconds)
            return []
        if self._poll is not None:
            return [descriptor for descriptor, _ in self._poll.poll(seconds * 1e3)]
        if self._selector is not None:
            return [key.fd for key, _ in self._selector.select(seconds)]
        return []

    def close(self) -> None:
        """Release the selector."""
        if self._selector is not None:
            self._selector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _await(wait: Wait, deadline_ns: int) -> None:
    if not wait(max(0, deadline_ns - monotonic_ns()) / 1e6):
        raise TimeoutError("the deadline passed")


def _until(sock: socket.socket, event: int) -> Wait:
    if hasattr(select, "poll"):
        # The selector that ``selectors`` chooses costs a call several microseconds more.
        poll = select.poll()
        poll.register(sock, _poll_event(event))
        return poll.poll
    # eventlet removes poll, and replaces select.
    selector = selectors.DefaultSelector()
    selector.register(sock, event)
    return lambda milliseconds: selector.select(milliseconds / 1e3)


def _poll_event(event: int) -> int:
    return select.POLLIN if event == selectors.EVENT_READ else select.POLLOUT
