"""FastAPI: what responses and denials have, with the limits installed and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Response, WebSocket
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.applications import Starlette

from ratelimit_ddb import ConcurrencyLimiter, MemoryStore, StoreUnavailable
from ratelimit_ddb.fastapi import (
    RateLimit,
    RateLimitExceeded,
    RateLimitMiddleware,
    install,
)
from ratelimit_ddb.web import DenialResponse, Request, Rule, Verdict, everyone
from tests.flaky_store import FlakyStore
from tests.frameworks.asgi_client import ask, items, parts, statuses, visit


def installed() -> FastAPI:
    made = FastAPI()
    install(made)
    return made


def response_kinds() -> dict[str, Callable[[], Any]]:
    async def three() -> AsyncIterator[bytes]:
        for chunk in (b"a", b"b", b"c"):
            yield chunk

    return {
        "plain": lambda: PlainTextResponse("plain"),
        "json": lambda: JSONResponse({"a": 1}),
        "stream": lambda: StreamingResponse(three()),
        "file": lambda: FileResponse(__file__),
    }


@pytest.mark.parametrize("kind", response_kinds())
def test_a_response_that_a_route_returns_has_the_fields_once_they_are_installed(
    kind: str, store: MemoryStore
) -> None:
    app = installed()
    made = response_kinds()[kind]
    limits = [RateLimit("9/minute", store=store, name=name) for name in ("a", "b")]
    app.get("/", dependencies=[Depends(limit) for limit in limits])(made)
    response = ask(app, "/")
    assert items(response) == ["a", "b"]
    assert response.content


def test_a_route_may_return_the_same_response_to_all(store: MemoryStore) -> None:
    app = installed()
    always = PlainTextResponse("always")
    app.get("/", dependencies=[Depends(RateLimit("3/minute", store=store))])(lambda: always)
    left = [ask(app, "/").headers.get_list("ratelimit") for _ in range(2)]
    assert left == [['"GET /";r=2;t=20'], ['"GET /";r=1;t=20']]


def test_a_stream_goes_out_chunk_by_chunk(app: FastAPI, store: MemoryStore) -> None:
    limit = Depends(RateLimit("9/minute", store=store))
    app.get("/", dependencies=[limit])(response_kinds()["stream"])
    _, *bodies = parts(app, "/")
    assert [body["body"] for body in bodies] == [b"a", b"b", b"c", b""]


def test_a_generator_that_fastapi_streams_has_the_fields(app: FastAPI, store: MemoryStore) -> None:
    @app.get("/", dependencies=[Depends(RateLimit("9/minute", store=store))])
    async def lines() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    response = ask(app, "/")
    assert response.text.split() == ["0", "1", "2"]
    assert items(response) == ["GET /"]


def test_what_a_handler_answers_has_the_fields_once_they_are_installed(store: MemoryStore) -> None:
    app = installed()

    @app.get("/{status}", dependencies=[Depends(RateLimit("9/minute", store=store))])
    async def page(status: int) -> None:
        raise HTTPException(status, headers={"x-own": "kept"})

    @app.exception_handler(418)
    async def teapot(request: Any, raised: Exception) -> Response:
        return PlainTextResponse("short and stout", 418)

    missing, handled, invalid = ask(app, "/404"), ask(app, "/418"), ask(app, "/none")
    assert (missing.status_code, missing.headers["x-own"]) == (404, "kept")
    assert (handled.status_code, handled.text) == (418, "short and stout")
    assert invalid.status_code == 422
    for response in (missing, handled, invalid):
        assert items(response) == ["GET /{status}"]


def test_other_fields_of_a_response_stay(app: FastAPI, store: MemoryStore) -> None:
    @app.get("/", dependencies=[Depends(RateLimit("9/minute", store=store))])
    async def page(response: Response) -> None:
        response.headers["x-own"] = "kept"
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")

    headers = ask(app, "/").headers
    assert headers["x-own"] == "kept"
    assert len(headers.get_list("set-cookie")) == 2
    assert "ratelimit" in headers


def test_background_tasks_run_once_where_the_request_passed(
    app: FastAPI, store: MemoryStore
) -> None:
    ran: list[str] = []

    @app.get("/", dependencies=[Depends(RateLimit("1/minute", store=store))])
    async def page(tasks: BackgroundTasks) -> None:
        tasks.add_task(ran.append, "it")

    assert statuses(app, "/", "/") == [200, 429]
    assert ran == ["it"]


def test_the_middlewares_items_stand_beside_the_dependencies(store: MemoryStore) -> None:
    app = FastAPI()
    app.add_middleware(RateLimitMiddleware, store=store, rules=Rule("/*", "9/hour", name="site"))
    install(app)
    limit = RateLimit("1/minute", store=store, name="page")
    app.get("/", dependencies=[Depends(limit)])(lambda: PlainTextResponse("page"))
    passed, denied = ask(app, "/"), ask(app, "/")
    assert items(passed) == ["site", "page"]
    assert items(denied) == ["page"], "of the one that denied"
    assert denied.headers["ratelimit-policy"] == '"site";q=9;w=3600, "page";q=1;w=60'


def denied(app: FastAPI, store: MemoryStore, **options: Any) -> FastAPI:
    """The application with a page over its limit, and one that is never within."""
    limit = RateLimit("1/minute", store=store, name="page", **options)
    app.get("/", dependencies=[Depends(limit)])(lambda: None)
    ask(app, "/")
    return app


def test_a_denial_is_fastapis_own_json_unless_installed(store: MemoryStore) -> None:
    response = ask(denied(FastAPI(), store), "/", headers={"accept": "text/html"})
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"detail": "Over the limit of 1 per minute. Retry after 60 s."}
    assert int(response.headers["content-length"]) == len(response.content)
    assert "vary" not in response.headers


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/problem+json"),
        ("text/html", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
    ],
)
def test_an_installed_denial_is_in_the_form_that_the_client_prefers(
    accept: str, content_type: str, store: MemoryStore
) -> None:
    app = denied(installed(), store)
    response = ask(app, "/", headers={"accept": accept})
    assert response.status_code == 429
    assert response.headers["content-type"] == content_type
    assert response.headers["retry-after"] == "60"
    assert response.headers.get_list("ratelimit") == ['"page";r=0;t=60']
    assert int(response.headers["content-length"]) == len(response.content)


def test_an_outage_is_answered_as_one(app: FastAPI) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("gone")
    limit = RateLimit("1/minute", store=store, on_outage="deny")
    app.get("/", dependencies=[Depends(limit)])(lambda: None)
    response = ask(app, "/")
    assert response.status_code == 503
    assert "Rate limits can't be checked just now" in response.json()["detail"]


def test_a_handler_of_the_applications_own_sees_the_verdict(
    app: FastAPI, store: MemoryStore
) -> None:
    @app.exception_handler(RateLimitExceeded)
    async def busy(request: Any, raised: RateLimitExceeded) -> Response:
        return PlainTextResponse(raised.verdict.longest.rule, raised.answer.status)

    response = ask(denied(app, store), "/")
    assert (response.status_code, response.text) == (429, "page")


def busy(request: Request, verdict: Verdict, answer: DenialResponse) -> DenialResponse:
    return DenialResponse(503, (("content-type", "text/plain"), ("set-cookie", "a=1")), b"busy")


def test_a_denial_may_be_of_the_limits_making_once_installed(store: MemoryStore) -> None:
    response = ask(denied(installed(), store, on_denied=busy), "/")
    assert (response.status_code, response.text) == (503, "busy")
    assert response.headers["set-cookie"] == "a=1"
    assert items(response) == ["page"]


def test_a_denial_of_the_limits_making_is_not_lost_for_want_of_installing(
    store: MemoryStore,
) -> None:
    with pytest.raises(RuntimeError, match=r"its answer needs install\(app\)"):
        denied(FastAPI(), store, on_denied=busy)


def test_a_mounted_application_has_what_was_installed_in_it(store: MemoryStore) -> None:
    inner = denied(installed(), store)
    for outer in (Starlette(), FastAPI(), installed()):
        outer.mount("/sub", inner)
        response = ask(outer, "/sub/")
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers.get_list("ratelimit") == ['"page";r=0;t=60']


def test_a_mounted_applications_fields_are_added_by_the_outer_one(store: MemoryStore) -> None:
    inner, outer = FastAPI(), installed()
    limit = RateLimit("1/minute", store=store)
    inner.get("/{id}", dependencies=[Depends(limit)])(lambda: PlainTextResponse("page"))
    outer.mount("/sub", inner)
    passed, denied = ask(outer, "/sub/1"), ask(outer, "/sub/2")
    assert items(passed) == items(denied) == ["GET /sub/{id}"]
    assert denied.json() == {"detail": "Over the limit of 1 per minute. Retry after 60 s."}


def test_installing_does_not_come_between_the_server_and_the_lifespan() -> None:
    told: list[Any] = []

    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        told.extend((scope, receive, send))

    (middleware,) = installed().user_middleware
    installed_one: Any = middleware.cls
    scope, receive, send = {"type": "lifespan"}, object(), object()
    asyncio.run(installed_one(lifespan)(scope, receive, send))
    assert (told, scope) == ([scope, receive, send], {"type": "lifespan"})


def free_slots(store: MemoryStore) -> int:
    return ConcurrencyLimiter(store, 1).peek("slow:everyone").remaining


@pytest.mark.parametrize("limits", [None, "9/minute"])
def test_p16_a_route_holds_its_slot_to_the_end_of_its_response(
    store: MemoryStore, limits: str | None
) -> None:
    app, free = installed(), {}
    slow = RateLimit(limits, store=store, in_flight=1, by=everyone(), name="slow")

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        free["streaming"] = free_slots(store)

    def note_in_background() -> None:
        free["background"] = free_slots(store)

    @app.get("/", dependencies=[Depends(slow)])
    async def page(tasks: BackgroundTasks) -> StreamingResponse:
        tasks.add_task(note_in_background)
        return StreamingResponse(chunks())

    assert ask(app, "/").content == b"a"
    assert free == {"streaming": 0, "background": 1}
    with ConcurrencyLimiter(store, 1).slot("slow:everyone"):
        denied = ask(app, "/")
        assert (denied.status_code, denied.headers["retry-after"]) == (429, "1")
    assert free_slots(store) == 1


def test_a_route_that_raises_or_is_denied_elsewhere_releases_its_slot(store: MemoryStore) -> None:
    app = installed()
    slow = RateLimit(store=store, in_flight=1, by=everyone(), name="slow")
    scarce = RateLimit("1/minute", store=store, name="scarce")

    @app.get("/", dependencies=[Depends(slow), Depends(scarce)])
    async def page() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(app, "/")
    assert free_slots(store) == 1
    assert ask(app, "/").status_code == 429
    assert free_slots(store) == 1


def test_an_in_flight_needs_what_sees_responses(store: MemoryStore) -> None:
    app = FastAPI()
    slow = RateLimit(store=store, in_flight=1, by=everyone(), name="slow")
    app.get("/", dependencies=[Depends(slow)])(lambda: None)
    with pytest.raises(RuntimeError, match=r"in_flight=.*ends of responses needs install\(app\)"):
        ask(app, "/")
    assert free_slots(store) == 1


def test_a_websocket_holds_its_slot_to_its_end(store: MemoryStore) -> None:
    app, free = installed(), []
    slow = RateLimit(store=store, in_flight=1, by=everyone(), name="slow")

    @app.websocket("/chat", dependencies=[Depends(slow)])
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        free.append(free_slots(store))
        await websocket.close()

    visit(app, "/chat")
    assert [*free, free_slots(store)] == [0, 1]


def test_an_in_flight_alone_leaves_the_default_limits_of_the_application(
    store: MemoryStore,
) -> None:
    default = RateLimit("1/minute", store=store, default=True, name="default")
    app = FastAPI(dependencies=[Depends(default)])
    install(app)
    slow = RateLimit(store=store, in_flight=1, by=everyone(), name="slow")
    app.get("/", dependencies=[Depends(slow)])(lambda: None)
    assert statuses(app, "/", "/") == [200, 429]


def test_install_is_for_applications_of_fastapi() -> None:
    with pytest.raises(TypeError, match="must be a FastAPI application"):
        install(Starlette())  # type: ignore[arg-type]
