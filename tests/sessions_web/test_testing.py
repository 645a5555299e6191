"""Sessions in an application's own tests: a client that has one, and what is told of Secure."""

from __future__ import annotations

import asyncio
import copy
import json
import warnings
from typing import Any

import flask
import httpx
import pytest
from litestar.testing import TestClient as LitestarClient
from werkzeug.test import Client as WerkzeugClient

from sessions import MemorySessionStore, session_of
from sessions.asgi import SessionMiddleware
from sessions.testing import session_for
from sessions.wsgi import SessionMiddleware as WsgiSessionMiddleware
from tests.fake_clock import FakeClock
from tests.frameworks.flask_sessions_site import seen
from tests.frameworks.flask_sessions_site import site as flask_site
from tests.sessions_web.site import WatchedStore
from tests.sessions_web.starlette_site import site as starlette_site

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the httpx that it prefers
    from starlette.testclient import TestClient

OPTIONS: list[dict[str, Any]] = [
    {},
    {"secret": "s" * 32, "cookie": "__Secure-id", "persistent": True},
    {"cookie": "id", "secure": False, "encryption": b"k" * 32},
]


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore([], FakeClock())


async def shown(scope: Any, receive: Any, send: Any) -> None:
    session = session_of(scope)
    match scope["path"]:
        case "/count":
            session["n"] = session.get("n", 0) + 1
        case "/login":
            session.login("bob")
        case "/logout":
            session.logout()
    body = json.dumps([session.user_id, dict(session)]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def shown_by_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    session = environ["sessions.session"]
    if environ["PATH_INFO"] == "/count":
        session["n"] = session.get("n", 0) + 1
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([session.user_id, dict(session)]).encode()]


def clients(kind: str, store: WatchedStore, options: dict[str, Any]) -> Any:
    app = SessionMiddleware(shown, store, **options)
    if kind == "starlette":
        return TestClient(app, base_url="https://testserver")
    if kind == "litestar":
        return LitestarClient[Any](app, base_url="https://testserver.local")
    wsgi: Any = WsgiSessionMiddleware(shown_by_wsgi, store, **options)
    if kind == "werkzeug":
        return WerkzeugClient(wsgi)
    return httpx.Client(transport=httpx.WSGITransport(app=wsgi), base_url="https://a.test")


def value(response: Any) -> Any:
    return json.loads(response.text)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", ["starlette", "litestar", "httpx", "werkzeug"])
def test_a_session_is_begun_changed_and_read_for_a_client(
    store: WatchedStore, kind: str, options: dict[str, Any]
) -> None:
    client = clients(kind, store, options)
    with session_for(client, store, **options) as session:
        session.login("ada", device="a test")
        session["n"] = 1
    assert "Authorization" not in getattr(client, "headers", {})
    assert value(client.get("/")) == ["ada", {"n": 1}]
    assert value(client.get("/count")) == ["ada", {"n": 2}]
    with session_for(client, store, **options) as session:
        assert (session.user_id, session["n"]) == ("ada", 2)
        session["n"] = 10
        session.rotate()
    assert value(client.get("/count")) == ["ada", {"n": 11}]
    with session_for(client, store, **options) as session:
        session.logout()
    assert value(client.get("/")) == [None, {}]
    assert store.sessions_of("ada") == []


def test_the_applications_own_cookies_take_the_place_of_it(store: WatchedStore) -> None:
    client = TestClient(SessionMiddleware(shown, store), base_url="https://testserver")
    with session_for(client, store) as session:
        session["a"] = 1
    assert value(client.get("/login")) == ["bob", {"a": 1}]
    assert value(client.get("/")) == ["bob", {"a": 1}]
    with session_for(client, store) as session:
        assert session.user_id == "bob"
    client.get("/logout")
    with session_for(client, store) as session:
        assert (session.user_id, dict(session)) == (None, {})


def test_a_block_that_fails_saves_nothing(store: WatchedStore) -> None:
    client = WerkzeugClient(WsgiSessionMiddleware(shown_by_wsgi, store))

    def fail() -> None:
        with session_for(client, store) as session:
            session["a"] = 1
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert len(store) == 0


def test_a_client_of_asyncio_has_one_too(store: WatchedStore) -> None:
    async def asked() -> Any:
        transport = httpx.ASGITransport(app=SessionMiddleware(shown, store))
        async with httpx.AsyncClient(transport=transport, base_url="https://a.test") as client:
            with session_for(client, store) as session:
                session["a"] = 1
            return value(await client.get("/"))

    assert asyncio.run(asked()) == [None, {"a": 1}]


def test_plain_http_is_refused_where_the_cookie_is_secure(store: WatchedStore) -> None:
    client = TestClient(SessionMiddleware(shown, store))
    with pytest.raises(ValueError, match='base_url="https://testserver"'):
        session_for(client, store).__enter__()
    with session_for(client, store, cookie="id", secure=False) as session:
        session["a"] = 1


def test_a_cookie_for_another_domain_is_refused(store: WatchedStore) -> None:
    client = TestClient(SessionMiddleware(shown, store), base_url="https://testserver")
    told = 'for example.com, and https://testserver.* base_url="https://example.com"'
    with pytest.raises(ValueError, match=told):
        session_for(client, store, cookie="id", domain="example.com").__enter__()
    client = TestClient(SessionMiddleware(shown, store), base_url="https://shop.example.com")
    session_for(client, store, cookie="id", domain="example.com").__enter__()


@pytest.mark.parametrize("path", ["/shop", "/shop/"])
def test_a_cookie_of_a_part_is_found_again(store: WatchedStore, path: str) -> None:
    options: dict[str, Any] = {"cookie": "id", "path": path}
    client = TestClient(SessionMiddleware(shown, store, **options), base_url="https://testserver")
    with session_for(client, store, **options) as session:
        session.login("ada")
    with session_for(client, store, **options) as session:
        assert session.user_id == "ada"
        session.logout()
    with session_for(client, store, **options) as session:
        assert session.user_id is None


@pytest.mark.parametrize("client", [None, object(), {}])
def test_what_is_no_client_is_refused(store: WatchedStore, client: Any) -> None:
    with pytest.raises(TypeError, match="client must be one of"):
        session_for(client, store).__enter__()


@pytest.mark.parametrize("path", ["/count", "/login"])
def test_a_cookie_that_a_test_client_would_never_send_is_told(
    store: WatchedStore, path: str
) -> None:
    client = TestClient(SessionMiddleware(shown, store))
    with pytest.warns(UserWarning, match="never sends it to http://testserver"):
        client.get(path)
    client.get("/")
    TestClient(SessionMiddleware(shown, store, cookie="id", secure=False)).get(path)
    TestClient(SessionMiddleware(shown, store), base_url="http://shop.example").get(path)


@pytest.mark.parametrize("host", ["test", "testserver"])
def test_a_client_of_httpx_is_told_too(store: WatchedStore, host: str) -> None:
    """As FastAPI's page on asynchronous tests makes one, and for applications over WSGI."""

    async def ask(base_url: str, app: Any) -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            await client.get("/count")

    def ask_over_wsgi(base_url: str) -> None:
        transport = httpx.WSGITransport(WsgiSessionMiddleware(_copying, store))
        with httpx.Client(transport=transport, base_url=base_url) as client:
            client.get("/")

    told = f'never sends it to http://{host}: make the client with base_url="https://{host}"'
    with pytest.warns(UserWarning, match=told):
        asyncio.run(ask(f"http://{host}", SessionMiddleware(shown, store)))
    with pytest.warns(UserWarning, match=told):
        ask_over_wsgi(f"http://{host}")
    for untold in (f"https://{host}", f"http://{host}.example.com".replace("testserver", "shop")):
        asyncio.run(ask(untold, SessionMiddleware(shown, store)))
        ask_over_wsgi(untold)


# As a dict


def test_copies_are_dicts_of_their_own() -> None:
    client = WerkzeugClient(WsgiSessionMiddleware(_copying, MemorySessionStore()))
    assert value(client.get("/")) == [{"a": [1]}, {"a": [1, 2]}]


def _copying(environ: Any, start_response: Any) -> list[bytes]:
    session = environ["sessions.session"]
    session["a"] = [1]
    shallow, deep = copy.copy(session), copy.deepcopy(session)
    assert type(shallow) is type(deep) is dict
    deep["b"] = 1
    del deep["b"]
    shallow["a"].append(2)  # the same list
    start_response("200 OK", [])
    return [json.dumps([deep, dict(session)]).encode()]


def test_flask_makes_json_of_its_session() -> None:
    app = flask_site(MemorySessionStore())

    @app.get("/json")
    def as_json() -> flask.Response:
        flask.session["a"] = [1]
        return flask.jsonify(session=flask.session, own=session_of(flask.session).copy())

    @app.get("/other")
    def other() -> flask.Response:
        return flask.jsonify(object())

    client = app.test_client()
    assert client.get("/json").json == {"session": {"a": [1]}, "own": {"a": [1]}}
    with client.session_transaction() as opened:
        opened["b"] = 2
    assert seen(client) == {"a": [1], "b": 2}
    with pytest.raises(TypeError, match="object"):
        client.get("/other")


def test_starlettes_pages_are_shown_with_a_session_of_their_test(store: WatchedStore) -> None:
    client = TestClient(starlette_site(store), base_url="https://testserver")
    with session_for(client, store) as session:
        session["theme"] = "dark"
    assert client.get("/all").json() == {"theme": "dark"}


def test_a_client_of_starlettes_has_a_token_in_its_header(store: WatchedStore) -> None:
    async def needs(scope: Any, receive: Any, send: Any) -> None:
        session_of(scope).require_user()
        await shown(scope, receive, send)

    app = SessionMiddleware(needs, store, bearer=True)
    client = TestClient(app, base_url="https://testserver")
    with session_for(client, store, bearer=True) as session:
        session.login("ada")
        token = session.issue_token()
    assert client.headers["Authorization"] == f"Bearer {token}"
    assert len(client.cookies) == 0
    assert client.get("/").json() == ["ada", {}]
    with session_for(client, store, bearer=True) as session:
        assert session.user_id == "ada"
        session["n"] = 3
    assert client.get("/").json() == ["ada", {"n": 3}]
    assert client.headers["Authorization"] == f"Bearer {token}"
    with session_for(client, store, bearer=True) as session:
        session.rotate()
        session.issue_token()
    assert client.headers["Authorization"] != f"Bearer {token}"
    assert client.get("/").json() == ["ada", {"n": 3}]


def test_a_client_of_werkzeugs_is_given_the_token(store: WatchedStore) -> None:
    client = WerkzeugClient(WsgiSessionMiddleware(shown_by_wsgi, store, bearer=True))
    with session_for(client, store, bearer=True) as session:
        session.login("ada")
        token = session.issue_token()
    got = client.get("/", headers={"Authorization": f"Bearer {token}"})
    assert json.loads(got.data)[0] == "ada"
    assert json.loads(client.get("/").data)[0] is None
