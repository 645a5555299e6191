"""Django in event loops: the middleware and limits on views, alone and beside blocking ones."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, AsyncRequestFactory
from django.utils.decorators import method_decorator
from django.views import View

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.django import limited, user
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.web import DenialResponse, Request, Rule, Verdict, session_user
from tests.flaky_store import FlakyStore
from tests.frameworks.django_site.accounts import AnonymousUser, User
from tests.frameworks.django_site.clients import LIMITS, SESSIONS, USERS, Behind, behind_in

HERE = __name__


@pytest.fixture
def behind() -> Iterator[Behind]:
    with ExitStack() as stack:
        yield functools.partial(behind_in, stack)


def get(*paths: str, client: AsyncClient | None = None) -> list[Any]:
    """The responses to requests one after the other, as AsyncClient has them."""
    asking = client or AsyncClient(raise_request_exception=False)

    async def gotten() -> list[Any]:
        return [await asking.get(path) for path in paths]

    return asyncio.run(gotten())


def statuses(*paths: str, client: AsyncClient | None = None) -> list[int]:
    return [response.status_code for response in get(*paths, client=client)]


def test_a_request_over_the_limit_is_answered_in_the_apps_place(behind: Behind) -> None:
    behind(Rule("/*", "1/minute"))
    passed, denied = get("/async", "/async")
    assert (passed.status_code, passed.content) == (200, b"hello")
    assert passed.headers["ratelimit"] == '"/*";r=0;t=60'
    assert (denied.status_code, denied.headers["retry-after"]) == (429, "60")


def over_asgi(method: str, *paths: str) -> list[httpx.Response]:
    """The responses as a server sends them."""

    async def gotten() -> list[httpx.Response]:
        transport = httpx.ASGITransport(ASGIHandler(), client=("192.0.2.7", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return [await client.request(method, path) for path in paths]

    return asyncio.run(gotten())


def test_the_asgi_handler_sends_what_the_middleware_says(behind: Behind) -> None:
    behind(Rule("/*", "2/minute"))
    first, streamed, denied = over_asgi("GET", "/", "/stream-async", "/")
    assert (first.status_code, first.text) == (200, "hello")
    assert (streamed.text, streamed.headers["ratelimit"]) == ("one two", '"/*";r=0;t=30')
    assert denied.status_code == 429
    assert denied.json()["violated-policies"] == ["/*"]
    assert len(denied.content) == int(denied.headers["content-length"])


def test_a_denied_head_has_no_body_over_asgi_either(behind: Behind) -> None:
    behind(Rule("/*", "1/minute"))
    _, denied = over_asgi("HEAD", "/", "/")
    assert (denied.status_code, denied.content) == (429, b"")
    assert int(denied.headers["content-length"]) > 0


def test_the_peer_of_the_asgi_scope_is_the_client(behind: Behind) -> None:
    seen: list[Request] = []

    def by(request: Request) -> str:
        seen.append(request)
        return "all"

    behind(Rule("/*", "9/minute", by=by))
    over_asgi("POST", "/caf%C3%A9")
    assert [(one.method, one.path, one.client) for one in seen] == [("POST", "/café", "192.0.2.7")]


def test_scope_endpoint_has_a_bucket_for_each_route(behind: Behind) -> None:
    behind(Rule("/*", "1/minute", scope="endpoint"))
    paths = ["/users/1", "/users/1/posts", "/users/2", "/nowhere"]
    assert statuses(*paths) == [200, 200, 429, 404]


def test_error_pages_have_the_fields(behind: Behind) -> None:
    behind(Rule("/*", "5/minute"))
    found = get("/missing", "/forbidden", "/broken")
    assert [one.status_code for one in found] == [404, 403, 500]
    assert [one.headers["ratelimit"][:8] for one in found] == ['"/*";r=4', '"/*";r=3', '"/*";r=2']


def test_rules_may_await(behind: Behind) -> None:
    async def by(request: Request) -> str:
        await asyncio.sleep(0)
        return str(request.native.GET["who"])

    async def on_denied(request: Request, verdict: Verdict, made: DenialResponse) -> DenialResponse:
        return made._replace(status=420)

    behind(Rule("/*", "1/minute", by=by), ON_DENIED=on_denied)
    assert statuses("/?who=a", "/?who=b", "/?who=a") == [200, 200, 420]


@pytest.mark.parametrize(("policy", "status"), [("allow", 200), ("deny", 503), ("raise", 500)])
def test_an_outage_follows_the_policy(behind: Behind, policy: str, status: int) -> None:
    down = FlakyStore()
    down.failure = StoreUnavailable("down")
    behind(Rule("/*", "1/minute"), STORE=down, ON_OUTAGE=policy)
    assert statuses("/async", "/async") == [status, status]


def plain(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """A middleware that only blocking stacks have."""

    def middleware(request: HttpRequest) -> Any:
        return get_response(request)

    return middleware


@pytest.mark.parametrize("middleware", [(f"{HERE}.plain", LIMITS), (LIMITS, f"{HERE}.plain")])
def test_blocking_middleware_may_stand_beside(behind: Behind, middleware: tuple[str, ...]) -> None:
    behind(Rule("/*", "1/minute", by=user()), middleware=(SESSIONS, USERS, *middleware))
    assert statuses("/async", "/async") == [200, 429]


def test_decisions_are_made_in_the_event_loop_not_in_a_thread(behind: Behind) -> None:
    where: list[threading.Thread] = []
    behind(
        Rule("/*", "9/minute"), ON_DECISION=lambda _told: where.append(threading.current_thread())
    )
    assert statuses("/async") == [200]
    assert where == [threading.main_thread()]


def logged_in(key: int) -> AsyncClient:
    client = AsyncClient()
    asyncio.run(client.aforce_login(User(pk=key, username=f"user-{key}")))
    return client


def test_users_have_buckets_of_their_own(behind: Behind) -> None:
    seen: list[str] = []
    behind(
        Rule("/*", "1/minute", by=user(), name="of"),
        middleware=(SESSIONS, USERS, LIMITS),
        ON_DECISION=lambda one: seen.append(one.key),
    )
    clients = [logged_in(1), logged_in(2), AsyncClient()]
    found = [statuses("/async", client=client)[0] for client in clients * 2]
    assert found == [200] * 3 + [429] * 3
    assert seen[:3] == ["of:1", "of:2", "of:otherwise:127.0.0.1"]


def with_session(name: str) -> AsyncClient:
    async def opened() -> AsyncClient:
        client = AsyncClient()
        session = await client.asession()
        session["name"] = name
        await session.asave()
        client.cookies["sessionid"] = session.session_key
        return client

    return asyncio.run(opened())


def test_a_session_is_loaded_without_blocking_the_event_loop(behind: Behind) -> None:
    told: list[str] = []
    behind(
        Rule("/*", "1/minute", by=session_user("name"), name="of"),
        middleware=(SESSIONS, LIMITS),
        ON_DECISION=lambda one: told.append(one.key),
    )
    clients = [with_session("ada"), with_session("bob"), AsyncClient()]
    found = [statuses("/async", client=client)[0] for client in clients * 2]
    assert found == [200] * 3 + [429] * 3
    assert told == ["of:ada", "of:bob", "of:otherwise:127.0.0.1"] * 2


def test_responses_vary_by_cookie_only_where_a_rule_reads_the_session(behind: Behind) -> None:
    rules = [Rule("/async", "9/minute"), Rule("/login", "9/minute", by=session_user())]
    behind(*rules, middleware=(SESSIONS, LIMITS))
    unread, read = get("/async", "/login")
    assert "vary" not in unread.headers
    assert read.headers["vary"] == "Cookie"


@pytest.fixture
def asked() -> HttpRequest:
    return AsyncRequestFactory().get("/")


async def hello(request: HttpRequest, **captured: str) -> HttpResponse:
    return HttpResponse(f"hello {captured.get('item', '')}")


def answers(*calls: Callable[[], Awaitable[HttpResponse]]) -> list[HttpResponse]:
    async def awaited() -> list[HttpResponse]:
        return [await call() for call in calls]

    return asyncio.run(awaited())


def test_async_views_are_limited(store: MemoryStore, asked: HttpRequest) -> None:
    view = limited("1/minute", store=store, name="scarce")(hello)
    passed, denied = answers(lambda: view(asked, item="a"), lambda: view(asked, item="b"))
    assert inspect.iscoroutinefunction(view)
    assert (passed.content, passed.headers["ratelimit"]) == (b"hello a", '"scarce";r=0;t=60')
    assert (denied.status_code, denied.headers["retry-after"]) == (429, "60")


def test_the_functions_of_an_async_views_limit_may_await(
    store: MemoryStore, asked: HttpRequest
) -> None:
    async def by(request: Request) -> str:
        return str(request.native.who)

    view = limited("1/minute", store=store, by=by)(hello)
    found = []
    for who in ("a", "b", "a"):
        asked.who = who
        found += [response.status_code for response in answers(lambda: view(asked))]
    assert found == [200, 200, 429]


def test_an_async_views_limit_may_go_by_users(store: MemoryStore, asked: HttpRequest) -> None:
    view = limited("1/minute", store=store, by=user())(hello)
    found = []
    for who in (User(pk=1), User(pk=2), AnonymousUser(), User(pk=1)):
        asked.user = who
        found += [response.status_code for response in answers(lambda: view(asked))]
    assert found == [200, 200, 200, 429]


class AsyncItems(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("items")


async def by_all(request: Request) -> str:
    return "all"


@pytest.mark.parametrize("by", [by_all, user(otherwise=lambda _request: "all")])
@pytest.mark.parametrize("method", ["get", "dispatch"])
def test_methods_of_async_classes_are_limited(
    store: MemoryStore, asked: HttpRequest, method: str, by: Any
) -> None:
    limit = limited("1/minute", store=store, by=by)
    one = method_decorator(limit, name=method)(type("One", (AsyncItems,), {}))
    two = method_decorator(limit, name=method)(type("Two", (AsyncItems,), {}))
    asked.user = AnonymousUser()
    views = [one.as_view(), two.as_view()]
    found = [answers(functools.partial(view, asked))[0].status_code for view in views * 2]
    assert found == [200, 200, 429, 429]


def test_what_as_view_gives_for_an_async_class_is_limited(
    store: MemoryStore, asked: HttpRequest
) -> None:
    view = limited("1/minute", store=store, by=by_all)(AsyncItems.as_view())
    passed, denied = answers(lambda: view(asked), lambda: view(asked))
    assert (passed.content, denied.status_code) == (b"items", 429)


def test_a_method_that_an_async_class_does_not_have_is_still_refused(store: MemoryStore) -> None:
    limit = limited("5/minute", store=store)
    view = method_decorator(limit, name="dispatch")(type("One", (AsyncItems,), {})).as_view()
    posted = AsyncRequestFactory().post("/")
    assert [response.status_code for response in answers(lambda: view(posted))] == [405]
