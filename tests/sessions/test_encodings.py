"""How often JSON is made of a value: once to save it, once to see that nothing was lost later."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sessions import MemorySessionStore, Session, SessionNotSaved
from sessions.asgi import SessionMiddleware as ASGIMiddleware
from sessions.values.cipher import Cipher
from sessions.wsgi import SessionMiddleware as WSGIMiddleware
from tests.sessions.browser import Browser, Site

OPTIONS = [{}, {"encryption": b"k" * 32}]


class Counter:
    """Counts the calls of a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.calls = 0
        self._function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        return self._function(*arguments, **options)


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter(json.dumps)
    monkeypatch.setattr(json, "dumps", counter)
    return counter


@pytest.fixture(params=OPTIONS, ids=["in the clear", "encrypted"])
def browser(site: Site, request: pytest.FixtureRequest) -> Browser:
    browser = site.browser(**request.param)
    with browser.request() as session:
        session.update(cart=[1, 2], name="Ada", visits=1)
    return browser


def nothing(session: Session) -> None:
    assert session is not None


def read_a_text(session: Session) -> None:
    assert session["name"] == "Ada"


def read_a_list(session: Session) -> None:
    assert session["cart"] == [1, 2]


def set_a_number(session: Session) -> None:
    session["visits"] = 2


def set_a_list(session: Session) -> None:
    session["cart"] = [3]


def change_a_list(session: Session) -> None:
    session["cart"].append(3)


def log_in(session: Session) -> None:
    session.login("ada")
    session["cart"] = [3]


@pytest.mark.parametrize(
    ("handle", "most"),
    [
        (nothing, 0),
        (read_a_text, 0),
        (read_a_list, 2),
        (set_a_number, 1),
        (set_a_list, 2),
        (change_a_list, 2),
        (log_in, 2),
    ],
)
def test_a_request_makes_json_of_a_value_at_most_twice(
    browser: Browser, encodings: Counter, handle: Callable[[Session], None], most: int
) -> None:
    encodings.calls = 0
    with browser.request() as session:
        handle(session)
    assert encodings.calls <= most


CART = ["a", "list", {"that": "no", "other": "is"}]


class Streamed:
    """A body that is closed, as those that frameworks make."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"a", b"b"])

    def close(self) -> None:
        """Nothing is open."""


def stream() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


@pytest.mark.parametrize("body", [list, stream, Streamed], ids=["list", "generator", "closed"])
@pytest.mark.parametrize("is_read", [True, False])
def test_a_wsgi_response_makes_json_of_a_value_at_most_twice(
    encodings: Counter, body: Callable[[], Any], is_read: bool
) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        environ["sessions.session"]["cart"] = list(CART)
        start_response("200 OK", [])
        return body()

    middleware: Any = WSGIMiddleware(app, MemorySessionStore())
    for _ in range(2):
        encodings.calls = 0
        response = middleware({"REQUEST_METHOD": "GET"}, lambda *_: None)
        if is_read:
            list(response)
        if hasattr(response, "close"):
            with contextlib.suppress(SessionNotSaved):  # closed early: the cookie can't be set
                response.close()
        assert encodings.calls <= 2


@pytest.mark.parametrize("chunks", [1, 3])
def test_an_asgi_response_makes_json_of_a_value_at_most_twice(
    encodings: Counter, chunks: int
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["cart"] = list(CART)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(chunks):
            more = number + 1 < chunks
            await send({"type": "http.response.body", "body": b"x", "more_body": more})

    async def send(message: Any) -> None: ...

    middleware: Any = ASGIMiddleware(app, MemorySessionStore())
    asyncio.run(middleware({"type": "http", "headers": []}, None, send))
    assert 1 <= encodings.calls <= 2


def test_a_save_in_a_stream_makes_json_of_each_value_once_more(
    browser: Browser, encodings: Counter
) -> None:
    encodings.calls = 0
    request = browser.open()
    request.begin()
    for number in range(3):
        request.session["cart"] = [number]
        request.session.save()
    request.end()
    assert encodings.calls == 3 + 1
    assert browser.seen()["cart"] == [2]


def test_a_changed_value_is_encrypted_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.browser(encryption=b"k" * 32)
    cipher = browser.config.cipher
    assert cipher is not None
    counter = Counter(cipher.encrypt)
    monkeypatch.setattr(Cipher, "encrypt", staticmethod(counter))
    with browser.request() as session:
        session.update(cart=[1], name="Ada")
    assert counter.calls == 2
    with browser.request() as session:
        session["cart"].append(2)
        assert session["name"] == "Ada"
    assert counter.calls == 3
