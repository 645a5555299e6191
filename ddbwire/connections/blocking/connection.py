"""One blocking connection: a non-blocking socket, and how to wait for it."""

import socket
import ssl
from time import monotonic_ns

from ddbwire.connections.keep_alive import AGE_NS, IDLE_NS
from ddbwire.connections.readiness import await_readable, await_writable, until_readable
from ddbwire.connections.response_reader import PARSE_ERRORS, ResponseReader
from ddbwire.steps import NOT_SENT_IN_TIME, HTTPResponse, NoResponse

_READ_BYTES = 16_384

_UNSEEN_NS = 1_000_000
"""How long after a response the connection is not checked before a repeatable request.

Such a check is a system call. If the other side has closed the connection just now, that takes a
round trip to show, so the check would mostly find nothing; the exchange fails then, and the request
is sent again. Only a request that may not be sent again is worth the check.
"""


class Connection:
    """Carries one exchange at a time. It belongs to whoever took it from the pool."""

    __slots__ = (
        "_expires_ns",
        "_idle_until_ns",
        "_readable",
        "_reader",
        "_sent",
        "_sock",
        "_unseen_until_ns",
        "_used",
        "usable",
    )

    def __init__(self, sock: socket.socket) -> None:
        """Take over a connected, non-blocking socket."""
        self._readable = until_readable(sock)
        self._sock = sock
        self._reader = ResponseReader()
        now_ns = monotonic_ns()
        self._expires_ns = now_ns + AGE_NS
        self._idle_until_ns = now_ns + IDLE_NS
        self._unseen_until_ns = 0
        self._sent = False
        self._used = False
        self.usable = True
        """Whether it may carry another exchange."""

    def is_available(self, *, repeatable: bool) -> bool:
        """Whether the other side still holds it open, and it is neither old nor long idle.

        Args:
            repeatable: whether the next request may be sent again if the connection is dead.
        """
        now_ns = monotonic_ns()
        if repeatable and now_ns < self._unseen_until_ns:
            return True
        return now_ns < self._idle_until_ns and (
            not self._readable(0) or self._has_only_tls_records()
        )

    def exchange(self, request: bytes, deadline_ns: int) -> HTTPResponse | NoResponse:
        """Send a request and read its response. After a failure the connection is not usable."""
        failure = self.send(request, deadline_ns)
        return self.receive(deadline_ns) if failure is None else failure

    def send(self, request: bytes, deadline_ns: int) -> NoResponse | None:
        """Send a request; ``receive`` its response next. Returns the failure if it was not sent."""
        self._sent = False
        if monotonic_ns() >= deadline_ns:
            return NOT_SENT_IN_TIME
        self.usable = False
        sock, rest = self._sock, request
        try:
            while True:
                try:
                    count = sock.send(rest)
                except (BlockingIOError, ssl.SSLWantWriteError):
                    await_writable(sock, deadline_ns)
                    continue
                except ssl.SSLWantReadError:
                    await_readable(sock, deadline_ns)
                    continue
                self._sent = True
                if count == len(rest):
                    return None
                rest = rest[count:]
        except OSError as error:
            return self._failure(error)

    def receive(self, deadline_ns: int) -> HTTPResponse | NoResponse:
        """Read the response; waits for it until the deadline."""
        try:
            while True:
                if not self._readable(max(0, deadline_ns - monotonic_ns()) / 1e6):
                    raise TimeoutError
                response = self._read(deadline_ns)
                if response is not None:
                    return response
        except (OSError, EOFError, *PARSE_ERRORS) as error:
            return self._failure(error)

    def receive_now(self, deadline_ns: int) -> HTTPResponse | NoResponse | None:
        """The response; None while it is not complete."""
        try:
            return self._read(deadline_ns)
        except (OSError, EOFError, *PARSE_ERRORS) as error:
            return self._failure(error)

    @property
    def socket(self) -> socket.socket:
        """The socket to wait for before ``receive_now``."""
        return self._sock

    def close(self) -> None:
        """Close the socket; with TLS without close_notify, which nothing waits for."""
        self.usable = False
        self._sock.close()

    def _read(self, deadline_ns: int) -> HTTPResponse | NoResponse | None:
        """Read what has arrived: the response, or None if it is not complete.

        Raises:
            TimeoutError: the deadline has passed, and it is not complete.
        """
        reader = self._reader
        # After the socket was ready once, TLS may have decrypted data for several reads.
        while True:
            try:
                data = self._sock.recv(_READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                return None
            if data:
                reader.feed(data)
            elif not reader.end():
                raise EOFError("the connection was closed")
            if reader.complete:
                break
            reader.require_bounded(len(data))
            # The other side may send without end, and faster than this can read.
            if monotonic_ns() >= deadline_ns:
                raise TimeoutError
        self._used = True
        response = reader.take()
        self.usable = reader.keep_alive
        now_ns = monotonic_ns()
        self._idle_until_ns = idle_until_ns = min(now_ns + IDLE_NS, self._expires_ns)
        self._unseen_until_ns = min(now_ns + _UNSEEN_NS, idle_until_ns)
        return response

    def _failure(self, error: Exception) -> NoResponse:
        if isinstance(error, TimeoutError):
            return NoResponse("the deadline passed", sent=self._sent, timed_out=True)
        stale = self._used and not self._reader.started
        return NoResponse(repr(error), sent=self._sent, stale=stale)

    def _has_only_tls_records(self) -> bool:
        """Whether an idle connection has received only TLS records, such as tickets."""
        try:
            self._sock.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        return False
