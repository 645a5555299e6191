"""Sessions in front of a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Unpack

from ddbwire.shared.web_application import Interface, require_application
from sessions.assignment import SessionPlace
from sessions.authorization import authorization_in_environ
from sessions.config.options import SessionOptions, shows_session_options
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import with_session_headers
from sessions.cookie.plain_test_client import warn_if_never_sent
from sessions.errors import AuthenticationRequired
from sessions.lifecycle.commit import end_failed, end_response, start_response
from sessions.nested_middleware import require_own_cookie
from sessions.operations.store import Store
from sessions.request_session import RequestSession
from sessions.response import unauthorized
from sessions.session import Session
from sessions.session_of_request import REQUEST_SESSION

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["SessionMiddleware"]

SESSION = "sessions.session"
"""Where the environ holds the session."""


class SessionMiddleware:
    """Puts the session into ``environ["sessions.session"]``; it is read at its first use.

    It is committed before the first byte of the response is passed on. Save later changes by
    ``session.save()``; a change that is not saved raises SessionNotSaved at the end.

    Args:
        app: the application.
        store: a DynamoDBSessionStore or a MemorySessionStore.
        options: ``idle=``, ``lifetime=``, ``secret=`` and more: see ``sessions.SessionOptions``.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    @shows_session_options
    def __init__(
        self, app: WSGIApplication, store: Store, **options: Unpack[SessionOptions]
    ) -> None:
        require_application(app, Interface.WSGI, "sessions")
        self._app = app
        self._config = config = SessionConfig.of(store, options)
        device_bound = config.device_bound
        self._endpoints = None if device_bound is None else device_bound.wsgi_endpoints(config)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application with a session, and commit."""
        if self._endpoints is not None:
            answered: list[bytes] | None = self._endpoints(environ, start_response)
            if answered is not None:
                return answered
        if SESSION in environ:  # that of a middleware around this one, which keeps its own
            require_own_cookie(self._config, environ)
            environ = {**environ}
        authorization = authorization_in_environ(environ)
        session = RequestSession(self._config, environ.get("HTTP_COOKIE"), authorization)
        environ[REQUEST_SESSION], environ[SESSION] = session, Session(session)
        session.place = SessionPlace(environ, SESSION, environ[SESSION])
        start = _StartResponse(session, start_response, environ)
        files = _Files(environ)
        with ExitStack() as on_failure:
            on_failure.callback(lambda: session.driver.run(end_failed(session)))
            try:
                body = self._app(environ, start)
            except AuthenticationRequired as refused:
                if start.is_started:
                    raise
                body = start.refuse(refused)
            if isinstance(body, list | tuple) or files.wrapped(body):
                # No code of the application runs any more, and servers may treat it specially.
                if hasattr(body, "close"):
                    on_failure.callback(body.close)
                start.now()
                session.driver.run(end_response(session))
            else:
                body = _Body(body, session, start)
            on_failure.pop_all()
        return body


class _StartResponse:
    """The application's ``start_response``, delayed until the first byte."""

    __slots__ = ("_environ", "_held", "_is_started", "_session", "_start_response", "_write")

    def __init__(
        self, session: RequestSession, start_response: StartResponse, environ: WSGIEnvironment
    ) -> None:
        self._environ = environ
        self._session = session
        self._start_response = start_response
        self._held: tuple[str, list[tuple[str, str]], Any] | None = None
        self._write: Callable[[bytes], object] | None = None
        self._is_started = False

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        """Called by the application; again, with ``exc_info``, for another response."""
        if self._is_started:  # the server knows whether that is too late
            return self._start_response(status, headers, exc_info)
        if self._held is not None and exc_info is None:
            raise AssertionError("start_response was called again without exc_info (PEP 3333)")
        self._held = (status, headers, exc_info)
        return self._write_through

    def now(self) -> None:
        """Commit the session and start the response, unless it has started."""
        if self.is_due:
            assert self._held is not None  # noqa: S101 - else it is not due
            status, headers, exc_info = self._held
            session, environ = self._session, self._environ
            added = session.driver.run(start_response(session))
            if session.client_token.changes_response:
                scheme, host = environ.get("wsgi.url_scheme"), environ.get("SERVER_NAME")
                warn_if_never_sent(session.config.cookie, added, scheme, host)
            self._is_started = True
            self._write = self._start_response(
                status, with_session_headers(headers, added), exc_info
            )

    def refuse(self, refused: AuthenticationRequired) -> list[bytes]:
        """Answer 401 instead of the application's response. Returns the body."""
        self._held = None
        return unauthorized(refused).start(self, self._environ["REQUEST_METHOD"])

    @property
    def is_started(self) -> bool:
        """Whether the response has started."""
        return self._is_started

    @property
    def is_due(self) -> bool:
        """Whether the application has called it, and the response has not started."""
        return not self._is_started and self._held is not None

    def _write_through(self, data: bytes) -> object:
        self.now()
        assert self._write is not None  # noqa: S101 - now() saw to it
        return self._write(data)


class _Body:
    """The application's own body; the response starts with its first chunk."""

    __slots__ = ("_body", "_has_failed", "_is_over", "_session", "_start")

    def __init__(
        self, body: Iterable[bytes], session: RequestSession, start: _StartResponse
    ) -> None:
        self._has_failed = False
        self._is_over = False  # whether nothing of the application can run any more
        self._body = body
        self._session = session
        self._start = start

    def __iter__(self) -> Iterator[bytes]:
        self._has_failed = True  # until it has not
        for chunk in self._chunks():
            self._start.now()
            self._has_failed = False
            yield chunk
            self._has_failed = True
        self._start.now()
        if isinstance(self._body, GeneratorType) or not hasattr(self._body, "close"):
            self._session.driver.run(end_response(self._session))
            self._is_over = True
        self._has_failed = False

    def _chunks(self) -> Iterator[bytes]:
        try:
            for chunk in self._body:  # noqa: UP028 - `yield from` would close it too soon
                yield chunk
        except AuthenticationRequired as refused:
            if self._start.is_started:
                raise
            yield from self._start.refuse(refused)

    def close(self) -> None:
        """Close the application's body, which may have changed the session.

        If the client has closed the connection, the server may call it before the first chunk; then
        no cookie can be set any more.
        """
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        except BaseException:
            self._has_failed = True
            raise
        finally:
            self._end()

    def _end(self) -> None:
        if self._has_failed:  # the application's own error is raised
            self._session.driver.run(end_failed(self._session))
        elif self._start.is_due:
            self._session.driver.run(start_response(self._session, is_sent=False))
        elif not self._is_over:
            self._session.driver.run(end_response(self._session))


class _Files:
    """The server's ``wsgi.file_wrapper``, and the files that the application wrapped by it."""

    __slots__ = ("_wrap", "_wrapped")

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._wrapped: list[object] = []
        self._wrap = environ.get("wsgi.file_wrapper")
        if self._wrap is not None and not isinstance(self._wrap, type):
            environ["wsgi.file_wrapper"] = self._wrap_and_note

    def wrapped(self, body: object) -> bool:
        """Whether a body is a wrapped file."""
        if isinstance(self._wrap, type):
            return isinstance(body, self._wrap)
        return any(body is one for one in self._wrapped)

    def _wrap_and_note(self, *arguments: Any) -> Any:
        assert self._wrap is not None  # noqa: S101 - else the application has none to call
        self._wrapped.append(self._wrap(*arguments))
        return self._wrapped[-1]
