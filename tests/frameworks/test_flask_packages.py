"""Flask-Login and Flask-WTF, the real packages, on these sessions."""

from __future__ import annotations

import re
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    fresh_login_required,
    login_required,
    login_user,
    logout_user,
)
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import StringField

from sessions import session_of
from sessions.flask import session
from tests.frameworks.flask_sessions_site import COOKIE, site
from tests.frameworks.seen_store import SeenStore

HTTPS = "https://localhost"
DAY = 86_400


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


class Greeting(FlaskForm):
    name = StringField()


@pytest.fixture
def store() -> SeenStore:
    return SeenStore()


@pytest.fixture
def app(store: SeenStore) -> flask.Flask:
    app = site(store, max_idle=7 * DAY, max_lifetime=30 * DAY)
    app.secret_key = "of Flask-Login's remember-me cookie and Flask-WTF's tokens"
    logins = LoginManager(app)
    logins.user_loader(User)
    logins.session_protection = "strong"

    @app.get("/enter/<user_id>")
    def enter(user_id: str) -> str:
        login_user(User(user_id))
        return "in"

    @app.get("/remember/<user_id>")
    def remember(user_id: str) -> str:
        session.login(user_id, idle=7 * DAY, lifetime=30 * DAY, persistent=True)
        login_user(User(user_id))
        return "in"

    @app.get("/remember-by-flask-login/<user_id>")
    def remember_by_flask_login(user_id: str) -> str:
        login_user(User(user_id), remember=True)
        return "in"

    @app.get("/leave")
    def leave() -> str:
        logout_user()
        return "out"

    @app.get("/current")
    def current() -> str:
        return str(current_user.get_id())

    @app.get("/account")
    @login_required
    def account() -> str:
        return "account"

    @app.get("/sensitive")
    @fresh_login_required
    def sensitive() -> str:
        return "sensitive"

    return app


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    return app.test_client()


def get(client: FlaskClient, path: str, **options: Any) -> str:
    return client.get(path, base_url=HTTPS, **options).text


def token_of(client: FlaskClient) -> str:
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def test_flask_login_logs_in_under_a_new_id_and_the_session_is_the_users(
    client: FlaskClient, store: SeenStore
) -> None:
    get(client, "/set/colour/red")
    before = token_of(client)
    get(client, "/enter/7")
    assert token_of(client) != before
    assert (get(client, "/current"), get(client, "/account")) == ("7", "account")
    assert get(client, "/sensitive") == "sensitive"
    assert client.get("/seen", base_url=HTTPS).json["colour"] == "red"  # type: ignore[index]
    assert [one.user_id for one in store.sessions_of("7")] == ["7"]


def test_flask_login_logs_out_and_revoke_user_does(client: FlaskClient, store: SeenStore) -> None:
    get(client, "/enter/7")
    get(client, "/leave")
    assert get(client, "/current") == "None"
    assert store.sessions_of("7") == []
    get(client, "/enter/7")
    assert store.revoke_user("7") == 1
    assert get(client, "/current") == "None"
    assert client.get("/account", base_url=HTTPS).status_code == 401


def test_a_session_that_was_remembered_ends_with_a_logout_everywhere(
    client: FlaskClient, store: SeenStore
) -> None:
    get(client, "/enter/8")  # another user's session before
    get(client, "/remember/7")
    assert (get(client, "/current"), get(client, "/sensitive")) == ("7", "sensitive")
    store.fake_clock.advance(6 * DAY)
    assert get(client, "/current") == "7"
    assert store.revoke_user("7") == 1
    assert get(client, "/current") == "None"
    assert store.sessions_of("7") == []


# Flask-Login's own call, which Python 3.12 and later deprecate.
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning:flask_login")
def test_flask_logins_own_cookie_outlives_a_logout_everywhere_as_the_guide_says(
    client: FlaskClient, store: SeenStore
) -> None:
    get(client, "/remember-by-flask-login/7")
    assert client.get_cookie("remember_token") is not None
    assert store.revoke_user("7") == 1
    assert get(client, "/current") == "7"
    assert len(store.sessions_of("7")) == 1


def test_flask_logins_strong_protection_ends_the_session_of_another_browser(
    client: FlaskClient, app: flask.Flask
) -> None:
    get(client, "/enter/7")
    thief = app.test_client()
    thief.set_cookie(COOKIE, token_of(client), secure=True)
    assert get(thief, "/current", headers={"User-Agent": "another"}) == "None"


def test_another_users_login_of_flask_login_finds_nothing_of_the_one_before(
    client: FlaskClient, store: SeenStore
) -> None:
    get(client, "/enter/7")
    get(client, "/set/colour/red")
    get(client, "/enter/8")
    assert get(client, "/current") == "8"
    assert "colour" not in client.get("/seen", base_url=HTTPS).json  # type: ignore[operator]
    assert store.sessions_of("7") == []


@pytest.fixture
def forms(app: flask.Flask, client: FlaskClient) -> FlaskClient:
    CSRFProtect(app)

    @app.route("/form", methods=["GET", "POST"])
    def form() -> str:
        greeting = Greeting()
        if greeting.validate_on_submit():
            return f"hello {greeting.name.data}"
        return flask.render_template_string("{{ form.csrf_token }}", form=greeting)

    return client


def token_in(page: str) -> str:
    found = re.search(r'value="([^"]+)"', page)
    assert found
    return found[1]


def post(client: FlaskClient, **data: str) -> tuple[int, str]:
    sent = client.post("/form", data=data, base_url=HTTPS, headers={"Referer": HTTPS + "/form"})
    return sent.status_code, sent.text


def test_flask_wtfs_tokens_are_in_the_session(forms: FlaskClient) -> None:
    token = token_in(get(forms, "/form"))
    assert post(forms, name="ada", csrf_token=token) == (200, "hello ada")
    assert post(forms, name="ada")[0] == 400
    assert "csrf_token" in in_the_session(forms)


def test_flask_wtfs_tokens_of_pages_opened_at_once_are_all_valid(forms: FlaskClient) -> None:
    tokens = [token_in(get(forms, "/form")) for _ in range(3)]
    assert [post(forms, name="ada", csrf_token=token)[0] for token in tokens] == [200] * 3


def in_the_session(client: FlaskClient) -> Any:
    return client.get("/seen", base_url=HTTPS).json


def test_the_sessions_user_is_flask_logins_within_the_same_request(
    app: flask.Flask, store: SeenStore
) -> None:
    users: list[str | None] = []

    @app.get("/in-and-out")
    def in_and_out() -> str:
        login_user(User("7"))
        session.require_fresh(300)
        users.append(session_of(flask.request).user_id)
        logout_user()
        users.append(session.user_id)
        login_user(User("8"))
        return session.require_user()

    client = app.test_client()
    client.get("/enter/7", base_url=HTTPS)
    assert client.get("/in-and-out", base_url=HTTPS).text == "8"
    assert users == ["7", None]
    assert (len(store.sessions_of("7")), len(store.sessions_of("8"))) == (0, 1)


def test_a_stolen_cookie_is_nobodys_in_the_request_that_flask_login_refuses(
    app: flask.Flask,
) -> None:
    @app.get("/user")
    def user() -> str:
        assert current_user.is_anonymous
        return str(session.user_id)

    client = app.test_client()
    client.get("/enter/7", base_url=HTTPS)
    headers = {"User-Agent": "another"}
    assert client.get("/user", base_url=HTTPS, headers=headers).text == "None"
