"""The standard library's WSGI server, with threads and connections that stay open."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HOST = "127.0.0.1"

_LONGEST_REQUEST_LINE_BYTES = 65_536
_LENGTH = re.compile("[0-9]{1,6}")
"""A body's, in bytes: less than a megabyte."""


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """A WSGI server on the loopback interface, one thread a connection."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking the name service who this host is, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name = HOST
        self.server_port = self.server_address[1]
        self.setup_environ()

    @property
    def url(self) -> str:
        """Where the app is."""
        return f"http://{HOST}:{self.server_port}/"


@contextmanager
def serving(app: WSGIApplication, port: int = 0) -> Iterator[Server]:
    """A server of ``app`` that runs in a thread as long as the block does.

    Args:
        app: what answers.
        port: what to listen on; a free one for 0.

    Raises:
        OSError: the port can't be listened on.
    """
    with Server((HOST, port), _Handler) as server:
        server.set_app(app)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Exchange(ServerHandler):
    http_version = "1.1"
    request_handler: WSGIRequestHandler  # ServerHandler's own, which the type stubs leave out


class _Handler(WSGIRequestHandler):
    """wsgiref's handler answers one request a connection; this one as many as the client sends."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else an answer's body waits 40 ms for its header's ACK

    def handle(self) -> None:
        self.close_connection = False
        while not self.close_connection:
            try:
                self.handle_one_request()
            except ConnectionError:
                return

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(_LONGEST_REQUEST_LINE_BYTES + 1)
        if not self.raw_requestline or len(self.raw_requestline) > _LONGEST_REQUEST_LINE_BYTES:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        length = self.headers.get("Content-Length", "0")
        if self.headers["Transfer-Encoding"] or not _LENGTH.fullmatch(length):
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        # The app wants no body, and what is left unread would be taken for the next request.
        self.rfile.read(int(length))
        streams = cast("IO[bytes]", self.rfile), cast("IO[bytes]", self.wfile)
        exchange = _Exchange(*streams, self.get_stderr(), self.get_environ())
        exchange.request_handler = self
        exchange.run(cast("WSGIApplication", self.server.get_app()))

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the demo has its own way to show requests."""
