"""Sessions for Flask: ``flask.session``, on this package's stores.

    app.session_interface = SessionInterface(store, idle=3600, secret=SECRET)

Flask's ``secret_key`` is not needed for it. Its SESSION_COOKIE_* settings are taken for options;
what can't be followed is refused at the first request.
"""

from ddbwire.shared.optional_package import optional_package

with optional_package("sessions.flask", "flask"):
    import flask  # noqa: F401 - is it there?

from sessions.flask.flask_session import FlaskSession
from sessions.flask.freshness import require_fresh
from sessions.flask.interface import SessionInterface, session

__all__ = ["FlaskSession", "SessionInterface", "require_fresh", "session"]
