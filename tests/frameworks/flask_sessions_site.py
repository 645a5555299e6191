"""A Flask app that has its sessions in a store, and the store's operations as they are sent."""

from __future__ import annotations

from typing import Any

import flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sessions.flask import SessionInterface, session

COOKIE = "__Host-session"


def site(store: Any, **options: Any) -> flask.Flask:
    """An app without ``secret_key``; views that tests need, they add themselves."""
    app = flask.Flask("site")
    app.session_interface = SessionInterface(store, deadline=5, **options)
    app.testing = True

    @app.get("/")
    def index() -> str:
        return "hello"

    @app.get("/set/<key>/<value>")
    def put(key: str, value: str) -> str:
        flask.session[key] = value
        return "set"

    @app.get("/seen")
    def seen() -> dict[str, Any]:
        return dict(flask.session)

    @app.get("/who")
    def who() -> str:
        return str(session.user_id)

    @app.get("/login/<user_id>")
    def login(user_id: str) -> str:
        session.login(user_id, device="a test")
        return "in"

    @app.get("/logout")
    def logout() -> str:
        session.logout()
        return "out"

    @app.get("/rotate")
    def rotate() -> str:
        session.rotate()
        return "rotated"

    return app


def cookie_of(response: TestResponse) -> str | None:
    """The Set-Cookie field, if there is one."""
    return response.headers.get("set-cookie")


def seen(client: FlaskClient) -> Any:
    """What its session holds."""
    return client.get("/seen").json


def user_of(client: FlaskClient) -> str:
    """Who is logged in, as the site says it."""
    return client.get("/who").text
