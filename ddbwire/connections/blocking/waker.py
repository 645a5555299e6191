"""Wakes a thread that waits on sockets."""

import socket
import threading
from contextlib import suppress

_LONGEST_HELD_SECONDS = 0.1
"""Far longer than writing one byte takes. A lock that is held for longer was lost: its holder was
interrupted by an exception, for example of a signal."""


class Waker:
    """A socket that becomes readable when any thread calls ``wake``.

    The lock prevents a ``close`` while a thread is about to write: the descriptor might be another
    file's then. A thread waits for it only for a time, since it may have been lost.
    """

    __slots__ = ("_lock", "_open", "_write", "socket")

    def __init__(self) -> None:
        """Open the socket.

        Raises:
            OSError: the process has no more descriptors.
        """
        self.socket, self._write = socket.socketpair()
        self.socket.setblocking(False)
        self._write.setblocking(False)
        self._lock = threading.Lock()
        self._open = True

    def wake(self, *_: object) -> None:
        """Make the socket readable, unless it is closed."""
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
