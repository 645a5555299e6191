"""Rate limits in front of a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Unpack

from ratelimit_ddb.web.gate import Gate, GateOptions
from ratelimit_ddb.web.request import of_environ

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ratelimit_ddb.web.answer import Fields


class RateLimitMiddleware:
    """Answers 429 to requests over a limit, and tells the others what is left.

    The limits' fields are added where the application starts its response. The server gets the
    application's own iterable, so streaming, ``write`` and ``wsgi.file_wrapper`` stay as they were.

    Args:
        app: the application.
        options: ``store=``, ``rules=`` and more: see ``ratelimit_ddb.web.gate.GateOptions``.

    Raises:
        TypeError, ValueError: something given can't hold.
    """

    def __init__(self, app: WSGIApplication, **options: Unpack[GateOptions]) -> None:
        self._app = app
        self._gate = Gate(options, blocking=True)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Decide, and call the application or answer in its place."""
        answer, fields, _ = self._gate.admit(of_environ(environ))
        if answer is None:
            return self._app(environ, _adding(fields, start_response) if fields else start_response)
        start_response(answer.status_line, list(answer.headers))
        return [answer.body]


def _adding(fields: Fields, start_response: StartResponse) -> StartResponse:
    def adding(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        return start_response(status, [*headers, *fields], exc_info)

    return adding
