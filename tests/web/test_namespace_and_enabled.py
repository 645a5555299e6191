"""``namespace=`` and ``enabled=`` of middlewares, and the environment's switch."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fastapi import Depends, FastAPI

from ratelimit_ddb import RateLimiter
from ratelimit_ddb.enabled import VARIABLE
from ratelimit_ddb.fastapi import RateLimit
from ratelimit_ddb.flask import limited as limited_in_flask
from ratelimit_ddb.web import Request, Rule, everyone
from tests.flaky_store import FlakyStore
from tests.frameworks.asgi_client import ask as ask_fastapi
from tests.web.exchange import Get, Limited

CLIENT = "192.0.2.7"


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


def route(_request: Request) -> str:
    return "route"


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        (Rule("/*", "1/hour", name="api"), "shop:api:192.0.2.7"),
        (Rule("/*", "1/hour", name="a:b", by=everyone()), "shop:a%3Ab:everyone"),
        (Rule("/*", "1/hour", name="api", scope="endpoint"), "shop:api:192.0.2.7:route"),
        (Rule("/*", lambda _request: "1/hour", name="api", by=lambda _request: 17), "shop:api:17"),
    ],
)
def test_a_namespace_is_the_beginning_of_every_key(
    limited: Limited, store: FlakyStore, rule: Rule, key: str
) -> None:
    ask = limited(store=store, rules=rule, namespace="shop", endpoint_of=route)
    assert [ask(Get()).status for _ in range(2)] == [200, 429]
    assert {getattr(one, "key", key) for one in store.operations} == {key}


def test_middlewares_of_two_namespaces_on_one_store_share_nothing(
    limited: Limited, store: FlakyStore
) -> None:
    rule = Rule("/*", "1/hour", name="api")
    asks = [
        limited(store=store, rules=rule, namespace=namespace) for namespace in ("", "shop", "blog")
    ]
    assert [[ask(Get()).status for _ in range(2)] for ask in asks] == [[200, 429]] * 3


def test_a_limiter_of_the_namespace_finds_the_middlewares_bucket(
    limited: Limited, store: FlakyStore
) -> None:
    long = "x" * 3_000
    rule = Rule("/*", "9/hour", name="api", by=lambda request: request.header("x-key"))
    ask = limited(store=store, rules=rule, namespace="shop")
    limiter = RateLimiter(store, "9/hour", namespace="shop")
    for key in ("k", long):
        ask(Get(headers={"x-key": key}))
        assert limiter.peek(("api", key)).remaining == 8


def test_views_of_one_name_do_not_clash_in_two_namespaces(store: FlakyStore) -> None:
    views = [limited_in_flask("1/hour", store=store, namespace="shop")(lambda: "shop")]
    views.append(limited_in_flask("1/hour", store=store, namespace="blog")(lambda: "blog"))
    with pytest.raises(ValueError, match="a second function named"):
        limited_in_flask("1/hour", store=store, namespace="blog")(lambda: "another")


def test_a_namespace_must_be_a_text(limited: Limited, store: FlakyStore) -> None:
    with pytest.raises(TypeError, match="namespace 5: must be a str"):
        limited(store=store, rules=[], namespace=5)


def test_switched_off_every_request_passes_untouched_and_it_is_told(
    limited: Limited, store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []

    def by(request: Any) -> str:
        heard.append(request)
        return "all"

    rules = [
        Rule("/*", "1/hour", name="first", by=by),
        Rule("/*", "1/hour", name="second"),
    ]
    with caplog.at_level(logging.WARNING, "ratelimit_ddb"):
        ask = limited(store=store, rules=rules, enabled=False, on_decision=heard.append)
    (record,) = caplog.records
    assert "'first', 'second'" in record.getMessage()
    assert "switched off by enabled=False" in record.getMessage()
    responses = [ask(Get()) for _ in range(3)]
    assert [one.status for one in responses] == [200] * 3
    assert not any("ratelimit" in name for one in responses for name in one.headers)
    assert (heard, store.operations, len(caplog.records)) == ([], [], 1)


def test_the_environment_switches_off_what_is_not_told_otherwise(
    limited: Limited, store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    rule = Rule("/*", "1/hour")
    told = limited(store=store, rules=rule, enabled=True)
    untold = limited(store=store, rules=rule)
    assert [untold(Get()).status for _ in range(3)] == [200] * 3
    assert [told(Get()).status for _ in range(2)] == [200, 429]
    monkeypatch.setenv(VARIABLE, "perhaps")
    with pytest.raises(ValueError, match="perhaps"):
        limited(store=store, rules=rule)


def test_a_dependency_that_is_switched_off_gives_a_verdict_that_allows(
    store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    limit = RateLimit("1/hour", store=store, enabled=False)
    app.get("/", dependencies=[Depends(limit)])(lambda: None)
    assert [ask_fastapi(app, "/").status_code for _ in range(3)] == [200] * 3
    assert store.operations == []
    told = [record.message for record in caplog.records if record.name == "ratelimit_ddb"]
    assert len(told) == 1  # a framework in the same process may have httpx tell its requests


@pytest.mark.parametrize("enabled", [0, "no"])
def test_enabled_is_true_false_or_none(limited: Limited, store: FlakyStore, enabled: Any) -> None:
    with pytest.raises(TypeError, match="enabled"):
        limited(store=store, rules=[], enabled=enabled)
