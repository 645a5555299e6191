"""Falcon, over ASGI and over WSGI, behind the plain middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import falcon
import falcon.asgi
import pytest
from falcon import testing

from ratelimit_ddb import MemoryStore, asgi, wsgi
from ratelimit_ddb.web import Rule, header, verdict_of
from tests.fake_clock import FakeClock
from tests.frameworks.asgi_client import kinds, parts, visit

RAN: list[str] = []


class User:
    def on_get(self, request: Any, response: Any, user_id: int) -> None:
        response.media = {"id": user_id}


class Parts:
    def on_get(self, request: Any, response: Any) -> None:
        response.stream = iter((b"a", b"b", b"c"))


class Lost:
    def on_get(self, request: Any, response: Any) -> None:
        raise falcon.HTTPNotFound


class AsyncUser:
    async def on_get(self, request: Any, response: Any, user_id: int) -> None:
        response.media = {"id": user_id}


class AsyncParts:
    async def on_get(self, request: Any, response: Any) -> None:
        async def three() -> AsyncIterator[bytes]:
            for chunk in (b"a", b"b", b"c"):
                yield chunk

        response.stream = three()


class AsyncLost:
    async def on_get(self, request: Any, response: Any) -> None:
        raise falcon.HTTPNotFound


class Later:
    async def on_get(self, request: Any, response: Any) -> None:
        async def later() -> None:
            RAN.append("it")

        response.schedule(later)


class Chat:
    async def on_websocket(self, request: Any, websocket: Any) -> None:
        await websocket.accept()
        while True:
            try:
                text = await websocket.receive_text()
            except falcon.WebSocketDisconnected:
                return
            await websocket.send_text(f"hello {text}")


def over_asgi(*rules: Rule) -> Any:
    app: Any = falcon.asgi.App()
    app.add_route("/users/{user_id:int}", AsyncUser())
    app.add_route("/stream", AsyncParts())
    app.add_route("/lost", AsyncLost())
    app.add_route("/later", Later())
    app.add_route("/chat", Chat())
    return asgi.RateLimitMiddleware(app, store=MemoryStore(clock=FakeClock()), rules=rules)


def over_wsgi(*rules: Rule) -> Any:
    app = falcon.App()
    app.add_route("/users/{user_id:int}", User())
    app.add_route("/stream", Parts())
    app.add_route("/lost", Lost())
    return wsgi.RateLimitMiddleware(app, store=MemoryStore(clock=FakeClock()), rules=rules)


@pytest.fixture(params=[over_asgi, over_wsgi])
def limited(request: pytest.FixtureRequest) -> Callable[..., testing.TestClient]:
    """A client of an application behind rules, over either protocol."""
    return lambda *rules: testing.TestClient(request.param(*rules))


class Asking:
    """A view that asks what was decided on its request."""

    def on_get(self, request: Any, response: Any) -> None:
        response.media = verdict_of(request).limited


class AsyncKey:
    async def on_get(self, request: Any, response: Any) -> None:
        response.media = request.get_header("x-key")


class AsyncAsking:
    async def on_get(self, request: Any, response: Any) -> None:
        response.media = verdict_of(request).limited


def test_p15_a_header_that_a_rule_reads_is_left_for_the_view() -> None:
    app: Any = falcon.asgi.App()
    app.add_route("/key", AsyncKey())
    rule = Rule("/*", "1/minute", by=header("x-key"))
    client = testing.TestClient(asgi.RateLimitMiddleware(app, MemoryStore(), rule))
    assert client.simulate_get("/key", headers={"x-key": "a"}).json == "a"


@pytest.mark.parametrize("over", ["wsgi", "asgi"])
def test_a_view_can_ask_what_was_decided(over: str) -> None:
    rule = Rule("/ask", "1/hour", enforce=False)
    app: Any = falcon.App() if over == "wsgi" else falcon.asgi.App()
    app.add_route("/ask", Asking() if over == "wsgi" else AsyncAsking())
    middleware = wsgi.RateLimitMiddleware if over == "wsgi" else asgi.RateLimitMiddleware
    client = testing.TestClient(middleware(app, MemoryStore(), rule))
    assert [client.simulate_get("/ask").json for _ in range(2)] == [False, True]


def test_a_request_over_the_limit_is_answered_in_the_applications_place(limited: Any) -> None:
    client = limited(Rule("/users/{id}", "1/minute", name="users"))
    passed, denied = client.simulate_get("/users/3"), client.simulate_get("/users/4")
    assert (passed.status_code, passed.json) == (200, {"id": 3})
    assert passed.headers["ratelimit"] == '"users";r=0;t=60'
    assert passed.headers["ratelimit-policy"] == '"users";q=1;w=60'
    assert denied.status_code == 429
    assert denied.headers["retry-after"] == "60"
    assert denied.headers["content-type"] == "application/problem+json"
    assert denied.json["violated-policies"] == ["users"]


def test_callers_have_buckets_of_their_own(limited: Any) -> None:
    client = limited(Rule("/*", "1/minute", by=header("x-key")))
    asked = [client.simulate_get("/users/1", headers={"x-key": key}) for key in ("a", "a", "b")]
    assert [response.status_code for response in asked] == [200, 429, 200]


def test_a_stream_is_whole_and_has_the_fields(limited: Any) -> None:
    response = limited(Rule("/*", "1/minute")).simulate_get("/stream")
    assert response.content == b"abc"
    assert "ratelimit" in response.headers


def test_errors_that_the_application_answers_have_the_fields(limited: Any) -> None:
    response = limited(Rule("/*", "9/minute", name="all")).simulate_get("/lost")
    assert (response.status_code, response.headers["ratelimit"]) == (404, '"all";r=8;t=7')


def test_a_stream_goes_out_chunk_by_chunk_over_asgi() -> None:
    _, *bodies = parts(over_asgi(Rule("/*", "1/minute")), "/stream")
    assert [body["body"] for body in bodies if body.get("body")] == [b"a", b"b", b"c"]


def test_scheduled_work_runs_once_where_the_request_passed() -> None:
    RAN.clear()
    client = testing.TestClient(over_asgi(Rule("/*", "1/minute")))
    assert [client.simulate_get("/later").status_code for _ in range(2)] == [200, 429]
    assert RAN == ["it"]


def test_websockets_are_limited_by_handshakes_and_messages() -> None:
    app = over_asgi(Rule("/chat", "2/minute", messages="1/minute", name="chat"))
    accepted, said = visit(app, "/chat", "ada")
    assert (b"ratelimit", b'"chat";r=1;t=30') in accepted["headers"]
    assert said["text"] == "hello ada"
    _, closed = visit(app, "/chat", "bob")
    assert (closed["type"], closed["code"]) == ("websocket.close", 1013)
    assert kinds(visit(app, "/chat")) == ["http.response.start", "http.response.body"]
