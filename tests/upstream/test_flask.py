"""Flask's own tests of sessions and messages, on these sessions.

Not among them are those of its settings (SESSION_COOKIE_*, APPLICATION_ROOT, SECRET_KEY): the
options of SessionInterface take their place.
"""

from __future__ import annotations

import flask
import pytest
from flask.testing import FlaskClient

from sessions.flask import SessionInterface
from sessions.operations.store import Store
from tests.upstream.sources import own_tests_of

SAME = (
    "test_session_stored_last",
    "test_session_vary_cookie",
    "test_extended_flashing",
)
DIFFERENCES = {
    "test_session_accessed": "modified is whether there is anything to save: not after the save",
    "test_flashes": "modified = False does not throw a change away, and is refused over one",
    "test_session_cookie_setting": "the cookie lasts, so it is not set again at each request",
    "test_session_expiration": "the cookie has a Max-Age, which goes before Expires (RFC 6265)",
    "test_session_refresh_vary": "a response that neither uses nor sets the session may be cached",
    "test_session_special_types": "values are JSON; what is not is refused where it is set",
}


@pytest.fixture
def app(store: Store) -> flask.Flask:
    made = flask.Flask("flask_test", root_path=".")
    made.config.update(TESTING=True)
    made.session_interface = SessionInterface(store, cookie="session", secure=False, deadline=5)
    return made


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def req_ctx(app: flask.Flask) -> object:
    with app.test_request_context() as context:
        yield context


globals().update(own_tests_of("flask", SAME, {}, DIFFERENCES))
