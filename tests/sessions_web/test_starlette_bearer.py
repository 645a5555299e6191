"""Sessions whose token comes in a header, in Starlette, FastAPI and websockets."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sessions import AuthenticationRequired, MemorySessionStore, session_of
from sessions.asgi import SessionMiddleware
from sessions.starlette import require_user
from tests.sessions_web.conversation import chat, converse
from tests.sessions_web.exchange import Browser
from tests.sessions_web.site import asgi_pages, site_over


async def login(request: Any) -> Response:
    session = await session_of(request).load_async()
    session.login("ada")
    return JSONResponse({"token": await session.issue_token_async()})


async def account(request: Any) -> Response:
    return JSONResponse(await require_user(request))


def starlette_site() -> Any:
    routes = [Route("/login", login, methods=["POST"]), Route("/account", account)]
    return Starlette(routes=routes)


def fastapi_site() -> Any:
    site = FastAPI()

    @site.post("/login")
    async def begin(request: Request) -> dict[str, str]:
        session = await session_of(request).load_async()
        session.login("ada")
        return {"token": await session.issue_token_async()}

    @site.get("/account")
    async def show(user_id: Annotated[str, Depends(require_user)]) -> str:
        return user_id

    return site


@pytest.mark.parametrize("make_site", [starlette_site, fastapi_site])
@pytest.mark.parametrize("lazy", [True, False])
def test_a_token_leads_to_its_user_and_others_are_answered_401(make_site: Any, lazy: bool) -> None:
    store, site = MemorySessionStore(), make_site()
    site.add_middleware(SessionMiddleware, store=store, lazy=lazy, bearer=True)
    client = Browser(site, "asgi")
    begun = client.ask("/login", "POST")
    assert (begun.set_cookies, begun.headers["cache-control"]) == ([], "private, no-store")
    sent = (("Authorization", f"Bearer {begun.value['token']}"),)
    assert client.ask("/account", headers=sent).value == "ada"
    store.revoke_user("ada")
    gone = client.ask("/account", headers=sent)
    assert gone.status == 401
    assert 'error="invalid_token"' in gone.headers["www-authenticate"]
    assert client.ask("/account").headers["www-authenticate"] == "Bearer"


def test_an_application_can_answer_otherwise() -> None:
    site = starlette_site()

    async def form(request: Any, error: Exception) -> Response:
        assert isinstance(error, AuthenticationRequired)
        return JSONResponse({"detail": error.detail}, 401, error.headers)

    site.add_exception_handler(AuthenticationRequired, form)
    client = Browser(SessionMiddleware(site, MemorySessionStore(), bearer=True), "asgi")
    assert client.ask("/account").value == {"detail": "Authentication is required."}


def test_a_websocket_has_the_session_of_its_header() -> None:
    async def ask(session: Any, text: str) -> Any:
        return session.require_user() if text == "who" else session.get("n")

    site = site_over("asgi", _pages_and_chat, bearer=True)
    token = site.visitor().visit(_log_in).value
    header = [(b"authorization", b"Bearer " + token.encode())]
    sent = converse(site, "who", "n", answer=ask, headers=header)
    assert [one["text"] for one in sent if one["type"] == "websocket.send"] == ["ada", "None"]
    (refused,) = converse(
        site,
        before=lambda session: session.require_user(),
        headers=[(b"authorization", b"Bearer x")],
    )
    assert refused == {"type": "websocket.close", "code": 3000, "reason": "invalid_token"}


def _log_in(session: Any) -> str:
    session.login("ada")
    token: str = session.issue_token()
    return token


async def _pages_and_chat(scope: Any, receive: Any, send: Any) -> None:

    await (chat if scope["type"] == "websocket" else asgi_pages)(scope, receive, send)
