"""Flask: limits before an app and a blueprint, as clients see them."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.flask import RateLimitMiddleware, limit_app, limited
from ratelimit_ddb.web import DenialResponse, Request, Rule, Verdict
from tests.flaky_store import FlakyStore
from tests.frameworks.flask_site import limits_of, site

EXAMPLE = Path(__file__).parents[2] / "examples" / "flask_app.py"


def behind(app: flask.Flask, **options: Any) -> Any:
    limit_app(app, **options)
    return app.test_client()


def behind_wsgi(app: flask.Flask, **options: Any) -> Any:
    app.wsgi_app = RateLimitMiddleware(app.wsgi_app, **options)  # type: ignore[method-assign]
    return app.test_client()


either_way = pytest.mark.parametrize("put_behind", [behind, behind_wsgi])


def test_a_request_over_the_limit_is_answered_in_the_apps_place(store: MemoryStore) -> None:
    client = behind(site(), store=store, rules=Rule("/*", "1/minute"))
    passed, denied = client.get("/"), client.get("/")
    assert (passed.status_code, passed.text) == (200, "hello")
    assert limits_of(passed) == '"/*";r=0;t=60'
    assert passed.headers["ratelimit-policy"] == '"/*";q=1;w=60'
    assert denied.status_code == 429
    assert denied.headers["retry-after"] == "60"
    assert limits_of(denied) == '"/*";r=0;t=60'


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/problem+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
    ],
)
def test_a_denial_is_in_the_form_that_the_client_would_rather_have(
    store: MemoryStore, accept: str | None, content_type: str
) -> None:
    client = behind(site(), store=store, rules=Rule("/*", "1/minute"))
    client.get("/")
    denied = client.get("/", headers={"accept": accept} if accept else {})
    assert denied.headers.getlist("content-type") == [content_type]
    assert "Retry after 60 s." in denied.text
    if accept is None:
        assert json.loads(denied.text)["violated-policies"] == ["/*"]


def test_a_denied_head_has_the_headers_of_a_denied_get_and_no_body(store: MemoryStore) -> None:
    client = behind(site(), store=store, rules=Rule("/*", "1/minute"))
    client.get("/")
    got, head = client.get("/"), client.head("/")
    assert head.status_code == 429
    assert head.data == b""
    assert dict(head.headers) == dict(got.headers)
    assert int(head.headers["content-length"]) == len(got.data)


def test_login_is_limited_by_post_only(store: MemoryStore) -> None:
    client = behind(site(), store=store, rules=Rule("/login", "1/minute", methods="POST"))
    statuses = [client.open("/login", method=m).status_code for m in ("GET", "POST", "GET", "POST")]
    assert statuses == [200, 200, 200, 429]


def test_values_in_a_path_do_not_make_buckets_of_their_own(store: MemoryStore) -> None:
    client = behind(site(), store=store, rules=Rule("/users/{id}", "1/minute"))
    assert [client.get(path).status_code for path in ("/users/1", "/users/2")] == [200, 429]


def test_scope_endpoint_has_a_bucket_for_each_route(store: MemoryStore) -> None:
    client = behind(site(), store=store, rules=Rule("/*", "1/minute", scope="endpoint"))
    paths = ["/users/1", "/users/1/posts", "/users/2", "/users/2/posts", "/"]
    assert [client.get(path).status_code for path in paths] == [200, 200, 429, 429, 200]


def test_rules_see_the_route_and_flasks_request() -> None:
    seen: list[Request] = []

    def by(request: Request) -> str:
        seen.append(request)
        assert request.native.args["q"] == "1"
        assert request.header("User-Agent") == "tests"
        return "everyone"

    client = behind(site(), store=MemoryStore(), rules=Rule("/*", "9/minute", by=by))
    for path in ("/users/7?q=1", "/nowhere?q=1"):
        client.get(path, headers={"user-agent": "tests"})
    client.delete("/login?q=1", headers={"user-agent": "tests"})
    assert [(one.method, one.path, one.endpoint) for one in seen] == [
        ("GET", "/users/7", "/users/<int:id>"),
        ("GET", "/nowhere", None),
        ("DELETE", "/login", None),
    ]
    assert {one.client for one in seen} == {"127.0.0.1"}


@either_way
@pytest.mark.parametrize("path", ["/login/", "//login"])
def test_no_spelling_that_flask_serves_gets_past_a_rule(
    store: MemoryStore, put_behind: Any, path: str
) -> None:
    app = site()
    app.add_url_rule("/login/", "slash", lambda: "in")
    client = put_behind(app, store=store, rules=Rule("/login", "1/minute"))
    client.get("/login")
    assert client.get("/", environ_overrides={"PATH_INFO": path}).status_code == 429


@either_way
def test_a_method_in_small_letters_is_the_one_that_flask_takes_it_for(
    store: MemoryStore, put_behind: Any
) -> None:
    client = put_behind(site(), store=store, rules=Rule("/login", "1/minute", methods="POST"))
    assert [client.open("/login", method=m).status_code for m in ("POST", "post")] == [200, 429]


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/teapot", 418)])
def test_error_pages_have_the_fields(store: MemoryStore, path: str, status: int) -> None:
    response = behind(site(), store=store, rules=Rule("/*", "5/minute")).get(path)
    assert (response.status_code, limits_of(response)) == (status, '"/*";r=4;t=12')


def test_a_view_that_raises_has_taken_its_token_and_its_500_tells_so(store: MemoryStore) -> None:
    response = behind(site(), store=store, rules=Rule("/*", "5/minute")).get("/broken")
    assert (response.status_code, limits_of(response)) == (500, '"/*";r=4;t=12')


def test_a_stream_stays_one(store: MemoryStore) -> None:
    app = site()

    @app.get("/endless")
    def endless() -> flask.Response:
        def parts() -> Iterator[bytes]:
            while True:
                yield b"more "

        return flask.Response(flask.stream_with_context(parts()))

    client = behind(app, store=store, rules=Rule("/*", "5/minute"))
    with client.get("/endless", buffered=False) as response:
        assert next(response.response) == b"more "
        assert limits_of(response) == '"/*";r=4;t=12'
    assert client.get("/stream").data == b"one two"


def test_several_calls_on_one_app_decide_in_their_order(store: MemoryStore) -> None:
    app = site()
    limit_app(app, store=store, rules=Rule("/*", "9/minute", name="app"))
    limit_app(app, store=store, rules=Rule("/login", "1/minute", name="login"))
    client = app.test_client()
    assert limits_of(client.get("/")) == '"app";r=8;t=7'
    assert limits_of(client.get("/login")) == '"app";r=7;t=7, "login";r=0;t=60'
    denied = client.get("/login")
    assert denied.status_code == 429
    assert limits_of(denied) == '"login";r=0;t=60', "of the one that denied"
    assert limits_of(client.get("/")) == '"app";r=6;t=7', "and nothing is taken for it"


def test_a_blueprint_has_limits_of_its_own(store: MemoryStore) -> None:
    app = site()
    api = flask.Blueprint("api", "api", url_prefix="/api")

    @api.get("/items/<item>")
    def item(item: str) -> str:
        return item

    limit_app(api, store=store, rules=Rule("/api/*", "1/minute", scope="endpoint"))
    app.register_blueprint(api)
    client = app.test_client()
    paths = ["/api/items/a", "/api/items/b", "/", "/api/nowhere"]
    assert [client.get(path).status_code for path in paths] == [200, 429, 200, 404]


def test_an_app_that_is_mounted_sees_the_path_below_its_mount(store: MemoryStore) -> None:
    client = behind(site(), store=store, rules=Rule("/login", "1/minute"))
    mounted = {"SCRIPT_NAME": "/shop", "PATH_INFO": "/login"}
    statuses = [client.get("/login", environ_overrides=mounted).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_what_an_earlier_before_request_answers_is_not_limited(store: MemoryStore) -> None:
    app = site()
    app.before_request(lambda: ("closed", 503))
    response = behind(app, store=store, rules=Rule("/*", "1/minute")).get("/")
    assert (response.text, limits_of(response)) == ("closed", "")


@pytest.mark.parametrize(("policy", "status"), [("allow", 200), ("deny", 503)])
def test_an_outage_follows_the_policy(policy: str, status: int) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("down")
    client = behind(site(), store=store, rules=Rule("/*", "1/minute"), on_outage=policy)
    assert [client.get("/").status_code for _ in range(2)] == [status, status]


def test_an_outage_that_is_raised_comes_to_the_apps_error_handler() -> None:
    store, app = FlakyStore(), site()
    store.failure = StoreUnavailable("down")
    app.register_error_handler(StoreUnavailable, lambda error: (f"limits are {error}", 503))
    client = behind(app, store=store, rules=Rule("/*", "1/minute"), on_outage="raise")
    assert (client.get("/").status_code, client.get("/").text) == (503, "limits are down")


def test_the_apps_own_answer_to_a_denied_request_is_sent_as_it_is(store: MemoryStore) -> None:
    def on_denied(request: Request, verdict: Verdict, made: DenialResponse) -> DenialResponse:
        headers = (("set-cookie", "a=1"), ("set-cookie", "b=2"))
        return DenialResponse(420, headers, f"calm down, {request.endpoint}".encode())

    rules = Rule("/users/{id}", "1/minute")
    client = behind(site(), store=store, rules=rules, on_denied=on_denied)
    client.get("/users/1")
    denied = client.get("/users/1")
    assert (denied.status_code, denied.text) == (420, "calm down, /users/<int:id>")
    assert denied.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert "content-type" not in denied.headers


def test_functions_that_must_be_awaited_are_refused_at_once(store: MemoryStore) -> None:
    async def by(request: Request) -> str:
        return "x"

    with pytest.raises(TypeError, match="coroutine function"):
        limit_app(site(), store=store, rules=Rule("/*", "1/minute", by=by))


def test_of_fields_that_are_no_lists_those_nearest_to_the_view_are_sent(
    store: MemoryStore,
) -> None:
    app = site()

    @app.get("/telling")
    def telling() -> tuple[str, dict[str, str]]:
        return "mine", {"X-RateLimit-Limit": "3", "RateLimit": '"app";r=3;t=0'}

    client = behind(app, store=store, rules=Rule("/*", "9/minute", name="new"), fields="both")
    response = client.get("/telling")
    assert response.headers.getlist("x-ratelimit-limit") == ["3"]
    assert limits_of(response) == '"app";r=3;t=0, "new";r=8;t=7'


def test_the_wsgi_middleware_is_at_hand(store: MemoryStore) -> None:
    client = behind_wsgi(site(), store=store, rules=Rule("/*", "1/minute"))
    assert [client.get("/").status_code for _ in range(2)] == [200, 429]


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATE_LIMITS_TABLE", raising=False)
    client = runpy.run_path(str(EXAMPLE))["app"].test_client()
    assert [client.get("/report").status_code for _ in range(3)] == [200, 200, 429]
    assert [client.post("/login").status_code for _ in range(6)] == [200] * 5 + [429]
    assert limits_of(client.get("/items/7")) == '"/items/*";r=19;t=1'


@pytest.mark.parametrize("of_view", [False, True])
@pytest.mark.parametrize("of_what", [429, Exception])
def test_an_error_handler_that_answers_nothing_lets_nobody_pass(
    store: MemoryStore, of_what: Any, of_view: bool
) -> None:
    app = flask.Flask("site", root_path=".")
    called = []

    def view() -> str:
        called.append(flask.request.path)
        return "hello"

    if of_view:
        app.get("/")(limited("1/minute", store=store)(view))
    else:
        app.get("/")(view)
        limit_app(app, store, Rule("/*", "1/minute"))

    def nothing(error: Any) -> Any:
        """An error handler that forgot to return."""

    app.register_error_handler(of_what, nothing)
    app.testing = True
    client = app.test_client()
    assert client.get("/").status_code == 200
    says = "handler for 429 returned None" if of_what == 429 else "did not return a valid response"
    for _ in range(2):
        with pytest.raises(TypeError, match=says):
            client.get("/")
    assert len(called) == 1


def test_the_wsgi_app_is_no_app_to_limit() -> None:
    app = flask.Flask(__name__)
    with pytest.raises(TypeError, match="must be a Flask or a Blueprint, not its wsgi_app"):
        limit_app(app.wsgi_app, MemoryStore(), Rule("/*", "1/hour"))  # type: ignore[arg-type]
