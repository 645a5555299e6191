"""Authlib's OAuth clients keep their state in these sessions, from the redirect to the answer."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import httpx
import pytest
import responses
from authlib.integrations.base_client.errors import MismatchingStateError
from flask.testing import FlaskClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sessions.asgi import SessionMiddleware
from tests.frameworks.flask_sessions_site import site
from tests.frameworks.seen_store import SeenStore

with warnings.catch_warnings(record=True):  # it works with httpx, and warns of a successor
    from authlib.integrations import flask_client, starlette_client

HTTPS = "https://site.test"
PROVIDER = {
    "client_id": "site",
    "client_secret": "secret",
    "access_token_url": "https://provider.test/token",
    "authorize_url": "https://provider.test/authorize",
}
TOKEN = {"access_token": "abc", "token_type": "bearer"}


def state_in(location: str) -> str:
    (state,) = parse_qs(urlsplit(location).query)["state"]
    return state


@pytest.fixture
def on_flask() -> FlaskClient:
    app = site(SeenStore())
    oauth = flask_client.OAuth(app)
    oauth.register("provider", **PROVIDER)

    @app.get("/go")
    def go() -> Any:
        return oauth.provider.authorize_redirect(f"{HTTPS}/back")

    @app.get("/back")
    def back() -> Any:
        try:
            token = oauth.provider.authorize_access_token()
        except MismatchingStateError:
            return "another's state", 403
        flask.session["token"] = token["access_token"]
        return "in"

    return app.test_client()


@responses.activate
def test_authlib_on_flask_finds_its_state_once(on_flask: FlaskClient) -> None:
    responses.post(PROVIDER["access_token_url"], json=TOKEN)
    state = state_in(on_flask.get("/go", base_url=HTTPS).headers["location"])
    assert on_flask.get("/back?code=1&state=x", base_url=HTTPS).status_code == 403
    assert on_flask.get(f"/back?code=1&state={state}", base_url=HTTPS).text == "in"
    assert on_flask.get("/seen", base_url=HTTPS).json == {"token": "abc"}
    assert on_flask.get(f"/back?code=1&state={state}", base_url=HTTPS).status_code == 403


async def provider(request: httpx.Request) -> httpx.Response:
    assert request.url == PROVIDER["access_token_url"]
    return httpx.Response(200, json=TOKEN)


def starlette_site() -> Starlette:
    oauth = starlette_client.OAuth()
    transport = {"transport": httpx.MockTransport(provider)}
    oauth.register("provider", **PROVIDER, client_kwargs=transport)

    async def go(request: Request) -> Response:
        redirect: Response = await oauth.provider.authorize_redirect(request, f"{HTTPS}/back")
        return redirect

    async def back(request: Request) -> Response:
        try:
            token = await oauth.provider.authorize_access_token(request)
        except MismatchingStateError:
            return Response("another's state", 403)
        request.session["token"] = token["access_token"]
        return Response("in")

    async def seen(request: Request) -> Response:
        return JSONResponse(dict(request.session))

    routes = [Route(f"/{view.__name__}", view) for view in (go, back, seen)]
    return Starlette(routes=routes, middleware=[Middleware(SessionMiddleware, store=SeenStore())])


def test_authlib_on_starlette_finds_its_state_once() -> None:
    async def visit() -> None:
        transport = httpx.ASGITransport(app=starlette_site())
        async with httpx.AsyncClient(transport=transport, base_url=HTTPS) as browser:
            state = state_in((await browser.get("/go")).headers["location"])
            assert (await browser.get("/back?code=1&state=x")).status_code == 403
            assert (await browser.get(f"/back?code=1&state={state}")).text == "in"
            assert (await browser.get("/seen")).json() == {"token": "abc"}
            assert (await browser.get(f"/back?code=1&state={state}")).status_code == 403

    asyncio.run(visit())
