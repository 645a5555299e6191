"""The options of middlewares, decorators and dependencies: shown with defaults, and checked."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, RateLimiter, asgi, django, fastapi, flask, starlette, wsgi
from ratelimit_ddb.web import DEFAULTS, GateOptions, Rule, ViewOptions
from tests.web.exchange import Get, Page, over_asgi, over_wsgi

MIDDLEWARES: list[Callable[..., Any]] = [
    asgi.RateLimitMiddleware,
    wsgi.RateLimitMiddleware,
    starlette.RateLimitMiddleware,
    flask.RateLimitMiddleware,
    flask.limit_app,
]
VIEWS: list[Callable[..., Any]] = [
    starlette.limited,
    flask.limited,
    django.limited,
    fastapi.RateLimit,
]


@pytest.mark.parametrize(
    ("takes", "options"),
    [*((one, GateOptions) for one in MIDDLEWARES), *((one, ViewOptions) for one in VIEWS)],
)
def test_the_signature_shows_each_option_and_its_default(
    takes: Callable[..., Any], options: Any
) -> None:
    shown = inspect.signature(takes).parameters
    for name in options.__annotations__:
        assert shown[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert shown[name].default == DEFAULTS[name]
    assert "options" not in shown


def test_help_shows_them() -> None:
    # Python 3.14 shows annotations without quotes.
    text = pydoc.plain(pydoc.render_doc(asgi.RateLimitMiddleware)).replace("'", "")
    assert "deadline: float = 0.25" in text
    assert "fields: FieldStyle = standard" in text


def test_each_option_is_documented_where_it_is_stated() -> None:
    for options in (GateOptions, ViewOptions):
        documented = inspect.getdoc(options) or ""
        of_both = set(GateOptions.__annotations__) & set(ViewOptions.__annotations__)
        for name in set(options.__annotations__) - (of_both if options is ViewOptions else set()):
            assert f"{name}: " in documented


def test_the_defaults_are_those_of_a_limiter_and_of_a_rule() -> None:
    limiter = inspect.signature(RateLimiter).parameters
    for name in ("on_outage", "deadline", "deny_cache", "seen_keys"):
        assert DEFAULTS[name] == limiter[name].default
    rule = inspect.signature(Rule).parameters
    for name in ("by", "methods", "cost", "name", "exempt", "enforce"):
        assert DEFAULTS[name] == rule[name].default


def test_a_middleware_takes_store_and_rules_in_their_order_as_sessions_do() -> None:
    store, rules = MemoryStore(), Rule("/*", "1/minute")
    for ask in (
        over_asgi(asgi.RateLimitMiddleware(Page().asgi, store, rules)),
        over_wsgi(wsgi.RateLimitMiddleware(Page().wsgi, MemoryStore(), rules)),
    ):
        assert [ask(Get()).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("takes", VIEWS)
def test_an_option_that_a_view_limit_does_not_have_is_told_with_those_it_has(
    takes: Callable[..., Any],
) -> None:
    with pytest.raises(TypeError) as refused:
        takes("5/minute", store=MemoryStore(), key=lambda request: "all")
    told = str(refused.value)
    assert told.startswith(
        "unknown option 'key'; expected one of allow, block_after, block_for, by, "
    )
    assert told.endswith("by= selects the bucket")
    for name in ViewOptions.__annotations__:
        assert name in told
    for of_middlewares in ("rules", "endpoint_of"):
        assert of_middlewares not in told


@pytest.mark.parametrize("takes", VIEWS)
def test_a_view_limit_needs_a_store(takes: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="'store'"):
        takes("5/minute")
