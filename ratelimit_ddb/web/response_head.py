"""The status and headers of an application's response, over ASGI, WSGI and in the frameworks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

SERVER_ERROR = 500
"""What servers answer if an application raises."""


class ResponseHead(NamedTuple):
    """The response without its content; ``give_back`` is called with it.

    Attributes:
        status: the status code; 500 if the application raised before its response. The handshake of
            a websocket has 101 if it is accepted, and 403 if it is closed.
        headers: the application's header fields, names in lower case, in the order sent, without
            those that the server adds; none if it raised.
        exception: what the application raised instead of a response; None if it responded.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    exception: Exception | None = None

    def header(self, name: str) -> str | None:
        """A header's value, by its name in any case; None if the response has none.

        Repeated fields are joined by commas (RFC 9110, 5.3).
        """
        lower = name.lower()
        values = [value for found, value in self.headers if found == lower]
        return ", ".join(values) if values else None


def head_of(status: int, headers: Iterable[tuple[str, str]]) -> ResponseHead:
    """The head of a response whose header fields are named in any case."""
    return ResponseHead(status, tuple([(name.lower(), value) for name, value in headers]))


def head_of_bytes(status: int, headers: Iterable[Iterable[bytes]]) -> ResponseHead:
    """The same of an ASGI message, whose header fields are pairs of bytes."""
    pairs = [tuple(part.decode("latin-1") for part in pair) for pair in headers]
    return head_of(status, [(name, value) for name, value in pairs])


def head_of_exception(exception: Exception, status: int = SERVER_ERROR) -> ResponseHead:
    """The head of the response if an application raised."""
    return ResponseHead(status, (), exception)


def status_of_exception(exception: Exception) -> int | None:
    """The status that an exception has for its response; None if it has none.

    Starlette's HTTPException has it as ``status_code``, and so have the exceptions of Django REST
    Framework and Django Ninja, which handle them outside of a view's decorators.
    """
    status = getattr(exception, "status_code", None)
    return int(status) if isinstance(status, int) else None
