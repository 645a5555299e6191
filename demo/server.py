"""The standard library's WSGI server on the loopback interface, a thread a connection."""

from __future__ import annotations

import socketserver
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HOST = "127.0.0.1"

_GONE = (ConnectionError, ssl.SSLError, TimeoutError)
"""What is raised where a browser has gone away."""
_LONGEST_REQUEST_LINE_BYTES = 65_536


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """A server for people and demos.

    Args:
        port: what to listen on; a free one for 0.
        tls: its certificate, to speak https; None for http.

    Raises:
        OSError: the port can't be listened on.
    """

    daemon_threads = True
    request_queue_size = 64  # browsers open several connections at once, some just in case

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service who this host is, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name = "localhost"
        self.server_port = self.server_address[1]
        self.setup_environ()
        if self._tls is not None:
            self.base_environ["HTTPS"] = "on"

    def get_request(self) -> tuple[Any, Any]:
        """A connection; it shakes hands in its own thread, for a slow one must not hold others."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that went away."""
        if not isinstance(sys.exception(), _GONE):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """Where the site is, without a slash at the end."""
        return f"http{'s' if self._tls else ''}://localhost:{self.server_port}"


@contextmanager
def serving(
    app: WSGIApplication, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """A server of ``app`` that runs in a thread as long as the block does; see ``Server``."""
    with Server(port, tls) as server:
        server.set_app(app)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Exchange(ServerHandler):
    request_handler: WSGIRequestHandler  # ServerHandler's own, which the type stubs leave out

    def log_exception(self, exc_info: Any) -> None:
        """Say nothing of pages that were left while their live stream went on."""
        if not isinstance(exc_info[1], _GONE):
            super().log_exception(exc_info)


class _Handler(WSGIRequestHandler):
    server: Server

    def handle(self) -> None:
        """Answer one request; as the standard library does, but with an exchange of our own."""
        self.raw_requestline = self.rfile.readline(_LONGEST_REQUEST_LINE_BYTES + 1)
        if len(self.raw_requestline) > _LONGEST_REQUEST_LINE_BYTES:
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        if not self.parse_request():
            return
        streams = cast("IO[bytes]", self.rfile), cast("IO[bytes]", self.wfile)
        exchange = _Exchange(*streams, self.get_stderr(), self.get_environ())
        exchange.request_handler = self
        exchange.run(cast("WSGIApplication", self.server.get_app()))

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the demo has its own way to show requests."""
