"""The middleware and adapters, as the frameworks' own documentation shows them; see README.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal, assert_type

from django.http import HttpRequest, JsonResponse
from fastapi import Depends, FastAPI
from flask import Flask, request
from flask.views import MethodView
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ratelimit_ddb import MemoryStore, django, flask, starlette
from ratelimit_ddb import fastapi as limits_of_fastapi
from ratelimit_ddb.web import GateOptions, Rule, Verdict, client_address, header, verdict_of
from sessions import MemorySessionStore, Session, session_of
from sessions.asgi import SessionMiddleware
from sessions.starlette import require_user
from sessions.testing import session_for
from sessions.wsgi import SessionMiddleware as WsgiSessionMiddleware

store = MemoryStore()
session_store = MemorySessionStore()
rules = [
    Rule("/login", "5/minute", by=client_address(trusted_hops=1), methods="POST"),
    Rule("/*", ["10/second", "1000/hour"], by=header("x-api-key"), name="api"),
]


@starlette.limited("3/minute", store=store, name="codes")
async def send_code(request: Request) -> Response:
    return PlainTextResponse("sent")


@starlette.limited("3/minute", store=store)
def look(request: Request) -> Response:
    return PlainTextResponse("seen")


class Page(HTTPEndpoint):
    @starlette.limited("3/minute", store=store)
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("seen")


site = Starlette(
    routes=[Route("/codes", send_code), Route("/look", look), Route("/page", Page)],
    middleware=[
        Middleware(SessionMiddleware, session_store, idle=3_600),
        Middleware(starlette.RateLimitMiddleware, store=store, rules=rules),
    ],
)
site.add_middleware(starlette.RateLimitMiddleware, store=store, rules=rules, fields="both")
site.add_middleware(starlette.RateLimitMiddleware, store, rules, namespace="shop")
site.add_middleware(SessionMiddleware, session_store, cookie="session", secure=False)

per_key = limits_of_fastapi.RateLimit("100/minute", store=store, by=header("x-api-key"), name="k")
api = FastAPI(dependencies=[Depends(per_key)])
limits_of_fastapi.install(api)
api.add_middleware(
    limits_of_fastapi.RateLimitMiddleware,
    store=store,
    rules=rules,
    endpoint_of=limits_of_fastapi.route_of(),
)


@api.get("/left")
def left(verdict: Annotated[Verdict, Depends(per_key)]) -> int:
    assert_type(verdict.allowed, bool)
    return verdict.decisions[0].decision.remaining


shop = Flask(__name__)
options: GateOptions = {"fields": "both", "on_outage": "deny", "namespace": "shop"}
flask.limit_app(shop, store, rules, **options)
shop.wsgi_app = WsgiSessionMiddleware(shop.wsgi_app, session_store)  # type: ignore[method-assign]


@shop.get("/items/<int:item>")
@flask.limited("2/hour", store=store, name="items", methods="GET", enforce=False)
def show(item: int) -> str:
    return "too often" if verdict_of(request).limited else f"item {item}"


class Items(MethodView):
    decorators = [flask.limited("2/hour", store=store)]  # noqa: RUF012 - as Flask has it

    def get(self) -> str:
        return "all"


shop.add_url_rule("/items", view_func=Items.as_view("items"))


@django.limited("2/hour", store=store, by=django.user())
def item(request: HttpRequest, number: int) -> JsonResponse:
    return JsonResponse({"item": number})


@django.limited("2/hour", store=store)
async def report(request: HttpRequest) -> JsonResponse:
    return item(request, 5)


# A session has its type, whatever the framework calls it.


async def enter(request: Request) -> Response:
    session = session_of(request)
    assert_type(session, Session)
    session.login("user-456", device=request.headers.get("user-agent"))
    assert_type(session.user_id, str | None)
    assert_type(session | {"a": 1}, dict[str, Any])
    assert_type(session.copy(), dict[str, Any])
    session |= {"a": 1}
    assert_type(await session.load_async(), Session)
    assert_type(session.credential, Literal["cookie", "bearer"] | None)
    assert_type(session.require_user(), str)
    assert_type(session.issue_token(), str)
    assert_type(await session.issue_token_async(), str)
    assert_type(await require_user(request), str)
    return PlainTextResponse("in")


def test_enter(client: object) -> None:
    with session_for(client, session_store, cookie="session", secure=False) as session:
        assert_type(session, Session)


# What is wrong is told while it is written.
starlette.limited("3/minute")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
flask.limited("3/minute", store=store, burst=3)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
session_of(site).logn()  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
site.add_middleware(starlette.RateLimitMiddleware, store=store)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
