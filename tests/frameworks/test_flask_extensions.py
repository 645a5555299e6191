"""Flask's sessions on a store: messages, permanence, and extensions that log users in."""

from __future__ import annotations

import re
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from markupsafe import Markup

from sessions.flask import session
from tests.frameworks.flask_sessions_site import COOKIE, seen, site, user_of
from tests.frameworks.seen_store import SeenStore


@pytest.fixture
def store() -> SeenStore:
    return SeenStore()


@pytest.fixture
def app(store: SeenStore) -> flask.Flask:
    return site(store)


def cookies_of(client: FlaskClient, path: str) -> list[str]:
    return client.get(path).headers.getlist("set-cookie")


def token_of(client: FlaskClient) -> str | None:
    cookie = client.get_cookie(COOKIE)
    return None if cookie is None else cookie.value


# Messages


@pytest.fixture
def messenger(app: flask.Flask) -> FlaskClient:
    @app.get("/say")
    def say() -> str:
        flask.flash("Saved & done", "info")
        flask.flash(Markup("<b>Now</b>"), "error")
        flask.flash("plain")
        return "said"

    @app.get("/hear")
    def hear() -> str:
        return repr(flask.get_flashed_messages(with_categories=True))

    @app.get("/page")
    def page() -> str:
        return flask.render_template_string(
            "{% for one in get_flashed_messages() %}{{ one }},{% endfor %}"
        )

    return app.test_client()


def test_flashed_messages_are_the_pairs_that_they_were_and_are_shown_once(
    messenger: FlaskClient,
) -> None:
    messenger.get("/say")
    messenger.get("/say")
    pairs = [("info", "Saved & done"), ("error", Markup("<b>Now</b>")), ("message", "plain")]
    assert messenger.get("/hear").text == repr(pairs * 2)
    assert messenger.get("/hear").text == "[]"


def test_markup_is_still_markup_on_the_next_page_and_text_is_not(messenger: FlaskClient) -> None:
    messenger.get("/say")
    assert messenger.get("/page").text == "Saved &amp; done,<b>Now</b>,plain,"


def test_messages_can_be_put_into_the_list_itself(app: flask.Flask) -> None:
    @app.get("/append")
    def append() -> str:
        flask.session.setdefault("_flashes", []).append(("info", "hello"))
        return ""

    client = app.test_client()
    client.get("/append")
    client.get("/append")
    with client.session_transaction() as opened:
        assert opened["_flashes"] == [("info", "hello")] * 2


def test_messages_of_requests_at_once_are_all_shown(app: flask.Flask) -> None:
    @app.get("/say/<message>")
    def say(message: str) -> str:
        flask.flash(message)
        if message == "outer":  # while this one is under way
            other = app.test_client()
            other.set_cookie("__Host-session", str(flask.request.cookies["__Host-session"]))
            other.get("/say/inner")
        return ""

    @app.get("/shown")
    def shown() -> list[str]:
        return [str(message) for message in flask.get_flashed_messages()]

    client = app.test_client()
    client.get("/say/before")
    client.get("/say/outer")
    assert client.get("/shown").json == ["before", "outer", "inner"]
    assert client.get("/shown").json == []


def test_the_list_of_messages_is_a_key_as_in_flasks_own_session(app: flask.Flask) -> None:
    with app.test_request_context("/"):
        assert "_flashes" not in flask.session
        with pytest.raises(KeyError):
            del flask.session["_flashes"]
        flask.session["_flashes"] = [("a", "1"), ("b", "2"), ("c", "3")]
        flask.session["_flashes"].pop(1)
        assert dict(flask.session) == {"_flashes": [("a", "1"), ("c", "3")]}
        assert len(flask.session) == 1
        assert flask.session.pop("_flashes") == [("a", "1"), ("c", "3")]
        assert dict(flask.session) == {}


def test_a_message_that_cannot_be_stored_is_refused_where_it_is_flashed(app: flask.Flask) -> None:
    with app.test_request_context("/"), pytest.raises(TypeError, match=r"session\['_flashes"):
        flask.flash(object())  # type: ignore[arg-type]


def test_a_logout_takes_messages_along_but_for_those_after_it(app: flask.Flask) -> None:
    @app.get("/leave")
    def leave() -> str:
        flask.flash("before")
        session.logout()
        flask.flash("bye")
        return ""

    client = app.test_client()
    client.get("/login/ada")
    client.get("/leave")
    with client.session_transaction() as opened:
        assert opened["_flashes"] == [("message", "bye")]


# Permanence


@pytest.fixture
def permanent(app: flask.Flask) -> flask.Flask:
    @app.get("/permanent/<how>")
    def permanent(how: str) -> str:
        flask.session.permanent = how == "yes"
        return str(flask.session.permanent)

    return app


def test_a_permanent_session_has_a_cookie_that_lasts_as_long_as_it(
    permanent: flask.Flask,
) -> None:
    @permanent.get("/begin")
    def begin() -> str:
        flask.session.permanent = True
        flask.session["colour"] = "red"
        return ""

    client = permanent.test_client()
    (cookie,) = cookies_of(client, "/begin")
    assert "; Max-Age=43200; Path=/" in cookie
    assert cookies_of(client, "/permanent/yes") == []
    (cookie,) = cookies_of(client, "/login/ada")
    assert "Max-Age=43200" in cookie


def test_a_session_that_becomes_permanent_or_stops_to_be_has_its_cookie_set_again(
    permanent: flask.Flask, store: SeenStore
) -> None:
    client = permanent.test_client()
    assert "Max-Age" not in cookies_of(client, "/set/colour/red")[0]
    store.fake_clock.advance(100)
    (cookie,) = cookies_of(client, "/permanent/yes")
    assert "Max-Age=43100" in cookie
    assert seen(client) == {"_permanent": True, "colour": "red"}
    (cookie,) = cookies_of(client, "/permanent/no")
    assert "Max-Age" not in cookie
    assert seen(client) == {"_permanent": False, "colour": "red"}
    assert cookies_of(client, "/permanent/no") == []


def test_permanence_alone_makes_no_row(permanent: flask.Flask, store: SeenStore) -> None:
    assert cookies_of(permanent.test_client(), "/permanent/yes") == []
    assert len(store) == 0


@pytest.mark.parametrize("persistent", [True, False])
def test_without_a_word_of_the_app_permanence_is_the_options(
    store: SeenStore, persistent: bool
) -> None:
    client = site(store, persistent=persistent).test_client()
    (cookie,) = cookies_of(client, "/set/colour/red")
    assert ("Max-Age=43200" in cookie) is persistent
    with client.session_transaction() as opened:
        assert opened.permanent is persistent


def test_a_logout_of_a_permanent_session_clears_its_cookie(permanent: flask.Flask) -> None:
    client = permanent.test_client()
    client.get("/set/colour/red")
    client.get("/permanent/yes")
    (cookie,) = cookies_of(client, "/logout")
    assert re.match(rf"{COOKIE}=; Max-Age=0;", cookie)


# Users that an extension names, as Flask-Login does


@pytest.fixture
def extended(app: flask.Flask) -> flask.Flask:
    @app.get("/enter/<user_id>")
    def enter(user_id: str) -> str:
        flask.session["_user_id"] = user_id
        flask.session["_fresh"] = True
        return "in"

    @app.get("/leave")
    def leave() -> str:
        flask.session.pop("_user_id")
        flask.session.pop("_fresh")
        flask.flash("bye")
        return "out"

    return app


def test_a_login_of_an_extension_makes_the_session_the_users_under_a_new_id(
    extended: flask.Flask, store: SeenStore
) -> None:
    client, thief = extended.test_client(), extended.test_client()
    client.get("/set/colour/red")
    before = token_of(client)
    assert before is not None
    thief.set_cookie(COOKIE, before)
    store.seen.clear()
    client.get("/enter/7")
    assert store.seen == ["Find", "Replace"]
    assert token_of(client) != before
    assert seen(client) == {"_fresh": True, "_user_id": "7", "colour": "red"}
    assert (user_of(client), user_of(thief)) == ("7", "None")
    assert len(store.sessions_of("7")) == 1
    client.get("/enter/7")
    assert user_of(client) == "7"
    store.revoke_user("7")
    assert seen(client) == {}


def test_a_logout_of_an_extension_ends_the_users_session_and_keeps_what_it_said(
    extended: flask.Flask, store: SeenStore
) -> None:
    client = extended.test_client()
    client.get("/set/colour/red")
    client.get("/enter/7")
    before = token_of(client)
    client.get("/leave")
    assert token_of(client) not in (None, before)
    assert user_of(client) == "None"
    assert store.sessions_of("7") == []
    with client.session_transaction() as opened:
        assert dict(opened) == {"_flashes": [("message", "bye")]}


def test_another_user_finds_nothing_of_the_one_before(
    extended: flask.Flask, store: SeenStore
) -> None:
    client = extended.test_client()
    client.get("/enter/7")
    client.get("/set/colour/red")
    client.get("/enter/8")
    assert user_of(client) == "8"
    assert seen(client) == {"_fresh": True, "_user_id": "8"}
    assert store.sessions_of("7") == []


def test_a_csrf_token_of_the_user_before_is_none_of_the_next(extended: flask.Flask) -> None:
    @extended.get("/token-and-enter/<user_id>")
    def token_and_enter(user_id: str) -> str:
        token = session.csrf_token()
        flask.session["_user_id"] = user_id
        return token

    @extended.get("/is/<token>")
    def is_token(token: str) -> str:
        return str(session.is_csrf_token(token))

    client = extended.test_client()
    client.get("/enter/7")
    token = client.get("/token-and-enter/8").text
    assert client.get(f"/is/{token}").text == "False"


def test_a_session_that_the_app_logged_in_itself_stays_so(
    extended: flask.Flask, store: SeenStore
) -> None:
    client = extended.test_client()
    client.get("/login/ada")
    client.get("/set/colour/red")
    assert user_of(client) == "ada"


def test_without_a_user_key_nothing_is_made_of_the_data(store: SeenStore) -> None:
    client = site(store, user_key=None).test_client()
    client.get("/set/_user_id/7")
    assert (user_of(client), seen(client)) == ("None", {"_user_id": "7"})


def test_a_login_in_the_midst_of_a_stream_is_refused(app: flask.Flask) -> None:
    @app.get("/stream")
    def stream() -> flask.Response:
        def parts() -> Any:
            yield "one"
            flask.session["_user_id"] = "7"
            session.save()

        return flask.Response(flask.stream_with_context(parts()))

    response = app.test_client().get("/stream")
    with pytest.raises(RuntimeError, match="the response has started"):
        _ = response.text
