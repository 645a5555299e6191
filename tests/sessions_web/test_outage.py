"""A table that is out of reach: which pages fail, and what becomes of sessions meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sessions import Cookie, Session, StoreUnavailable, TableNotFound, session_of
from sessions.asgi import SessionMiddleware
from sessions.previous import PreviousSessions
from tests.fake_clock import FakeClock
from tests.frameworks.flask_sessions_site import site as flask_site
from tests.sessions_web.exchange import Browser
from tests.sessions_web.site import (
    Act,
    MakeSite,
    Site,
    Visitor,
    WatchedStore,
    everything,
    in_turn,
    nothing,
    put,
    site_over,
)

OPERATIONS = ("Find", "Save", "Create", "Replace", "Delete")
USES: dict[str, Act] = {
    "read": lambda session: session.get("a"),
    "look": lambda session: "a" in session,
    "list": everything,
    "ask": lambda session: session.user_id,
    "set": put(a=2),
    "flash": lambda session: session.flash("hello"),
    "login": lambda session: session.login("ada"),
    "logout": lambda session: session.logout(),
    "clear": lambda session: session.clear(),
    "rotate": lambda session: session.rotate(),
}


def break_down(site: Site, *operations: str) -> None:
    for operation in operations or OPERATIONS:
        site.store.failures[operation] = StoreUnavailable("out of reach")
    del site.events[:], site.log[:]


def visitor_of(site: Site) -> Visitor:
    visitor = site.visitor()
    visitor.visit(in_turn(lambda session: session.login("ada"), put(a=1)))
    return visitor


BEFORE = PreviousSessions(
    cookie=Cookie(name="old", secure=False),
    read=lambda _: {"user": "ada", "a": 1},
    max_age=1_000,
    user_key="user",
)


@pytest.mark.parametrize("use", ["read", "list", "ask", "set", "logout"])
def test_a_session_of_before_that_cant_be_taken_over_is_no_empty_one(
    make_site: MakeSite, use: str
) -> None:
    site = make_site(previous=BEFORE)
    visitor = site.visitor()
    break_down(site)
    with pytest.raises(StoreUnavailable):
        visitor.visit(USES[use], cookie="old=1")
    site.store.failures.clear()
    assert visitor.visit(lambda session: session.user_id, cookie="old=1").value == "ada"


def test_it_is_an_empty_one_where_the_options_say_so(make_site: MakeSite) -> None:
    site = make_site(previous=BEFORE, on_outage="empty")
    visitor = site.visitor()
    break_down(site)
    assert visitor.visit(everything, cookie="old=1").value == {}
    answer = visitor.visit(put(a=2), cookie="old=1")
    assert answer.set_cookies == []
    assert "dropped unavailable" in site.told


@pytest.mark.parametrize("on_outage", ["raise", "empty"])
def test_a_page_that_does_not_use_its_session_is_shown(make_site: MakeSite, on_outage: str) -> None:
    site = make_site(on_outage=on_outage)
    visitor = visitor_of(site)
    break_down(site)
    answer = visitor.visit(nothing)
    assert (answer.status, answer.set_cookies) == (200, [])
    assert "vary" not in answer.headers
    assert visitor.cookies


@pytest.mark.parametrize("use", USES)
def test_its_use_raises_by_default(make_site: MakeSite, use: str) -> None:
    site = make_site()
    visitor = visitor_of(site)
    break_down(site)
    with pytest.raises(StoreUnavailable):
        visitor.visit(USES[use])
    assert site.calls == ["Find"]
    assert site.told == ["unavailable"]


def test_it_raises_at_each_use_and_asks_once(make_site: MakeSite) -> None:
    site = make_site()
    visitor = visitor_of(site)
    break_down(site)

    def twice(session: Session) -> str:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                session["a"]
        return "shown"

    answer = visitor.visit(twice)
    assert (answer.value, site.calls, answer.set_cookies) == ("shown", ["Find"], [])


def test_an_empty_session_takes_its_place_if_that_is_wanted(make_site: MakeSite) -> None:
    site = make_site(on_outage="empty")
    visitor = visitor_of(site)
    break_down(site)
    answer = visitor.visit(lambda session: [session.user_id, dict(session), session.is_new])
    assert (answer.value, answer.set_cookies) == ([None, {}, True], [])
    assert site.told == ["unavailable"]
    site.store.failures.clear()
    assert visitor.visit(everything).value == {"a": 1}, "and afterwards it is there again"


@pytest.mark.parametrize("act", [put(b=2), lambda session: session.flash("a"), USES["rotate"]])
def test_changes_of_the_empty_one_are_dropped_and_told(make_site: MakeSite, act: Act) -> None:
    site = make_site(on_outage="empty")
    visitor = visitor_of(site)
    break_down(site, "Find")  # it can be written again by then
    answer = visitor.visit(act)
    assert (answer.set_cookies, site.writes) == ([], [])
    dropped = [] if act is USES["rotate"] else ["dropped unavailable"]
    assert site.told == ["unavailable", *dropped]
    site.store.failures.clear()
    assert visitor.visit(everything).value == {"a": 1}


@pytest.mark.parametrize("end", [USES["logout"], USES["clear"]])
def test_a_logout_is_never_dropped(make_site: MakeSite, end: Act) -> None:
    site = make_site(on_outage="empty")
    visitor = visitor_of(site)
    break_down(site)
    with pytest.raises(StoreUnavailable, match="could not be read"):
        visitor.visit(end)


def test_who_is_logged_in_is_not_known_where_a_login_is_confirmed(make_site: MakeSite) -> None:
    site = make_site(on_outage="empty")
    visitor = visitor_of(site)
    break_down(site)
    with pytest.raises(StoreUnavailable, match=r"session.confirm_login\(\)"):
        visitor.visit(lambda session: session.confirm_login("ada"))


def test_a_login_is_never_dropped(make_site: MakeSite) -> None:
    site = make_site(on_outage="empty")
    visitor = visitor_of(site)
    break_down(site)
    with pytest.raises(StoreUnavailable):
        visitor.visit(lambda session: session.login("bob"))
    del site.store.failures["Create"]  # it can be written, but not read
    visitor.visit(lambda session: session.login("bob"))
    site.store.failures.clear()
    assert visitor.visit(lambda session: session.user_id).value == "bob"


def test_a_change_that_cant_be_saved_raises(make_site: MakeSite) -> None:
    for on_outage in ("raise", "empty"):
        site = make_site(on_outage=on_outage)
        visitor = visitor_of(site)
        break_down(site, "Save")
        with pytest.raises(StoreUnavailable):
            visitor.visit(put(b=2))


def test_a_use_that_cant_be_noted_fails_no_page(make_site: MakeSite) -> None:
    site = make_site()
    visitor = visitor_of(site)
    site.clock.advance(1_000)
    break_down(site, "Save")
    assert visitor.visit(everything).value == {"a": 1}
    assert (site.calls, site.told) == (["Find", "Save"], ["unavailable"])


def test_a_use_that_cant_be_noted_raises_where_a_revoked_session_does(
    make_site: MakeSite,
) -> None:
    site = make_site(on_revoked="raise")
    visitor = site.visitor()
    visitor.visit(put(a=1))
    site.clock.advance(1_000)
    site.store.failures["Save"] = StoreUnavailable("no table")
    with pytest.raises(StoreUnavailable, match="no table"):
        visitor.visit(everything)


def test_a_mistake_of_set_up_raises_at_once() -> None:
    site = site_over("asgi")
    visitor = visitor_of(site)
    site.store.failures["Find"] = TableNotFound("no such table")
    with pytest.raises(TableNotFound):
        visitor.visit(nothing)


def test_flask_shows_pages_without_a_session_too() -> None:
    store = WatchedStore([], FakeClock())
    client = flask_site(store).test_client()
    client.get("/set/a/1")
    store.failures["Find"] = StoreUnavailable("out of reach")
    assert client.get("/").text == "hello"
    with pytest.raises(StoreUnavailable):
        client.get("/seen")
    empty = flask_site(store, on_outage="empty").test_client()
    empty.set_cookie("__Host-session", "x" * 43)
    assert empty.get("/seen").json == {}
    assert empty.get("/set/a/1").headers.get("set-cookie") is None


def test_the_option_is_checked(make_site: MakeSite) -> None:
    with pytest.raises(ValueError, match="on_outage must be 'raise' or 'empty', not 'deny'"):
        make_site(on_outage="deny")


# lazy=True


async def page(request: Request) -> Response:
    return JSONResponse("public")


async def loading(request: Request) -> Response:
    session = await session_of(request).load_async()
    session["n"] = session.get("n", 0) + 1
    return JSONResponse(session["n"])


async def not_loading(request: Request) -> Response:
    return JSONResponse(request.session.get("n"))


async def assigning(request: Request) -> Response:
    request.scope["session"] = {"n": 10}
    return JSONResponse(None)


def lazy_site() -> tuple[WatchedStore, Browser]:
    from starlette.applications import Starlette

    routes = [
        Route("/", page),
        Route("/load", loading),
        Route("/mistake", not_loading),
        Route("/assign", assigning),
    ]
    store = WatchedStore([], FakeClock())
    app = SessionMiddleware(Starlette(routes=routes), store, lazy=True)
    return store, Browser(app, "asgi")


def test_a_lazy_session_is_read_where_the_application_awaits_it() -> None:
    store, visitor = lazy_site()
    assert [visitor.ask("/load").value for _ in range(2)] == [1, 2]
    del store.log[:]
    assert visitor.ask("/").value == "public"
    assert store.log == []
    visitor.ask("/assign")
    assert store.log == ["Find", "Save"]
    assert visitor.ask("/load").value == 11


def test_a_lazy_session_that_is_used_unloaded_is_refused_with_the_way_out() -> None:
    _, visitor = lazy_site()
    visitor.ask("/load")
    with pytest.raises(RuntimeError, match=r"await session\.load_async\(\) first"):
        visitor.ask("/mistake")


def test_a_lazy_session_that_cant_be_read_raises_where_it_is_awaited() -> None:
    store, visitor = lazy_site()
    visitor.ask("/load")
    store.failures["Find"] = StoreUnavailable("out of reach")
    assert visitor.ask("/").value == "public"
    with pytest.raises(StoreUnavailable):
        visitor.ask("/load")


def test_a_second_attempt_to_load_may_succeed() -> None:
    site = site_over("asgi")
    visitor = visitor_of(site)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        site.store.failures.clear()
        session = await scope["session"].load_async()
        assert session["a"] == 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"null"})

    break_down(site, "Find")
    again = site_over("asgi", app, site.store)
    assert Browser(again.app, "asgi").ask(cookie=visitor.cookie).status == 200
