"""Websockets: handshakes and messages over a limit, by the words of the ASGI specification."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from ratelimit_ddb import Limit, MemoryStore, RateLimiter, StoreUnavailable
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.web import DenialResponse, Rule, RuleDecision, everyone, header
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, limited_asgi, scope_of

CHAT = Get("/chat")
DENIAL: dict[str, Any] = {"websocket.http.response": {}}
WENT = {"type": "websocket.disconnect", "code": 1001}


@dataclass(slots=True)
class Echo:
    """An application that sends back what it gets, and keeps what it saw."""

    seen: list[Any] = field(default_factory=list)
    too_late: list[OSError] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            self.seen.append(message)
            if message["type"] == "websocket.connect":
                await send({"type": "websocket.accept", "headers": [(b"x-own", b"1")]})
            elif message["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})
            else:
                break
        if message["code"] == 1013:
            for late in ({"type": "websocket.send", "text": "late"}, {"type": "websocket.close"}):
                try:
                    await send(late)
                except OSError as refused:
                    self.too_late.append(refused)


def converse(
    app: Any, texts: Iterable[str] = (), *, get: Get = CHAT, extensions: Any = None
) -> list[Any]:
    """Connect, say each text, and leave. What the server was sent; receiving goes on for ever."""
    scope = {**scope_of(get), "type": "websocket", "subprotocols": [], "extensions": extensions}
    del scope["method"]
    coming = [{"type": "websocket.connect"}]
    coming += [{"type": "websocket.receive", "text": text} for text in texts]
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0) if coming else WENT

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def limited(app: Any = None, **options: Any) -> RateLimitMiddleware:
    options = {"store": MemoryStore(clock=FakeClock()), **options}
    return RateLimitMiddleware(app or Echo(), **options)


def types(messages: list[Any]) -> list[str]:
    return [message["type"].removeprefix("websocket.") for message in messages]


def test_an_admitted_handshake_tells_the_limits() -> None:
    app = limited(rules=[Rule("/chat", "2/minute")])
    accepted, echoed = converse(app, ["hello"])
    assert accepted["headers"] == [
        (b"x-own", b"1"),
        (b"ratelimit-policy", b'"/chat";q=2;w=60'),
        (b"ratelimit", b'"/chat";r=1;t=30'),
    ]
    assert echoed == {"type": "websocket.send", "text": "hello"}


def test_a_handshake_over_the_limit_is_answered_429_where_the_server_can() -> None:
    echo = Echo()
    app = limited(echo, rules=[Rule("/chat", "1/minute")])
    converse(app, extensions=DENIAL)
    start, body = converse(app, extensions=DENIAL)
    assert types([start, body]) == ["http.response.start", "http.response.body"]
    assert start["status"] == 429
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert headers["retry-after"] == "60"
    assert headers["ratelimit"] == '"/chat";r=0;t=60'
    assert headers["content-length"] == str(len(body["body"]))
    assert json.loads(body["body"])["status"] == 429
    assert len(echo.seen) == 2, "the second handshake never came to the application"


@pytest.mark.parametrize("extensions", [None, {}, {"websocket.other": {}}])
def test_a_handshake_over_the_limit_is_closed_where_the_server_can_do_no_more(
    extensions: Any,
) -> None:
    app = limited(rules=[Rule("/chat", "1/minute")])
    converse(app)
    assert converse(app, extensions=extensions) == [
        {
            "type": "websocket.close",
            "code": 1013,
            "reason": "over the limit of 1 per minute; retry after 60 s",
        }
    ]


@pytest.mark.parametrize("extensions", [None, DENIAL])
def test_the_answer_to_a_handshake_comes_after_the_connect(extensions: Any) -> None:
    order: list[str] = []

    async def receive() -> Any:
        order.append("received")
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        order.append("sent")

    app = limited(rules=[Rule("/chat", "9/minute", cost=lambda request: 10)])
    scope = {**scope_of(Get("/chat")), "type": "websocket", "extensions": extensions}
    asyncio.run(app(scope, receive, send))
    assert order == ["received", "sent", *(["sent"] if extensions else [])]


def test_a_handshake_that_is_denied_for_good_is_told_no_time() -> None:
    app = limited(rules=[Rule("/chat", "9/minute", cost=lambda request: 10)])
    (close,) = converse(app)
    assert close["code"] == 1008, "clients come again after 1013"
    assert "retry after" not in close["reason"]


def test_on_denied_makes_the_answer_to_a_handshake() -> None:
    def on_denied(request: Any, verdict: Any, answer: DenialResponse) -> DenialResponse:
        return DenialResponse(503, (("content-length", "4"),), b"busy")

    app = limited(rules=[Rule("/chat", "1/minute")], on_denied=on_denied)
    converse(app)
    start, body = converse(app, extensions=DENIAL)
    assert (start["status"], body["body"]) == (503, b"busy")


def test_a_handshake_is_a_get_and_shares_its_bucket() -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [Rule("/*", "2/minute", methods="GET", name="all")]
    assert limited_asgi(store=store, rules=rules)(Get("/")).status == 200
    app = limited(store=store, rules=rules)
    assert types(converse(app)) == ["accept"]
    assert types(converse(app)) == ["close"]


MESSAGES = [Rule("/chat", messages="2/minute", name="chat")]


@pytest.mark.parametrize("path", ["/chat\n", "/chat/", "//chat"])
def test_p15_a_handshake_and_its_messages_are_limited_however_the_path_is_spelled(
    path: str,
) -> None:
    rule = Rule("/chat", "2/hour", messages="1/hour")
    app = RateLimitMiddleware(Echo(), store=MemoryStore(clock=FakeClock()), rules=rule)
    conversations = [converse(app, ["a", "b"], get=Get(path)) for _ in range(3)]
    kinds = [[message["type"] for message in sent] for sent in conversations]
    assert kinds == [
        ["websocket.accept", "websocket.send", "websocket.close"],
        ["websocket.accept", "websocket.close"],
        ["websocket.close"],
    ]


def test_at_the_first_message_over_the_limit_the_connection_is_closed() -> None:
    echo = Echo()
    sent = converse(limited(echo, rules=MESSAGES), ["a", "b", "c", "d"])
    assert types(sent) == ["accept", "send", "send", "close"]
    assert (sent[-1]["code"], sent[-1]["reason"]) == (
        1013,
        "over the limit of 2 per minute; retry after 30 s",
    )
    assert types(echo.seen) == ["connect", "receive", "receive", "disconnect"]
    assert echo.seen[-1]["code"] == 1013
    assert len(echo.too_late) == 2, "what is sent after that raises OSError, as to one who went"


@pytest.mark.parametrize(
    ("close", "failure", "disconnect"),
    [
        ({"code": 3000, "reason": "bye"}, None, {"code": 3000, "reason": "bye"}),
        ({}, None, {"code": 1000}),
        (None, ConnectionAbortedError("the client has gone"), {"code": 1013}),
    ],
)
def test_what_was_closed_while_a_message_was_judged_is_not_closed_again(
    close: dict[str, Any] | None, failure: OSError | None, disconnect: dict[str, Any]
) -> None:
    """By another task of the application, or by the client."""
    sent: list[Any] = []
    seen: list[Any] = []
    by_application: list[Any] = []

    def meanwhile(_decision: RuleDecision) -> None:
        if close is not None:
            with suppress(StopIteration):
                by_application[0]({"type": "websocket.close", **close}).send(None)

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        by_application.append(send)
        seen.append(await receive())

    async def receive() -> Any:
        return {"type": "websocket.receive", "text": "a"}

    async def send(message: Any) -> None:
        if failure is not None:
            raise failure
        sent.append(message)

    rule = Rule("/chat", messages=Limit(1, 60), by=everyone())
    store = MemoryStore(clock=FakeClock())
    converse(limited(store=store, rules=[rule]), ["a"])
    scope = {**scope_of(CHAT), "type": "websocket", "subprotocols": []}
    middleware = limited(app, store=store, rules=[rule], on_decision=meanwhile)
    asyncio.run(middleware(scope, receive, send))
    assert len(sent) == (close is not None)
    assert seen == [{**seen[0], "type": "websocket.disconnect", **disconnect}]


def test_messages_are_counted_for_each_identity_over_all_its_connections() -> None:
    rule = Rule("/chat", messages="3/minute", by=header("x-user", digest=False))
    app = limited(rules=[rule])
    for user in ("u1", "u2"):
        get = Get("/chat", headers={"x-user": user})
        assert types(converse(app, ["a", "b"], get=get)) == ["accept", "send", "send"]
        assert types(converse(app, ["c", "d"], get=get)) == ["accept", "send", "close"]


def test_messages_are_counted_for_each_key_of_an_identity() -> None:
    by_user = header("x-user", digest=False)
    app = limited(rules=[Rule("/chat", messages="3/minute", by=lambda r: {"all", by_user(r)})])  # type: ignore[arg-type]
    assert types(converse(app, "ab", get=Get("/chat", headers={"x-user": "u1"}))).count("send") == 2
    assert types(converse(app, "cd", get=Get("/chat", headers={"x-user": "u2"}))).count("send") == 1


def test_to_connect_and_to_leave_are_no_messages() -> None:
    app = limited(rules=MESSAGES)
    for _ in range(5):
        assert types(converse(app)) == ["accept"]
    assert types(converse(app, ["a", "b"])) == ["accept", "send", "send"]


def test_a_rule_of_messages_alone_leaves_requests_and_handshakes_alone() -> None:
    store = MemoryStore(clock=FakeClock())
    app = limited(store=store, rules=MESSAGES)
    accepted, *_ = converse(app, ["a", "b", "c"])
    assert accepted["headers"] == [(b"x-own", b"1")]
    ask = limited_asgi(store=store, rules=MESSAGES)
    responses = [ask(Get("/chat")) for _ in range(5)]
    assert {response.status for response in responses} == {200}
    assert "ratelimit-policy" not in responses[0].headers


def test_requests_and_messages_are_counted_apart() -> None:
    app = limited(rules=[Rule("/chat", "2/minute", messages="3/minute")])
    assert types(converse(app, "abc")) == ["accept", "send", "send", "send"]
    assert types(converse(app, "d")) == ["accept", "close"]
    assert types(converse(app)) == ["close"]


def test_messages_are_counted_for_each_endpoint_that_a_rule_counts() -> None:
    rule = Rule("/*", messages="1/minute", scope="endpoint")
    rules = [Rule("/*", "99/minute", name="requests"), rule]
    app = limited(rules=rules, endpoint_of=lambda request: request.path[:2])
    for path, sent in [("/a/1", "send"), ("/a/2", "close"), ("/b/1", "send")]:
        assert types(converse(app, "a", get=Get(path))) == ["accept", sent]


def test_messages_of_another_namespace_are_counted_apart() -> None:
    store = MemoryStore(clock=FakeClock())
    for namespace in ("shop", "blog"):
        app = limited(store=store, rules=[Rule("/*", messages="1/minute")], namespace=namespace)
        assert types(converse(app, "a")) == ["accept", "send"]


def test_several_rules_on_messages_all_hold() -> None:
    told: list[RuleDecision] = []
    rules = [
        Rule("/*", messages="9/minute", name="all"),
        Rule("/chat", messages=["2/second", "3/hour"], name="chat"),
    ]
    app = limited(rules=rules, on_decision=told.append)
    assert types(converse(app, "abc")) == ["accept", "send", "send", "close"]
    assert {one.rule for one in told} == {"all", "chat"}


def test_p3_what_a_message_took_outside_is_given_back_where_the_inside_denies_it() -> None:
    store, told = MemoryStore(clock=FakeClock()), list[RuleDecision]()
    inside = limited(rules=[Rule("/chat", messages="2/minute", name="in")])
    outside = Rule("/*", messages="9/minute", by=everyone(), name="out")
    app = RateLimitMiddleware(inside, store, outside, on_decision=told.append)
    assert types(converse(app, "abcd")) == ["accept", "send", "send", "close"]
    assert RateLimiter(store, "9/minute").peek(("out", "everyone", "messages")).remaining == 7
    assert [(one.operation, one.refunded) for one in told] == [
        *[("acquire", False)] * 3,
        ("refund", True),
    ]
    assert types(converse(app, "a")) == ["accept", "close"], "another connection"
    assert RateLimiter(store, "9/minute").peek(("out", "everyone", "messages")).remaining == 7


def test_messages_that_would_be_charged_twice_in_two_places_are_refused() -> None:
    store = MemoryStore()
    app = RateLimitMiddleware(limited(store=store, rules=MESSAGES), store, MESSAGES)
    with pytest.raises(ValueError, match="two limits of a request are named 'chat'"):
        converse(app, "a")


def test_shadow_messages_are_told_and_never_close() -> None:
    told: list[RuleDecision] = []
    rule = Rule("/chat", messages="1/minute", enforce=False)
    app = limited(rules=[rule], on_decision=told.append)
    assert types(converse(app, "abc")) == ["accept", "send", "send", "send"]
    assert [one.decision.allowed for one in told] == [True, False, False]


@pytest.mark.parametrize(
    "rule",
    [
        Rule("/chat", messages="1/minute", exempt=lambda request: True),
        Rule("/chat", messages="1/minute", by=lambda request: None),
        Rule("/elsewhere", messages="1/minute"),
    ],
)
def test_messages_that_the_rule_is_not_about_pass(rule: Rule) -> None:
    assert types(converse(limited(rules=[rule]), "abc")) == ["accept", "send", "send", "send"]


@pytest.mark.parametrize(
    ("on_outage", "sent"), [("allow", ["accept", "send", "send"]), ("deny", ["accept", "close"])]
)
def test_messages_in_an_outage_follow_the_policy(on_outage: str, sent: list[str]) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    answered = converse(limited(store=store, rules=MESSAGES, on_outage=on_outage), "ab")
    assert types(answered) == sent
    if on_outage == "deny":
        assert answered[-1]["reason"].startswith("rate limits can't be checked just now")


def test_in_an_outage_few_messages_ask_the_store() -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    texts = ["a"] * 30
    sent = types(converse(limited(store=store, rules=MESSAGES, on_outage="allow"), texts))
    assert sent == ["accept", *["send"] * 30]
    assert len(store.operations) < 15


def test_an_outage_can_be_raised_to_the_one_who_receives() -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    with pytest.raises(StoreUnavailable):
        converse(limited(store=store, rules=MESSAGES, on_outage="raise"), "a")


@pytest.mark.parametrize("text", ["", "x" * 100_000])
def test_a_message_costs_one_whatever_its_length(text: str) -> None:
    app = limited(rules=[Rule("/chat", "9/minute", messages="2/minute", cost=5)])
    assert types(converse(app, [text] * 3)) == ["accept", "send", "send", "close"]


@pytest.mark.parametrize(
    "limits",
    [
        "9999999/999999999 milliseconds burst 9999999",
        "1000000000000000 per calendar year in America/Argentina/ComodRivadavia anchor 12-28",
    ],
)
def test_a_reason_fits_into_a_close_frame(limits: str) -> None:
    rule = Rule("/chat", limits, name="chat")
    cost = rule.limits[0].burst - 1  # type: ignore[index]
    app = limited(rules=[Rule("/chat", limits, cost=cost)])
    converse(app)
    (close,) = converse(app)
    assert "; retry after " in close["reason"]
    assert len(close["reason"].encode()) <= 123, "RFC 6455, 5.5"


def test_what_an_application_raises_in_a_websocket_is_not_touched() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("the application's own")

    with pytest.raises(LookupError, match="the application's own"):
        converse(limited(app, rules=MESSAGES))
