"""Waking a thread that waits on sockets."""

import socket
import threading
from contextlib import suppress


class Waker:
    """A socket that can be read once ``wake`` was called, by whatever thread.

    The lock keeps ``close`` from coming between: the descriptor that a thread is about to write to
    might be another file's by then.
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
        with self._lock, suppress(BlockingIOError):  # full: it is readable already
            if self._open:
                self._write.send(b"\0")

    def clear(self) -> None:
        """Make it unreadable until the next ``wake``."""
        with suppress(BlockingIOError):
            while self.socket.recv(1_024):
                pass

    def close(self) -> None:
        """Close it; a later ``wake`` does nothing."""
        with self._lock:
            self._open = False
            self.socket.close()
            self._write.close()
