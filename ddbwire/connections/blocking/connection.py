"""One blocking connection: a non-blocking socket, and how to wait for it."""

import socket
import ssl
from time import monotonic_ns

from ddbwire.connections.blocking.readiness import await_readable, await_writable, until_readable
from ddbwire.connections.response_reader import PARSE_ERRORS, ResponseReader
from ddbwire.steps import HTTPResponse, NoResponse

IDLE_NS = 20 * 1_000_000_000
"""How long a connection may lie idle: well under what endpoints and the hops to them allow."""
AGE_NS = 300 * 1_000_000_000
"""How old a connection may grow, so that a change of the endpoint's addresses is followed."""

DEADLINE_PASSED = NoResponse(
    "the deadline passed before the request was sent", sent=False, timed_out=True
)

_READ_BYTES = 16_384


class Connection:
    """Carries one exchange at a time; whoever has taken it from the pool owns it."""

    __slots__ = (
        "_expires_ns",
        "_idle_until_ns",
        "_readable",
        "_reader",
        "_sent",
        "_sock",
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
        self._sent = False
        self._used = False
        self.usable = True
        """Whether it may carry another exchange."""

    def is_available(self) -> bool:
        """Whether the other side still holds it open, and it is neither old nor long idle."""
        return monotonic_ns() < self._idle_until_ns and (
            not self._readable(0) or self._has_only_tls_records()
        )

    def exchange(self, request: bytes, deadline_ns: int) -> HTTPResponse | NoResponse:
        """Send a request and read its response. After a failure the connection is not usable."""
        self._sent = False
        if monotonic_ns() >= deadline_ns:
            return DEADLINE_PASSED
        self.usable = False
        try:
            self._send(request, deadline_ns)
            self._receive(deadline_ns)
        except TimeoutError:
            return NoResponse("the deadline passed", sent=self._sent, timed_out=True)
        except (OSError, EOFError, *PARSE_ERRORS) as error:
            stale = self._used and not self._reader.started
            return NoResponse(repr(error), sent=self._sent, stale=stale)
        self._used = True
        response = self._reader.take()
        self.usable = self._reader.keep_alive
        self._idle_until_ns = min(monotonic_ns() + IDLE_NS, self._expires_ns)
        return response

    def close(self) -> None:
        """Close the socket; for TLS too, without a close_notify: nothing waits for one."""
        self.usable = False
        self._sock.close()

    def _send(self, request: bytes, deadline_ns: int) -> None:
        rest = request
        while True:
            try:
                count = self._sock.send(rest)
            except (BlockingIOError, ssl.SSLWantWriteError):
                await_writable(self._sock, deadline_ns)
                continue
            except ssl.SSLWantReadError:
                await_readable(self._sock, deadline_ns)
                continue
            self._sent = True
            if count == len(rest):
                return
            rest = rest[count:]

    def _receive(self, deadline_ns: int) -> None:
        reader = self._reader
        while True:
            if not self._readable(max(0, deadline_ns - monotonic_ns()) / 1e6):
                raise TimeoutError
            # One readiness of the socket may stand for several reads of what TLS has decrypted.
            while True:
                try:
                    data = self._sock.recv(_READ_BYTES)
                except (BlockingIOError, ssl.SSLWantReadError):
                    break
                if not data:
                    raise EOFError("the connection was closed")
                reader.feed(data)
                if reader.complete:
                    return

    def _has_only_tls_records(self) -> bool:
        """Whether what an idle connection has received is records of TLS, such as tickets."""
        try:
            self._sock.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        return False
