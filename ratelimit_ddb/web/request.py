"""A request as key functions see it, the same over ASGI and WSGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from ratelimit_ddb.key import KeyGiven


@dataclass(frozen=True, slots=True)
class Request:
    """What a key function may go by.

    Attributes:
        method: ``"GET"`` and so on, in capitals.
        path: the path, percent-decoded, as the application was mounted to see it.
        client: the address of the peer that connected: the client, or the last proxy; None where
            there is none (a unix socket).
        native: the ASGI scope or the WSGI environ itself.
    """

    method: str
    path: str
    client: str | None
    native: MutableMapping[str, Any]

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name; repeated fields joined by commas.

        Source: RFC 9110, 5.3 (field order). None where the request has no such header.
        """
        environ_name = name.upper().replace("-", "_")
        if "wsgi.version" in self.native:
            if environ_name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                environ_name = f"HTTP_{environ_name}"
            value: str | None = self.native.get(environ_name)
            return value
        return _joined(self.native["headers"], name.lower().encode("latin-1"))


KeyOfRequest = Callable[[Request], KeyGiven | None]
"""Whose bucket a request draws on; None for a request that is not limited."""

AsyncKeyOfRequest = Callable[[Request], KeyGiven | Awaitable[KeyGiven | None] | None]
"""The same for ASGI, where it may be a coroutine function."""


def of_scope(scope: MutableMapping[str, Any]) -> Request:
    """The request of an ASGI http scope."""
    peer = scope.get("client")
    return Request(scope["method"], scope["path"], peer[0] if peer else None, scope)


def of_environ(environ: MutableMapping[str, Any]) -> Request:
    """The request of a WSGI environ. Its path is bytes dressed as Latin-1 (PEP 3333): undressed."""
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    return Request(environ["REQUEST_METHOD"], path, environ.get("REMOTE_ADDR") or None, environ)


def _joined(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    values = [value.decode("latin-1") for name, value in headers if name.lower() == wanted]
    return ", ".join(values) if values else None
