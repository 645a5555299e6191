"""How an application answers a request, the same over ASGI, WSGI and the frameworks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

SERVER_ERROR = 500
"""What servers answer where an application raises."""


class ResponseHead(NamedTuple):
    """What ``give_back`` is called with: the response, before its content.

    Attributes:
        status: the status code; 500 where the application raised before it had answered. The
            handshake of a websocket that is accepted has 101, one that is closed has 403.
        headers: the application's header fields, names in lower case, in the order sent; none
            where it raised, and those that the server adds are not among them.
        exception: what the application raised in a response's place; None where it answered.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    exception: Exception | None = None

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name; None where the response has none.

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
    """The head of what is answered where an application raised."""
    return ResponseHead(status, (), exception)


def status_of_exception(exception: Exception) -> int | None:
    """The status that an exception says it is answered with; None where it says none.

    Starlette's HTTPException has it as ``status_code``, and so have those of Django REST Framework
    and of Django Ninja, whose views have them answered outside of their decorators.
    """
    status = getattr(exception, "status_code", None)
    return int(status) if isinstance(status, int) else None
