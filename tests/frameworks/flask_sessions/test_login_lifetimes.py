"""How long a login's session lives, and its cookie, in Flask."""

from __future__ import annotations

import flask
import pytest
from flask.testing import FlaskClient

from sessions.flask import session
from tests.frameworks.flask_sessions_site import cookie_of, site
from tests.frameworks.seen_store import SeenStore

DAY = 86_400
HTTPS = "https://localhost"


@pytest.fixture
def app(store: SeenStore) -> flask.Flask:
    app = site(store, max_idle=7 * DAY, max_lifetime=30 * DAY)

    @app.get("/remember")
    def remember() -> str:
        session.login("ada", idle=7 * DAY, lifetime=30 * DAY, persistent=True)
        return "in"

    @app.get("/remember-not")
    def remember_not() -> str:
        session.permanent = True
        session.login("ada", persistent=False)
        return "in"

    @app.get("/permanent/<int:value>")
    def permanent(value: int) -> str:
        session.permanent = bool(value)
        return str(session.permanent)

    @app.get("/is-permanent")
    def is_permanent() -> str:
        return str(session.permanent)

    return app


def test_a_remembered_login_lives_as_long_as_it_chose(
    client: FlaskClient, store: SeenStore
) -> None:
    cookie = cookie_of(client.get("/remember", base_url=HTTPS))
    assert cookie is not None
    assert f"Max-Age={30 * DAY}" in cookie
    assert client.get("/is-permanent", base_url=HTTPS).text == "True"
    store.fake_clock.advance(7 * DAY - 1)
    assert client.get("/who", base_url=HTTPS).text == "ada"
    cookie = cookie_of(client.get("/rotate", base_url=HTTPS))
    assert cookie is not None
    assert f"Max-Age={23 * DAY + 1}" in cookie
    store.fake_clock.advance(7 * DAY)
    assert client.get("/who", base_url=HTTPS).text == "None"


def test_a_login_decides_over_a_permanent_that_was_set_before(client: FlaskClient) -> None:
    cookie = cookie_of(client.get("/remember-not", base_url=HTTPS))
    assert cookie is not None
    assert "Max-Age" not in cookie
    assert client.get("/is-permanent", base_url=HTTPS).text == "False"
    assert cookie_of(client.get("/who", base_url=HTTPS)) is None


def test_permanent_that_is_set_later_decides_over_the_login(client: FlaskClient) -> None:
    client.get("/remember", base_url=HTTPS)
    cookie = cookie_of(client.get("/permanent/0", base_url=HTTPS))
    assert cookie is not None
    assert "Max-Age" not in cookie
    assert client.get("/is-permanent", base_url=HTTPS).text == "False"
