"""Flask's sessions whose token comes in ``Authorization: Bearer``."""

from __future__ import annotations

from typing import Any, cast

import flask
import pytest
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from sessions import AuthenticationRequired, SessionNotSaved
from sessions.flask import SessionInterface, session
from tests.frameworks.seen_store import SeenStore

HTTPS = {"base_url": "https://localhost"}


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


@pytest.fixture
def store() -> SeenStore:
    return SeenStore()


@pytest.fixture
def app(store: SeenStore) -> flask.Flask:
    app = flask.Flask(__name__)
    app.testing = True
    app.secret_key = "for Flask-Login"
    app.session_interface = SessionInterface(store, bearer=True)
    LoginManager(app).user_loader(User)

    @app.before_request
    def permanent() -> None:
        flask.session.permanent = True

    @app.post("/login")
    def login() -> dict[str, str]:
        session.login("ada")
        return {"token": session.issue_token()}

    @app.post("/extension")
    def extension() -> dict[str, str]:
        login_user(User("bob"))
        return {"token": session.issue_token()}

    @app.post("/forgotten")
    def forgotten() -> str:
        login_user(User("bob"))
        return "in"

    @app.post("/logout")
    def logout() -> str:
        logout_user()
        session.logout()
        flask.flash("bye")
        return "out"

    @app.get("/account")
    def account() -> dict[str, Any]:
        extension = current_user.get_id()
        return {"user": session.require_user(), "form": session.is_csrf_token("x"), "as": extension}

    return app


def sent(token: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {token}"}, **HTTPS}


def account(app: flask.Flask, token: str) -> Any:
    return app.test_client().get("/account", **sent(token)).json


def log_in(app: flask.Flask, path: str = "/login") -> str:
    response: Any = app.test_client().post(path, **cast("Any", HTTPS))
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Set-Cookie" not in response.headers
    token: str = response.json["token"]
    return token


def test_a_token_is_sent_instead_of_a_cookie(app: flask.Flask, store: SeenStore) -> None:
    token = log_in(app)
    client = app.test_client()
    response = client.get("/account", **sent(token))
    assert response.json == {"user": "ada", "form": True, "as": None}
    assert response.headers["Vary"] == "Cookie, Authorization"
    assert "Set-Cookie" not in response.headers
    client.post("/logout", **sent(token))
    assert store.sessions_of("ada") == []
    gone = client.get("/account", **sent(token))
    assert gone.status_code == 401
    assert 'error="invalid_token"' in gone.headers["WWW-Authenticate"]
    assert "Set-Cookie" not in gone.headers


def test_a_login_by_an_extension_is_issued_a_token(app: flask.Flask, store: SeenStore) -> None:
    token = log_in(app, "/extension")
    assert account(app, token)["as"] == "bob"
    assert store.revoke_user("bob") == 1
    assert app.test_client().get("/account", **sent(token)).status_code == 401


def test_one_that_is_not_is_an_error(app: flask.Flask, store: SeenStore) -> None:
    token = log_in(app, "/extension")
    with pytest.raises(SessionNotSaved, match="issue_token"):
        app.test_client().post("/forgotten", **sent("A" * 43))
    assert account(app, token)["as"] == "bob"


def test_a_cookie_beats_a_header(app: flask.Flask) -> None:
    client = app.test_client()
    client.post("/forgotten", **cast("Any", HTTPS))
    response = client.get("/account", **sent(log_in(app)))
    assert response.json == {"user": "bob", "form": False, "as": "bob"}


def test_an_error_handler_answers_instead(app: flask.Flask) -> None:
    @app.errorhandler(AuthenticationRequired)
    def answer(error: AuthenticationRequired) -> tuple[dict[str, str], int]:
        return {"detail": error.detail}, 401

    response = app.test_client().get("/account", **cast("Any", HTTPS))
    assert (response.status_code, response.json) == (401, {"detail": "Authentication is required."})
