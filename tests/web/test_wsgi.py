"""What only WSGI has: nobody awaits there, and says so; and the server's own start_response."""

from __future__ import annotations

import functools
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, RateLimiter
from ratelimit_ddb.web import DenialResponse, Rule, bearer_claim, header
from ratelimit_ddb.wsgi import RateLimitMiddleware
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, environ_of, limited_wsgi


async def coroutine_function(*_arguments: Any) -> Any:
    raise AssertionError("awaited, where nothing awaits")


def gives_a_coroutine(*arguments: Any) -> Any:
    return coroutine_function(*arguments)


@pytest.mark.parametrize("role", ["limits", "by", "cost", "exempt"])
@pytest.mark.parametrize("function", [coroutine_function, functools.partial(coroutine_function, 1)])
def test_a_rules_coroutine_function_is_refused_at_construction(role: str, function: Any) -> None:
    options: dict[str, Any] = {"limits": "1/hour", role: function}
    rules = [Rule("/ok", "1/hour"), Rule("/*", name="awaited", **options)]
    told = "rule 'awaited': .*coroutine_function.* is a coroutine function"
    with pytest.raises(TypeError, match=told):
        limited_wsgi(store=MemoryStore(), rules=rules)


def test_an_on_denied_that_is_a_coroutine_function_is_refused_at_construction() -> None:
    rules = [Rule("/*", "1/hour")]
    with pytest.raises(TypeError, match=r"on_denied.*coroutine function"):
        limited_wsgi(store=MemoryStore(), rules=rules, on_denied=coroutine_function)


@pytest.mark.parametrize("role", ["limits", "by", "cost", "exempt"])
def test_what_nobody_awaits_is_told_at_the_call(role: str) -> None:
    options: dict[str, Any] = {"limits": "1/hour", role: gives_a_coroutine}
    store = FlakyStore()
    ask = limited_wsgi(store=store, rules=[Rule("/*", **options)])
    with pytest.raises(TypeError, match=r"coroutine_function.*nothing awaits it here"):
        ask(Get())
    gc.collect()  # a coroutine that was never awaited would warn now
    assert store.operations == []


@pytest.mark.parametrize(
    "identity",
    [
        header("x-key", otherwise=coroutine_function),
        bearer_claim("sub", claims=coroutine_function),
        bearer_claim("sub", claims=lambda _: None, otherwise=coroutine_function),
    ],
    ids=["otherwise", "claims", "otherwise of claims"],
)
def test_what_nobody_awaits_inside_an_identity_is_told_at_the_call(identity: Any) -> None:
    ask = limited_wsgi(store=MemoryStore(), rules=[Rule("/*", "1/hour", by=identity)])
    with pytest.raises(TypeError, match="nothing awaits it here"):
        ask(Get(headers={"authorization": "Bearer token"}))
    gc.collect()


def test_what_nobody_awaits_of_on_denied_is_told_at_the_call() -> None:
    rules = [Rule("/*", "1/hour")]
    ask = limited_wsgi(store=MemoryStore(), rules=rules, on_denied=gives_a_coroutine)
    ask(Get())
    with pytest.raises(TypeError, match="nothing awaits it here"):
        ask(Get())
    gc.collect()


@pytest.mark.parametrize(
    "options",
    [
        {"rules": [Rule("/*", "1/hour")], "fields": "none"},
        {"rules": [Rule("/elsewhere", "1/hour")]},
        {"rules": []},
    ],
    ids=["no fields", "another path", "no rules"],
)
def test_with_nothing_to_add_the_application_gets_the_servers_own(options: dict[str, Any]) -> None:
    called_with: list[Any] = []
    content = [b"its own"]

    def app(environ: Any, start_response: Any) -> Any:
        called_with.extend((environ, start_response))
        return content

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any: ...

    environ = environ_of(Get())
    middleware = RateLimitMiddleware(app, store=MemoryStore(), **options)
    assert middleware(environ, start_response) is content
    assert called_with[0] is environ
    assert called_with[1] is start_response


def test_requests_of_several_threads_share_what_there_is() -> None:
    rules = [Rule("/*", "50/hour", name="wide"), Rule("/*", "3/hour", name="narrow")]
    store = MemoryStore(clock=FakeClock())
    ask = limited_wsgi(store=store, rules=rules, deny_cache=0)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: ask(Get()).status, range(40)))
    assert sorted(statuses) == [200] * 3 + [429] * 37
    assert RateLimiter(store, "50/hour").peek(("wide", "192.0.2.7")).remaining == 47


@pytest.mark.parametrize(
    ("status", "line"), [(429, "429 Too Many Requests"), (418, None), (499, "499 Unknown")]
)
def test_the_status_line_has_a_phrase(status: int, line: str | None) -> None:
    lines: list[str] = []

    def on_denied(request: Any, verdict: Any, answer: DenialResponse) -> DenialResponse:
        return answer._replace(status=status)

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        lines.append(status)

    middleware = RateLimitMiddleware(
        lambda environ, start: [],
        store=MemoryStore(),
        rules=[Rule("/*", "1/hour")],
        on_denied=on_denied,
    )
    for _ in range(2):
        middleware(environ_of(Get()), start_response)
    assert lines == [line or "418 I'm a Teapot"]
