"""Flask's session interface: opens ``flask.session`` for a request, and saves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, cast
from weakref import WeakKeyDictionary

import flask
import flask.sessions

from sessions.arguments import require_str_or_none
from sessions.authorization import authorization_in_environ
from sessions.config.options import SessionOptions, shows_session_options
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import with_session_headers
from sessions.flask.flask_session import FRESH, FlaskSession
from sessions.flask.json_provider import make_sessions_json
from sessions.flask.settings import config_with_settings
from sessions.nested_middleware import require_own_cookie
from sessions.operations.store import Store
from sessions.request_session import RequestSession
from sessions.session_of_request import REQUEST_SESSION

if TYPE_CHECKING:
    from flask import Flask, Request, Response
    from flask.sessions import SessionMixin

session = cast("FlaskSession", flask.session)
"""``flask.session`` itself, for type checkers: with ``login``, ``logout`` and the rest."""


class SessionInterface(flask.sessions.SessionInterface):
    """Makes ``flask.session`` a session of this package: a FlaskSession, which is a Session.

    It is read at its first use, and committed when Flask has the response, before its first byte. A
    stream saves later changes by ``session.save()`` (with ``stream_with_context``); a change that
    is not saved raises SessionNotSaved when the response is closed.

    ``session.clear()`` is a logout, as everywhere: the row is deleted. So the session has another
    id after ``session.clear(); session["user_id"] = ...``, as after ``session.login(...)``; only
    the latter lists it as the user's. Logins by Flask-Login are noticed: if the value under
    ``user_key`` changes, the session becomes that user's, with a new id; if the value is removed,
    it becomes anonymous. Of another user's session, only the values that this request set are kept.

    ``session.permanent = True`` gives the cookie a Max-Age, the rest of the session's lifetime. If
    the session began without one, that costs a rotation, since the cookie must be set again.

    Flask's settings SESSION_COOKIE_NAME, _DOMAIN, _PATH, _SECURE, _SAMESITE and _PARTITIONED are
    taken for the options of the same meaning, where they are not Flask's defaults. One that
    contradicts an option, SESSION_COOKIE_HTTPONLY=False, and a PERMANENT_SESSION_LIFETIME that is
    not ``lifetime``, are refused at the first request.

    Args:
        store: a DynamoDBSessionStore or a MemorySessionStore.
        user_key: the key of the session's data in which an extension names the user, as a str or
            a number; None for no such key. Flask-Login's by default.
        options: ``idle=``, ``lifetime=``, ``secret=`` and more: see ``sessions.SessionOptions``.
            ``persistent`` is the default of ``session.permanent``.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    @shows_session_options
    def __init__(
        self, store: Store, *, user_key: str | None = "_user_id", **options: Unpack[SessionOptions]
    ) -> None:
        # Checked now; a request checks them again with Flask's settings, such as the cookie's name.
        config = SessionConfig.of(store, {"cookie": "session", **options})
        if config.device_bound is not None:
            raise ValueError(
                "device_bound works with sessions.asgi and sessions.wsgi: Flask's session "
                "interface has no place for the endpoints that browsers call"
            )
        self._user_key = require_str_or_none("user_key", user_key)
        self._store = store
        self._options = options
        self._configs: WeakKeyDictionary[Flask, SessionConfig] = WeakKeyDictionary()
        # If a request fails and Flask propagates exceptions, it does not save the session.
        flask.request_tearing_down.connect(self._end_failed)

    def open_session(self, app: Flask, request: Request) -> FlaskSession:
        """The request's session, not yet read; never None.

        Raises:
            ValueError: one of Flask's settings contradicts an option, or can't be followed.
        """
        environ, config = request.environ, self._config_of(app)
        require_own_cookie(config, environ)
        request_session = RequestSession(
            config, environ.get("HTTP_COOKIE"), authorization_in_environ(environ)
        )
        request_session.state.fresh_key = FRESH
        environ[REQUEST_SESSION] = request_session
        return FlaskSession(request_session, user_key=self._user_key)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002
        """Commit the session, and add its fields to the response.

        Raises:
            SessionRevoked, SessionConflict, SessionTooLarge, StoreUnavailable: it was not saved.
        """
        if not isinstance(session, FlaskSession):
            raise TypeError(f"session must be what open_session returned, not {session!r}")
        added = session.start_response()
        if added:
            headers = with_session_headers(response.headers.to_wsgi_list(), added)
            response.headers.clear()
            response.headers.extend(headers)
        response.call_on_close(session.end_response)

    def get_cookie_name(self, app: Flask) -> str:
        """The cookie's name, for extensions that ask."""
        return self._config_of(app).cookie.name

    def get_cookie_domain(self, app: Flask) -> str | None:
        """Its Domain."""
        return self._config_of(app).cookie.domain

    def get_cookie_path(self, app: Flask) -> str:
        """Its Path."""
        return self._config_of(app).cookie.path

    def get_cookie_httponly(self, app: Flask) -> bool:  # noqa: ARG002
        """That it is HttpOnly."""
        return True

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether it is Secure."""
        return self._config_of(app).cookie.secure

    def get_cookie_samesite(self, app: Flask) -> str:
        """Its SameSite."""
        return self._config_of(app).cookie.same_site

    def get_cookie_partitioned(self, app: Flask) -> bool:
        """Whether it is Partitioned."""
        return self._config_of(app).cookie.partitioned

    def _config_of(self, app: Flask) -> SessionConfig:
        # At the first request: then the application has all its settings.
        config = self._configs.get(app)
        if config is None:
            config = config_with_settings(self._store, app.config, self._options)
            self._configs[app] = config
            make_sessions_json(app)
        return config

    def _end_failed(self, app: Flask, exc: BaseException | None = None) -> None:
        # Not that of a middleware around the application.
        opened = getattr(flask.request.environ.get(REQUEST_SESSION), "config", None)
        if exc is not None and opened is not None and opened is self._configs.get(app):
            session = flask.session._get_current_object()  # type: ignore[attr-defined]
            if isinstance(session, FlaskSession):
                session.end_failed()
