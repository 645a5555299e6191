"""The answer to a denied request, made by the application."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, StoreUnavailable
from ratelimit_ddb.web import DenialResponse, Request, Rule, Verdict
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited, Response

FIELDS = {"ratelimit-policy": '"api";q=1;w=60', "ratelimit": '"api";r=0;t=60'}


def denied_by(limited: Limited, on_denied: Any, get: Get | None = None) -> Response:
    rules = [Rule("/*", "1/minute", name="api")]
    store = MemoryStore(clock=FakeClock())
    ask = limited(store=store, rules=rules, on_denied=on_denied)
    assert ask(Get()).status == 200
    return ask(get or Get())


def test_it_is_given_the_request_the_verdict_and_the_answer(limited: Limited) -> None:
    given: list[tuple[Request, Verdict, DenialResponse]] = []

    def on_denied(request: Request, verdict: Verdict, answer: DenialResponse) -> DenialResponse:
        given.append((request, verdict, answer))
        return answer

    response = denied_by(limited, on_denied, Get("/a", "POST"))
    ((request, verdict, answer),) = given
    assert (request.path, request.method, request.client) == ("/a", "POST", "192.0.2.7")
    assert not verdict.allowed
    assert not verdict, "its truth is ``allowed``"
    assert verdict.limited
    assert [(one.rule, one.key) for one in verdict.denials] == [("api", "api:192.0.2.7")]
    assert verdict.longest.decision.retry_after == 60
    assert (answer.status, answer.body) == (429, response.body)
    assert response.headers == dict(answer.headers) | FIELDS


def test_it_may_answer_with_anything_and_the_fields_are_added(limited: Limited) -> None:
    def on_denied(request: Request, verdict: Verdict, answer: DenialResponse) -> DenialResponse:
        body = json.dumps({"wait": verdict.longest.decision.retry_after}).encode()
        headers = (("content-type", "application/json"), ("content-length", str(len(body))))
        return DenialResponse(503, headers, body)

    response = denied_by(limited, on_denied)
    assert (response.status, response.body) == (503, b'{"wait": 60.0}')
    expected = {"content-type": "application/json", "content-length": "14"}
    assert response.headers == expected | FIELDS


def test_it_may_redirect_without_content(limited: Limited) -> None:
    answer = DenialResponse(303, (("location", "/slow-down"),), b"")
    response = denied_by(limited, lambda request, verdict, _: answer)
    assert response.headers == {"location": "/slow-down"} | FIELDS
    assert response.status == 303


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_where_only_the_content_is_changed_its_length_is_told(
    limited: Limited, method: str
) -> None:
    def on_denied(request: Request, verdict: Verdict, answer: DenialResponse) -> DenialResponse:
        return answer._replace(body=b"slow down")

    response = denied_by(limited, on_denied, Get(method=method))
    assert response.headers["content-length"] == "9"
    assert response.body == (b"slow down" if method == "GET" else b"")


def test_it_is_asked_in_an_outage_that_denies(limited: Limited) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    sources: list[str] = []

    def on_denied(request: Request, verdict: Verdict, answer: DenialResponse) -> DenialResponse:
        sources.extend(one.decision.source for one in verdict.denials)
        return answer

    rules = [Rule("/*", "1/minute", name="api")]
    ask = limited(store=store, rules=rules, on_outage="deny", on_denied=on_denied)
    assert ask(Get()).status == 503
    assert sources == ["outage"]


def test_it_is_not_asked_about_what_passes(limited: Limited) -> None:
    def on_denied(*_: Any) -> DenialResponse:
        raise AssertionError("asked about a request that passes")

    rules = [Rule("/*", "1/minute", enforce=False), Rule("/*", "9/minute", name="real")]
    ask = limited(store=MemoryStore(), rules=rules, on_denied=on_denied)
    assert [ask(Get()).status for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize("given", [None, "slow down", 429, (429, (), b"slow down")])
def test_what_is_no_answer_is_told(limited: Limited, given: Any) -> None:
    with pytest.raises(TypeError, match=r"on_denied returned .*: must be a DenialResponse"):
        denied_by(limited, lambda request, verdict, answer: given)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"status": "429"}, "the status '429': must be an int"),
        ({"body": "slow down"}, "a body that is a str: must be bytes"),
        ({"body": None}, "a body that is a NoneType: must be bytes"),
        ({"headers": {"x-a": "b"}}, "the headers .*: must be pairs of str"),
        ({"headers": (("x-a", 5),)}, "the headers .*: must be pairs of str"),
        ({"headers": ((b"x-a", b"b"),)}, "the headers .*: must be pairs of str"),
        ({"headers": iter([("x-a", "b")])}, "the headers .*: must be pairs of str"),
        ({"headers": ("ab",)}, "the headers .*: must be pairs of str"),
    ],
)
def test_an_answer_that_no_server_can_send_is_told(
    limited: Limited, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=f"on_denied returned {message}"):
        denied_by(limited, lambda _request, _verdict, answer: answer._replace(**changed))


def test_what_it_raises_is_not_touched(limited: Limited) -> None:
    def on_denied(*_: Any) -> DenialResponse:
        raise LookupError("the user's own")

    with pytest.raises(LookupError, match="the user's own"):
        denied_by(limited, on_denied)
