"""Applications behind the WSGI middleware, called as servers call them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sessions.wsgi import SessionMiddleware
from tests.sessions_web.exchange import Request, WSGIServer, environ_of
from tests.sessions_web.site import Site, Visitor

OK = "200 OK"
TEXT = [("Content-Type", "text/plain")]


class Body:
    """An iterable of its own kind, which notes that it was closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = iter(pieces)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces

    def close(self) -> None:
        self.closed += 1


def served(site: Site, app: Any, visitor: Visitor, **environ: Any) -> WSGIServer:
    """The server, after the response of an application to someone who has a session."""
    server = WSGIServer(site.log)
    request = Request(headers=(("Cookie", visitor.cookie),))
    server.serve(SessionMiddleware(app, site.store), environ_of(request) | environ)
    return server


def called(site: Site, app: Any, visitor: Visitor, **environ: Any) -> Any:
    """What the server gets from the middleware, not yet taken."""
    given = environ_of(Request(headers=(("Cookie", visitor.cookie),))) | environ
    return SessionMiddleware(app, site.store)(given, WSGIServer(site.log).start_response)


def fields(server: WSGIServer) -> list[str]:
    ((_, headers),) = server.started
    return [name.lower() for name, _ in headers]
