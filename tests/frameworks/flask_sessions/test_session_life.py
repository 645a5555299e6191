"""Flask's sessions on a store: ids, logins, logouts, and requests side by side."""

from __future__ import annotations

from collections.abc import Iterator

import flask
import pytest
from flask.testing import FlaskClient

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.flask import limit_app
from ratelimit_ddb.web import Rule, session_user
from sessions import SessionRevoked
from sessions.flask import session
from tests.fake_clock import FakeClock
from tests.frameworks.flask_sessions_site import COOKIE, cookie_of, seen, site, user_of
from tests.frameworks.seen_store import SeenStore

SECRET = "x" * 32


def test_two_requests_that_change_different_keys_are_both_kept(app: flask.Flask) -> None:
    client, other = app.test_client(), app.test_client()

    @app.get("/slow")
    def slow() -> str:
        _ = flask.session["colour"]
        client.get("/set/shape/round")
        flask.session["size"] = "large"
        return "done"

    client.get("/set/colour/red")
    other.set_cookie(COOKIE, client.get_cookie(COOKIE).value)  # type: ignore[union-attr]
    other.get("/slow")
    assert seen(client) == {"colour": "red", "shape": "round", "size": "large"}


@pytest.mark.parametrize("on_revoked", ["ignore", "raise"])
def test_a_slow_request_does_not_undo_a_logout(store: SeenStore, on_revoked: str) -> None:
    app = site(store, on_revoked=on_revoked)
    client, other = app.test_client(), app.test_client()

    @app.get("/slow")
    def slow() -> str:
        flask.session["size"] = "large"
        other.get("/logout")
        return "done"

    client.get("/set/colour/red")
    other.set_cookie(COOKIE, client.get_cookie(COOKIE).value)  # type: ignore[union-attr]
    if on_revoked == "raise":
        with pytest.raises(SessionRevoked):
            client.get("/slow")
    else:
        assert client.get("/slow").status_code == 200
    assert len(store) == 0
    assert seen(client) == {}


def test_sessions_are_over_after_the_idle_timeout(client: FlaskClient, store: SeenStore) -> None:
    client.get("/set/colour/red")
    store.fake_clock.advance(3_600)
    assert seen(client) == {}


def test_made_up_cookies_are_adopted_by_none_and_write_nothing(
    app: flask.Flask, store: SeenStore
) -> None:
    for token in ("A" * 43, "short", "A" * 44, "../etc", "A" * 43 + ".B"):
        client = app.test_client()
        client.set_cookie(COOKIE, token)
        assert seen(client) == {}
    assert store.seen == ["Find"]
    client = app.test_client()
    client.set_cookie(COOKIE, "A" * 43)
    cookie = cookie_of(client.get("/set/colour/red"))
    assert cookie is not None
    assert "A" * 43 not in cookie


def test_with_a_secret_forged_cookies_cost_no_read(store: SeenStore) -> None:
    client = site(store, secret=SECRET).test_client()
    client.set_cookie(COOKIE, "A" * 43 + "." + "B" * 43)
    assert seen(client) == {}
    assert store.seen == []


def test_a_login_has_another_id_and_the_old_one_fails_at_once(
    app: flask.Flask, store: SeenStore
) -> None:
    client, thief = app.test_client(), app.test_client()
    client.get("/set/colour/red")
    thief.set_cookie(COOKIE, client.get_cookie(COOKIE).value)  # type: ignore[union-attr]
    store.seen.clear()
    client.get("/login/ada")
    assert store.seen == ["Find", "Replace"]
    assert (user_of(client), seen(client)) == ("ada", {"colour": "red"})
    assert (user_of(thief), seen(thief)) == ("None", {})
    assert [one.device for one in store.sessions_of("ada")] == ["a test"]


def test_a_rotation_leaves_requests_under_way_a_moment(app: flask.Flask, store: SeenStore) -> None:
    client, late = app.test_client(), app.test_client()
    client.get("/set/colour/red")
    late.set_cookie(COOKIE, client.get_cookie(COOKIE).value)  # type: ignore[union-attr]
    client.get("/rotate")
    assert seen(client) == seen(late) == {"colour": "red"}
    store.fake_clock.advance(20)
    assert (seen(client), seen(late)) == ({"colour": "red"}, {})


def test_a_logout_deletes_the_row_and_clears_the_cookie(
    client: FlaskClient, store: SeenStore
) -> None:
    client.get("/login/ada")
    cookie = cookie_of(client.get("/logout"))
    assert cookie is not None
    assert cookie.startswith(f"{COOKIE}=; Max-Age=0;")
    assert client.get_cookie(COOKIE) is None
    assert len(store) == 0


def test_clear_ends_the_session_and_what_is_set_after_it_begins_another(
    app: flask.Flask, store: SeenStore
) -> None:
    @app.get("/enter")
    def enter() -> str:
        flask.session.clear()
        flask.session["user"] = 7
        return "in"

    @app.get("/leave")
    def leave() -> str:
        flask.session.clear()
        return "out"

    client = app.test_client()
    client.get("/set/colour/red")
    before = client.get_cookie(COOKIE)
    client.get("/enter")
    assert seen(client) == {"user": 7}
    assert client.get_cookie(COOKIE) != before
    client.get("/leave")
    assert client.get_cookie(COOKIE) is None
    assert len(store) == 0


def test_a_csrf_token_is_bound_to_its_session(app: flask.Flask) -> None:
    @app.get("/form")
    def form() -> str:
        return session.csrf_token()

    @app.post("/form")
    def sent() -> str:
        return str(session.is_csrf_token(flask.request.form["token"]))

    client, stranger = app.test_client(), app.test_client()
    token = client.get("/form").text
    stranger.get("/form")
    answers = [one.post("/form", data={"token": token}).text for one in (client, stranger)]
    assert answers == ["True", "False"]


def test_the_limiter_goes_by_the_sessions_user(app: flask.Flask) -> None:
    limits = MemoryStore(clock=FakeClock())
    limit_app(app, store=limits, rules=Rule("/", "1/minute", by=session_user()))
    ada, bob, stranger = app.test_client(), app.test_client(), app.test_client()
    ada.get("/login/ada")
    bob.get("/login/bob")
    clients = [ada, ada, bob, bob, stranger, stranger]
    assert [client.get("/").status_code for client in clients] == [200, 429] * 3


def test_a_stream_learns_of_a_revocation(app: flask.Flask, store: SeenStore) -> None:
    @app.get("/feed")
    def feed() -> flask.Response:
        def parts() -> Iterator[str]:
            yield f"{session.still_valid()} "
            store.revoke_user("7")
            yield f"{session.still_valid()} "
            session.reload()
            yield str(session.user_id)

        return flask.Response(flask.stream_with_context(parts()))

    @app.get("/enter")
    def enter() -> str:
        session.login("7")
        return ""

    client = app.test_client()
    client.get("/enter")
    assert client.get("/feed").text == "True False None"


@pytest.mark.parametrize("style", ["login", "flask-login", "tutorial"])
@pytest.mark.parametrize("opens_first", [True, False])
def test_a_request_under_way_at_a_login_does_not_undo_it(
    app: flask.Flask, style: str, opens_first: bool
) -> None:
    """However the application logs in: by our method, by Flask-Login's, by hand."""

    @app.get("/slow")
    def slow() -> str:
        if opens_first:
            _ = flask.session.get("colour")
        client.get(f"/enter/{style}")
        flask.session["late"] = True
        flask.flash("late")
        return "done"

    @app.get("/enter/<style>")
    def enter(style: str) -> str:
        if style == "login":
            session.login("7")
        elif style == "flask-login":
            flask.session["_user_id"] = "7"
        else:
            flask.session.clear()
            flask.session["user_id"] = 7
        return ""

    client, other = app.test_client(), app.test_client()
    client.get("/set/colour/red")
    other.set_cookie(COOKIE, client.get_cookie(COOKIE).value)  # type: ignore[union-attr]
    response = other.get("/slow")
    assert response.headers.getlist("Set-Cookie") == []
    assert seen(client).get("late") is None
    if style == "tutorial":
        assert seen(client) == {"user_id": 7}
    else:
        assert user_of(client) == "7"
        assert seen(client)["colour"] == "red"
