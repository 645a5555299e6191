"""What only ASGI has: awaited functions, other scopes, and the server's own callables."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.web import DenialResponse, Rule, bearer_claim, header
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, limited_asgi, nothing_more, scope_of

LIMITS = "1/minute"


def awaited(value: Any) -> Callable[..., Any]:
    """A coroutine function that gives ``value`` after its turn in the loop."""

    async def give(*_arguments: Any) -> Any:
        await asyncio.sleep(0)
        return value

    return give


class Awaitable:
    """A callable whose call gives something to await that is no coroutine."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, request: Any) -> Any:
        return asyncio.get_running_loop().run_in_executor(None, lambda: self.value)


@pytest.mark.parametrize("made", [awaited, Awaitable, lambda v: functools.partial(awaited(v), 0)])
def test_an_identity_may_be_awaited(made: Callable[[Any], Any]) -> None:
    rule = Rule("/*", LIMITS, by=made("u1"), name="all")
    ask = limited_asgi(store=MemoryStore(), rules=[rule])
    assert [ask(Get(client=client)).status for client in ("192.0.2.1", "192.0.2.2")] == [200, 429]


def test_a_key_may_be_a_coroutine_function() -> None:
    async def by(request: Any) -> str:
        await asyncio.sleep(0)
        return str(request.client)

    ask = limited_asgi(store=MemoryStore(), rules=[Rule("/*", LIMITS, by=by)])
    assert [ask(Get()).status for _ in range(2)] == [200, 429]
    assert ask(Get(client="192.0.2.8")).status == 200


def test_an_awaited_identity_may_be_none() -> None:
    ask = limited_asgi(store=MemoryStore(), rules=[Rule("/*", LIMITS, by=awaited(None))])
    assert [ask(Get()).status for _ in range(2)] == [200, 200]


def test_limits_may_be_awaited() -> None:
    for limits, statuses in (("1/minute", [200, 429]), (None, [200, 200])):
        ask = limited_asgi(store=MemoryStore(), rules=[Rule("/*", awaited(limits))])
        assert [ask(Get()).status for _ in range(2)] == statuses


def test_a_cost_may_be_awaited() -> None:
    for cost, status in ((0, 200), (2, 200), (3, 429)):
        ask = limited_asgi(store=MemoryStore(), rules=[Rule("/*", "2/hour", cost=awaited(cost))])
        assert ask(Get()).status == status


def test_an_exemption_may_be_awaited() -> None:
    for exempt, statuses in ((True, [200, 200]), (False, [200, 429])):
        rule = Rule("/*", LIMITS, exempt=awaited(exempt))
        ask = limited_asgi(store=MemoryStore(), rules=[rule])
        assert [ask(Get()).status for _ in range(2)] == statuses


def test_the_answer_of_on_denied_may_be_awaited() -> None:
    on_denied = awaited(DenialResponse(420, (), b"calm"))
    rules = [Rule("/*", LIMITS)]
    ask = limited_asgi(store=MemoryStore(), rules=rules, on_denied=on_denied)
    assert [ask(Get()).status for _ in range(2)] == [200, 420]


def test_claims_and_the_other_identity_may_be_awaited() -> None:
    told: list[str] = []
    rules = [
        Rule("/*", "9/hour", by=bearer_claim("sub", claims=awaited({"sub": "u1"})), name="claim"),
        Rule("/*", "9/hour", by=header("x-key", otherwise=awaited("nobody")), name="header"),
        Rule(
            "/*",
            "9/hour",
            by=bearer_claim("sub", claims=awaited(None), otherwise=awaited("stranger")),
            name="both",
        ),
    ]
    ask = limited_asgi(store=MemoryStore(), rules=rules, on_decision=lambda d: told.append(d.key))
    ask(Get(headers={"authorization": "Bearer token"}))
    assert told == ["claim:u1", "header:otherwise:nobody", "both:otherwise:stranger"]


def test_what_an_awaited_function_raises_is_not_touched() -> None:
    async def by(request: Any) -> str:
        raise LookupError("the user's own")

    ask = limited_asgi(store=MemoryStore(), rules=[Rule("/*", LIMITS, by=by)])
    with pytest.raises(LookupError, match="the user's own"):
        ask(Get())


def test_requests_at_the_same_time_share_what_there_is() -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [Rule("/*", "9/hour", by=awaited("all"), name="a"), Rule("/*", "3/hour", name="b")]
    statuses: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def all_at_once() -> None:
        limited = RateLimitMiddleware(app, store=store, rules=rules)
        await asyncio.gather(*(limited(scope_of(Get()), nothing_more, send) for _ in range(8)))

    asyncio.run(all_at_once())
    assert sorted(statuses) == [200] * 3 + [429] * 5


def no_request(request: Any) -> Any:
    raise AssertionError("asked about what is no request")


@pytest.mark.parametrize("kind", ["lifespan", "webtransport"])
def test_other_scopes_pass_untouched(kind: str) -> None:
    called_with: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called_with.extend((scope, receive, send))

    async def receive() -> Any: ...

    async def send(message: Any) -> None: ...

    store = FlakyStore()
    rules = [Rule("/*", LIMITS, by=no_request, exempt=no_request)]
    middleware = RateLimitMiddleware(app, store=store, rules=rules, endpoint_of=no_request)
    scope = {"type": kind}
    for _ in range(3):
        called_with.clear()
        asyncio.run(middleware(scope, receive, send))
        assert called_with[0] is scope
        assert called_with[1:] == [receive, send]
    assert (store.operations, store.prepared) == ([], 0)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "options",
    [
        {"rules": [Rule("/*", LIMITS)], "fields": "none"},
        {"rules": [Rule("/elsewhere", LIMITS)]},
        {"rules": [Rule("/*", LIMITS, exempt=lambda request: True)]},
        {"rules": []},
    ],
    ids=["no fields", "another path", "exempt", "no rules"],
)
def test_with_nothing_to_add_the_application_gets_the_servers_own(
    kind: str, options: dict[str, Any]
) -> None:
    called_with: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called_with.extend((scope, receive, send))

    async def receive() -> Any: ...

    async def send(message: Any) -> None: ...

    scope = {**scope_of(Get()), "type": kind}
    middleware = RateLimitMiddleware(app, store=MemoryStore(), **options)
    asyncio.run(middleware(scope, receive, send))
    assert called_with == [scope, receive, send]
    assert called_with[0] is scope


def test_an_admitted_request_gets_the_servers_own_scope_and_receive() -> None:
    called_with: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called_with.extend((scope, receive))

    async def receive() -> Any: ...

    async def send(message: Any) -> None: ...

    scope = scope_of(Get())
    before = dict(scope)
    middleware = RateLimitMiddleware(app, store=MemoryStore(), rules=[Rule("/*", LIMITS)])
    asyncio.run(middleware(scope, receive, send))
    assert called_with[0] is scope
    assert called_with[1] is receive
    assert scope == before


def test_repeated_headers_are_joined_by_commas() -> None:
    seen: list[str | None] = []

    def by(request: Any) -> str:
        seen.append(request.header("X-Hop"))
        return "all"

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    async def send(message: Any) -> None: ...

    rules = [Rule("/*", LIMITS, by=by)]
    scope = scope_of(Get())
    scope["headers"] = [(b"x-hop", b"a"), (b"x-other", b"b"), (b"X-Hop", b"c")]
    middleware = RateLimitMiddleware(app, store=MemoryStore(), rules=rules)
    asyncio.run(middleware(scope, nothing_more, send))
    assert seen == ["a, c"]


def test_p15_headers_that_can_be_read_once_are_left_for_the_application() -> None:
    # The specification says no more of them than that they can be iterated over.
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(list(scope["headers"]))

    async def send(message: Any) -> None: ...

    rules = [Rule("/*", LIMITS, by=header("x-api-key"), name=name) for name in ("a", "b")]
    middleware = RateLimitMiddleware(app, store=MemoryStore(), rules=rules)
    for client in ("192.0.2.7", "192.0.2.8"):
        scope = scope_of(Get(client=client))
        scope["headers"] = iter([iter([b"x-api-key", b"key"])])
        asyncio.run(middleware(scope, nothing_more, send))
    assert seen == [[(b"x-api-key", b"key")]]
