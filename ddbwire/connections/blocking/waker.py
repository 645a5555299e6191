"""Waking a thread that waits on sockets."""

import socket
from contextlib import suppress


class Waker:
    """A socket that can be read once ``wake`` was called, by whatever thread.

    It is closed when nothing refers to it any more. Closed any earlier, its descriptor might be
    another file's by the time that a thread which is just calling ``wake`` writes to it.
    """

    __slots__ = ("_write", "socket")

    def __init__(self) -> None:
        """Open it.

        Raises:
            OSError: the process may have no more descriptors.
        """
        self.socket, self._write = socket.socketpair()
        self.socket.setblocking(False)
        self._write.setblocking(False)

    def wake(self, *_: object) -> None:
        """Make the socket readable."""
        with suppress(BlockingIOError):  # full: it is readable already
            self._write.send(b"\0")

    def clear(self) -> None:
        """Make it unreadable until the next ``wake``."""
        with suppress(BlockingIOError):
            while self.socket.recv(1_024):
                pass

    def __del__(self) -> None:
        with suppress(AttributeError):  # it could not be opened
            self.socket.close()
            self._write.close()
