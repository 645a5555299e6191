"""One request, limits in several places: in every framework, and in mixtures of their adapters.

Each site has a wide limit outside and a narrow one inside, each on a store of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import flask
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path as django_path
from django.utils.decorators import method_decorator
from django.views import View
from fastapi import Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.test import Client as WsgiClient

from ratelimit_ddb import MemoryStore, RateLimiter, StoreUnavailable, asgi, wsgi
from ratelimit_ddb import django as of_django
from ratelimit_ddb import flask as of_flask
from ratelimit_ddb import starlette as of_starlette
from ratelimit_ddb.fastapi import RateLimit, install
from ratelimit_ddb.operations.operation import ReadClock, Take
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.web import DenialResponse, Rule, RuleDecision, Verdict, everyone, verdict_of
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.frameworks.asgi_client import ask, kinds, visit
from tests.frameworks.django_site.clients import LIMITS

WIDE, NARROW = "9/hour", "1/hour"
Told = list[RuleDecision]
Get = Callable[[], tuple[int, Mapping[str, str]]]


class Site:
    """Where the buckets are, and what was told.

    Attributes:
        wide: the options of the limit outside.
        narrow: those of the limit on the view.
    """

    def __init__(self) -> None:
        self.outer_store = MemoryStore(clock=FakeClock())
        self.inner_store = MemoryStore(clock=FakeClock())
        self.told: Told = []
        shared = {"fields": "both", "on_decision": self.told.append}
        self.rules = [Rule("/*", WIDE, by=everyone(), name="wide")]
        self.wide: dict[str, Any] = {"store": self.outer_store, "rules": self.rules, **shared}
        self.wide_view: dict[str, Any] = {
            "store": self.outer_store,
            "by": everyone(),
            "name": "wide",
            **shared,
        }
        self.narrow: dict[str, Any] = {
            "store": self.inner_store,
            "by": everyone(),
            "name": "narrow",
            **shared,
        }

    @property
    def left(self) -> int:
        """What the limit outside has left."""
        return RateLimiter(self.outer_store, WIDE).peek(("wide", "everyone")).remaining


def over_asgi(app: Any) -> Get:
    def get() -> tuple[int, Mapping[str, str]]:
        response = ask(app, "/page")
        return response.status_code, response.headers

    return get


def over_wsgi(app: Any) -> Get:
    def get() -> tuple[int, Mapping[str, str]]:
        response = WsgiClient(app).get("/page")
        named = {name.lower() for name, _ in response.headers}
        joined = {name: ", ".join(response.headers.getlist(name)) for name in named}
        return response.status_code, joined

    return get


async def page(request: Any) -> PlainTextResponse:
    return PlainTextResponse("page")


def page_of_threads(request: Any) -> PlainTextResponse:
    return PlainTextResponse("page")


def middleware_twice_over_asgi(site: Site) -> Get:
    rules = Rule("/*", NARROW, by=everyone(), name="narrow")
    inner = asgi.RateLimitMiddleware(
        Starlette(routes=[Route("/page", page)]),
        site.inner_store,
        rules,
        fields="both",
        on_decision=site.told.append,
    )
    return over_asgi(asgi.RateLimitMiddleware(inner, **site.wide))


def middleware_twice_over_wsgi(site: Site) -> Get:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return []

    rules = Rule("/*", NARROW, by=everyone(), name="narrow")
    inner = wsgi.RateLimitMiddleware(
        app, site.inner_store, rules, fields="both", on_decision=site.told.append
    )
    return over_wsgi(wsgi.RateLimitMiddleware(inner, **site.wide))


def a_middleware_and_a_starlette_endpoint(site: Site) -> Get:
    app = Starlette(routes=[Route("/page", of_starlette.limited(NARROW, **site.narrow)(page))])
    return over_asgi(asgi.RateLimitMiddleware(app, **site.wide))


def a_middleware_and_a_starlette_endpoint_in_a_thread(site: Site) -> Get:
    limited = of_starlette.limited(NARROW, **site.narrow)(page_of_threads)
    app = Starlette(routes=[Route("/page", limited)])
    return over_asgi(asgi.RateLimitMiddleware(app, **site.wide))


def a_middleware_and_a_starlette_class_in_a_mount(site: Site) -> Get:
    class Page(HTTPEndpoint):
        @of_starlette.limited(NARROW, **site.narrow)
        async def get(self, request: Any) -> PlainTextResponse:
            return PlainTextResponse("page")

    app = Starlette(routes=[Mount("/", routes=[Route("/page", Page)])])
    app.add_middleware(asgi.RateLimitMiddleware, **site.wide)
    return over_asgi(app)


def with_a_middleware_of_tasks_between(site: Site) -> Get:
    async def passing_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    app = Starlette(routes=[Route("/page", of_starlette.limited(NARROW, **site.narrow)(page))])
    app.add_middleware(BaseHTTPMiddleware, dispatch=passing_on)
    return over_asgi(asgi.RateLimitMiddleware(app, **site.wide))


def two_decorators_in_starlette(site: Site) -> Get:
    inner = of_starlette.limited(NARROW, **site.narrow)(page)
    outer = of_starlette.limited(WIDE, **site.wide_view)(inner)
    return over_asgi(Starlette(routes=[Route("/page", outer)]))


def fastapi_with(*limits: RateLimit, installed: bool = False) -> FastAPI:
    app = FastAPI(dependencies=[Depends(limit) for limit in limits[:-1]])
    if installed:
        install(app)
    app.get("/page", dependencies=[Depends(limits[-1])])(lambda: "page")
    return app


def a_middleware_and_a_dependency(site: Site) -> Get:
    app = fastapi_with(RateLimit(NARROW, **site.narrow))
    return over_asgi(asgi.RateLimitMiddleware(app, **site.wide))


def a_middleware_and_an_installed_dependency(site: Site) -> Get:
    app = fastapi_with(RateLimit(NARROW, **site.narrow), installed=True)
    app.add_middleware(asgi.RateLimitMiddleware, **site.wide)
    return over_asgi(app)


def two_dependencies(site: Site) -> Get:
    limits = RateLimit(WIDE, **site.wide_view), RateLimit(NARROW, **site.narrow)
    return over_asgi(fastapi_with(*limits))


def two_installed_dependencies(site: Site) -> Get:
    limits = RateLimit(WIDE, **site.wide_view), RateLimit(NARROW, **site.narrow)
    return over_asgi(fastapi_with(*limits, installed=True))


def a_dependency_in_front_of_a_starlette_endpoint(site: Site) -> Get:
    limited = of_starlette.limited(NARROW, **site.narrow)(page)
    inner = Starlette(routes=[Route("/page", limited)])
    app = FastAPI()
    app.mount("/", inner)
    return over_asgi(asgi.RateLimitMiddleware(app, **site.wide))


def flask_with(view: Any) -> flask.Flask:
    app = flask.Flask("site", root_path=".")
    app.add_url_rule("/page", "page", view)
    return app


def hello() -> str:
    return "page"


async def hello_async() -> str:
    return "page"


def a_flask_app_and_a_view(site: Site) -> Get:
    app = flask_with(of_flask.limited(NARROW, **site.narrow)(hello))
    of_flask.limit_app(app, **site.wide)
    return over_wsgi(app)


def a_flask_app_and_an_async_view(site: Site) -> Get:
    app = flask_with(of_flask.limited(NARROW, **site.narrow)(hello_async))
    of_flask.limit_app(app, **site.wide)
    return over_wsgi(app)


def a_wsgi_middleware_a_flask_app_and_a_view(site: Site) -> Get:
    app = flask_with(of_flask.limited(NARROW, **site.narrow)(hello))
    of_flask.limit_app(app, site.inner_store, Rule("/*", "5/hour", by=everyone(), name="app"))
    return over_wsgi(wsgi.RateLimitMiddleware(app, **site.wide))


def two_decorators_in_flask(site: Site) -> Get:
    inner = of_flask.limited(NARROW, **site.narrow)(hello)
    return over_wsgi(flask_with(of_flask.limited(WIDE, **site.wide_view)(inner)))


def an_app_and_its_blueprint(site: Site) -> Get:
    app = flask.Flask("site", root_path=".")
    part = flask.Blueprint("part", "part")
    part.get("/page")(hello)
    narrow = Rule("/*", NARROW, by=everyone(), name="narrow")
    of_flask.limit_app(part, site.inner_store, narrow, on_decision=site.told.append, fields="both")
    of_flask.limit_app(app, **site.wide)
    app.register_blueprint(part)
    return over_wsgi(app)


@contextmanager
def django_site(site: Site, view: Any, *, middleware: bool) -> Iterator[None]:
    urls = type("Urls", (), {"urlpatterns": [django_path("page", view)]})
    settings = {name.upper(): value for name, value in site.wide.items()}
    with override_settings(
        ROOT_URLCONF=urls,
        RATELIMIT_DDB=settings,
        MIDDLEWARE=[LIMITS] if middleware else [],
    ):
        yield


def django_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


async def django_page_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


def in_django(site: Site, view: Any, stack: ExitStack, *, middleware: bool = True) -> None:
    stack.enter_context(django_site(site, view, middleware=middleware))


def blocking_client() -> Get:
    def get() -> tuple[int, Mapping[str, str]]:
        response = Client().get("/page")
        return response.status_code, {k.lower(): v for k, v in response.headers.items()}

    return get


def async_client() -> Get:
    def get() -> tuple[int, Mapping[str, str]]:
        response: Any = asyncio.run(AsyncClient().get("/page"))
        return response.status_code, {k.lower(): v for k, v in response.headers.items()}

    return get


def djangos_middleware_and_a_view(site: Site, stack: ExitStack) -> Get:
    in_django(site, of_django.limited(NARROW, **site.narrow)(django_page), stack)
    return blocking_client()


def djangos_middleware_and_an_async_view(site: Site, stack: ExitStack) -> Get:
    in_django(site, of_django.limited(NARROW, **site.narrow)(django_page_async), stack)
    return async_client()


def djangos_middleware_in_a_loop_and_a_blocking_view(site: Site, stack: ExitStack) -> Get:
    in_django(site, of_django.limited(NARROW, **site.narrow)(django_page), stack)
    return async_client()


def djangos_middleware_and_a_method(site: Site, stack: ExitStack) -> Get:
    class Page(View):
        @method_decorator(of_django.limited(NARROW, **site.narrow))
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("page")

    in_django(site, Page.as_view(), stack)
    return blocking_client()


def two_decorators_in_django(site: Site, stack: ExitStack) -> Get:
    inner = of_django.limited(NARROW, **site.narrow)(django_page)
    in_django(site, of_django.limited(WIDE, **site.wide_view)(inner), stack, middleware=False)
    return blocking_client()


def a_wsgi_middleware_and_djangos_view(site: Site, stack: ExitStack) -> Get:
    limited = of_django.limited(NARROW, **site.narrow)(django_page)
    in_django(site, limited, stack, middleware=False)
    return over_wsgi(with_host(wsgi.RateLimitMiddleware(WSGIHandler(), **site.wide)))


def with_host(app: Any) -> Any:
    return lambda environ, start: app({**environ, "HTTP_HOST": "testserver"}, start)


def an_asgi_middleware_and_djangos_view(site: Site, stack: ExitStack) -> Get:
    limited = of_django.limited(NARROW, **site.narrow)(django_page_async)
    in_django(site, limited, stack, middleware=False)
    app = asgi.RateLimitMiddleware(ASGIHandler(), **site.wide)

    async def of_testserver(scope: Any, receive: Any, send: Any) -> None:
        scope = {**scope, "headers": [(b"host", b"testserver")]}
        await app(scope, receive, send)

    return over_asgi(of_testserver)


IN_DJANGO = [
    djangos_middleware_and_a_view,
    djangos_middleware_and_an_async_view,
    djangos_middleware_in_a_loop_and_a_blocking_view,
    djangos_middleware_and_a_method,
    two_decorators_in_django,
    a_wsgi_middleware_and_djangos_view,
    an_asgi_middleware_and_djangos_view,
]
ELSEWHERE = [
    middleware_twice_over_asgi,
    middleware_twice_over_wsgi,
    a_middleware_and_a_starlette_endpoint,
    a_middleware_and_a_starlette_endpoint_in_a_thread,
    a_middleware_and_a_starlette_class_in_a_mount,
    with_a_middleware_of_tasks_between,
    two_decorators_in_starlette,
    a_middleware_and_a_dependency,
    a_middleware_and_an_installed_dependency,
    two_dependencies,
    two_installed_dependencies,
    a_dependency_in_front_of_a_starlette_endpoint,
    a_flask_app_and_a_view,
    a_flask_app_and_an_async_view,
    a_wsgi_middleware_a_flask_app_and_a_view,
    two_decorators_in_flask,
    an_app_and_its_blueprint,
]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture(
    params=[*ELSEWHERE, *IN_DJANGO], ids=[made.__name__ for made in (*ELSEWHERE, *IN_DJANGO)]
)
def get(request: pytest.FixtureRequest, site: Site) -> Iterator[Get]:
    """A request to a page with a wide limit outside and a narrow one inside."""
    with ExitStack() as stack:
        yield request.param(site, stack) if request.param in IN_DJANGO else request.param(site)


def test_p3_what_was_taken_outside_is_given_back_where_the_inside_denies(
    get: Get, site: Site
) -> None:
    """Else who is always denied inside would empty everybody's bucket outside."""
    assert get()[0] == 200
    assert site.left == 8
    assert [get()[0] for _ in range(20)] == [429] * 20
    assert site.left == 8


def test_on_decision_is_told_of_what_was_given_back(get: Get, site: Site) -> None:
    get()
    site.told.clear()
    get()
    first, *others = site.told
    assert (first.rule, first.decision.allowed, first.refunded) == ("wide", True, False)
    # What a middleware denies is given back at once, what a view's limit denies with the response.
    again, denial = sorted(others, key=lambda one: one.operation, reverse=True)
    assert (again.rule, again.refunded, again.operation) == ("wide", True, "refund")
    assert (denial.rule, denial.decision.allowed, denial.operation) == ("narrow", False, "acquire")
    assert (again.calls, again.decision) == (1, first.decision)
    assert again.latency_ns > 0


def test_a_refund_is_told_with_what_it_took_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ns = 0
    monkeypatch.setattr("ratelimit_ddb.operations.meter.perf_counter_ns", lambda: now_ns)

    class Billing(MemoryStore):
        def send(self, operation: Any, deadline_ns: int) -> Any:
            nonlocal now_ns
            answer = super().send(operation, deadline_ns)
            if type(operation) is ReadClock:
                return answer
            now_ns += 5_000_000 if isinstance(operation, Take) else 3_000_000
            return answer._replace(capacity_units=0.5)

    site.wide["store"] = Billing(clock=FakeClock())
    get = middleware_twice_over_wsgi(site)
    assert [get()[0], get()[0]] == [200, 429]
    wide = [one for one in site.told if one.rule == "wide"]
    assert [(one.operation, one.latency_ns, one.calls, one.capacity_units) for one in wide] == [
        ("acquire", 5_000_000, 1, 0.5),
        ("acquire", 5_000_000, 1, 0.5),
        ("refund", 3_000_000, 1, 0.5),
    ]


def test_the_response_has_the_fields_of_all_limits_once(get: Get) -> None:
    status, headers = get()
    assert status == 200
    assert headers["ratelimit"] == '"wide";r=8;t=400, "narrow";r=0;t=3600' or (
        '"app";r=4;t=720' in headers["ratelimit"]
    )
    assert headers["ratelimit-policy"].count('"wide"') == 1
    assert headers["ratelimit-policy"].endswith('"narrow";q=1;w=3600')
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("1", "0")


def test_the_fields_of_a_denial_speak_of_what_denied(get: Get) -> None:
    get()
    status, headers = get()
    assert status == 429
    assert headers["ratelimit"] == '"narrow";r=0;t=3600'
    assert headers["ratelimit-policy"].startswith('"wide";q=9;w=3600')
    assert headers["ratelimit-policy"].endswith('"narrow";q=1;w=3600')
    assert (headers["x-ratelimit-limit"], headers["retry-after"]) == ("1", "3600")


def over_wsgi_with(
    inner_store: FlakyStore, site: Site, on_outage: OnOutage
) -> wsgi.RateLimitMiddleware:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return []

    inner = wsgi.RateLimitMiddleware(
        app,
        inner_store,
        Rule("/*", NARROW, name="narrow"),
        on_outage=on_outage,
    )
    return wsgi.RateLimitMiddleware(inner, **site.wide)


def test_p3_an_outage_that_denies_inside_gives_back_what_was_taken_outside(site: Site) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("gone")
    status, headers = over_wsgi(over_wsgi_with(store, site, "deny"))()
    assert (status, headers["retry-after"]) == (503, "1")
    assert "ratelimit" not in headers, "nobody knows what is left of the one that denied"
    assert site.left == 9
    with pytest.raises(StoreUnavailable, match="gone"):
        over_wsgi(over_wsgi_with(store, site, "raise"))()
    assert site.left == 9
    assert over_wsgi(over_wsgi_with(store, site, "allow"))()[0] == 200
    assert site.left == 8


def test_p3_each_of_several_stores_gets_back_what_was_taken_of_it(site: Site) -> None:
    between = MemoryStore(clock=FakeClock())
    denying = FlakyStore()
    denying.failure = StoreUnavailable("gone")
    app = over_wsgi_with(denying, site, "deny")
    rule = Rule("/*", "9/hour", by=everyone(), name="between")
    app = wsgi.RateLimitMiddleware(app, between, rule)
    assert over_wsgi(app)()[0] == 503
    assert site.left == 9
    assert RateLimiter(between, "9/hour").peek(("between", "everyone")).remaining == 9


def test_what_cannot_be_given_back_says_so(site: Site) -> None:
    """The request is denied all the same, by the limit inside."""
    outer = FlakyStore()
    seen: list[tuple[Any, ...]] = []

    def unreachable(told: RuleDecision) -> None:
        seen.append((told.rule, told.refunded, told.operation))
        outer.failure = StoreUnavailable("gone")

    def on_denied(request: Any, verdict: Verdict, answer: DenialResponse) -> DenialResponse:
        seen.extend((one.rule, one.refunded) for one in verdict_of(request.native).decisions)
        return answer

    app = Starlette(
        routes=[
            Route("/page", of_starlette.limited("1/hour", **site.narrow, on_denied=on_denied)(page))
        ]
    )
    limited = asgi.RateLimitMiddleware(app, outer, site.rules, on_decision=unreachable)
    assert ask(limited, "/page").status_code == 200
    outer.failure = None
    assert ask(limited, "/page").status_code == 429
    assert seen == [
        ("wide", False, "acquire"),
        ("wide", False, "acquire"),
        ("wide", False),
        ("narrow", False),
    ]


def test_each_store_has_what_is_left_of_its_own_deadline_to_give_back(site: Site) -> None:
    class Recording(MemoryStore):
        within_ns: list[int]

        def send(self, operation: Any, deadline_ns: int) -> Any:
            self.within_ns.append(deadline_ns - time.monotonic_ns())
            return super().send(operation, deadline_ns)

    recording = Recording(clock=FakeClock())
    recording.within_ns = []
    site.wide["store"] = recording
    inner = FlakyStore()
    inner.failure = StoreUnavailable("gone")
    site.wide["deadline"] = 60.0
    assert over_wsgi(over_wsgi_with(inner, site, "deny"))()[0] == 503
    assert 50e9 < recording.within_ns[-1] <= 60e9


def test_a_websocket_refused_inside_gives_back_what_was_taken_outside(site: Site) -> None:
    app = FastAPI()
    install(app)

    @app.websocket("/page", dependencies=[Depends(RateLimit(NARROW, **site.narrow))])
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    limited = asgi.RateLimitMiddleware(app, **site.wide)
    kinds_of = [kinds(visit(limited, "/page")) for _ in range(3)]
    assert kinds_of[1:] == [["http.response.start", "http.response.body"]] * 2
    assert site.left == 8


def test_a_view_sees_what_all_limits_have_decided(site: Site) -> None:
    seen: list[Verdict] = []

    async def asking(request: Any) -> PlainTextResponse:
        seen.append(verdict_of(request))
        return PlainTextResponse("limited" if seen[-1].limited else "page")

    shadow = {**site.narrow, "enforce": False}
    app = Starlette(routes=[Route("/page", of_starlette.limited(NARROW, **shadow)(asking))])
    outer = asgi.RateLimitMiddleware(app, **site.wide)
    assert [ask(outer, "/page").text for _ in range(3)] == ["page", "limited", "limited"]
    assert [[one.rule for one in verdict.decisions] for verdict in seen] == [["wide", "narrow"]] * 3
    assert all(seen), "the truth of a verdict is whether the request passes"


def test_flask_and_django_views_see_it_too(site: Site) -> None:
    shadow = {**site.narrow, "enforce": False}

    @of_flask.limited(NARROW, **shadow)
    def in_flask() -> str:
        return "limited" if verdict_of(flask.request).limited else "page"

    client = flask_with(in_flask).test_client()
    assert [client.get("/page").text for _ in range(2)] == ["page", "limited"]

    @of_django.limited(NARROW, **{**shadow, "store": site.outer_store})
    def in_django(request: HttpRequest) -> HttpResponse:
        return HttpResponse("limited" if verdict_of(request).limited else "page")

    with django_site(site, in_django, middleware=False):
        assert [Client().get("/page").content for _ in range(2)] == [b"page", b"limited"]


def test_a_request_without_limits_has_a_verdict_that_allows() -> None:
    assert verdict_of({"type": "http"}) == Verdict()
    assert verdict_of({})
    with pytest.raises(TypeError, match="must be a request, an ASGI scope or a WSGI environ"):
        verdict_of("/page")


def test_what_is_left_in_an_environ_is_not_given_back_for_the_next_request(site: Site) -> None:
    inner = wsgi.RateLimitMiddleware(
        lambda environ, start: [], site.inner_store, Rule("/free", NARROW, name="narrow")
    )
    wide = Rule("/page", WIDE, by=everyone(), name="wide")
    limited = wsgi.RateLimitMiddleware(inner, site.outer_store, wide)
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.7"}
    statuses: list[str] = []

    def start(status: str, headers: Any, _: Any = None) -> Any:
        statuses.append(status[:3])

    for path in ("/page", "/free", "/page", "/free"):
        environ["PATH_INFO"] = path
        limited(environ, start)
    assert statuses == ["429"], "the second one of /free"
    assert site.left == 7, "both of /page were admitted"


def test_an_application_that_runs_late_is_limited_like_any_other(site: Site) -> None:
    """A generator runs when its first part is asked for, after the middlewares returned."""
    rule = Rule("/*", NARROW, by=everyone(), name="narrow")

    def page(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return [b"page"]

    inner = wsgi.RateLimitMiddleware(page, site.inner_store, rule)

    def late(environ: Any, start_response: Any) -> Any:
        yield from inner(environ, start_response)

    get = over_wsgi(wsgi.RateLimitMiddleware(late, **site.wide))
    assert [get()[0] for _ in range(5)] == [200] + [429] * 4
    assert site.left == 8


def test_a_bucket_is_not_charged_twice_for_one_request_by_rules_of_one_name(site: Site) -> None:
    """As by two calls of limit_app whose rules have the default name."""

    def client(limits: str, *, store: MemoryStore) -> Any:
        app = flask.Flask("site", root_path=".")
        app.testing = True
        app.get("/page")(hello)
        of_flask.limit_app(app, site.outer_store, Rule("/*", "4/hour"))
        of_flask.limit_app(app, store, Rule("/*", limits))
        return app.test_client()

    with pytest.raises(ValueError, match=r"two limits of a request are named '/\*', in two places"):
        client("4/hour", store=site.outer_store).get("/page")
    other_limit = client("3/hour", store=site.outer_store)
    assert [other_limit.get("/page").status_code for _ in range(4)] == [200] * 3 + [429]
    other_store = client("4/hour", store=MemoryStore())
    assert other_store.get("/page").status_code == 429, "one was taken before it was refused"


def test_a_scope_or_environ_used_again_is_another_request(site: Site) -> None:
    """As in tests, which make one and send it many times."""

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return []

    limited = wsgi.RateLimitMiddleware(app, **{**site.wide, "fields": "standard"})
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/page", "REMOTE_ADDR": "192.0.2.7"}
    started: list[Any] = []

    def start(status: str, headers: Any, _: Any = None) -> Any:
        started.append((status[:3], headers))

    for _ in range(11):
        limited(environ, start)
    assert [status for status, _ in started] == ["200"] * 9 + ["429"] * 2
    assert [[name for name, _ in headers].count("ratelimit") for _, headers in started] == [1] * 11
    assert site.left == 0


def flask_batch(store: MemoryStore, rule: Rule, limits: list[Any]) -> list[bool]:
    app = flask.Flask("batches", root_path=".")
    of_flask.limit_app(app, store, rule)
    parts = [of_flask.limited(store=store, **one)(lambda: "done") for one in limits]
    app.get("/")(lambda: [part() == "done" for _ in range(5) for part in parts])
    return [*app.test_client().get("/").get_json()]


def django_batch(store: MemoryStore, rule: Rule, limits: list[Any]) -> list[bool]:
    limited = [of_django.limited(store=store, **one) for one in limits]
    parts: list[Any] = [one(lambda request: HttpResponse("done")) for one in limited]
    found: list[bool] = []

    def batch(request: HttpRequest) -> HttpResponse:
        found.extend(part(request).status_code == 200 for _ in range(5) for part in parts)
        return HttpResponse("all")

    with override_settings(RATELIMIT_DDB={"STORE": store, "RULES": [rule]}):
        middleware: Any = of_django.RateLimitMiddleware(batch)
        middleware(RequestFactory().get("/"))
    return found


def starlette_batch(store: MemoryStore, rule: Rule, limits: list[Any]) -> list[bool]:
    limited = [of_starlette.limited(store=store, **one) for one in limits]

    async def done(request: Any) -> PlainTextResponse:
        return PlainTextResponse("done")

    parts = [one(done) for one in limited]

    async def batch(request: Any) -> JSONResponse:
        codes = [(await part(request)).status_code for _ in range(5) for part in parts]
        return JSONResponse([code == 200 for code in codes])

    app = asgi.RateLimitMiddleware(Starlette(routes=[Route("/", batch)]), store, rule)
    return [*ask(app, "/").json()]


@pytest.mark.parametrize("batch", [flask_batch, django_batch, starlette_batch])
def test_a_view_that_is_called_for_each_part_of_a_request_gives_nothing_back_of_earlier_parts(
    store: MemoryStore, batch: Callable[..., list[bool]]
) -> None:
    # What was done for one part stays counted, whatever comes of the next.
    rule = Rule("/*", "9/hour", by=everyone(), name="outer")
    two = {"limits": "2/hour", "by": everyone(), "name": "two"}
    three = {"limits": "3/hour", "by": everyone(), "name": "three"}
    assert batch(store, rule, [two, three]) == [True] * 4 + [False, True] + [False] * 4
    assert RateLimiter(store, "2/hour").peek(("two", "everyone")).remaining == 0
    assert RateLimiter(store, "3/hour").peek(("three", "everyone")).remaining == 0


def test_p3_after_a_part_that_was_served_what_a_denied_one_took_is_given_back(
    store: MemoryStore,
) -> None:
    narrow = of_flask.limited("1/hour", store=store, by=everyone(), name="narrow")(lambda: "done")
    both = of_flask.limited("9/hour", store=store, by=everyone(), name="wide")(narrow)
    first = of_flask.limited("9/hour", store=store, by=everyone(), name="first")(lambda: "done")
    app = flask.Flask("batches", root_path=".")
    app.get("/")(lambda: [part() == "done" for part in (first, both, both)])
    assert app.test_client().get("/").get_json() == [True, True, False]
    assert RateLimiter(store, "9/hour").peek(("wide", "everyone")).remaining == 8
    assert RateLimiter(store, "9/hour").peek(("first", "everyone")).remaining == 8
