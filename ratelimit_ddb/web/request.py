"""A request as rules see it, the same over ASGI, WSGI and the frameworks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

from ratelimit_ddb.made import made

HeaderOf = Callable[[Any, str], str | None]
"""Finds a header's value in what the server gave: (native, name in lower case)."""


class Request(NamedTuple):
    """What a rule's functions may go by.

    Attributes:
        method: ``"GET"`` and so on, in capitals however it was sent; also for the
            handshake of a websocket.
        path: the path, percent-decoded, below the point where the application is mounted.
        client: the address of the peer that connected: the client, or the last proxy; None where
            there is none (a unix socket).
        native: the ASGI scope, the WSGI environ, or the framework's own request.
        header_of: how ``header`` finds a value in ``native``.
        endpoint: the route that the framework found, such as ``"/users/{id}"``; None where the
            request was not routed yet.
        session: the session that a session middleware opened for the request; None without one.
        other_paths: the paths, besides ``path``, that the application may route the request by:
            frameworks differ in what they make of a root path. A rule that means one of them is
            about the request.
    """

    method: str
    path: str
    client: str | None
    native: Any
    header_of: HeaderOf
    endpoint: str | None = None
    session: Any = None
    other_paths: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name; repeated fields joined by commas.

        Source: RFC 9110, 5.3 (field order). None where the request has no such header.
        """
        return self.header_of(self.native, name.lower())

    def cookie(self, name: str) -> str | None:
        """A cookie's value as it was sent, the first of that name; None where there is none.

        Source: RFC 6265, 4.2.1 (the Cookie header).
        """
        for pair in (self.header("cookie") or "").split(";"):
            found, equals, value = pair.partition("=")
            if equals and found.strip() == name:
                return value.strip()
        return None


def of_scope(scope: MutableMapping[str, Any], root_paths: tuple[str, ...] = ()) -> Request:
    """The request of an ASGI http or websocket scope.

    Args:
        scope: the scope.
        root_paths: what the application will take for its ``root_path``, besides the scope's.
    """
    path: str = scope["path"]
    others: tuple[str, ...] = ()
    root_path: str | None = scope.get("root_path")
    if root_path or root_paths:
        path, others = _readings(path, root_path or "", root_paths)
    peer = scope.get("client")
    return made(
        Request,
        (
            scope.get("method", "GET").upper(),
            path or "/",
            peer[0] if peer else None,
            scope,
            _header_of_scope,
            None,
            scope.get("session"),
            others,
        ),
    )


def of_environ(environ: MutableMapping[str, Any]) -> Request:
    """The request of a WSGI environ. Its path is bytes dressed as Latin-1 (PEP 3333): undressed."""
    path: str = environ.get("PATH_INFO", "")
    if not path.isascii():
        path = path.encode("latin-1").decode("utf-8", "replace")
    return made(
        Request,
        (
            environ["REQUEST_METHOD"].upper(),
            path or "/",
            environ.get("REMOTE_ADDR") or None,
            environ,
            header_of_environ,
            None,
            environ.get("sessions.session"),
            (),
        ),
    )


def header_of_environ(environ: MutableMapping[str, Any], name: str) -> str | None:
    """A header in a CGI-like mapping, as WSGI and Django have it."""
    cgi_name = name.upper().replace("-", "_")
    if cgi_name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        cgi_name = f"HTTP_{cgi_name}"
    value: str | None = environ.get(cgi_name)
    return value


def _readings(
    path: str, root_path: str, root_paths: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """The path below the scope's root path, and what else routers make of it.

    Servers differ in whether the path begins with the root path. Where it does, Starlette takes it
    off, Django even where no segment ends there ("/api" off "/apilogin"), Litestar wherever it is
    in the path; Falcon routes by the whole.
    """
    below = path
    if root_path and path.startswith(root_path) and path[len(root_path) :][:1] in ("/", ""):
        below = path[len(root_path) :]
    others = [path]
    for root in (root_path, *root_paths):
        _, found, after = path.partition(root) if root else ("", "", "")
        if found:
            others.append(after)
    return below, tuple(other for other in dict.fromkeys(others) if other != below)


def _header_of_scope(scope: MutableMapping[str, Any], name: str) -> str | None:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    wanted = name.encode("latin-1")
    values = []
    for found, value in headers:
        if len(found) == len(wanted) and found.lower() == wanted:
            values.append(value.decode("latin-1"))
    return ", ".join(values) if values else None
