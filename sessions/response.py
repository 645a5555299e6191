"""A response that the package sends itself, instead of the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from sessions.cookie.headers import Headers
from sessions.errors import AuthenticationRequired

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Response(NamedTuple):
    """A response.

    Attributes:
        status: the status, such as 200.
        headers: the fields, but for Content-Length.
        body: the content, whose type is in the fields.
    """

    status: HTTPStatus
    headers: Headers
    body: bytes

    @classmethod
    def of_text(cls, status: HTTPStatus, headers: Headers, text: str) -> Response:
        """A response in plain text."""
        return cls(status, [("content-type", "text/plain; charset=utf-8"), *headers], text.encode())

    def start(self, start_response: StartResponse, method: str) -> list[bytes]:
        """Start it over WSGI; returns its body. A request with HEAD gets none (RFC 9110, 9.3.2)."""
        start_response(f"{self.status.value} {self.status.phrase}", self._with_length())
        return [self._body(method)]

    async def send(self, send: Send, method: str) -> None:
        """Send it over ASGI; see ``start``."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self._with_length()]
        await send({"type": "http.response.start", "status": self.status.value, "headers": headers})
        await send({"type": "http.response.body", "body": self._body(method)})

    def _with_length(self) -> Headers:
        return [*self.headers, ("content-length", str(len(self.body)))]

    def _body(self, method: str) -> bytes:
        return b"" if method == "HEAD" else self.body


def unauthorized(refused: AuthenticationRequired) -> Response:
    """The 401 with its challenge."""
    return Response.of_text(HTTPStatus.UNAUTHORIZED, list(refused.headers.items()), refused.detail)
