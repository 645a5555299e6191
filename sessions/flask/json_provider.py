"""Makes ``flask.jsonify(flask.session)`` work, as it does with Flask's own session, a dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask.json.provider import DefaultJSONProvider

from sessions.session import Session

if TYPE_CHECKING:
    from flask import Flask


def make_sessions_json(app: Flask) -> None:
    """Make an application's JSON provider encode a session as a dict, if it is Flask's own."""
    provider = app.json
    if not isinstance(provider, DefaultJSONProvider):
        return
    otherwise = provider.default

    def default(value: Any) -> Any:
        return dict(value) if isinstance(value, Session) else otherwise(value)

    provider.default = default
