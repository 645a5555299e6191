"""Sessions for Flask: ``flask.session``, on this package's stores.

    app.session_interface = SessionInterface(store, idle=3600, secret=SECRET)

Flask's ``secret_key`` is not needed for it, and its SESSION_COOKIE_* settings and
PERMANENT_SESSION_LIFETIME are not read: the options take their place.
"""

from sessions.flask.interface import SessionInterface, session
from sessions.flask.session import FlaskSession

__all__ = ["FlaskSession", "SessionInterface", "session"]
