"""Litestar behind the plain middleware: around the application, and among its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar, WebSocket, get, post, websocket
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Response, Stream

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.web import Rule, header
from tests.fake_clock import FakeClock
from tests.frameworks.asgi_client import ask, items, kinds, parts, statuses, visit

RAN: list[str] = []


@get("/users/{user_id:int}")
async def user(user_id: FromPath[int]) -> dict[str, int]:
    return {"id": user_id}


@post("/codes", sync_to_thread=True)
def send_code() -> str:
    return "sent"


@get("/stream")
async def stream() -> Stream:
    async def three() -> AsyncIterator[bytes]:
        for chunk in (b"a", b"b", b"c"):
            yield chunk

    return Stream(three())


@get("/later")
async def later() -> Response[str]:
    return Response("later", background=BackgroundTask(RAN.append, "it"))


@get("/lost")
async def lost() -> None:
    raise NotFoundException("lost")


@websocket("/chat")
async def chat(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    async for text in socket.iter_data("text"):
        await socket.send_text(f"hello {text}")


def limited(placed: str, *rules: Rule) -> Any:
    options: Any = {"store": MemoryStore(clock=FakeClock()), "rules": rules}
    handlers: list[Any] = [user, send_code, stream, later, lost, chat]

    def limit(app: Any) -> Any:
        return RateLimitMiddleware(app, **options)

    if placed == "around":
        return limit(Litestar(handlers))
    return Litestar(handlers, middleware=[limit])


@pytest.fixture(params=["around", "inside"])
def placed(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_request_over_the_limit_is_answered_in_the_applications_place(placed: str) -> None:
    app = limited(placed, Rule("/users/{id}", "1/minute", name="users"))
    passed, denied = ask(app, "/users/3"), ask(app, "/users/4")
    assert (passed.status_code, passed.json()) == (200, {"id": 3})
    assert passed.headers["ratelimit"] == '"users";r=0;t=60'
    assert passed.headers["ratelimit-policy"] == '"users";q=1;w=60'
    assert denied.status_code == 429
    assert denied.headers["retry-after"] == "60"
    assert denied.headers["content-type"] == "application/problem+json"
    assert denied.json()["violated-policies"] == ["users"]


def test_handlers_that_run_in_threads_are_limited(placed: str) -> None:
    app = limited(placed, Rule("/codes", "1/minute", methods="POST"))
    assert [ask(app, "/codes", "POST").status_code for _ in range(2)] == [201, 429]


def test_callers_have_buckets_of_their_own(placed: str) -> None:
    app = limited(placed, Rule("/*", "1/minute", by=header("x-key")))
    asked = [ask(app, "/users/1", headers={"x-key": key}).status_code for key in ("a", "a", "b")]
    assert asked == [200, 429, 200]


def test_a_stream_goes_out_chunk_by_chunk(placed: str) -> None:
    start, *bodies = parts(limited(placed, Rule("/*", "1/minute")), "/stream")
    assert [body["body"] for body in bodies if body["body"]] == [b"a", b"b", b"c"]
    assert b"ratelimit" in dict(start["headers"])


def test_background_tasks_run_once_where_the_request_passed(placed: str) -> None:
    RAN.clear()
    assert statuses(limited(placed, Rule("/*", "1/minute")), "/later", "/later") == [200, 429]
    assert RAN == ["it"]


def test_errors_that_the_application_answers_have_the_fields(placed: str) -> None:
    response = ask(limited(placed, Rule("/*", "9/minute", name="all")), "/lost")
    assert (response.status_code, items(response)) == (404, ["all"])


def test_websockets_are_limited_by_handshakes_and_messages(placed: str) -> None:
    app = limited(placed, Rule("/chat", "2/minute", messages="1/minute", name="chat"))
    accepted, said = visit(app, "/chat", "ada")
    assert (b"ratelimit", b'"chat";r=1;t=30') in accepted["headers"]
    assert said["text"] == "hello ada"
    _, closed = visit(app, "/chat", "bob")
    assert (closed["type"], closed["code"]) == ("websocket.close", 1013)
    assert kinds(visit(app, "/chat")) == ["http.response.start", "http.response.body"]
