"""Flask: whose bucket a request draws on, by the session."""

from __future__ import annotations

import flask
import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.flask import limit_app
from ratelimit_ddb.web import Rule, session_user
from tests.frameworks.flask_site import site


def with_login(app: flask.Flask) -> flask.Flask:
    @app.get("/enter/<user>")
    def enter(user: str) -> str:
        flask.session["user_id"] = user
        return "welcome"

    return app


def test_users_of_the_session_have_buckets_of_their_own(store: MemoryStore) -> None:
    app = with_login(site())
    limit_app(app, store=store, rules=Rule("/login", "1/minute", by=session_user()))
    ada, bob, stranger = app.test_client(), app.test_client(), app.test_client()
    ada.get("/enter/ada")
    bob.get("/enter/bob")
    clients = [ada, ada, bob, bob, stranger, stranger]
    statuses = [client.get("/login").status_code for client in clients]
    assert statuses == [200, 429, 200, 429, 200, 429]


def test_session_user_in_an_app_without_a_secret_key_is_told_at_the_request(
    store: MemoryStore,
) -> None:
    app = site()
    app.secret_key = None
    app.testing = True
    rules = [Rule("/login", "1/minute", by=session_user()), Rule("/", "9/minute")]
    limit_app(app, store=store, rules=rules)
    client = app.test_client()
    with pytest.raises(RuntimeError, match="Flask could open none: set the app's secret_key"):
        client.get("/login")
    assert client.get("/").status_code == 200, "no rule reads the session there"


def test_responses_vary_by_cookie_only_where_a_rule_reads_the_session(store: MemoryStore) -> None:
    rules = [Rule("/", "9/minute"), Rule("/login", "9/minute", by=session_user())]
    app = site()
    limit_app(app, store=store, rules=rules)
    client = app.test_client()
    assert "vary" not in client.get("/").headers
    assert client.get("/login").headers["vary"] == "Cookie"
