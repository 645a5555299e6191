"""Waiting until a socket can be read or written."""

import select
import selectors
import socket
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
