"""The middleware, over ASGI and WSGI: the same requests, the same answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, StoreUnavailable
from ratelimit_ddb.operation import Operation
from ratelimit_ddb.store.local_clock import LocalClock
from tests.fake_clock import FakeClock
from tests.web.exchange import Ask, Get, limited_asgi, limited_wsgi

Limited = Callable[..., Ask]


@pytest.fixture(params=[limited_asgi, limited_wsgi], ids=["asgi", "wsgi"])
def limited(request: pytest.FixtureRequest) -> Limited:
    made: Limited = request.param
    return made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_requests_over_the_limit_are_answered_429(limited: Limited, clock: FakeClock) -> None:
    ask = limited(store=MemoryStore(clock=clock), limits="2/minute", key=lambda r: r.client)
    assert [ask(Get()).status for _ in range(2)] == [200, 200]
    denied = ask(Get())
    assert denied.status == 429
    assert denied.body == b"Over the limit of 2 per minute. Retry after 30 s.\n"
    assert denied.headers == {
        "retry-after": "30",
        "cache-control": "no-store",
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(denied.body)),
    }
    clock.advance(30)
    assert ask(Get()).body == b"abc"


def test_retry_after_is_never_earlier_than_the_fact(limited: Limited, clock: FakeClock) -> None:
    ask = limited(store=MemoryStore(clock=clock), limits="1/7 seconds", key=lambda r: "all")
    ask(Get())
    clock.advance(0.4)
    assert ask(Get()).headers["retry-after"] == "7"
    clock.advance(6.5)
    assert ask(Get()).headers["retry-after"] == "1"
    clock.advance(1)
    assert ask(Get()).status == 200


def test_head_is_denied_without_a_body(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), limits="1/minute", key=lambda r: "all")
    ask(Get())
    denied = ask(Get(method="HEAD"))
    assert (denied.status, denied.body) == (429, b"")
    assert int(denied.headers["content-length"]) > 0


def test_the_key_sees_method_path_client_and_headers(limited: Limited) -> None:
    seen: list[tuple[Any, ...]] = []

    def key(request: Any) -> tuple[str, ...]:
        seen.append(
            (
                request.method,
                request.path,
                request.client,
                request.header("X-Api-Key"),
                request.header("x-absent"),
                request.header("content-length"),
            )
        )
        return ("api", request.header("x-api-key") or "nobody")

    ask = limited(store=MemoryStore(), limits="1/minute", key=key)
    get = Get("/käse", "POST", {"X-API-Key": "k1"})
    assert ask(get).status == 200
    assert ask(get).status == 429
    assert ask(Get(headers={"x-api-key": "k2"})).status == 200
    assert seen[0] == ("POST", "/käse", "192.0.2.7", "k1", None, None)


def test_a_request_with_no_key_is_not_limited(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), limits="1/minute", key=lambda r: r.client)
    assert [ask(Get(client=None)).status for _ in range(3)] == [200, 200, 200]


class UnreachableStore:
    """A store in an outage."""

    clock = LocalClock()

    def prepare(self) -> None: ...

    async def prepare_async(self) -> None: ...

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        raise StoreUnavailable("no answer")

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        raise StoreUnavailable("no answer")


@pytest.mark.parametrize(("on_outage", "status"), [("allow", 200), ("deny", 503)])
def test_an_outage_follows_the_policy(limited: Limited, on_outage: str, status: int) -> None:
    ask = limited(
        store=UnreachableStore(), limits="1/minute", key=lambda r: "all", on_outage=on_outage
    )
    response = ask(Get())
    assert response.status == status
    assert response.headers.get("retry-after") == (None if status == 200 else "1")


def test_an_outage_can_be_raised_to_the_server(limited: Limited) -> None:
    ask = limited(
        store=UnreachableStore(), limits="1/minute", key=lambda r: "all", on_outage="raise"
    )
    with pytest.raises(StoreUnavailable):
        ask(Get())


@pytest.mark.parametrize(
    "wrong", [{"key": "k"}, {"limits": "often"}, {"on_outage": "panic"}, {"deadline": 0}]
)
def test_wrong_use_is_told_at_construction(limited: Limited, wrong: dict[str, Any]) -> None:
    options = {"store": MemoryStore(), "limits": "1/minute", "key": lambda r: "all"}
    with pytest.raises((TypeError, ValueError), match=next(iter(wrong)).rstrip("s")):
        limited(**(options | wrong))
