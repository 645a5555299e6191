"""Flask's sessions on a store: what an app, its clients and its extensions see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from moto import mock_aws

from sessions import DynamoDBSessionStore, SessionNotSaved, SessionTooLarge
from sessions.flask import SessionInterface, session
from tests.frameworks.flask_sessions_site import COOKIE, cookie_of, seen, site, user_of
from tests.frameworks.seen_store import SeenStore
from tests.session_table import items_of, session_table

SECRET = "x" * 32


def test_what_a_request_sets_the_next_one_finds(client: FlaskClient) -> None:
    client.get("/set/colour/red")
    assert seen(client) == {"colour": "red"}


def test_no_secret_key_is_needed_and_no_session_is_null(app: flask.Flask) -> None:
    assert app.secret_key is None
    proxied: Any = flask.session
    with app.test_request_context("/"):
        assert not app.session_interface.is_null_session(proxied._get_current_object())
        assert session.new
        assert not session.modified
        assert len(session) == 0


def test_a_request_that_does_not_use_its_session_asks_and_sets_nothing(
    client: FlaskClient, store: SeenStore
) -> None:
    client.get("/set/colour/red")
    store.seen.clear()
    response = client.get("/")
    assert store.seen == []
    assert cookie_of(response) is None
    assert "vary" not in response.headers


def test_a_session_that_is_only_read_costs_one_read_and_varies_by_cookie(
    client: FlaskClient, store: SeenStore
) -> None:
    client.get("/set/colour/red")
    store.seen.clear()
    response = client.get("/seen")
    assert store.seen == ["Find"]
    assert cookie_of(response) is None
    assert response.headers["vary"] == "Cookie"
    assert "cache-control" not in response.headers


def test_an_anonymous_session_without_data_has_neither_row_nor_cookie(
    client: FlaskClient, store: SeenStore
) -> None:
    assert cookie_of(client.get("/seen")) is None
    assert store.seen == []


def test_a_response_that_sets_the_cookie_is_not_to_be_stored(app: flask.Flask) -> None:
    @app.get("/cached")
    def cached() -> flask.Response:
        flask.session["colour"] = "red"
        response = flask.Response("page")
        response.headers["Cache-Control"] = "public, max-age=600"
        response.headers["Vary"] = "Accept"
        return response

    response = app.test_client().get("/cached")
    assert response.headers.getlist("cache-control") == ["private, no-store"]
    assert response.headers.getlist("vary") == ["Accept, Cookie"]
    cookie = cookie_of(response)
    assert cookie is not None
    assert cookie.startswith(f"{COOKIE}=")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")


def test_changes_inside_values_are_noticed(app: flask.Flask) -> None:
    @app.get("/add/<int:item>")
    def add(item: int) -> str:
        flask.session.setdefault("cart", []).append(item)
        return str(session.modified)

    client = app.test_client()
    assert client.get("/add/1").text == "True"
    assert client.get("/add/2").text == "True"
    assert seen(client) == {"cart": [1, 2]}


def test_popped_keys_are_gone(app: flask.Flask) -> None:
    @app.get("/pop")
    def pop() -> str:
        return str(flask.session.pop("colour") + flask.session.pop("nothing", "!"))

    client = app.test_client()
    client.get("/set/colour/red")
    client.get("/set/shape/round")
    assert client.get("/pop").text == "red!"
    assert seen(client) == {"shape": "round"}


def test_modified_tells_whether_there_is_anything_to_save_and_can_be_said_of_it(
    app: flask.Flask,
) -> None:
    with app.test_request_context("/"):
        session["colour"] = "red"
        session.modified = True
        assert session.modified
        with pytest.raises(ValueError, match="modified = False"):
            session.modified = False
        del session["colour"]
        session.modified = False
        assert not session.modified


@pytest.mark.parametrize("value", [("a", "b"), {1: 2}, b"bytes", float("nan"), object()])
def test_what_would_not_come_back_unchanged_is_refused_with_its_key(
    app: flask.Flask, value: object
) -> None:
    with (
        app.test_request_context("/"),
        pytest.raises((TypeError, ValueError), match=r"session\['thing'\]"),
    ):
        flask.session["thing"] = value


def test_what_a_view_that_fails_has_set_is_saved_with_its_500(app: flask.Flask) -> None:
    app.testing = False

    @app.get("/broken")
    def broken() -> str:
        flask.session["tries"] = 1
        raise RuntimeError

    client = app.test_client()
    assert client.get("/broken").status_code == 500
    assert seen(client) == {"tries": 1}


def test_the_clients_session_transaction_reads_and_writes(client: FlaskClient) -> None:
    with client.session_transaction() as opened:
        opened["colour"] = "red"
    with client.session_transaction() as opened:
        assert dict(opened) == {"colour": "red"}
        opened["shape"] = "round"
    assert seen(client) == {"colour": "red", "shape": "round"}
    with client.session_transaction() as opened:
        opened.clear()
    assert seen(client) == {}


def test_the_client_can_look_at_the_session_of_its_last_request(client: FlaskClient) -> None:
    with client:
        client.get("/set/colour/red")
        assert flask.session["colour"] == "red"


@pytest.fixture
def streaming(app: flask.Flask) -> flask.Flask:
    @app.get("/stream/<save>/<change>")
    def stream(save: str, change: str) -> flask.Response:
        def parts() -> Iterator[str]:
            yield "one "
            if change == "yes":
                flask.session["position"] = 2
            if save == "save":
                session.save()
            yield flask.session.get("colour", "none")

        return flask.Response(flask.stream_with_context(parts()))

    return app


def test_what_a_stream_changes_and_saves_is_kept(streaming: flask.Flask) -> None:
    client = streaming.test_client()
    client.get("/set/colour/red")
    with client.get("/stream/save/yes") as response:
        assert response.get_data(as_text=True) == "one red"
    assert seen(client) == {"colour": "red", "position": 2}


def test_what_a_stream_changes_and_does_not_save_is_an_error(streaming: flask.Flask) -> None:
    client = streaming.test_client()
    client.get("/set/colour/red")
    response = client.get("/stream/lose/yes")
    assert response.text == "one red"
    with pytest.raises(SessionNotSaved, match="change is lost"):
        response.close()
    client.get("/stream/lose/no").close()


def test_a_session_cannot_begin_in_a_stream_for_its_cookie_is_gone(streaming: flask.Flask) -> None:
    response = streaming.test_client().get("/stream/save/yes", buffered=False)
    with pytest.raises(SessionNotSaved, match="cookie"):
        _ = response.text


def test_a_session_that_cannot_be_saved_makes_the_response_an_error(app: flask.Flask) -> None:
    @app.get("/large")
    def large() -> str:
        flask.session["page"] = "x" * 420_000
        return "done"

    client = app.test_client()
    client.get("/set/colour/red")
    with pytest.raises(SessionTooLarge, match="'page' 420,"):
        client.get("/large")
    app.testing = False
    response = client.get("/large")
    assert response.status_code == 500
    assert cookie_of(response) is None
    assert seen(client) == {"colour": "red"}


def test_extensions_that_ask_are_told_of_the_cookie(store: SeenStore) -> None:
    app = site(store, cookie="id", secure=False, path="/shop", domain="example.com")
    found = app.session_interface
    assert found.get_cookie_name(app) == "id"
    assert found.get_cookie_path(app) == "/shop"
    assert found.get_cookie_domain(app) == "example.com"
    assert found.get_cookie_samesite(app) == "Lax"
    assert found.get_cookie_httponly(app)
    assert not found.get_cookie_secure(app)
    assert not found.get_cookie_partitioned(app)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"idle": 5}, "idle must .*, not 5"),
        ({"same_site": "None", "secure": False, "cookie": "id"}, "same_site 'None'"),
        ({"timeout": 5}, "unknown option 'timeout'"),
        ({"user_key": 5}, "user_key must .*, not 5"),
    ],
)
def test_options_that_cannot_hold_are_refused_at_once(
    store: SeenStore, options: Any, message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        SessionInterface(store, **options)


@pytest.mark.parametrize("where", ["moto", "engine"])
def test_it_works_on_a_table(where: str, request: pytest.FixtureRequest) -> None:
    if where == "moto":
        with mock_aws():
            _visit_a_table(None)
    else:
        _visit_a_table(request.getfixturevalue("dynamodb_endpoint"))


def _of_sessions(items: list[Any]) -> list[Any]:
    """Without those that only say that a login took the place of an id, or that it has ended."""
    return [item for item in items if not item.keys() & {"replacedBy", "endReason"}]


def _visit_a_table(endpoint_url: str | None) -> None:
    with session_table(endpoint_url) as table:
        store = DynamoDBSessionStore(table, endpoint_url=endpoint_url)
        client = site(store, secret=SECRET, encryption=b"k" * 32).test_client()
        client.get("/set/colour/red")
        client.get("/login/ada")
        client.get("/set/shape/round")
        assert seen(client) == {"colour": "red", "shape": "round"}
        assert user_of(client) == "ada"
        (item,) = _of_sessions(items_of(table, endpoint_url))
        assert item["userId"] == item["ownerId"] == {"S": "ada"}
        client.get("/logout")
        assert _of_sessions(items_of(table, endpoint_url)) == []
        store.close()
