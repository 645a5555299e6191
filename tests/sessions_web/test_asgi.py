"""Over ASGI: when the session is read, the scope, and messages that are no http response."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sessions import Session, SessionNotSaved, TableNotFound
from sessions.asgi import SessionMiddleware
from sessions.session_of_request import REQUEST_SESSION
from tests.sessions_web.exchange import Request, run, scope_of
from tests.sessions_web.site import Site, Visitor, everything, nothing, put, site_over


@pytest.fixture
def site() -> Site:
    return site_over("asgi")


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return site.visitor()


def sent_by(app: Any, scope: Any, *coming: Any) -> list[Any]:
    """All messages that an application sends."""
    sent: list[Any] = []
    left = list(coming)

    async def receive() -> Any:
        return left.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    run(app(scope, receive, send))
    return sent


def with_cookies(*cookies: str) -> dict[str, Any]:
    return scope_of(Request(headers=tuple(("cookie", cookie) for cookie in cookies)))


async def answer(send: Any, value: Any = None) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


async def tell_all(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, dict(scope["session"]))


# Reading


def test_the_session_is_read_before_the_application_is_called(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    site.log.clear()
    visitor.visit(lambda session: site.log.append("called"))
    assert site.log == ["Find", "called", "start", "body null"]


def test_without_a_well_formed_cookie_nothing_is_read(site: Site, visitor: Visitor) -> None:
    for cookie in (None, "theme=dark", "__Host-session=x", f"session={'x' * 43}"):
        visitor.visit(everything, cookie=cookie)
    assert site.calls == []
    visitor.visit(nothing, cookie=f"__Host-session={'x' * 43}")
    assert site.calls == ["Find"]


def test_a_read_that_fails_keeps_the_application_from_being_called(
    site: Site, visitor: Visitor
) -> None:
    visitor.visit(put(a=1))
    site.store.failures["Find"] = TableNotFound("a mistake of set-up")
    called: list[Any] = []
    with pytest.raises(TableNotFound):
        visitor.visit(called.append)
    assert called == []


def test_a_cookie_field_that_http_2_split_is_put_together(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    app = SessionMiddleware(tell_all, site.store)
    for cookies in (["theme=dark", visitor.cookie], [visitor.cookie, "theme=dark"]):
        *_, body = sent_by(app, with_cookies(*cookies))
        assert json.loads(body["body"]) == {"a": 1}


def test_a_cookies_bytes_that_are_no_text_are_malformed(site: Site) -> None:
    scope = scope_of(Request())
    scope["headers"] = [(b"cookie", b"__Host-session=\xff\x00\xfe; \xc3\x28=")]
    *_, body = sent_by(SessionMiddleware(tell_all, site.store), scope)
    assert json.loads(body["body"]) == {}
    assert site.calls == []


# The scope


@pytest.mark.parametrize("bearer", [False, True])
def test_headers_that_can_be_read_once_are_left_for_the_application(
    site: Site, visitor: Visitor, bearer: bool
) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(scope["headers"])
        await tell_all(scope, receive, send)

    visitor.visit(put(a=1))
    scope = with_cookies(visitor.cookie)
    given = scope["headers"]
    scope["headers"] = iter([iter(field) for field in given])
    *_, body = sent_by(SessionMiddleware(app, site.store, bearer=bearer), scope)
    assert json.loads(body["body"]) == {"a": 1}
    assert seen == given


@pytest.mark.parametrize("kind", ["lifespan", "something.else"])
def test_what_is_no_request_passes_untouched(site: Site, kind: str) -> None:
    seen: list[Any] = []

    async def app(*given: Any) -> None:
        seen.extend(given)

    async def receive() -> Any: ...

    async def send(message: Any) -> None: ...

    scope = {"type": kind}
    run(SessionMiddleware(app, site.store)(scope, receive, send))
    assert seen[0] is scope
    assert seen[1:] == [receive, send]
    assert scope == {"type": kind}


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_middlewares_outside_see_what_the_application_notes_in_the_scope(
    site: Site, kind: str
) -> None:
    """As with Starlette's own: an access log outside looks for the route, and for the user."""
    scope = {**scope_of(Request()), "type": kind, "state": {}}
    before = dict(scope)
    seen: list[Any] = []

    async def app(inner: Any, receive: Any, send: Any) -> None:
        seen.append(inner["session"])
        inner["route"] = "/items/{id}"

    run(SessionMiddleware(app, site.store)(scope, None, None))  # type: ignore[arg-type]
    (session,) = seen
    assert isinstance(session, Session)
    ours = {"session": session, REQUEST_SESSION: scope[REQUEST_SESSION]}
    assert scope == {**before, **ours, "route": "/items/{id}"}


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_middleware_outside_keeps_its_own_session(site: Site, kind: str) -> None:
    theirs = {"of": "another middleware"}
    scope = {**scope_of(Request()), "type": kind, "session": theirs}
    before = dict(scope)
    seen: list[Any] = []

    async def app(inner: Any, receive: Any, send: Any) -> None:
        seen.append(inner["session"])

    run(SessionMiddleware(app, site.store)(scope, None, None))  # type: ignore[arg-type]
    assert isinstance(seen[0], Session)
    assert scope == before


def test_the_servers_receive_passes_as_it_is(site: Site) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert receive is given
        await answer(send)

    async def given() -> Any: ...

    async def send(message: Any) -> None: ...

    run(SessionMiddleware(app, site.store)(scope_of(Request()), given, send))


# The messages


def test_a_start_without_headers_gets_the_sessions(site: Site) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["a"] = 1
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    start, body = sent_by(SessionMiddleware(app, site.store), scope_of(Request()))
    assert [name for name, _ in start["headers"]] == [b"cache-control", b"set-cookie", b"vary"]
    assert body == {"type": "http.response.body"}


def test_the_applications_messages_are_not_changed(site: Site) -> None:
    own: dict[str, Any] = {"type": "http.response.start", "status": 200, "trailers": False}
    own["headers"] = ((b"X-\xe9", b"\xff"),)
    before = dict(own)
    body = {"type": "http.response.body", "body": b"x"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["a"] = 1
        await send(own)
        await send(body)

    start, sent_body = sent_by(SessionMiddleware(app, site.store), scope_of(Request()))
    assert own == before
    assert start["headers"][0] == (b"X-\xe9", b"\xff")
    assert start["trailers"] is False
    assert sent_body is body


def test_without_any_use_messages_pass_as_they_are(site: Site) -> None:
    own = {"type": "http.response.start", "status": 200, "headers": [(b"A", b"1")]}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(own)
        await send({"type": "http.response.pathsend", "path": "/file"})

    start, file = sent_by(SessionMiddleware(app, site.store), scope_of(Request()))
    assert start is own
    assert file == {"type": "http.response.pathsend", "path": "/file"}


def test_an_application_may_answer_otherwise_when_the_commit_fails(site: Site) -> None:
    site.store.failures["Create"] = TableNotFound("no answer")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["a"] = 1
        try:
            await answer(send)
        except TableNotFound:
            scope["session"].clear()
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body"})

    start, _ = sent_by(SessionMiddleware(app, site.store), scope_of(Request()))
    assert (start["status"], start["headers"]) == (503, [(b"vary", b"Cookie")])


def test_an_application_that_never_answers_saves_nothing(site: Site) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["a"] = 1

    assert sent_by(SessionMiddleware(app, site.store), scope_of(Request())) == []
    assert site.calls == []


def test_a_cancelled_request_saves_nothing_more(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    cookie = visitor.cookie

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await answer(send)
        scope["session"]["late"] = True
        await asyncio.Event().wait()

    async def left() -> None:
        began = asyncio.Event()

        async def send(message: Any) -> None:
            began.set()

        app = SessionMiddleware(endless, site.store)
        task = asyncio.create_task(app(with_cookies(cookie), None, send))  # type: ignore[arg-type]
        await began.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(left())
    assert visitor.visit(everything).value == {"a": 1}


def test_tasks_that_share_a_session_and_change_other_keys_are_all_saved(site: Site) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def change(key: str) -> None:
            await asyncio.sleep(0)
            scope["session"][key] = key

        await asyncio.gather(*map(change, "abc"))
        await answer(send)

    start, _ = sent_by(SessionMiddleware(app, site.store), scope_of(Request()))
    cookie = dict(start["headers"])[b"set-cookie"].decode().partition(";")[0]
    assert site.visitor().visit(everything, cookie=cookie).value == {"a": "a", "b": "b", "c": "c"}


def test_a_background_change_is_saved_by_save_async_and_else_told(site: Site) -> None:
    def app_that(saves: bool) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["session"].setdefault("a", 1)
            await answer(send)
            scope["session"]["background"] = saves
            if saves:
                await scope["session"].save_async()

        return app

    start, _ = sent_by(SessionMiddleware(app_that(True), site.store), scope_of(Request()))
    cookie = dict(start["headers"])[b"set-cookie"].decode().partition(";")[0]
    with pytest.raises(SessionNotSaved):
        sent_by(SessionMiddleware(app_that(False), site.store), with_cookies(cookie))
    found = site.visitor().visit(everything, cookie=cookie).value
    assert found == {"a": 1, "background": True}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"idel": 60}, "unknown option 'idel'"),
        ({"cookie": "__Host-x", "secure": False}, "its prefix needs secure=True"),
        ({"same_site": "None", "cookie": "x", "secure": False}, "needs secure=True"),
        ({"idle": 7200, "lifetime": 3600}, "at most the lifetime"),
        ({"secret": "short"}, "secret must .*, not 5"),
    ],
)
def test_options_that_cannot_hold_are_told_at_once(
    site: Site, options: dict[str, Any], told: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        SessionMiddleware(tell_all, site.store, **options)
