"""Flask: bare, on our sessions, or on Flask-Session's on DynamoDB, as shipped."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import flask

from bench.worker.contender import Target
from bench.worker.site import WsgiSite

CART = [{"item": 17, "count": 2}]


def create(target: Target) -> WsgiSite:
    """The site, with the sessions of the target's style."""
    app = flask.Flask(__name__, root_path=".")
    app.secret_key = "a secret of at least thirty-two bytes"
    if target.style == "bare":
        _add_bare_pages(app)
    elif target.style == "ours":
        _use_ours(app, target)
    else:
        _use_flask_session(app, target)
    return WsgiSite(app)


def _use_ours(app: flask.Flask, target: Target) -> None:
    from sessions import DynamoDBSessionStore
    from sessions.flask import SessionInterface, session

    store = DynamoDBSessionStore(target.table, endpoint_url=target.endpoint_url)
    app.session_interface = SessionInterface(store, deadline=10)

    def login() -> None:
        session.login("user-123")

    def logout() -> None:
        session.logout()

    _add_pages(app, login=login, logout=logout)


def _use_flask_session(app: flask.Flask, target: Target) -> None:
    import boto3
    from flask_session import Session

    app.config["SESSION_TYPE"] = "dynamodb"
    app.config["SESSION_DYNAMODB"] = boto3.resource("dynamodb", endpoint_url=target.endpoint_url)
    app.config["SESSION_DYNAMODB_TABLE"] = f"{target.table}-flask-session"
    Session(app)
    interface: Any = app.session_interface

    def login() -> None:
        interface.regenerate(flask.session)
        flask.session["user"] = "user-123"

    def logout() -> None:
        flask.session.clear()

    _add_pages(app, login=login, logout=logout)


def _add_bare_pages(app: flask.Flask) -> None:
    for path in ("untouched", "read", "write", "login", "logout"):
        app.add_url_rule(f"/{path}", path, lambda: "ok")


def _add_pages(app: flask.Flask, login: Callable[[], None], logout: Callable[[], None]) -> None:
    numbers = itertools.count()

    @app.get("/untouched")
    def untouched() -> str:
        return "ok"

    @app.get("/read")
    def read() -> str:
        flask.session.get("theme")
        return "ok"

    @app.get("/write")
    def write() -> str:
        if "cart" not in flask.session:
            flask.session["cart"] = CART
        flask.session["theme"] = f"dark {next(numbers)}"
        return "ok"

    @app.get("/login")
    def log_in() -> str:
        login()
        return "ok"

    @app.get("/logout")
    def log_out() -> str:
        logout()
        return "ok"
