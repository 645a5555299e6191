"""Waking a thread that waits on sockets."""

import socket
import threading
from contextlib import suppress

_LONGEST_HELD_SECONDS = 0.1
"""Far longer than it takes to write one byte without waiting. A lock that is held for longer was
lost: an exception came, of a signal, say, between two lines of who held it."""


class Waker:
    """A socket that can be read once ``wake`` was called, by whatever thread.

    The lock keeps ``close`` from coming between: the descriptor that a thread is about to write to
    might be another file's by then. Nobody waits for it for good, since it may have been lost.
    """

    __slots__ = ("_lock", "_open", "_write", "socket")

    def __init__(self) -> None:
        """Open it.

        Raises:
            OSError: the process may have no more descriptors.
        """
        self.socket, self._write = socket.socketpair()
        self.socket.setblocking(False)
        self._write.setblocking(False)
        self._lock = threading.Lock()
        self._open = True

    def wake(self, *_: object) -> None:
        """Make the socket readable, unless it is closed by now."""
        if not self._open:
            return
        held = self._lock.acquire(timeout=_LONGEST_HELD_SECONDS)
        try:
            if self._open:
                with suppress(BlockingIOError):  # full: it is readable already
                    self._write.send(b"\0")
        finally:
            if held:
                self._lock.release()

    def clear(self) -> None:
        """Make it unreadable until the next ``wake``."""
        with suppress(BlockingIOError):
            while self.socket.recv(1_024):
                pass

    def close(self) -> None:
        """Close it; a later ``wake`` does nothing. It may be closed again."""
        self._open = False
        held = self._lock.acquire(timeout=_LONGEST_HELD_SECONDS)
        try:
            self.socket.close()
            self._write.close()
        finally:
            if held:
                self._lock.release()
