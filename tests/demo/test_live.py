"""The live view: buckets as decisions leave them, and what an open page is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from demo.app import application
from demo.limits import CALLER, EVERYONE, PER_MINUTE, PER_SECOND, RULES, SEARCH, SHARED
from demo.live.board import MOST_CALLERS, Board, Caller, caller_of
from demo.live.feed import Decided, Feed, SessionsChanged, Subscription
from demo.server import HOST, Server, serving
from demo.story.browser import Browser
from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from ratelimit_ddb.web import DenialResponse, Request, Verdict, verdict_of
from ratelimit_ddb.wsgi import RateLimitMiddleware
from sessions import MemorySessionStore
from tests.fake_clock import FakeClock

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Limited:
    """The rules of the demo over memory, with a board, at a time that the test sets."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock=self.clock)
        self.feed = Feed()
        self.board = Board("ns", self.feed, self.clock)

        def note_denial(
            _request: Request, verdict: Verdict, answer: DenialResponse
        ) -> DenialResponse:
            self.board.note(verdict)
            return answer

        def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            self.board.note(verdict_of(environ))
            start_response("200 OK", [])
            return []

        self._app = RateLimitMiddleware(
            app, store=self.store, rules=RULES, namespace="ns", on_denied=note_denial
        )

    def search(self, key: str, path: str = SEARCH) -> None:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "REMOTE_ADDR": "192.0.2.1",
            "HTTP_X_API_KEY": key,
        }
        list(self._app(environ, lambda *_: lambda _data: None))

    def levels(self, key: str) -> dict[str, float]:
        """In how many milliseconds each bucket is full, by the board."""
        snapshot = self.board.snapshot()
        (found,) = (one for one in snapshot["callers"] if one["name"] == key)
        full = {limit.name: 0.0 for limit in (PER_SECOND, PER_MINUTE, SHARED)}  # until told of
        return {**full, **found["full_in_ms"], **snapshot["shared"]["full_in_ms"]}

    def truth(self, key: str) -> dict[str, float]:
        """The same, by the store."""

        def full_in_ms(limit: Limit, bucket: tuple[str, ...]) -> float:
            limiter = RateLimiter(self.store, limit, namespace="ns")
            return limiter.peek(bucket).reset_after_ns / 1_000_000

        of_caller = (CALLER, key)
        return {
            PER_SECOND.name: full_in_ms(PER_SECOND, of_caller),
            PER_MINUTE.name: full_in_ms(PER_MINUTE, of_caller),
            SHARED.name: full_in_ms(SHARED, (EVERYONE, "everyone")),
        }


@pytest.fixture
def limited() -> Limited:
    return Limited()


def test_that_the_board_shows_each_bucket_as_the_store_has_it(limited: Limited) -> None:
    for _ in range(12):  # 8 admitted, then denials
        limited.search("ada")
        limited.clock.advance(0.01)
        assert limited.levels("ada") == pytest.approx(limited.truth("ada"))
    limited.clock.advance(1.7)
    assert limited.levels("ada") == pytest.approx(limited.truth("ada"))


def test_that_what_a_denial_by_the_shared_limit_gave_back_is_not_shown_as_taken(
    limited: Limited,
) -> None:
    for key in ("ada", "grace", "linus", "carol"):
        for _ in range(8):
            limited.search(key)
            assert limited.levels(key) == pytest.approx(limited.truth(key))
    shared = limited.board.snapshot()["shared"]
    assert (shared["admitted"], shared["denied"]) == (20, 12)
    assert 0 < shared["from_memory"] <= 12


def test_that_a_message_tells_of_each_request(limited: Limited) -> None:
    with limited.feed.subscribed() as subscription:
        for _ in range(9):
            limited.search("ada")
        limited.search("ada", "/elsewhere")
        told = [message.content for message in waiting(subscription)]
    assert [one["allowed"] for one in told] == [True] * 8 + [False]
    assert told[-1]["denied_by"] == PER_SECOND.name
    assert told[-1]["retry_after_ms"] == pytest.approx(500)
    assert told[-1]["caller"]["denied"] == 1


def test_that_callers_are_bounded(limited: Limited) -> None:
    for number in range(MOST_CALLERS + 5):
        limited.search(f"caller-{number}")
        limited.clock.advance(1)
    callers = limited.board.snapshot()["callers"]
    assert len(callers) == MOST_CALLERS
    assert callers[-1]["name"] == f"caller-{MOST_CALLERS + 4}"


@pytest.mark.parametrize(
    ("key", "caller"),
    [
        ("ada", Caller("key", "ada")),
        ("a%3Ab%25", Caller("key", "a:b%")),
        ("otherwise:ada", Caller("session", "ada")),
        ("otherwise:otherwise:127.0.0.1", Caller("address", "127.0.0.1")),
    ],
)
def test_whose_key_it_is(key: str, caller: Caller) -> None:
    assert caller_of(key) == caller


def test_that_a_page_that_reads_no_more_does_not_fill_the_memory() -> None:
    feed = Feed()
    with feed.subscribed() as subscription:
        for _ in range(5_000):
            feed.publish(SessionsChanged("ada"))
        assert subscription.qsize() == 2_000


def waiting(subscription: Subscription) -> Iterator[Decided]:
    while not subscription.empty():
        message = subscription.get_nowait()
        assert isinstance(message, Decided)
        yield message


class Page:
    """The live stream, as an open page reads it."""

    def __init__(self, server: Server, path: str = "/live", cookies: str = "") -> None:
        self._connection = HTTPConnection(HOST, server.server_port, timeout=10)
        self._connection.request("GET", path, headers={"Cookie": cookies} if cookies else {})
        self._response: HTTPResponse = self._connection.getresponse()
        assert self._response.getheader("Content-Type") == "text/event-stream"

    def event(self) -> tuple[str, Any]:
        name = self._response.readline().decode().removeprefix("event: ").rstrip()
        data = json.loads(self._response.readline().decode().removeprefix("data: "))
        assert self._response.readline() == b"\n"
        return name, data

    def close(self) -> None:
        self._response.close()
        self._connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    app = application(
        MemoryStore(), MemorySessionStore(), cookie="session", secure=False, deadline=5
    )
    with serving(app) as running:
        yield running


def logged_in(server: Server, name: str) -> Browser:
    browser = Browser(HOST, server.server_port, FIREFOX)
    browser.get("/login")
    browser.post("/login", user_name=name)
    browser.get("/")
    return browser


def cookies_of(browser: Browser) -> str:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def test_that_an_open_page_is_told_of_everybodys_requests(server: Server) -> None:
    page = Page(server)
    assert page.event() == (
        "board",
        {
            "callers": [],
            "shared": {"admitted": 0, "denied": 0, "from_memory": 0, "full_in_ms": {}},
        },
    )
    connection = HTTPConnection(HOST, server.server_port, timeout=10)
    connection.request("GET", SEARCH)
    connection.getresponse().read()
    connection.close()
    name, content = page.event()
    assert (name, content["allowed"]) == ("decision", True)
    assert content["caller"]["kind"] == "address"
    assert content["caller"]["name"] == "127.0.0.1"
    page.close()


def test_that_a_session_that_is_ended_elsewhere_is_told_to_its_open_page(server: Server) -> None:
    one = logged_in(server, "ada")
    page = Page(server, "/live?devices", cookies_of(one))
    assert page.event()[0] == "board"
    _, content = page.event()
    assert [device["is_this"] for device in content["devices"]] == [True]

    logged_in(server, "grace")  # of no concern
    other = logged_in(server, "ada")
    _, content = page.event()
    assert sorted(device["is_this"] for device in content["devices"]) == [False, True]

    assert other.post("/logout-everywhere", back="/").location == "/"
    assert page.event() == ("ended", {})
    page.close()


def test_that_nobodys_devices_are_told_to_nobody(server: Server) -> None:
    logged_in(server, "ada")
    page = Page(server, "/live?devices")
    assert page.event()[0] == "board"
    assert page.event() == ("ended", {})
    page.close()
