"""What a StreamingHttpResponse does to Django's session, when the session was saved already."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from sessions import SessionEvent
from tests.frameworks.django_site import with_sessions as site
from tests.frameworks.django_site.session_clients import COOKIE, key_of, seen, user_of
from tests.frameworks.seen_store import SeenStore

Act = Callable[[Any], object]

ACTS: dict[str, Act] = {
    "nothing": lambda session: None,
    "reads": lambda session: dict(session.items()),
    "changes": lambda session: session.update({"shape": "round"}),
    "saves": lambda session: (session.update({"shape": "round"}), session.save()),
    "clears": lambda session: session.clear(),
    "flushes": lambda session: session.flush(),
}


def stream(request: HttpRequest, act: str, status: int = 200) -> HttpResponseBase:
    def chunks() -> Iterator[bytes]:
        yield b"a"
        ACTS[act](request.session)
        yield b"b"

    return StreamingHttpResponse(chunks(), status=status)


async def stream_async(request: HttpRequest, act: str) -> HttpResponseBase:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        await request.session.aset("shape", act)
        yield b"b"

    return StreamingHttpResponse(chunks())


def file(request: HttpRequest) -> HttpResponseBase:
    return FileResponse(Path(__file__).open("rb"))


urlpatterns = [
    *site.urlpatterns,
    path("stream/<str:act>", stream),
    path("stream/<str:act>/<int:status>", stream),
    path("async/stream/<str:act>", stream_async),
    path("file", file),
]

EVENTS: list[SessionEvent] = []


@pytest.fixture
def store() -> Iterator[SeenStore]:
    made = SeenStore()
    EVENTS.clear()
    options = {"ON_EVENT": EVENTS.append}
    with site.with_sessions(made, options=options, ROOT_URLCONF=__name__):
        yield made


@pytest.fixture
def client(store: SeenStore) -> Client:
    made = Client()
    made.get("/set/colour/red")
    made.get("/login/7")
    EVENTS.clear()
    return made


def dropped() -> list[str | None]:
    return [event.why for event in EVENTS if event.what == "dropped"]


@pytest.mark.parametrize("act", ["clears", "flushes"])
def test_a_logout_in_a_stream_holds(client: Client, store: SeenStore, act: str) -> None:
    assert client.get(f"/stream/{act}").getvalue() == b"ab"
    assert store.sessions_of("7") == []
    assert (user_of(client), dropped()) == ("None", [])


@pytest.mark.parametrize("path", ["/stream/changes", "/async/stream/round"])
def test_a_change_that_a_stream_does_not_save_is_told(client: Client, path: str) -> None:
    if path.startswith("/async"):
        asyncio.run(_read_stream(path, key_of(client)))
    else:
        assert client.get(path).getvalue() == b"ab"
    assert dropped() == ["not_saved"]
    assert seen(client) == {"colour": "red"}


async def _read_stream(path: str, key: str) -> None:
    client = AsyncClient()
    client.cookies[COOKIE] = key
    response: Any = await client.get(path)
    assert [chunk async for chunk in response] == [b"a", b"b"]


def test_a_session_that_begins_in_a_stream_is_told(store: SeenStore) -> None:
    assert Client().get("/stream/changes").getvalue() == b"ab"
    assert dropped() == ["not_saved"]


@pytest.mark.parametrize("path", ["/stream/nothing", "/stream/reads", "/stream/saves", "/file"])
def test_a_stream_that_loses_nothing_tells_nothing(client: Client, path: str) -> None:
    client.get(path).getvalue()
    assert dropped() == []
    assert user_of(client) == "7"
    assert seen(client).get("shape") == ("round" if path.endswith("saves") else None)


def test_what_is_dropped_with_an_error_is_told_by_the_error(client: Client) -> None:
    assert client.get("/stream/changes/500").getvalue() == b"ab"
    assert dropped() == []
