"""What passes an ASGI middleware unchanged: streams, files, uploads, errors, and whatever else."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.web import Rule
from tests.web.exchange import Get, nothing_more, scope_of

OWN = (b"content-type", b"text/plain")
START = {"type": "http.response.start", "status": 200, "headers": [OWN]}
MEGABYTE = 1_000_000


def limited(app: Any) -> RateLimitMiddleware:
    return RateLimitMiddleware(app, store=MemoryStore(), rules=[Rule("/*", "1000/minute")])


def sent_by(app: Any, receive: Any = nothing_more, get: Get | None = None) -> list[Any]:
    """What the server is sent by a limited application."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(limited(app)(scope_of(get or Get()), receive, send))
    return sent


def sending(*messages: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def added(start: Any) -> list[bytes]:
    """The names of what was added behind the application's own fields."""
    assert start["headers"][0] == OWN
    return [name for name, _ in start["headers"][1:]]


FIELDS = [b"ratelimit-policy", b"ratelimit"]


@pytest.mark.parametrize(
    "chunks",
    [[b"one", b"two", b"three"], [b"data: 1\n\n", b"data: 2\n\n", b": keep-alive\n\n"]],
    ids=["chunks", "server-sent events"],
)
def test_a_stream_passes_chunk_by_chunk_and_lazily(chunks: list[bytes]) -> None:
    sent: list[Any] = []

    async def made() -> AsyncIterator[bytes]:
        for index, chunk in enumerate(chunks):
            # All before this one is with the server already.
            assert len(sent) == index + 1
            yield chunk

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        async for chunk in made():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(limited(app)(scope_of(Get()), nothing_more, send))
    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert [message["body"] for message in sent[1:]] == [*chunks, b""]
    assert added(sent[0]) == FIELDS


@pytest.mark.parametrize(
    "message",
    [
        {"type": "http.response.body", "body": b"x" * 10, "more_body": False},
        {"type": "http.response.pathsend", "path": "/srv/video.mp4"},
        {"type": "http.response.zerocopysend", "file": 7, "offset": 10, "count": 20},
        {"type": "http.response.push", "path": "/style.css", "headers": [(b"a", b"b")]},
        {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]},
        {"type": "http.response.trailers", "headers": [(b"digest", b"x")], "more_trailers": False},
        {"type": "http.response.debug", "info": {"template": "a.html"}},
        {"type": "http.response.informational", "status": 103, "headers": [(b"link", b"</a>")]},
    ],
    ids=lambda message: message["type"].removeprefix("http.response."),
)
def test_every_other_message_passes_as_it_is(message: Any) -> None:
    before = dict(message)
    first, start, second = sent_by(sending(message, START, message))
    assert first is message
    assert second is message
    assert message == before
    assert added(start) == FIELDS


def test_the_start_keeps_whatever_else_it_has() -> None:
    extended = {**START, "trailers": True, "reason": b"Fine"}
    before = {**extended, "headers": list(extended["headers"])}  # type: ignore[call-overload]
    (start,) = sent_by(sending(extended))
    assert {**start, "headers": [OWN]} == before
    assert extended == before, "the application's own message is not changed"


def test_a_start_without_headers_gets_them() -> None:
    (start,) = sent_by(sending({"type": "http.response.start", "status": 204}))
    assert [name for name, _ in start["headers"]] == FIELDS


@pytest.mark.parametrize("headers", [(OWN,), iter([OWN])], ids=["tuple", "iterator"])
def test_headers_may_be_any_iterable(headers: Any) -> None:
    (start,) = sent_by(sending({**START, "headers": headers}))
    assert added(start) == FIELDS


def test_the_answer_to_head_passes_without_a_body() -> None:
    own = (b"content-length", b"5")
    head = {**START, "headers": [OWN, own]}
    start, body = sent_by(sending(head, {"type": "http.response.body"}), get=Get(method="HEAD"))
    assert start["headers"][:2] == [OWN, own]
    assert body == {"type": "http.response.body"}


def test_100_megabytes_of_upload_pass_without_being_kept() -> None:
    left = 100

    async def receive() -> Any:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": bytes(MEGABYTE), "more_body": left > 0}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        size_bytes, more = 0, True
        while more:
            message = await receive()
            size_bytes, more = size_bytes + len(message["body"]), message["more_body"]
        await send({**START, "headers": [OWN, (b"x-size", b"%d" % size_bytes)]})

    tracemalloc.start()
    try:
        (start,) = sent_by(app, receive)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert start["headers"][1] == (b"x-size", b"100000000")
    assert peak_bytes < 4 * MEGABYTE


def test_a_denied_upload_is_not_read() -> None:
    async def receive() -> Any:
        raise AssertionError("read what is not wanted")

    async def send(message: Any) -> None: ...

    app = RateLimitMiddleware(
        sending(START), store=MemoryStore(), rules=[Rule("/*", "1/minute", cost=lambda r: 2)]
    )
    asyncio.run(app(scope_of(Get(method="POST")), receive, send))


@pytest.mark.parametrize("sent_before", [[], [START], [START, {"type": "http.response.body"}]])
@pytest.mark.parametrize("error", [LookupError, SystemExit, asyncio.CancelledError])
def test_what_the_application_raises_is_not_touched(
    sent_before: list[Any], error: type[BaseException]
) -> None:
    raised = error("the application's own")
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await sending(*sent_before)(scope, receive, send)
        raise raised

    async def send(message: Any) -> None:
        sent.append(message)

    async def serve() -> BaseException:
        try:
            await limited(app)(scope_of(Get()), nothing_more, send)
        except error as caught:
            return caught
        raise AssertionError("nothing was raised")

    assert asyncio.run(serve()) is raised
    assert len(sent) == len(sent_before)


def test_the_application_sees_that_the_client_left() -> None:
    seen: list[str] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        seen.append((await receive())["type"])

    sent_by(app, receive)
    assert seen == ["http.disconnect"]


def test_the_application_sees_that_nothing_can_be_sent_any_more() -> None:
    seen: list[OSError] = []
    gone = ConnectionResetError("the client left")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        try:
            await send({"type": "http.response.body", "body": b"late"})
        except OSError as refused:
            seen.append(refused)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise gone

    asyncio.run(limited(app)(scope_of(Get()), nothing_more, send))
    assert seen == [gone]


def test_a_cancelled_request_cancels_the_application() -> None:
    seen: list[str] = []

    async def send(message: Any) -> None: ...

    async def serve() -> None:
        began = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                seen.append("cleaned up")

        serving = asyncio.ensure_future(limited(app)(scope_of(Get()), nothing_more, send))
        await began.wait()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        assert serving.cancelled()

    asyncio.run(serve())
    assert seen == ["cleaned up"]
