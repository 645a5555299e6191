"""Waiting until a socket can be read or written."""

import select
import selectors
import socket
import time
from collections.abc import Callable
from time import monotonic_ns
from typing import TypeAlias

Wait: TypeAlias = Callable[[float], object]
"""Waits so many milliseconds at most; what it returns is true if the socket is ready."""


def until_readable(sock: socket.socket) -> Wait:
    """How to wait, as often as needed, until ``sock`` can be read."""
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


class ReadableSockets:
    """Waits until any of several sockets can be read."""

    __slots__ = ("_poll", "_selector", "_sockets")

    def __init__(self) -> None:
        # As in ``_until``.
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._selector = selectors.DefaultSelector() if self._poll is None else None
        self._sockets = 0

    def add(self, sock: socket.socket) -> None:
        """Wait for this one too."""
        if self._poll is not None:
            self._poll.register(sock, select.POLLIN)
        elif self._selector is not None:
            self._selector.register(sock, selectors.EVENT_READ)
        self._sockets += 1

    def remove(self, sock: socket.socket) -> None:
        """Wait for it no more."""
        if self._poll is not None:
            self._poll.unregister(sock)
        elif self._selector is not None:
            self._selector.unregister(sock)
        self._sockets -= 1

    def wait(self, seconds: float) -> list[int]:
        """The descriptors of those that can be read; none if there is none in so many seconds."""
        if not self._sockets:
            time.sleep(seconds)
            return []
        if self._poll is not None:
            return [descriptor for descriptor, _ in self._poll.poll(seconds * 1e3)]
        if self._selector is not None:
            return [key.fd for key, _ in self._selector.select(seconds)]
        return []

    def close(self) -> None:
        """Forget them all."""
        if self._selector is not None:
            self._selector.close()


def first_writable(socks: list[socket.socket], until_ns: int) -> socket.socket | None:
    """One of ``socks`` that can be written; None if there is none by then."""
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_WRITE)
        ready = selector.select(max(0, until_ns - monotonic_ns()) / 1e9)
    return next((sock for sock in socks if any(key.fileobj is sock for key, _ in ready)), None)


def _await(wait: Wait, deadline_ns: int) -> None:
    if not wait(max(0, deadline_ns - monotonic_ns()) / 1e6):
        raise TimeoutError("the deadline passed")


def _until(sock: socket.socket, event: int) -> Wait:
    if hasattr(select, "poll"):
        # What ``selectors`` would choose costs a call several microseconds more.
        poll = select.poll()
        poll.register(sock, select.POLLIN if event == selectors.EVENT_READ else select.POLLOUT)
        return poll.poll
    # Where eventlet has taken poll away, there is what it has put in the place of select.
    selector = selectors.DefaultSelector()
    selector.register(sock, event)
    return lambda milliseconds: selector.select(milliseconds / 1e3)
