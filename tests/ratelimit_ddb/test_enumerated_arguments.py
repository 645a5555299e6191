"""A member of an enumeration of texts or numbers means its value, and formats as it, too."""

from __future__ import annotations

import enum
from collections.abc import Callable

import pytest

from ratelimit_ddb import (
    ConcurrencyLimiter,
    DynamoDBStore,
    Limit,
    MemoryStore,
    Quota,
    RateLimiter,
    StoredLimits,
    rate_limited,
    stored,
)
from ratelimit_ddb.web import Rule
from sessions import Cookie


class Text(str, enum.Enum):  # noqa: UP042 - the older kind, which formats as its name
    API = "api"
    BERLIN = "Europe/Berlin"
    MONTH = "month"
    POST = "POST"
    LOGIN = "/login"
    REGION = "eu-west-1"
    ENDPOINT = "http://127.0.0.1:8000"


class Number(int, enum.Enum):
    THREE = 3


@pytest.mark.parametrize(
    ("made", "plain"),
    [
        (
            lambda: Quota(Number.THREE, Text.MONTH, zone=Text.BERLIN, anchor=Number.THREE),
            lambda: Quota(3, "month", zone="Europe/Berlin", anchor=3),
        ),
        (
            lambda: Quota(3, "year", anchor=(Number.THREE, Number.THREE), name=Text.API),
            lambda: Quota(3, "year", anchor=(3, 3), name="api"),
        ),
        (lambda: Limit(3, 60, name=Text.API), lambda: Limit(3, 60, name="api")),
        (lambda: Limit(Number.THREE, Number.THREE, Number.THREE), lambda: Limit(3, 3, 3)),
        (
            lambda: ConcurrencyLimiter(MemoryStore(), 3, lifetime=Number.THREE).limit,
            lambda: ConcurrencyLimiter(MemoryStore(), 3, lifetime=3).limit,
        ),
        (
            lambda: repr(RateLimiter(MemoryStore(), "3/minute").reserve("k", Number.THREE)),
            lambda: repr(RateLimiter(MemoryStore(), "3/minute").reserve("k", 3)),
        ),
        (lambda: stored(Text.API, default="3/minute"), lambda: stored("api", default="3/minute")),
        (
            lambda: (
                DynamoDBStore(
                    Text.API, region_name=Text.REGION, endpoint_url=Text.ENDPOINT
                )._wire._options
            ),
            lambda: (
                DynamoDBStore(
                    "api", region_name="eu-west-1", endpoint_url="http://127.0.0.1:8000"
                )._wire._options
            ),
        ),
        (lambda: Cookie(name=Text.API), lambda: Cookie(name="api")),
        (
            lambda: repr(RateLimiter(MemoryStore(), "3/minute", namespace=Text.API)),
            lambda: repr(RateLimiter(MemoryStore(), "3/minute", namespace="api")),
        ),
        (
            lambda: repr(ConcurrencyLimiter(MemoryStore(), Number.THREE, namespace=Text.API)),
            lambda: repr(ConcurrencyLimiter(MemoryStore(), 3, namespace="api")),
        ),
        (
            lambda: _texts(Rule(Text.LOGIN, "3/minute", methods=Text.POST, name=Text.API)),
            lambda: _texts(Rule("/login", "3/minute", methods="POST", name="api")),
        ),
        (
            lambda: _texts(Rule(Text.LOGIN, "3/minute", methods=[Text.POST])),
            lambda: _texts(Rule("/login", "3/minute", methods=["POST"])),
        ),
    ],
    ids=[
        "quota",
        "anchor",
        "limit",
        "period",
        "lifetime",
        "reservation",
        "stored",
        "table",
        "cookie",
        "namespace",
        "slots",
        "rule",
        "methods",
    ],
)
def test_a_member_is_the_value_that_it_equals(
    made: Callable[[], object], plain: Callable[[], object]
) -> None:
    assert made() == plain()
    assert repr(made()) == repr(plain())


def _texts(rule: Rule) -> object:
    return f"{rule.path} {rule.name}", rule.methods


def test_limits_that_were_stored_under_a_member_are_found_by_its_text() -> None:
    store = MemoryStore()
    StoredLimits(store).set(Text.API, "7/minute")
    assert StoredLimits(store).get("api") == (Limit(7, 60),)


def test_a_scope_is_told_by_its_text() -> None:
    told: list[str] = []

    @rate_limited(
        "3/minute",
        store=MemoryStore(),
        scope=Text.API,
        on_decision=lambda decided: told.append(f"{decided.rule} {decided.key}"),
    )
    def call() -> None: ...

    call()
    assert told == ["api api"]
