"""Steps that need a fresh login, in Starlette and FastAPI."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import Depends, FastAPI, Request
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sessions import MemorySessionStore, ReauthenticationRequired, session_of
from sessions.asgi import SessionMiddleware
from sessions.starlette import require_fresh
from tests.fake_clock import FakeClock
from tests.sessions_web.exchange import Browser


async def login(request: Any) -> Response:
    (await session_of(request).load_async()).login("ada")
    return PlainTextResponse("in")


async def delete(request: Any) -> Response:
    await require_fresh(300)(request)
    return PlainTextResponse("deleted")


def starlette_site() -> Any:
    return Starlette(routes=[Route("/login", login), Route("/delete", delete)])


def fastapi_site() -> Any:
    site = FastAPI()

    @site.get("/login")
    async def begin(request: Request) -> str:
        (await session_of(request).load_async()).login("ada")
        return "in"

    @site.get("/delete", dependencies=[Depends(require_fresh(300))])
    async def end() -> str:
        return "deleted"

    return site


@pytest.mark.parametrize("make_site", [starlette_site, fastapi_site])
@pytest.mark.parametrize("is_wrapped", [True, False])
@pytest.mark.parametrize("lazy", [True, False])
def test_a_step_is_refused_with_what_to_do(make_site: Any, is_wrapped: bool, lazy: bool) -> None:
    clock, site = FakeClock(), make_site()
    store = MemorySessionStore(clock=clock)
    app: Any = site
    if is_wrapped:
        app = SessionMiddleware(site, store, lazy=lazy)
    else:
        site.add_middleware(SessionMiddleware, store=store, lazy=lazy)
    client = Browser(app, "asgi")
    client.ask("/login")
    clock.advance(299)
    assert client.ask("/delete").status == 200
    clock.advance(1)
    answer = client.ask("/delete")
    assert answer.status == 401
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'max_age="300"' in challenge
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-store", "Cookie")


def test_an_application_can_answer_otherwise() -> None:
    site = starlette_site()

    async def form(request: Any, error: Exception) -> Response:
        assert isinstance(error, ReauthenticationRequired)
        return PlainTextResponse(f"password, please: {error.max_age}")

    site.add_exception_handler(ReauthenticationRequired, form)
    client = Browser(SessionMiddleware(site, MemorySessionStore()), "asgi")
    assert client.ask("/delete").body == b"password, please: 300"


def test_the_seconds_are_checked_at_once() -> None:
    with pytest.raises(ValueError, match="seconds"):
        require_fresh(0)
