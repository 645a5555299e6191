"""A site that had other sessions: each goes on as one of this package, once."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import flask
import httpx
import itsdangerous
import pytest
from starlette.applications import Starlette
from starlette.datastructures import Secret
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware as StarletteSessions
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sessions import (
    Cookie,
    MemorySessionStore,
    SessionConflict,
    SessionEvent,
    StoreUnavailable,
)
from sessions.asgi import SessionMiddleware
from sessions.flask import SessionInterface
from sessions.operations.operation import Create, Delete
from sessions.previous import flask_cookies, starlette_cookies
from tests.fake_clock import FakeClock
from tests.sessions.browser import OnLoop, Site
from tests.sessions.old_browser import OLD, OldBrowser, previous
from tests.sessions.recording import recorded_site

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture(params=["blocking", "asyncio"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    clock = FakeClock()
    store = MemorySessionStore(clock=clock)
    if request.param == "blocking":
        yield Site(store, clock)
        return
    with asyncio.Runner() as runner:
        yield Site(store, clock, OnLoop(runner))


def names(site: Site) -> list[str]:
    return [event.what for event in site.events]


def test_b20_an_old_session_goes_on_under_a_cookie_of_its_own(site: Site) -> None:
    browser = OldBrowser(site, "abc")
    assert browser.seen() == {"cart": [17], "user": 5}
    assert [field.partition("=")[0] for field in browser.set] == ["__Host-session", "old"]
    assert browser.set[1].startswith("old=; Max-Age=0; ")
    assert site.events[0].session is not None
    assert str(browser.cookie).startswith("__Host-session=")
    with browser.request() as session:
        session["cart"].append(18)
    assert browser.seen() == {"cart": [17, 18], "user": 5}
    assert len(browser.set) == 2
    assert names(site) == ["created"]


def test_b20_it_belongs_to_the_user_whom_it_names(site: Site) -> None:
    browser = OldBrowser(site, "abc", previous={"user_key": "user"})
    assert browser.user_id() == "5"
    assert len(site.ids_of("5")) == 1
    site.call("revoke_user", "5")
    assert browser.user_id() is None


def test_b20_requests_side_by_side_begin_one_session(site: Site) -> None:
    browser = OldBrowser(site, "abc", previous={"user_key": "user"})
    tabs = [OldBrowser(site, "abc", previous={"user_key": "user"}) for _ in range(3)]
    requests = [tab.open() for tab in (browser, *tabs)]
    for number, request in enumerate(requests):
        request.session[f"tab {number}"] = number
    for request in requests:
        request.finish()
    assert len(site.ids_of("5")) == 1
    assert {f"tab {number}" for number in range(4)} < set(browser.seen())


def test_b15_an_old_session_counts_as_a_login(site: Site) -> None:
    options = {"previous": {"user_key": "user"}, "max_sessions_per_user": 1}
    other = site.browser(max_sessions_per_user=1)
    with other.request() as session:
        session.login("5")
    site.clock.advance(1)
    refused = OldBrowser(site, "abc", on_max_sessions="refuse", **options)
    assert refused.user_id() is None
    assert refused.cookie == "old=abc"  # it may be below the limit another time
    assert other.user_id() == "5"
    browser = OldBrowser(site, "abc", **options)
    assert browser.user_id() == "5"
    assert other.open().session.end_reason == "login_elsewhere"
    assert site.ids_of("5") == {str(browser.open().session.id)}
    assert ("destroyed", "login_elsewhere") in [(event.what, event.why) for event in site.events]


def test_b15_what_an_old_session_asks_of_the_count() -> None:
    recorded, store = recorded_site()
    options = {"previous": {"user_key": "user"}, "max_sessions_per_user": 1}
    OldBrowser(recorded, "abc", **options).seen()
    assert store.asked() == ["Find", "Find", "Create", "Create"]
    OldBrowser(recorded, "abcd", **options).seen()
    assert store.asked() == [
        "Find",
        "Find",
        "Create",
        "Get",
        "ReadCount",
        "BatchGet",
        "Create",
        "Create",
    ]


def test_b15_of_two_requests_that_begin_it_at_once_both_have_it() -> None:
    recorded, store = recorded_site()
    options = {
        "previous": {"user_key": "user"},
        "max_sessions_per_user": 1,
        "on_max_sessions": "refuse",
    }
    first, second = (OldBrowser(recorded, "abc", **options) for _ in range(2))
    store.meanwhile["Create"] = first.open
    assert second.user_id() == "5"
    assert len(recorded.ids_of("5")) == 1


def test_b15_a_count_that_refuses_each_time_is_a_conflict() -> None:
    recorded, store = recorded_site()
    store.refuses = Create
    browser = OldBrowser(recorded, "abc", previous={"user_key": "user"}, max_sessions_per_user=1)
    with pytest.raises(SessionConflict, match="sessions changed 20 times"):
        browser.open()


def test_b15_requests_side_by_side_with_an_old_cookie_count_once(site: Site) -> None:
    options = {"previous": {"user_key": "user"}, "max_sessions_per_user": 1}
    tabs = [OldBrowser(site, "abc", on_max_sessions="refuse", **options) for _ in range(3)]
    for request in [tab.open() for tab in tabs]:
        assert request.session.user_id == "5"
    assert len(site.ids_of("5")) == 1


def test_b20_a_lost_response_loses_no_session(site: Site) -> None:
    with OldBrowser(site, "abc").request() as session:
        session["a"] = 1
    again = OldBrowser(site, "abc")
    assert again.seen()["a"] == 1
    site.clock.advance(19)
    assert again.seen()["a"] == 1
    assert again.cookie == "old=abc"  # the first response may be under way yet
    site.clock.advance(1)
    assert again.seen()["a"] == 1
    assert str(again.cookie).startswith("__Host-session=")
    assert names(site) == ["created"]


def test_b20_an_old_cookie_is_worth_nothing_after_a_logout(site: Site) -> None:
    browser = OldBrowser(site, "abc", previous={"user_key": "user"})
    with browser.request() as session:
        session.logout()
    assert browser.cookie is None
    thief = OldBrowser(site, "abc", previous={"user_key": "user"})
    assert thief.seen() == {}
    assert thief.cookie is None  # removed: it would cost reads
    site.clock.advance(999_000)
    assert OldBrowser(site, "abc").seen() == {}


def test_b20_nor_after_a_logout_of_another_session_beside_it(site: Site) -> None:
    browser = OldBrowser(site, "abc", previous={"user_key": "user"})
    mine = site.browser()
    with mine.request() as session:
        session.login("ada")
    browser.cookie = f"old=abc; {mine.cookie}"
    with browser.request() as session:
        session.logout()
    assert browser.set[-1].startswith("old=; Max-Age=0; ")
    browser.cookie = "old=abc"
    assert browser.user_id() is None


def test_b20_nor_after_one_of_a_session_that_it_was_taken_over_to_elsewhere(site: Site) -> None:
    other = OldBrowser(site, "abc", previous={"user_key": "user"})
    assert other.user_id() == "5"
    browser = OldBrowser(site, "abc", previous={"user_key": "user"})
    mine = site.browser()
    with mine.request() as session:
        session.login("ada")
    browser.cookie = f"old=abc; {mine.cookie}"
    with browser.request() as session:
        session.logout()
    assert other.user_id() is None


def test_b20_what_makes_it_worthless_is_kept_as_long_as_it_may_be_valid() -> None:
    recorded, store = recorded_site()
    OldBrowser(recorded, "abc").seen()
    _, mark = (one.row for one in store.operations if isinstance(one, Create))
    now = recorded.clock() // 10**9
    assert (mark.created_at, mark.last_seen_at) == (now, now)
    assert (mark.expires_at, mark.ends_at) == (now + 1_000_000, now + 1_000_000)


@pytest.mark.parametrize("ends_by", ["logout", "login", "timeout", "no visit"])
def test_b20_nor_where_the_request_that_took_it_over_failed_in_between(ends_by: str) -> None:
    class Failing(MemorySessionStore):
        """Fails at the write after the session's row."""

        creates = 0

        def send(self, operation: Any, deadline_ns: int) -> Any:
            self.creates += isinstance(operation, Create)
            if isinstance(operation, Create) and self.creates == 2:
                raise StoreUnavailable("no table")
            return super().send(operation, deadline_ns)

    clock = FakeClock()
    site = Site(Failing(clock=clock), clock)
    browser, thief = OldBrowser(site, "abc"), OldBrowser(site, "abc")
    with pytest.raises(StoreUnavailable):
        browser.seen()
    if ends_by != "no visit":
        with browser.request() as session:
            assert session["user"] == 5
            if ends_by == "logout":
                session.logout()
            elif ends_by == "login":
                session.login("ada")
    is_ended = ends_by in ("logout", "login")
    clock.advance(30 if is_ended else browser.config.timeouts.lifetime_seconds)
    assert thief.seen() == {}


def test_b20_a_logout_deletes_once_what_both_cookies_lead_to() -> None:
    recorded, store = recorded_site()
    browser = OldBrowser(recorded, "abc")
    with browser.request() as session:
        session["a"] = 1
    with browser.request() as session:
        session.rotate()
    browser.cookie = f"old=abc; {browser.cookie}"
    store.operations.clear()
    with browser.request() as session:
        session.logout()
    deleted = [one.session_id for one in store.operations if isinstance(one, Delete)]
    assert len(deleted) == len(set(deleted)) == 2
    assert OldBrowser(recorded, "abc").seen() == {}


def test_b20_nor_after_the_new_session_is_over(site: Site) -> None:
    browser = OldBrowser(site, "abc")
    browser.seen()
    site.clock.advance(3_600)
    assert OldBrowser(site, "abc").seen() == {}


def test_b20_nor_does_it_lead_to_the_session_after_a_login(site: Site) -> None:
    browser = OldBrowser(site, "abc")
    with browser.request() as session:
        session.login("ada")
    assert browser.user_id() == "ada"
    late = OldBrowser(site, "abc")
    assert late.user_id() is None
    assert not any(field.startswith("__Host-session") for field in late.set)
    site.clock.advance(60)
    assert OldBrowser(site, "abc").seen() == {}


def test_b20_a_request_under_way_at_a_login_sets_no_cookie(site: Site) -> None:
    first = OldBrowser(site, "abc")
    first_request = first.open()
    second = OldBrowser(site, "abc")
    second_request = second.open()
    first_request.session.login("ada")
    first_request.finish()
    second_request.finish()
    assert second.set == []


def test_b20_a_session_of_this_package_comes_first(site: Site) -> None:
    browser = OldBrowser(site, "abc")
    mine = site.browser()
    with mine.request() as session:
        session["mine"] = 1
    browser.cookie = f"old=abc; {mine.cookie}"
    assert browser.seen() == {"mine": 1}


def test_b20_what_leads_to_no_old_session_costs_nothing(site: Site) -> None:
    browser = OldBrowser(site, "forged")
    assert browser.seen() == {}
    assert browser.set == []
    assert len(site.store) == 0  # type: ignore[arg-type]
    assert names(site) == []


def test_b20_what_cant_be_stored_is_left_behind_and_told(site: Site) -> None:
    browser = OldBrowser(site, "odd")
    assert browser.seen() == {"a": 1}
    assert [(event.what, event.why) for event in site.events] == [
        ("created", None),
        ("dropped", "unstorable"),
    ]


@pytest.mark.parametrize("options", [{}, {"encryption": b"k" * 32}])
def test_b20_one_that_is_too_large_goes_on_without_its_largest_values(
    site: Site, options: Any
) -> None:
    """Else each request of its browser would fail, for weeks, and no logout would help."""
    values = {
        "page": "x" * 300_000,
        "user": 5,
        "log": "x" * 200_000,
        "form": "x" * 350_000,
        "cart": [17],
    }
    previous = {"user_key": "user", "read": lambda _: values}
    browser = OldBrowser(site, "abc", previous=previous, **options)
    assert browser.seen() == {"user": 5, "log": "x" * 200_000, "cart": [17]}
    assert [(event.what, event.user_id, event.why) for event in site.events] == [
        ("created", "5", None),
        ("dropped", "5", "unstorable"),
    ]
    assert site.events[0].session == site.events[1].session is not None


@pytest.mark.parametrize("bad", ["", "u" * 2_000, ["5"], 1.5])
def test_b20_a_user_who_can_be_none_is_refused(site: Site, bad: object) -> None:
    browser = OldBrowser(
        site, "abc", previous={"user_key": "user", "read": lambda _: {"user": bad}}
    )
    with pytest.raises((TypeError, ValueError), match=r"had before.*user_id.*PreviousSessions"):
        browser.seen()


@pytest.mark.parametrize("options", [{"secret": "s" * 32}, {"encryption": b"k" * 32}])
def test_b20_it_is_signed_and_encrypted_as_any_other(site: Site, options: Any) -> None:
    browser = OldBrowser(site, "abc", **options)
    assert browser.seen() == {"cart": [17], "user": 5}
    assert browser.seen() == {"cart": [17], "user": 5}


@pytest.mark.parametrize(
    "options",
    [
        {"cookie": "old"},
        {"read": "abc"},
        {"max_age": 0},
        {"max_age": None},
        {"user_key": 7},
    ],
)
def test_b20_what_is_misused_is_refused_when_it_is_set_up(options: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        previous(**options)
    with pytest.raises(TypeError, match="previous must be PreviousSessions"):
        SessionInterface(MemorySessionStore(), previous=options)


# Several cookies of its name


@pytest.mark.parametrize("others", ["old=forged; ", "old=; ", "old=bad; old=forged; "])
def test_b20_a_dead_old_cookie_hides_none_behind_it(site: Site, others: str) -> None:
    browser = OldBrowser(site, "abc")
    browser.cookie = f"{others}old=abc"
    assert browser.seen() == {"cart": [17], "user": 5}


def test_b20_nor_does_one_whose_session_has_ended(site: Site) -> None:
    browser = OldBrowser(site, "abc")
    with browser.request() as session:
        session.logout()
    browser.cookie = "old=abc; old=odd"
    assert browser.seen() == {"a": 1}


def test_b20_nor_a_dead_one_of_this_package_of_the_same_name(site: Site) -> None:
    cookie = Cookie(name="old", secure=False)
    browser = OldBrowser(site, "abc", previous={"cookie": cookie}, cookie="old", secure=False)
    browser.cookie = f"old={'a' * 43}; old=abc"
    assert browser.seen() == {"cart": [17], "user": 5}


def test_b20_at_most_three_old_cookies_are_tried(site: Site) -> None:
    tried: list[str] = []
    browser = OldBrowser(site, "abc", previous={"read": tried.append})
    browser.cookie = "; ".join(f"old={number}" for number in range(50))
    assert browser.seen() == {}
    assert tried == ["0", "1", "2"]


# The same cookie's name


def test_b20_an_old_cookie_of_the_same_name_is_overwritten(site: Site) -> None:
    cookie = Cookie(name="old", secure=False)
    browser = OldBrowser(site, "abc", previous={"cookie": cookie}, cookie="old", secure=False)
    assert browser.seen() == {"cart": [17], "user": 5}
    assert len(browser.set) == 1
    assert browser.seen() == {"cart": [17], "user": 5}
    assert names(site) == ["created"]


# Where reading waits


def test_b20_an_async_function_may_read_in_an_event_loop() -> None:
    async def read_async(value: str) -> Mapping[str, Any] | None:
        await asyncio.sleep(0)
        return OLD.get(value)

    clock = FakeClock()
    with asyncio.Runner() as runner:
        site = Site(MemorySessionStore(clock=clock), clock, OnLoop(runner))
        assert OldBrowser(site, "abc", previous={"read": read_async}).seen()["cart"] == [17]


def test_b20_an_async_function_is_refused_without_an_event_loop() -> None:
    async def read_async(value: str) -> None: ...

    clock = FakeClock()
    reading = read_async("abc")
    site = Site(MemorySessionStore(clock=clock), clock)
    with pytest.raises(TypeError, match="must not be an async function"):
        OldBrowser(site, "abc", previous={"read": lambda _: reading}).seen()
    reading.close()


# Starlette's own sessions


async def cart(request: Request) -> JSONResponse:
    if "add" in request.query_params:
        request.session["cart"] = [*request.session.get("cart", []), request.query_params["add"]]
    return JSONResponse(dict(request.session))


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://site.test")


def test_b20_a_starlette_site_goes_on() -> None:
    routes = [Route("/", cart)]
    before = Starlette(routes=routes, middleware=[Middleware(StarletteSessions, SECRET)])
    moved = SessionMiddleware(
        Starlette(routes=routes), MemorySessionStore(), previous=starlette_cookies(SECRET)
    )

    async def visits() -> None:
        async with client(before) as browser:
            await browser.get("/?add=17")
            old = dict(browser.cookies)
        async with client(moved) as browser:
            browser.cookies.set("session", old["session"], domain="site.test")
            assert (await browser.get("/?add=18")).json() == {"cart": ["17", "18"]}
            assert set(browser.cookies) == {"__Host-session"}
            assert (await browser.get("/")).json() == {"cart": ["17", "18"]}
        for value in ("x" + old["session"][1:], "x", "null", b64encode(b"{}").decode()):
            async with client(moved) as browser:
                assert (await browser.get("/", headers={"cookie": f"session={value}"})).json() == {}

    asyncio.run(visits())


@pytest.mark.parametrize(("age_seconds", "is_read"), [(99, True), (101, False)])
def test_b20_a_starlette_cookie_is_valid_as_long_as_it_was(
    monkeypatch: pytest.MonkeyPatch, age_seconds: int, is_read: bool
) -> None:
    signer = itsdangerous.TimestampSigner(SECRET)
    value = signer.sign(b64encode(json.dumps({"a": 1}).encode())).decode()
    sent = signer.get_timestamp()
    old = starlette_cookies(SECRET, max_age=100)
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda _: sent + age_seconds)
    assert (old.read(value) == {"a": 1}) is is_read


# Flask's own sessions


def flask_app() -> flask.Flask:
    app = flask.Flask(__name__)
    app.secret_key = SECRET

    @app.get("/")
    def look() -> Any:
        return {key: repr(value) for key, value in sorted(flask.session.items())}

    @app.get("/set")
    def put() -> str:
        flask.session.update(a=1, pair=(1, 2), at=datetime(2026, 1, 2, tzinfo=UTC))
        flask.session["_user_id"] = "ada"
        flask.session.permanent = True
        flask.flash("hello")
        return ""

    return app


def other_spellings(value: str) -> list[str]:
    """The same cookie to a decoder of Base64, which ignores some bits and characters."""
    head, _, signature = value.rpartition(".")
    spellings = (
        signature[:-1] + chr(ord(signature[-1]) + 1),  # whose last two bits do not count
        signature + "=",
        signature + "!!!!",
        signature[:5] + "~~~~" + signature[5:],
    )
    return [f"{head}.{spelling}" for spelling in spellings]


def test_b20_a_signed_cookie_that_is_written_in_another_way_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = flask_app()
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda _: 1_000)
    starlette = itsdangerous.TimestampSigner(SECRET).sign(b64encode(b'{"a":1}')).decode()
    serializer = flask.sessions.SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    for old, value in (
        (starlette_cookies(SECRET), starlette),
        (flask_cookies(app), serializer.dumps({"a": 1})),
    ):
        assert old.read(value) == {"a": 1}
        assert [old.read(other) for other in other_spellings(str(value))] == [None] * 4


@pytest.mark.parametrize("unset", [None, "", b"key", 5])
def test_b20_a_starlette_key_that_is_not_set_is_refused(unset: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="secret_key must"):
        starlette_cookies(unset)  # or a cookie signed by "None" would log anybody in


def test_b20_a_starlette_key_may_be_a_secret() -> None:
    assert starlette_cookies(Secret("s3cret")).cookie.name == "session"


def test_b20_a_domain_may_have_a_dot_in_front_as_in_frameworks_settings() -> None:
    app = flask.Flask("site", root_path=".")
    app.secret_key = SECRET
    app.config["SESSION_COOKIE_DOMAIN"] = ".example.com"
    assert flask_cookies(app).cookie.domain == "example.com"
    assert starlette_cookies(SECRET, domain=".example.com").cookie.domain == "example.com"


def test_b20_a_flask_site_goes_on() -> None:
    before = flask_app()
    visitor = before.test_client()
    visitor.get("/set", base_url="https://site.test")
    old = visitor.get_cookie("session", domain="site.test")
    assert old is not None
    events: list[SessionEvent] = []
    store = MemorySessionStore()
    app = flask_app()
    app.session_interface = SessionInterface(
        store, previous=flask_cookies(app), on_event=events.append
    )
    browser = app.test_client()
    browser.set_cookie("session", old.value, domain="site.test")
    for _ in range(2):
        shown = browser.get("/", base_url="https://site.test").json
        assert shown == {
            "_permanent": "True",
            "_user_id": "'ada'",
            "a": "1",
            "at": "'Fri, 02 Jan 2026 00:00:00 GMT'",
            "pair": "[1, 2]",
        }
    assert browser.get_cookie("session", domain="site.test") is None
    assert [info.user_id for info in store.sessions_of("ada")] == ["ada"]
    assert [event.what for event in events] == ["created"]


def test_b20_a_flask_cookie_of_another_secret_is_none() -> None:
    other = flask_app()
    other.secret_key = "another"
    visitor = other.test_client()
    visitor.get("/set")
    old = visitor.get_cookie("session")
    assert old is not None
    assert flask_cookies(flask_app()).read(old.value) is None


def test_b20_flask_needs_its_secret_key() -> None:
    with pytest.raises(ValueError, match="needs its secret_key"):
        flask_cookies(flask.Flask(__name__))
