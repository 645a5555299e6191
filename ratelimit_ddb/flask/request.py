"""What rules see of Flask's current request, and its session where a rule reads it."""

from __future__ import annotations

from typing import Any, cast

import flask
from werkzeug.local import LocalProxy

from ratelimit_ddb.web.request import Request, fields_of_environ

_NO_SESSION = (
    "a rule reads the session, and Flask could open none: set the app's secret_key, or a "
    "session_interface that needs none, such as sessions.flask's"
)


def current_request() -> Request:
    """What rules see of the request that Flask is at."""
    native = flask.request
    rule = native.url_rule
    return Request(
        native.method,
        native.path,
        native.remote_addr or None,
        native,
        _fields_of,
        None if rule is None else rule.rule,
        _SESSION,  # a proxy: the session itself is touched where a rule reads it
    )


def _opened_session() -> Any:
    """The session; a null session knows no user, and would have all counted by address."""
    session = cast("LocalProxy[Any]", flask.session)._get_current_object()
    if flask.current_app.session_interface.is_null_session(session):
        raise RuntimeError(_NO_SESSION)
    return session


_SESSION: Any = LocalProxy(_opened_session)


def _fields_of(native: flask.Request, name: str) -> list[str]:
    return fields_of_environ(native.environ, name)
