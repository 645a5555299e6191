"""A blocking method where an event loop runs: the usual mistake in an async view."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import flask
import pytest

from sessions import DynamoDBSessionStore, MemorySessionStore, Session, session_of
from sessions.flask import SessionInterface
from tests.ddbwire.fault_server import FaultServer, reply
from tests.sessions_web.exchange import Browser
from tests.sessions_web.site import Site, site_over

BLOCKING: dict[str, Callable[[Session], object]] = {
    "save": Session.save,
    "issue_token": Session.issue_token,
    "still_valid": Session.still_valid,
    "reload": Session.reload,
}


def site_of(view: Callable[[Any], Awaitable[object]], **options: Any) -> Site:
    """A site over ASGI whose page is what a coroutine function of the scope does."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await view(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"null"})

    return site_over("asgi", app, **options)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("method", BLOCKING)
def test_a_blocking_method_in_an_event_loop_is_refused_and_names_the_way_out(
    method: str, *, lazy: bool
) -> None:
    async def view(scope: Any) -> None:
        session = await session_of(scope).load_async()
        session["a"] = 1
        with pytest.raises(RuntimeError, match=rf"{method}\(\).*await session.{method}_async\(\)"):
            BLOCKING[method](session)
        assert site.calls == []

    site = site_of(view, lazy=lazy, bearer=True)
    Browser(site.app, "asgi").ask()
    assert site.calls == ["Create"], "what the page did is saved as always"


@pytest.mark.parametrize("method", ["save", "still_valid", "reload"])
def test_in_a_thread_it_may_block(method: str) -> None:
    async def view(scope: Any) -> None:
        await asyncio.to_thread(BLOCKING[method], scope["session"])

    site = site_of(view)
    Browser(site.app, "asgi").ask()


def test_an_async_view_of_flask_has_an_event_loop_of_its_own_and_may_block() -> None:
    store = MemorySessionStore()
    app = flask.Flask(__name__)
    app.session_interface = SessionInterface(store)

    @app.get("/")
    async def view() -> str:
        flask.session["a"] = 1
        session_of(flask.session).save()
        return str(len(store))

    assert app.test_client().get("/", base_url="https://shop.test").text == "1"


def test_a_lazy_session_takes_over_what_was_assigned_when_it_is_awaited() -> None:
    async def view(scope: Any) -> None:
        scope["session"] = {"b": 2}
        session = session_of(scope)
        before.append(site.calls)
        await session.load_async()
        session["c"] = 3
        assert dict(session) == {"b": 2, "c": 3}

    async def begin(scope: Any) -> None:
        (await session_of(scope).load_async())["a"] = 1

    before: list[list[str]] = []
    views = [view, begin]

    async def page(scope: Any) -> None:
        await views.pop()(scope)

    site = site_of(page, lazy=True)
    browser = Browser(site.app, "asgi")
    browser.ask()
    site.log.clear()
    browser.ask()
    assert before == [[]]
    assert site.calls == ["Find", "Save"]
    (row,) = site.store._rows.values()
    assert row.data == {"b": "2", "c": "3"}


@pytest.fixture
def table() -> Iterator[DynamoDBSessionStore]:
    with FaultServer() as server:
        server.default = reply({"Items": [], "Count": 0})
        with DynamoDBSessionStore("sessions", endpoint_url=server.url) as store:
            yield store


OF_USERS: dict[str, Callable[[Any], object]] = {
    "sessions_of": lambda store: store.sessions_of("ada"),
    "revoke": lambda store: store.revoke("ada", "A" * 43),
    "revoke_user": lambda store: store.revoke_user("ada"),
}


@pytest.mark.parametrize("method", OF_USERS)
def test_a_blocking_method_of_the_table_warns_in_an_event_loop(
    table: DynamoDBSessionStore, method: str
) -> None:
    async def view() -> None:
        OF_USERS[method](table)

    way_out = rf"store.{method}\(\).*await store.{method}_async\(\)"
    with pytest.warns(RuntimeWarning, match=way_out) as told:
        asyncio.run(view())
    assert told[0].filename == __file__  # where it was called


@pytest.mark.parametrize("method", OF_USERS)
def test_what_stops_no_event_loop_does_not_warn(table: DynamoDBSessionStore, method: str) -> None:
    async def view() -> None:
        await asyncio.to_thread(OF_USERS[method], table)
        OF_USERS[method](MemorySessionStore())
        await table.sessions_of_async("ada")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(view())
        OF_USERS[method](table)
