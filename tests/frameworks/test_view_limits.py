"""Limits on views, the same in Flask, Django and Starlette: which bucket is whose, and what can be
limited."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.decorators import method_decorator
from django.views import View
from django.views.generic import TemplateView
from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRouter
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from werkzeug.exceptions import HTTPException

from ratelimit_ddb import MemoryStore
from ratelimit_ddb import django as of_django
from ratelimit_ddb import flask as of_flask
from ratelimit_ddb import starlette as of_starlette
from ratelimit_ddb.fastapi import RESPONSES, RateLimit, RateLimitExceeded, install
from ratelimit_ddb.web import DenialResponse, Rule, everyone
from tests.fake_clock import FakeClock
from tests.frameworks import django_site  # noqa: F401  # sets Django up
from tests.frameworks.asgi_client import ask

Ask = Callable[..., int]
Serve = Callable[[Any], Ask]
METHODS = ["GET", "POST"]


def in_flask(view: Any) -> Ask:
    app = flask.Flask("site", root_path=".")
    app.add_url_rule("/page", "page", view, methods=METHODS)
    return lambda method="GET": app.test_client().open("/page", method=method).status_code


def in_django(view: Any) -> Ask:
    def asking(method: str = "GET") -> int:
        response = view(RequestFactory().generic(method, "/page"))
        if inspect.isawaitable(response):
            response = asyncio.run(_awaited(response))
        status: int = response.status_code
        return status

    return asking


async def _awaited(coming: Any) -> Any:
    return await coming


def in_starlette(view: Any) -> Ask:
    app = Starlette(routes=[Route("/page", view, methods=METHODS)])
    return lambda method="GET": ask(app, "/page", method).status_code


class Framework:
    """One framework: its decorator, a way to serve a view, and what a view gives."""

    def __init__(self, limited: Any, serve: Serve, response: Callable[[], Any]) -> None:
        self.limited = limited
        self.serve = serve
        self.response = response

    def view(self, *_given: Any) -> Any:
        return self.response()

    def factory(self) -> Callable[[str], Any]:
        def made(word: str) -> Any:
            def view(*_given: Any) -> Any:
                return self.response() if word else None

            return view

        return made


FRAMEWORKS = {
    "flask": Framework(of_flask.limited, in_flask, lambda: "page"),
    "django": Framework(of_django.limited, in_django, lambda: HttpResponse("page")),
    "starlette": Framework(of_starlette.limited, in_starlette, lambda: PlainTextResponse("page")),
}


@pytest.fixture(params=list(FRAMEWORKS.values()), ids=list(FRAMEWORKS))
def framework(request: pytest.FixtureRequest) -> Framework:
    given: Framework = request.param
    return given


def test_limits_on_one_view_for_different_methods_have_a_bucket_each(
    framework: Framework, store: MemoryStore
) -> None:
    """Even where their periods, or the limits themselves, are equal."""
    for post, get in ((5, 9), (5, 5)):
        posts = framework.limited(f"{post}/minute", store=store, methods="POST", name=None)
        gets = framework.limited(f"{get}/minute", store=store, methods="GET")
        asking = framework.serve(posts(gets(framework.factory()("page"))))
        assert [asking("POST") for _ in range(post + 2)] == [200] * post + [429] * 2
        assert [asking("GET") for _ in range(get + 1)] == [200] * get + [429]
        store = MemoryStore(clock=FakeClock())


def test_views_share_the_bucket_of_a_limit_that_has_a_name(
    framework: Framework, store: MemoryStore
) -> None:
    made = framework.factory()
    of_logins = framework.limited("2/minute", store=store, name="login")
    first, second = (framework.serve(of_logins(made(word))) for word in ("page", "api"))
    assert [first(), second(), first(), second()] == [200, 200, 429, 429]


def test_a_limit_is_about_its_methods_only(framework: Framework, store: MemoryStore) -> None:
    asking = framework.serve(
        framework.limited("1/minute", store=store, methods=["POST"])(framework.factory()("page"))
    )
    assert [asking("GET") for _ in range(3)] == [200] * 3
    assert [asking("POST") for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ({}, {}),
        ({"methods": "GET"}, {"methods": ["GET", "HEAD"]}),
        ({"name": "page"}, {"name": "page"}),
        ({"name": "page", "methods": "POST"}, {"name": "page", "methods": "GET"}),
    ],
)
def test_limits_of_one_name_on_one_view_are_refused(
    framework: Framework, store: MemoryStore, outer: dict[str, Any], inner: dict[str, Any]
) -> None:
    once = framework.limited("10/minute burst 4", store=store, **inner)(framework.factory()("a"))
    with pytest.raises(ValueError, match=r"two limits of .* methods= or name="):
        framework.limited("10/minute", store=store, **outer)(once)
    framework.limited("10/minute", store=store, name="another")(once)
    framework.limited("10/minute", store=MemoryStore(), **outer)(once)


def test_they_are_refused_through_other_decorators_between(
    framework: Framework, store: MemoryStore
) -> None:
    once = framework.limited("9/minute", store=store)(framework.factory()("page"))

    @functools.wraps(once)
    def between(*given: Any) -> Any:
        return once(*given)

    with pytest.raises(ValueError, match="two limits of"):
        framework.limited("9/hour", store=store)(between)


def test_a_second_view_of_one_name_is_refused_unless_it_is_given_one(
    framework: Framework, store: MemoryStore
) -> None:
    made = framework.factory()
    first, second = made("first"), made("second")
    kept = framework.limited("2/minute", store=store)(first)
    with pytest.raises(ValueError, match=r"a second function named .*view.* name= of its own"):
        framework.limited("3/minute", store=store)(second)
    named = framework.limited("3/minute", store=store, name="second")(second)
    assert [framework.serve(kept)() for _ in range(3)] == [200, 200, 429]
    assert [framework.serve(named)() for _ in range(4)] == [200, 200, 200, 429]
    framework.limited("3/minute", store=MemoryStore())(second)


def test_two_lambdas_of_a_module_are_two_views(framework: Framework, store: MemoryStore) -> None:
    kept = framework.limited("2/minute", store=store)(lambda *_given: "f")
    with pytest.raises(ValueError, match="lambda"):
        framework.limited("2/minute", store=store)(lambda *_given: "g")
    assert kept is not None


def test_an_application_factory_may_be_called_twice(
    framework: Framework, store: MemoryStore
) -> None:
    def application() -> Any:
        @framework.limited("2/minute", store=store)
        def view(*_given: Any) -> Any:
            return framework.response()

        return view

    first, second = application(), application()
    assert [framework.serve(one)() for one in (first, second, first)] == [200, 200, 429]


def test_several_limits_and_decorators_make_no_second_view_of_it(
    framework: Framework, store: MemoryStore
) -> None:
    def passing_on(view: Any) -> Any:
        @functools.wraps(view)
        def passed_on(*given: Any) -> Any:
            return view(*given)

        return passed_on

    def application() -> Any:
        @framework.limited("2/minute", store=store, methods="POST")
        @framework.limited("2/minute", store=store, methods="GET")
        @framework.limited("9/minute", store=store)
        @passing_on
        def view(*_given: Any) -> Any:
            return framework.response()

        return view

    kept = [application(), application()]
    for method in METHODS:
        answers = [framework.serve(one)(method) for one in [*kept, kept[0]]]
        assert answers == [200, 200, 429]


def test_what_it_defines_around_a_view_makes_no_second_view_of_it(
    framework: Framework, store: MemoryStore
) -> None:
    def application(words: list[str]) -> Any:
        def greet(times: int) -> Any:
            return [framework.response() for _ in words] if times else greet(times - 1)

        @framework.limited(lambda _request: "2/minute", store=store, methods=["POST", "GET"])
        def view(*_given: Any) -> Any:
            return greet(1)[0]

        return view

    kept = [application(["hello"]), application(["hello"])]
    assert [framework.serve(one)() for one in [*kept, kept[0]]] == [200, 200, 429]
    with pytest.raises(ValueError, match="a second function named"):
        application(["good bye"])


def test_in_an_interactive_session_a_view_may_be_written_again(
    framework: Framework, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    kept = []
    for body in ("'one'", "'two'"):
        session: dict[str, Any] = {"__name__": "__main__"}
        exec(f"def view(*given):\n    return {body}", session)
        kept.append(framework.limited("2/minute", store=store)(session["view"]))


def test_a_view_of_an_application_that_is_no_more_gives_its_name_to_the_next(
    framework: Framework, store: MemoryStore
) -> None:
    made = framework.factory()
    cycle: list[Any] = [framework.limited("2/minute", store=store)(made("first"))]
    cycle.append(cycle)
    gc.disable()  # or it might be collected before it is missed
    try:
        del cycle
        framework.limited("2/minute", store=store)(made("second"))
    finally:
        gc.enable()


def test_a_module_may_be_loaded_again_also_when_it_was_changed(
    framework: Framework, store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = tmp_path / "reloaded_views.py"
    lines = "def view(request):\n    return 'one'\n"
    module.write_text(lines, encoding="utf-8")
    views = importlib.import_module("reloaded_views")
    kept = [framework.limited("2/minute", store=store)(views.view)]
    for text in (lines, f"# Changed.\n{lines}\n\ndef other(request): ...\n"):
        module.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        importlib.reload(views)
        kept.append(framework.limited("2/minute", store=store)(views.view))
    monkeypatch.delitem(sys.modules, "reloaded_views")


def greeting(word: str, *_given: Any) -> Any:
    return FRAMEWORKS[word].response()


class Greeter:
    def __init__(self, word: str) -> None:
        self.word = word

    def __call__(self, request: Any = None) -> Any:
        return FRAMEWORKS[self.word].response()


class AsyncGreeter(Greeter):
    async def __call__(self, request: Any = None) -> Any:
        return FRAMEWORKS[self.word].response()


def kind_of(framework: Framework) -> str:
    return next(name for name, one in FRAMEWORKS.items() if one is framework)


def partial_greeting(word: str) -> Any:
    return functools.partial(greeting, word)


@pytest.mark.parametrize("made", [partial_greeting, Greeter, AsyncGreeter])
def test_partials_and_objects_are_limited(
    framework: Framework, store: MemoryStore, made: Callable[[str], Any]
) -> None:
    view = made(kind_of(framework))
    limited = framework.limited("2/minute", store=store, by=everyone())(view)
    asking = framework.serve(limited)
    assert [asking() for _ in range(3)] == [200, 200, 429]


def test_two_partials_of_one_function_are_two_views(
    framework: Framework, store: MemoryStore
) -> None:
    kept = framework.limited("2/minute", store=store)(functools.partial(greeting, "a"))
    with pytest.raises(ValueError, match=r"second function named .*greeting"):
        framework.limited("2/minute", store=store)(functools.partial(greeting, "b"))
    assert kept is not None


def test_flask_calls_an_endpoint_of_a_partial_after_its_function(store: MemoryStore) -> None:
    app = flask.Flask("site", root_path=".")
    view = of_flask.limited("2/minute", store=store)(functools.partial(greeting, "flask"))
    app.add_url_rule("/page", view_func=view)
    assert "greeting" in app.view_functions


def test_two_limits_of_one_name_on_a_method_of_django_are_refused(store: MemoryStore) -> None:
    """When it is asked: what method_decorator decorates before that is no method."""
    limited = of_django.limited("5/minute", store=store)

    class Page(View):
        @method_decorator([limited, of_django.limited("9/hour", store=store)])
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("page")

        @method_decorator(limited)
        @method_decorator(of_django.limited("9/hour", store=store))
        def post(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("page")

    for method in METHODS:
        with pytest.raises(ValueError, match=r"two limits of .*Page"):
            in_django(Page.as_view())(method)


def test_two_uses_of_a_generic_view_of_django_are_two_views(store: MemoryStore) -> None:
    limited = of_django.limited("2/minute", store=store)
    first = limited(TemplateView.as_view(template_name="first.html"))
    limited(TemplateView.as_view(template_name="first.html"))
    with pytest.raises(ValueError, match=r"second function named .*TemplateView"):
        limited(TemplateView.as_view(template_name="second.html"))
    assert first is not None


def test_a_class_is_no_view(framework: Framework, store: MemoryStore) -> None:
    instead = {
        "flask": r"class Greeter: .*``decorators``",
        "django": r"class Greeter: .*as_view\(\).*method_decorator",
        "starlette": r"class Greeter: limit its methods get, post",
    }
    with pytest.raises(TypeError, match=instead[kind_of(framework)]):
        framework.limited("5/minute", store=store)(Greeter)


def test_what_would_be_no_method_any_more_is_refused(
    framework: Framework, store: MemoryStore
) -> None:
    for kind in (staticmethod, classmethod):
        with pytest.raises(TypeError, match=f"put it below @{kind.__name__}"):
            framework.limited("5/minute", store=store)(kind(lambda *_given: None))
    with pytest.raises(TypeError, match="'/page': must be a view function"):
        framework.limited("5/minute", store=store)("/page")


def test_starlette_takes_an_object_of_three_arguments_for_an_application(
    store: MemoryStore,
) -> None:
    class App:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    with pytest.raises(TypeError, match="RateLimitMiddleware"):
        of_starlette.limited("5/minute", store=store)(App())


@pytest.mark.parametrize("register", ["app", "router", "websocket"])
def test_starlettes_decorator_on_a_path_operation_of_fastapi_is_told_when_it_is_registered(
    store: MemoryStore, register: str
) -> None:
    async def page(request: Request) -> str:
        return "page"

    def page_of_threads(request: StarletteRequest, item: int = 0) -> str:
        return "page"

    app = FastAPI()
    registers: dict[str, Any] = {
        "app": app.get("/page"),
        "router": APIRouter().post("/page"),
        "websocket": app.websocket("/page"),
    }
    for view in (page, page_of_threads):
        limited = of_starlette.limited("5/minute", store=store)(view)
        with pytest.raises(TypeError, match=r"Depends\(ratelimit_ddb.fastapi.RateLimit"):
            registers[register](limited)


def test_an_endpoint_of_starlettes_may_stand_in_a_fastapi_application(store: MemoryStore) -> None:
    @of_starlette.limited("1/minute", store=store)
    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse("page")

    app = FastAPI()
    app.add_route("/page", page)
    assert [ask(app, "/page").status_code for _ in range(2)] == [200, 429]


def fastapi_app(store: MemoryStore) -> FastAPI:
    app = FastAPI()
    router = APIRouter(prefix="/part", dependencies=[Depends(RateLimit("5/minute", store=store))])
    router.get("/page/{item}")(lambda item: item)
    app.include_router(router)
    app.post("/codes", dependencies=[Depends(RateLimit("5/minute", store=store))])(lambda: None)
    app.get("/free")(lambda: None)
    return app


def responses_in(app: FastAPI) -> dict[str, dict[str, Any]]:
    paths = app.openapi()["paths"]
    return {
        f"{method} {path}": operation["responses"]
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def test_once_installed_openapi_says_which_operations_may_answer_429(store: MemoryStore) -> None:
    app = fastapi_app(store)
    install(app)
    documented = responses_in(app)
    assert "429" not in documented["get /free"]
    for operation in ("get /part/page/{item}", "post /codes"):
        of_denial = documented[operation]["429"]
        assert "Retry-After" in of_denial["headers"]
        assert "application/problem+json" in of_denial["content"]
    assert responses_in(app) == documented


def test_openapi_says_so_of_operations_that_are_limited_where_their_router_is_included(
    store: MemoryStore,
) -> None:
    router = APIRouter()
    router.get("/page")(lambda: "page")
    app = FastAPI()
    app.include_router(router, dependencies=[Depends(RateLimit("1/minute", store=store))])
    install(app)
    assert "429" in app.openapi()["paths"]["/page"]["get"]["responses"]


def test_openapi_keeps_what_an_operation_says_itself_of_a_429(store: MemoryStore) -> None:
    app = FastAPI()
    install(app)
    limit = Depends(RateLimit("5/minute", store=store))
    own: Any = {429: {"description": "slow down"}}
    app.get("/own", dependencies=[limit], responses=own)(lambda: None)
    assert responses_in(app)["get /own"]["429"]["description"] == "slow down"


def test_without_installing_responses_can_be_given_to_a_route(store: MemoryStore) -> None:
    app = FastAPI()
    limit = Depends(RateLimit("5/minute", store=store))
    app.get("/page", dependencies=[limit], responses=RESPONSES)(lambda: None)
    assert "Retry-After" in responses_in(app)["get /page"]["429"]["headers"]


def test_two_limits_of_fastapi_are_told_apart_by_methods(store: MemoryStore) -> None:
    app = FastAPI()
    limits = [
        Depends(RateLimit("1/minute", store=store, methods="POST")),
        Depends(RateLimit("2/minute", store=store, methods="GET")),
    ]
    app.api_route("/page", methods=METHODS, dependencies=limits)(lambda: None)
    assert [ask(app, "/page", "POST").status_code for _ in range(2)] == [200, 429]
    assert [ask(app, "/page").status_code for _ in range(3)] == [200, 200, 429]


def test_a_handler_of_fastapis_has_the_fields_in_any_case(store: MemoryStore) -> None:
    for installed in (True, False):
        app = FastAPI()
        if installed:
            install(app)

        @app.exception_handler(RateLimitExceeded)
        async def mine(request: Request, denied: RateLimitExceeded) -> PlainTextResponse:
            return PlainTextResponse("mine", denied.status_code, denied.headers)

        limit = RateLimit("1/minute", store=MemoryStore(clock=FakeClock()), name="page")
        app.get("/page", dependencies=[Depends(limit)])(lambda: None)
        _, denied = ask(app, "/page"), ask(app, "/page")
        assert denied.text == "mine"
        assert denied.headers["retry-after"] == "60"
        assert denied.headers.get_list("ratelimit") == ['"page";r=0;t=60']


class OfErrors:
    """A Flask app with a limited view, a limit before all, and error handlers."""

    def __init__(self, store: MemoryStore, **options: Any) -> None:
        self.app = flask.Flask("site", root_path=".")
        view = of_flask.limited("1/minute", store=store, name="view", **options)(lambda: "page")
        self.app.add_url_rule("/page", "page", view)

    def denied(self) -> Any:
        client = self.app.test_client()
        client.get("/page")
        return client.get("/page")


def test_flasks_error_handler_of_429_is_asked(store: MemoryStore) -> None:
    site = OfErrors(store)

    @site.app.errorhandler(429)
    def own_page(error: Any) -> tuple[str, int]:
        return f"our own page: {error.description}", 429

    denied = site.denied()
    assert denied.status_code == 429
    assert denied.text == "our own page: Over the limit of 1 per minute. Retry after 60 s."
    assert denied.headers.getlist("retry-after") == ["60"]
    assert denied.headers.getlist("ratelimit") == ['"view";r=0;t=60']


def test_flasks_handler_may_pass_on_the_answer_there_would_be(store: MemoryStore) -> None:
    site = OfErrors(store)
    site.app.register_error_handler(429, lambda error: error.get_response())
    denied = site.denied()
    assert denied.content_type == "application/problem+json"
    assert denied.headers.getlist("ratelimit") == ['"view";r=0;t=60']


def test_flasks_handlers_of_any_error_and_of_a_blueprint_are_asked(store: MemoryStore) -> None:
    app = flask.Flask("site", root_path=".")
    part = flask.Blueprint("part", "part", url_prefix="/part")
    part.get("/page")(lambda: "page")
    part.register_error_handler(429, lambda error: ("of the part", error.code))
    app.register_blueprint(part)
    app.get("/page")(lambda: "page")
    app.register_error_handler(HTTPException, lambda error: ("of any", error.code))
    of_flask.limit_app(app, store, Rule("/*", "1/minute", by=everyone(), name="all"))
    client = app.test_client()
    assert client.get("/page").status_code == 200
    assert (client.get("/page").text, client.get("/part/page").text) == ("of any", "of the part")
    assert client.get("/part/page").headers.getlist("retry-after") == ["60"]


def test_on_denied_goes_before_flasks_error_handlers(store: MemoryStore) -> None:
    own = DenialResponse(429, (), b"of the limit")
    site = OfErrors(store, on_denied=lambda request, verdict, answer: own)
    site.app.register_error_handler(429, lambda error: ("of the app", 429))
    assert site.denied().text == "of the limit"
