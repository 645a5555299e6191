"""A Flask app with a page for each thing that can happen to a request."""

from __future__ import annotations

import flask
from werkzeug.test import TestResponse


def site() -> flask.Flask:
    app = flask.Flask("site")
    app.secret_key = "of-tests"

    @app.get("/")
    def index() -> str:
        return "hello"

    @app.route("/login", methods=["GET", "POST"])
    def login() -> str:
        return "in"

    @app.get("/users/<int:id>")
    def user(**captured: int) -> str:
        return f"user {captured['id']}"

    @app.get("/users/<int:id>/posts")
    def posts(**captured: int) -> str:
        return f"posts of {captured['id']}"

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(iter((b"one ", b"two")))

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("broken")

    @app.get("/teapot")
    def teapot() -> str:
        flask.abort(418)

    @app.errorhandler(418)
    def of_teapot(_error: Exception) -> tuple[str, int]:
        return "short and stout", 418

    return app


def limits_of(response: TestResponse) -> str:
    """What its RateLimit fields say together."""
    return ", ".join(response.headers.getlist("ratelimit"))
