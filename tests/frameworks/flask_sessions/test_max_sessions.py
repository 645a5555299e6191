"""At most so many sessions a user, in Flask and with Flask-Login."""

from __future__ import annotations

import flask
import pytest
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from sessions import TooManySessions
from sessions.flask import session
from tests.frameworks.flask_sessions_site import site
from tests.frameworks.seen_store import SeenStore

HTTPS = "https://localhost"


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


def app_of(store: SeenStore, policy: str) -> flask.Flask:
    app = site(store, max_sessions_per_user=2, on_max_sessions=policy)
    app.secret_key = "of Flask-Login"
    LoginManager(app).user_loader(User)

    @app.get("/enter")
    def enter() -> tuple[str, int]:
        login_user(User("ada"))
        try:
            session.save()
        except TooManySessions:
            logout_user()
            return "too many", 409
        return "in", 200

    @app.get("/enter-unsaved")
    def enter_unsaved() -> str:
        login_user(User("ada"))
        return "in"

    @app.get("/why")
    def why() -> str:
        return str(session.end_reason)

    @app.get("/current")
    def current() -> str:
        return str(current_user.get_id())

    return app


def get(client: FlaskClient, path: str) -> str:
    return client.get(path, base_url=HTTPS).text


def test_the_oldest_login_of_flask_login_ends_and_can_say_why(store: SeenStore) -> None:
    app = app_of(store, "end_oldest")
    clients = [app.test_client() for _ in range(3)]
    for client in clients:
        assert get(client, "/enter-unsaved") == "in"
        store.fake_clock.advance(1)
    assert [get(client, "/current") for client in clients] == ["None", "ada", "ada"]
    assert [get(client, "/why") for client in clients] == ["login_elsewhere", "None", "None"]


def test_a_login_of_flask_login_is_refused_where_it_is_saved(store: SeenStore) -> None:
    app = app_of(store, "refuse")
    clients = [app.test_client() for _ in range(3)]
    assert [get(client, "/enter") for client in clients] == ["in", "in", "too many"]
    assert [get(client, "/current") for client in clients] == ["ada", "ada", "None"]
    assert [get(client, "/who") for client in clients] == ["ada", "ada", "None"]


def test_a_refused_login_of_flask_login_that_nobody_saves_logs_nobody_in(
    store: SeenStore,
) -> None:
    app = app_of(store, "refuse")
    for _ in range(2):
        get(app.test_client(), "/enter")
    client = app.test_client()
    with pytest.raises(TooManySessions):
        get(client, "/enter-unsaved")
    assert get(client, "/current") == "None"
    assert len(store.sessions_of("ada")) == 2
