"""Starlette: limits on endpoints, as its clients see them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ratelimit_ddb import ConcurrencyLimiter, MemoryStore, SlotLimit
from ratelimit_ddb.starlette import RateLimitMiddleware, limited, route_of
from ratelimit_ddb.web import DenialResponse, Rule, Verdict, ViewOptions, everyone, header
from ratelimit_ddb.web import request as core
from tests.frameworks.asgi_client import ask, items, kinds, parts, statuses, visit


async def hello(request: Request) -> Response:
    return PlainTextResponse(f"hello {request.path_params.get('id', '')}")


@pytest.fixture(params=["async def", "def"])
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def coloured(colour: str, limit: Callable[[Any], Any], answer: Callable[[Request], Any]) -> Any:
    """An endpoint of either colour that gives what ``answer`` does."""
    if colour == "def":

        @limit
        def page(request: Request) -> Any:
            return answer(request)
    else:

        @limit
        async def page(request: Request) -> Any:
            return answer(request)

    return page


def on(endpoint: Any, path: str = "/{id}", **options: Any) -> Starlette:
    return Starlette(routes=[Route(path, endpoint)], **options)


def plain(request: Request) -> Response:
    return PlainTextResponse(f"page {request.path_params['id']}", headers={"x-own": "kept"})


def test_an_endpoint_is_called_within_its_limit(store: MemoryStore, colour: str) -> None:
    app = on(coloured(colour, limited("1/minute", store=store, name="page"), plain))
    passed, denied = ask(app, "/1"), ask(app, "/2")
    assert (passed.status_code, passed.text, passed.headers["x-own"]) == (200, "page 1", "kept")
    assert passed.headers["ratelimit"] == '"page";r=0;t=60'
    assert denied.status_code == 429
    assert denied.headers["ratelimit"] == '"page";r=0;t=60'
    assert denied.headers["content-length"] == str(len(denied.content))
    assert denied.json()["detail"] == "Over the limit of 1 per minute. Retry after 60 s."


def test_a_denial_is_in_the_form_that_the_client_prefers(store: MemoryStore, colour: str) -> None:
    app = on(coloured(colour, limited("1/minute", store=store), plain))
    ask(app, "/1")
    page = ask(app, "/1", headers={"accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    head = ask(app, "/1", "HEAD")
    assert (head.status_code, head.content) == (429, b"")
    assert int(head.headers["content-length"]) > 0


def test_a_response_given_twice_has_the_fields_of_each_request(
    store: MemoryStore, colour: str
) -> None:
    always = PlainTextResponse("always the same")
    app = on(coloured(colour, limited("3/minute", store=store, name="page"), lambda _: always))
    left = [ask(app, "/1").headers.get_list("ratelimit") for _ in range(3)]
    assert left == [['"page";r=2;t=20'], ['"page";r=1;t=20'], ['"page";r=0;t=20']]
    assert "ratelimit" not in always.headers


def test_what_was_limited_stays_a_response_to_be_changed(store: MemoryStore) -> None:
    @limited("1/minute", store=store)
    async def page(request: Request) -> Response:
        response = PlainTextResponse("page")
        response.headers["x-inner"] = "1"
        return response

    async def changed(request: Request) -> Response:
        response = await page(request)
        response.headers["x-outer"] = "2"
        response.set_cookie("seen", "1")
        return response

    headers = ask(on(changed), "/1").headers
    assert {"ratelimit", "x-inner", "x-outer", "set-cookie"} <= headers.keys()


def test_x_fields_of_the_endpoint_stay_the_only_ones(store: MemoryStore, colour: str) -> None:
    def telling(_request: Request) -> Response:
        return Response(headers={"X-RateLimit-Limit": "7", "RateLimit": '"own";r=7;t=1'})

    limit = limited("5/minute", store=store, name="page", fields="both")
    headers = ask(on(coloured(colour, limit, telling)), "/1").headers
    assert headers.get_list("x-ratelimit-limit") == ["7"]
    assert "x-ratelimit-remaining" not in headers
    assert headers["ratelimit"] == '"own";r=7;t=1, "page";r=4;t=12'


def test_a_files_length_and_tag_are_sent(store: MemoryStore, colour: str) -> None:
    limit = limited("9/minute", store=store)
    app = on(coloured(colour, limit, lambda _: FileResponse(__file__)))
    whole = ask(app, "/1")
    assert whole.content == Path(__file__).read_bytes()
    assert {"ratelimit", "etag", "content-length"} <= whole.headers.keys()
    part = ask(app, "/1", headers={"range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, whole.content[:10])
    assert "ratelimit" in part.headers


def test_a_stream_goes_out_chunk_by_chunk(store: MemoryStore, colour: str) -> None:
    async def three() -> AsyncIterator[bytes]:
        for chunk in (b"a", b"b", b"c"):
            yield chunk

    limit = limited("1/minute", store=store)
    start, *bodies = parts(on(coloured(colour, limit, lambda _: StreamingResponse(three()))), "/1")
    assert [body["body"] for body in bodies] == [b"a", b"b", b"c", b""]
    assert b"ratelimit" in dict(start["headers"])


def test_background_tasks_run_once_where_the_request_passed(
    store: MemoryStore, colour: str
) -> None:
    ran: list[str] = []

    def answer(request: Request) -> Response:
        return PlainTextResponse("later", background=BackgroundTask(ran.append, "it"))

    app = on(coloured(colour, limited("1/minute", store=store), answer))
    assert statuses(app, "/1", "/1") == [200, 429]
    assert ran == ["it"]


def test_any_asgi_application_that_an_endpoint_gives_has_the_fields(
    store: MemoryStore, colour: str
) -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": b"bare"})

    response = ask(on(coloured(colour, limited("1/minute", store=store), lambda _: bare)), "/1")
    assert response.text == "bare"
    assert {"ratelimit", "x-own"} <= response.headers.keys()


def test_what_an_endpoint_raises_goes_to_its_handler(store: MemoryStore, colour: str) -> None:
    def answer(request: Request) -> Response:
        raise HTTPException(418)

    async def teapot(request: Request, raised: Exception) -> Response:
        return PlainTextResponse("short and stout", 418)

    app = on(
        coloured(colour, limited("1/minute", store=store), answer),
        exception_handlers={418: teapot},
    )
    assert (ask(app, "/1").text, ask(app, "/1").status_code) == ("short and stout", 429)


def test_limits_on_one_endpoint_add_up_in_its_fields(store: MemoryStore) -> None:
    @limited("9/minute", store=store, name="outer")
    @limited("9/minute", store=store, name="inner")
    async def page(request: Request) -> Response:
        return PlainTextResponse("page")

    assert items(ask(on(page), "/1")) == ["outer", "inner"]


def test_methods_of_an_endpoint_class_are_limited_one_by_one(store: MemoryStore) -> None:
    class Page(HTTPEndpoint):
        @limited("1/minute", store=store)
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("got")

        @limited("1/minute", store=store)
        def post(self, request: Request) -> Response:
            return PlainTextResponse("posted")

    app = on(Page, "/page")
    asked = [ask(app, "/page", method) for method in ("GET", "POST", "GET", "POST")]
    assert [response.status_code for response in asked] == [200, 200, 429, 429]
    assert items(asked[1])[0].endswith("Page.post")


def test_the_default_name_is_the_functions_own(store: MemoryStore, colour: str) -> None:
    page = coloured(colour, limited("1/minute", store=store), plain)
    assert items(ask(on(page), "/1")) == [f"{page.__module__}.{page.__qualname__}"]


def test_the_function_keeps_its_signature_and_colour(store: MemoryStore, colour: str) -> None:
    page = coloured(colour, limited("1/minute", store=store), plain)
    assert list(inspect.signature(page).parameters) == ["request"]
    assert inspect.iscoroutinefunction(page) is (colour == "async def")


def test_rules_see_the_request_with_its_route_and_session(store: MemoryStore, colour: str) -> None:
    seen: list[core.Request] = []

    def by(request: core.Request) -> str:
        seen.append(request)
        return "someone"

    page = coloured(colour, limited("9/minute", store=store, by=by), plain)
    app = Starlette(
        routes=[
            Route("/top/{id}", page),
            Mount("/a", app=Starlette(routes=[Mount("/b", routes=[Route("/c/{id}", page)])])),
            Mount("/{tenant}", routes=[Route("/in/{id}", page)]),
        ],
        middleware=[Middleware(SessionMiddleware, secret_key="of-tests")],
    )
    for path in ("/top/1", "/acme/in/2", "/a/b/c/3", "/corp/in/4"):
        assert ask(app, path).status_code == 200
    assert [request.endpoint for request in seen] == [
        "/top/{id}",
        "/{tenant}/in/{id}",
        "/a/b/c/{id}",
        "/{tenant}/in/{id}",
    ]
    assert [request.path for request in seen] == ["/top/1", "/in/2", "/c/3", "/in/4"]
    assert all(request.session == {} for request in seen)


def test_an_identity_may_be_awaited_where_the_endpoint_is(store: MemoryStore) -> None:
    async def by(request: core.Request) -> str:
        await asyncio.sleep(0)
        return request.header("x-key") or "nobody"

    limit = limited("1/minute", store=store, by=by)
    app = on(coloured("async def", limit, plain))
    asked = [ask(app, "/1", headers={"x-key": key}).status_code for key in ("a", "a", "b")]
    assert asked == [200, 429, 200]
    with pytest.raises(TypeError, match="is a coroutine function, and nothing awaits it here"):
        coloured("def", limit, plain)


def test_a_denial_may_be_the_applications_own(store: MemoryStore, colour: str) -> None:
    def busy(request: core.Request, verdict: Verdict, answer: DenialResponse) -> DenialResponse:
        return DenialResponse(503, (("content-type", "text/plain"),), b"busy")

    limit = limited("1/minute", store=store, by=everyone(), on_denied=busy)
    app = on(coloured(colour, limit, plain))
    ask(app, "/1")
    denied = ask(app, "/1")
    assert (denied.status_code, denied.text) == (503, "busy")
    assert "ratelimit" in denied.headers


def test_a_limit_that_is_not_enforced_changes_nothing(store: MemoryStore, colour: str) -> None:
    limit = limited("1/minute", store=store, by=header("x-key"), enforce=False)
    app = on(coloured(colour, limit, plain))
    responses = [ask(app, "/1") for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 200]
    assert not any(items(response) for response in responses)


@pytest.mark.parametrize("given", [HTTPEndpoint, 3, staticmethod(hello)], ids=type)
def test_only_functions_can_be_limited(store: MemoryStore, given: Any) -> None:
    with pytest.raises(TypeError, match=r"must be a view function|limit its methods|put it below"):
        limited("1/minute", store=store)(given)


def test_a_function_without_a_parameter_for_the_request_is_refused(store: MemoryStore) -> None:
    """FastAPI's path operations may be such functions."""

    async def view(*, keyword: int = 0) -> str:
        return "passed"

    with pytest.raises(TypeError, match=r"view: it has no parameter .*dependencies=\[Depends"):
        limited("1/minute", store=store)(view)


def test_a_call_without_a_request_is_refused(store: MemoryStore) -> None:
    page = limited("1/minute", store=store)(hello)
    with pytest.raises(TypeError, match=r"@limited on .*hello: called with \('no request',\)"):
        asyncio.run(page("no request"))  # type: ignore[arg-type]


def test_limits_that_cannot_hold_are_refused_at_decoration(store: MemoryStore) -> None:
    with pytest.raises(ValueError, match="limit 'often'"):
        limited("often", store=store)(hello)


def free_slots(store: MemoryStore) -> int:
    return ConcurrencyLimiter(store, 1).peek("page:everyone").remaining


IN_FLIGHT: ViewOptions = {"in_flight": 1, "name": "page", "by": everyone()}


def test_p16_a_slot_is_held_to_the_end_of_a_streamed_response(
    store: MemoryStore, colour: str
) -> None:
    free: dict[str, int] = {}

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        free["streaming"] = free_slots(store)
        yield b"b"

    def note_in_background() -> None:
        free["background"] = free_slots(store)

    def answer(request: Request) -> Response:
        free["called"] = free_slots(store)
        return StreamingResponse(chunks(), background=BackgroundTask(note_in_background))

    page = coloured(colour, limited("9/minute", store=store, **IN_FLIGHT), answer)
    start, *bodies = parts(on(page), "/1")
    assert [message["body"] for message in bodies] == [b"a", b"b", b""]
    policies = dict(start["headers"])[b"ratelimit-policy"]
    assert policies == b'"page";q=9;w=60, "page:in-flight";q=1;qu="concurrent-requests"'
    assert free == {"called": 0, "streaming": 0, "background": 1}
    assert free_slots(store) == 1


def test_an_endpoint_may_have_an_in_flight_alone(store: MemoryStore, colour: str) -> None:
    limit = limited(store=store, **IN_FLIGHT)
    app = on(coloured(colour, limit, plain))
    with ConcurrencyLimiter(store, 1).slot("page:everyone"):
        denied = ask(app, "/1")
        assert (denied.status_code, denied.headers["retry-after"]) == (429, "1")
    assert statuses(app, "/1", "/1") == [200, 200]
    with pytest.raises(ValueError, match="limits, messages or in_flight is required"):
        limited(store=store)(hello)


def test_an_endpoint_may_hold_slots_of_several_limits(store: MemoryStore, colour: str) -> None:
    names = ("page", "all", "more")
    limits = [limited(store=store, in_flight=1, by=everyone(), name=name) for name in names]

    def several(endpoint: Any) -> Any:
        for limit in limits:
            endpoint = limit(endpoint)
        return endpoint

    app = on(coloured(colour, several, plain))
    assert statuses(app, "/1", "/1") == [200, 200]
    peek = ConcurrencyLimiter(store, 1).peek
    assert [peek((name, "everyone")).remaining for name in names] == [1, 1, 1]


@pytest.mark.parametrize("fails", ["in the endpoint", "in the response", "no response"])
def test_whatever_ends_a_request_releases_its_slot(
    store: MemoryStore, colour: str, fails: str
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    def answer(request: Request) -> Response | None:
        if fails == "in the endpoint":
            raise ZeroDivisionError
        return StreamingResponse(chunks()) if fails == "in the response" else None

    page = coloured(colour, limited(store=store, **IN_FLIGHT), answer)
    with pytest.raises((ZeroDivisionError, TypeError)):
        parts(on(page), "/1")
    assert free_slots(store) == 1


def test_a_response_that_all_requests_share_is_sent_to_each_under_its_own_slot(
    store: MemoryStore,
) -> None:
    shared = PlainTextResponse("shared")

    def adds_a_cookie(endpoint: Any) -> Any:
        async def adding(request: Request) -> Response:
            response: Response = await endpoint(request)
            response.set_cookie("a", "b")
            return response

        return adding

    page = coloured("async def", limited(store=store, **IN_FLIGHT), lambda request: shared)
    app = on(adds_a_cookie(page))
    for _ in range(2):
        response = ask(app, "/1")
        assert (response.text, len(response.headers.get_list("set-cookie"))) == ("shared", 1)
        assert free_slots(store) == 1
    assert "set-cookie" not in shared.headers


def test_an_app_that_an_endpoint_gives_holds_its_slot_too(store: MemoryStore, colour: str) -> None:
    free: list[int] = []

    def answer(request: Request) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            free.append(free_slots(store))
            await PlainTextResponse("from an app")(scope, receive, send)

        return app

    page = coloured(colour, limited(store=store, **IN_FLIGHT), answer)
    assert ask(on(page), "/1").text == "from an app"
    assert [*free, free_slots(store)] == [0, 1]


def test_a_websocket_holds_its_slot_until_the_function_returns(store: MemoryStore) -> None:
    free: list[int] = []

    @limited(store=store, **IN_FLIGHT)
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        free.append(free_slots(store))
        await websocket.close()

    app = Starlette(routes=[WebSocketRoute("/chat", chat)])
    assert kinds(visit(app, "/chat")) == ["accept", "close"]
    assert [*free, free_slots(store)] == [0, 1]


def test_an_in_flight_alone_leaves_the_default_rules_in_force(store: MemoryStore) -> None:
    page = coloured("async def", limited(store=store, **IN_FLIGHT), plain)
    default = Rule("/*", "1/minute", name="default", default=True)
    for endpoint_of in (None, route_of()):
        limits = Middleware(
            RateLimitMiddleware, store=MemoryStore(), rules=default, endpoint_of=endpoint_of
        )
        assert statuses(on(page, middleware=[limits]), "/1", "/1") == [200, 429]


def test_a_response_that_nobody_sends_gives_its_slot_up(store: MemoryStore, colour: str) -> None:
    short: ViewOptions = {**IN_FLIGHT, "in_flight": SlotLimit(1, lifetime=1)}
    page = coloured(colour, limited(store=store, **short), plain)

    async def scenario() -> None:
        scope = {"type": "http", "method": "GET", "path": "/1", "headers": []}
        request = Request(scope | {"client": ("192.0.2.7", 1), "path_params": {"id": "1"}})
        dropped = await page(request) if colour == "async def" else page(request)
        assert dropped.headers["x-own"] == "kept"
        assert free_slots(store) == 0
        del dropped, request
        for _ in range(100):
            if free_slots(store):
                break
            await asyncio.sleep(0.01)
        assert free_slots(store) == 1

    asyncio.run(scenario())
