"""Django, the blocking stack: what clients see of the middleware."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.django import limited
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.web import DenialResponse, Request, Rule, Verdict
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.frameworks.django_site.clients import (
    LIMITS,
    Behind,
    behind_in,
    statuses,
)


@pytest.fixture
def behind() -> Iterator[Behind]:
    with ExitStack() as stack:
        yield functools.partial(behind_in, stack)


class Urls:
    """A urlconf that tests write; Django needs no module."""

    urlpatterns: ClassVar[list[Any]] = []


def of_other_urls(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    def middleware(request: HttpRequest) -> Any:
        request.urlconf = Urls
        return get_response(request)

    return middleware


def hello(request: HttpRequest, **_captured: str) -> HttpResponse:
    return HttpResponse("hello")


def one_a_minute(name: str) -> Callable[..., HttpResponse]:
    store = MemoryStore(clock=FakeClock())
    return limited("1/minute", store=store, name=name, fields="both")(hello)


def test_a_request_over_the_limit_is_answered_in_the_apps_place(behind: Behind) -> None:
    client = behind(Rule("/*", "1/minute"))
    passed, denied = client.get("/"), client.get("/")
    assert (passed.status_code, passed.content) == (200, b"hello")
    assert passed.headers["RateLimit"] == '"/*";r=0;t=60'
    assert passed.headers["RateLimit-Policy"] == '"/*";q=1;w=60'
    assert denied.status_code == 429
    assert denied.headers["Retry-After"] == "60"
    assert denied.headers["RateLimit"] == '"/*";r=0;t=60'


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/problem+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
    ],
)
def test_a_denial_is_in_the_form_that_the_client_would_rather_have(
    behind: Behind, accept: str | None, content_type: str
) -> None:
    client = behind(Rule("/*", "1/minute"))
    client.get("/")
    denied = client.get("/", headers={"accept": accept} if accept else {})
    assert denied.headers["content-type"] == content_type
    assert b"Retry after 60 s." in denied.content
    if accept is None:
        assert json.loads(denied.content)["violated-policies"] == ["/*"]


def test_a_denied_head_has_the_headers_of_a_denied_get_and_no_body(behind: Behind) -> None:
    client = behind(Rule("/*", "1/minute"))
    client.get("/")
    got, head = client.get("/"), client.head("/")
    assert (head.status_code, head.content) == (429, b"")
    assert dict(head.headers) == dict(got.headers)
    assert int(head.headers["content-length"]) == len(got.content)


def test_login_is_limited_by_post_only(behind: Behind) -> None:
    client = behind(Rule("/login", "1/minute", methods="POST"))
    found = [client.generic(method, "/login").status_code for method in ("GET", "POST", "post")]
    assert found == [200, 200, 429]


def test_values_in_a_path_do_not_make_buckets_of_their_own(behind: Behind) -> None:
    assert statuses(behind(Rule("/users/{id}", "1/minute")), "/users/1", "/users/2") == [200, 429]


def test_scope_endpoint_has_a_bucket_for_each_route(behind: Behind) -> None:
    seen: list[str] = []
    client = behind(
        Rule("/*", "1/minute", scope="endpoint", by=lambda _request: "all", name="each"),
        ON_DECISION=lambda one: seen.append(one.key),
    )
    paths = ["/users/1", "/users/2", "/users/1/posts", "/shop/items/a", "/old/1999", "/", "/no/way"]
    assert statuses(client, *paths) == [200, 429, 200, 200, 200, 200, 404]
    assert [key.removeprefix("each:all:") for key in seen] == [
        "/users/<int%3Aid>",
        "/users/<int%3Aid>",
        "/users/<int%3Aid>/posts",
        "/shop/items/<slug%3Aitem>",
        "/^old/(?P<year>[0-9]{4})$",
        "/",
        "/*",
    ]


def test_a_route_is_looked_for_where_a_middleware_above_said(behind: Behind) -> None:
    chooses = f"{__name__}.of_other_urls"
    client = behind(Rule("/*", "1/minute", scope="endpoint"), middleware=(chooses, LIMITS))
    Urls.urlpatterns = [path("pages/<slug:page>", hello), path("about", hello)]
    paths = ["/pages/a", "/pages/b", "/about"]
    assert statuses(client, *paths) == [200, 429, 200]


def test_urls_are_resolved_for_rules_by_endpoint_alone(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_args: object) -> Any:
        raise AssertionError("resolved")

    monkeypatch.setattr("ratelimit_ddb.django.request.resolve", resolve)
    assert statuses(behind(Rule("/*", "1/minute")), "/users/1") == [200]
    with pytest.raises(AssertionError, match="resolved"):
        behind(Rule("/*", "1/minute", scope="endpoint")).get("/users/1")


def test_rules_see_djangos_request(behind: Behind) -> None:
    seen: list[Request] = []

    def by(request: Request) -> str:
        seen.append(request)
        assert request.native.GET["q"] == "1"
        assert request.header("User-Agent") == "tests"
        assert request.header("Content-Type") == "text/plain"
        return "everyone"

    client = behind(Rule("/*", "9/minute", by=by))
    sent = {"content_type": "text/plain", "headers": {"user-agent": "tests"}}
    client.generic("PATCH", "/caf%C3%A9?q=1", b"some", **sent)
    client.generic("PUT", "/login?q=1", b"some", REMOTE_ADDR="", SCRIPT_NAME="/shop", **sent)
    assert [(one.method, one.path, one.client) for one in seen] == [
        ("PATCH", "/café", "127.0.0.1"),
        ("PUT", "/login", None),
    ]


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/missing", 404), ("/forbidden", 403)]
)
def test_error_pages_have_the_fields(behind: Behind, path: str, status: int) -> None:
    response = behind(Rule("/*", "5/minute")).get(path)
    assert (response.status_code, response.headers["ratelimit"]) == (status, '"/*";r=4;t=12')


def test_a_view_that_raises_has_taken_its_token_and_its_500_tells_so(behind: Behind) -> None:
    response = behind(Rule("/*", "5/minute"), raises=False).get("/broken")
    assert (response.status_code, response.content) == (500, b"sorry")
    assert response.headers["ratelimit"] == '"/*";r=4;t=12'


def test_a_stream_stays_one(behind: Behind) -> None:
    response = behind(Rule("/*", "5/minute")).get("/stream")
    assert response.streaming
    assert response.headers["ratelimit"] == '"/*";r=4;t=12'
    assert list(response.streaming_content) == [b"one ", b"two"]


def test_a_file_stays_a_stream(behind: Behind) -> None:
    response = behind(Rule("/*", "5/minute")).get("/file")
    assert response.streaming
    assert response.headers["ratelimit"] == '"/*";r=4;t=12'
    assert b"".join(response.streaming_content).startswith(b'"""')


def test_lists_of_the_app_are_added_to_and_its_other_fields_stay(behind: Behind) -> None:
    response = behind(Rule("/*", "5/minute"), FIELDS="both").get("/announcing")
    assert response.headers["ratelimit"] == '"app";r=3;t=0, "/*";r=4;t=12'
    assert response.headers["ratelimit-policy"] == '"/*";q=5;w=60'
    assert response.headers["x-ratelimit-limit"] == "3"
    assert "x-ratelimit-remaining" not in response.headers
    assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize(("policy", "status"), [("allow", 200), ("deny", 503), ("raise", 500)])
def test_an_outage_follows_the_policy(behind: Behind, policy: str, status: int) -> None:
    down = FlakyStore()
    down.failure = StoreUnavailable("down")
    client = behind(Rule("/*", "1/minute"), STORE=down, ON_OUTAGE=policy, raises=False)
    assert statuses(client, "/", "/") == [status, status]


def calm_down(request: Request, verdict: Verdict, made: DenialResponse) -> DenialResponse:
    headers = (("set-cookie", "a=1"), ("set-cookie", "b=2; Path=/x"), ("x-calm", "yes"))
    return DenialResponse(420, headers, b"calm down")


def test_the_apps_own_answer_to_a_denied_request_is_sent_as_it_is(behind: Behind) -> None:
    client = behind(Rule("/*", "1/minute"), ON_DENIED=f"{__name__}.calm_down")
    client.get("/")
    denied = client.get("/")
    assert (denied.status_code, denied.content) == (420, b"calm down")
    assert (denied.headers["x-calm"], "content-type" in denied.headers) == ("yes", False)
    assert denied.cookies.output(header="").split("\r\n") == [" a=1", " b=2; Path=/x"]


COOKIES = (
    "a=1; Path=/; Secure; Partitioned",
    "b=2; Priority=High",
    'c={"x":1}; Path=/',
    "d=; Path=/; Max-Age=0",
    "d=; Path=/x; Max-Age=0",
)


def set_cookies(request: Request, verdict: Verdict, made: DenialResponse) -> DenialResponse:
    return made._replace(headers=tuple(("set-cookie", cookie) for cookie in COOKIES))


def test_cookies_of_a_denial_are_sent_as_they_were_written(behind: Behind) -> None:
    client = behind(Rule("/*", "1/minute"), ON_DENIED=f"{__name__}.set_cookies")
    client.get("/")
    denied = client.get("/")
    assert [cookie.OutputString() for cookie in denied.cookies.values()] == [*COOKIES]
    assert (denied.cookies["a"].value, client.cookies["b"].value) == ("1", "2")


def test_functions_that_must_be_awaited_are_refused_in_a_blocking_stack(behind: Behind) -> None:
    async def by(request: Request) -> str:
        return "x"

    with pytest.raises(ImproperlyConfigured, match="coroutine function"):
        behind(Rule("/*", "1/minute", by=by)).get("/")


def test_view_limits_are_added_to_those_of_the_middleware(behind: Behind) -> None:
    client = behind(Rule("/*", "9/minute", name="app"), FIELDS="both")
    Urls.urlpatterns = [path("scarce", one_a_minute("scarce"))]
    with override_settings(ROOT_URLCONF=Urls):
        passed, denied = client.get("/scarce"), client.get("/scarce")
    assert passed.headers["ratelimit"] == '"app";r=8;t=7, "scarce";r=0;t=60'
    assert passed.headers["x-ratelimit-limit"] == "1"
    assert denied.status_code == 429
    assert denied.headers["ratelimit"] == '"scarce";r=0;t=60', "of the one that denied"
    assert denied.headers["ratelimit-policy"] == '"app";q=9;w=60, "scarce";q=1;w=60'
    assert denied.headers["x-ratelimit-remaining"] == "0"


THE_EXAMPLE = """
from examples.django_app import app
from django.test import Client

client = Client(SERVER_NAME="localhost")
print([client.get("/report").status_code for _ in range(3)])
print([client.post("/login").status_code for _ in range(6)])
print(client.get("/items/7").headers["ratelimit"])
"""


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    # It configures Django, which can be done but once in a process.
    monkeypatch.delenv("RATE_LIMITS_TABLE", raising=False)
    command = [sys.executable, "-W", "error", "-c", THE_EXAMPLE]
    root = Path(__file__).parents[2]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert run.stdout.splitlines() == [
        "[200, 200, 429]",
        "[200, 200, 200, 200, 200, 429]",
        '"/items/*";r=19;t=1',
    ], run.stderr
