"""Rule(in_flight=...): how many requests are under way at once, over ASGI and WSGI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ratelimit_ddb import (
    ConcurrencyLimiter,
    MemoryStore,
    RateLimiter,
    SlotLimit,
    StoreUnavailable,
)
from ratelimit_ddb.asgi import RateLimitMiddleware as AsgiMiddleware
from ratelimit_ddb.operations.slot_operation import ReleaseSlot, RenewSlot, TakeSlot
from ratelimit_ddb.web import AccessList, Rule, RuleDecision, client_address, everyone, header
from ratelimit_ddb.wsgi import RateLimitMiddleware as WsgiMiddleware
from tests.flaky_store import FlakyStore
from tests.web.rules_text import RULE, rules_of

KEY = "/x:everyone:slots"


class Answered:
    """What an ASGI server sent."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    def field(self, name: str) -> str | None:
        return dict(self.messages[0]["headers"]).get(name.encode(), b"").decode() or None


def scope(path: str = "/x", kind: str = "http", **headers: str) -> dict[str, Any]:
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": kind,
        "method": "GET",
        "path": path,
        "headers": fields,
        "client": ("1.2.3.4", 5),
    }


async def receive() -> Any:
    return {"type": "websocket.connect"}


class Holding:
    """An ASGI application whose responses end when it is told."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.raises: type[BaseException] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            await self.go_on.wait()
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await self.go_on.wait()
        if self.raises is not None:
            raise self.raises
        await send({"type": "http.response.body", "body": b"b"})


def free(store: MemoryStore, slots: int, key: str = "/x:everyone") -> int:
    return ConcurrencyLimiter(store, slots).peek(key).remaining


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_p16_over_asgi_a_slot_is_held_to_the_end_of_the_response(kind: str) -> None:
    async def scenario() -> None:
        store, app = MemoryStore(), Holding()
        limited = AsgiMiddleware(app, store, Rule("/x", in_flight=2, by=everyone()))
        tasks = [
            asyncio.create_task(limited(scope(kind=kind), receive, Answered())) for _ in range(2)
        ]
        await asyncio.sleep(0)
        assert free(store, 2) == 0
        denied = Answered()
        await limited(scope(), receive, denied)
        assert denied.status == 429
        assert denied.field("retry-after") == "1"
        assert denied.field("ratelimit-policy") == '"/x";q=2;qu="concurrent-requests"'
        assert denied.field("ratelimit") == '"/x";r=0;t=1'
        assert b"Over the limit of 2 at once" in denied.messages[1]["body"]
        app.go_on.set()
        await asyncio.gather(*tasks)
        assert free(store, 2) == 2
        answered = Answered()
        await limited(scope(), receive, answered)
        assert answered.field("ratelimit") == '"/x";r=1'

    asyncio.run(scenario())


@pytest.mark.parametrize("last", ["body", "pathsend", "zerocopysend"])
def test_background_tasks_after_the_response_hold_no_slot(last: str) -> None:
    async def scenario() -> None:
        store, go_on = MemoryStore(), asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": f"http.response.{last}"})
            await go_on.wait()

        limited = AsgiMiddleware(app, store, Rule("/x", in_flight=1, by=everyone()))
        task = asyncio.create_task(limited(scope(), receive, Answered()))
        await asyncio.sleep(0)
        assert free(store, 1) == 1
        go_on.set()
        await task

    asyncio.run(scenario())


def test_p16_a_slot_is_held_until_the_trailers_are_sent() -> None:
    async def scenario() -> None:
        store, held = MemoryStore(), []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            start = {"type": "http.response.start", "status": 200, "headers": []}
            await send({**start, "trailers": True})
            await send({"type": "http.response.body", "body": b"a"})
            held.append(free(store, 1))
            trailers = {"type": "http.response.trailers", "headers": []}
            await send({**trailers, "more_trailers": True})
            held.append(free(store, 1))
            await send(trailers)
            held.append(free(store, 1))

        limited = AsgiMiddleware(app, store, Rule("/x", in_flight=1, by=everyone()))
        await limited(scope(), receive, Answered())
        assert held == [0, 0, 1]

    asyncio.run(scenario())


@pytest.mark.parametrize("ends", ["raises", "cancelled", "send fails"])
def test_over_asgi_whatever_ends_the_response_releases_the_slot(ends: str) -> None:
    async def scenario() -> None:
        store, app = MemoryStore(), Holding()
        limited = AsgiMiddleware(app, store, Rule("/x", in_flight=1, by=everyone()))
        answered = Answered()

        async def send(message: Any) -> None:
            if ends == "send fails" and message.get("body") == b"b":
                raise OSError("the client went")
            await answered(message)

        if ends == "raises":
            app.raises = ZeroDivisionError
        task = asyncio.create_task(limited(scope(), receive, send))
        await asyncio.sleep(0)
        assert free(store, 1) == 0
        if ends == "cancelled":
            task.cancel()
        app.go_on.set()
        await asyncio.gather(task, return_exceptions=True)
        assert free(store, 1) == 1

    asyncio.run(scenario())


class Stream:
    def __init__(self, raises: bool = False) -> None:
        self.closed, self.raises = False, raises

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        if self.raises:
            raise ZeroDivisionError
        yield b"b"

    def close(self) -> None:
        self.closed = True


def call(app: Any, path: str = "/x", **environ: str) -> tuple[str, dict[str, str], Any]:
    started: list[Any] = []
    content = app(
        {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "1.2.3.4", **environ},
        lambda status, headers, exc_info=None: started.extend((status, headers)),
    )
    return started[0], {name.lower(): value for name, value in started[1]}, content


@pytest.mark.parametrize("raises", [False, True])
def test_p16_over_wsgi_a_slot_is_held_until_the_server_closes_the_response(raises: bool) -> None:
    store, stream = MemoryStore(), Stream(raises)

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return stream

    limited = WsgiMiddleware(app, store, Rule("/x", in_flight=1, by=everyone()))
    _, _, content = call(limited)
    assert next(iter(content)) == b"a"
    assert free(store, 1) == 0
    status, headers, _ = call(limited)
    assert status == "429 Too Many Requests"
    assert headers["retry-after"] == "1"
    if raises:
        with pytest.raises(ZeroDivisionError):
            next(iter(content))
    content.close()  # the client went, or it was all sent: servers call it either way
    assert stream.closed
    assert free(store, 1) == 1


def test_over_wsgi_an_application_that_raises_releases_the_slot() -> None:
    store = MemoryStore()

    def app(environ: Any, start_response: Any) -> Any:
        raise ZeroDivisionError

    limited = WsgiMiddleware(app, store, Rule("/x", in_flight=1, by=everyone()))
    with pytest.raises(ZeroDivisionError):
        call(limited)
    assert free(store, 1) == 1


def answer(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return [b"ok"]


class Changing:
    """A source of rules that change."""

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules

    def current(self) -> tuple[Rule, ...]:
        return self.rules


def test_p16_slots_stay_limited_where_new_rules_are_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def plan(request: Any) -> str:
        return "5/minute"

    store, rules = MemoryStore(), Changing(Rule("/x", in_flight=1, by=everyone()))
    limited = WsgiMiddleware(answer, store, rules)
    _, _, content = call(limited)
    rules.rules = (Rule("/x", plan),)
    assert [call(limited)[0] for _ in range(2)] == ["429 Too Many Requests"] * 2
    content.close()
    status, _, content = call(limited)
    assert (status, free(store, 1)) == ("200 OK", 0)
    content.close()
    assert free(store, 1) == 1
    assert [record.message[:19] for record in caplog.records] == ["the old rules stay:"]


def test_p16_a_slot_is_released_though_the_rules_changed_while_it_was_taken() -> None:
    store, rules = MemoryStore(), Changing(Rule("/x", in_flight=1, by=everyone()))

    def change(one: RuleDecision) -> None:  # as the request of another thread does
        if one.decision.limit.name == "in-flight":
            rules.rules = (Rule("/x", "5/minute"),)
            call(limited)

    limited = WsgiMiddleware(answer, store, rules, on_decision=change)
    call(limited)[2].close()
    assert free(store, 1) == 1


def test_p3_a_request_that_gets_no_slot_gives_its_tokens_back() -> None:
    store = MemoryStore()
    rule = Rule("/x", "5/minute", in_flight=1, by=everyone())
    limited = WsgiMiddleware(answer, store, rule)
    _, headers, held = call(limited)
    assert headers["ratelimit"] == '"/x";r=4;t=12, "/x:in-flight";r=0'
    for _ in range(3):
        status, headers, _ = call(limited)
        assert status.startswith("429")
        assert headers["ratelimit"] == '"/x:in-flight";r=0;t=1'
    held.close()
    _, headers, held = call(limited)
    assert headers["ratelimit"].startswith('"/x";r=3')
    held.close()


def test_a_request_that_gets_no_tokens_takes_no_slot() -> None:
    store = FlakyStore()
    limited = WsgiMiddleware(answer, store, Rule("/x", "1/minute", in_flight=5, by=everyone()))
    call(limited)[2].close()
    assert call(limited)[0].startswith("429")
    assert sum(isinstance(one, TakeSlot) for one in store.operations) == 1


def test_of_several_rules_all_hold_a_slot_or_none() -> None:
    store = MemoryStore()
    rules = [
        Rule("/x", in_flight=5, by=everyone(), name="all"),
        Rule("/x", in_flight=1, by=header("x-key", digest=False), name="key"),
    ]
    limited = WsgiMiddleware(answer, store, rules)
    _, _, held = call(limited, HTTP_X_KEY="a")
    assert call(limited, HTTP_X_KEY="a")[0].startswith("429")
    assert free(store, 5, "all:everyone") == 4
    _, _, other = call(limited, HTTP_X_KEY="b")
    held.close()
    other.close()
    assert free(store, 5, "all:everyone") == 5


def test_in_shadow_mode_requests_pass_without_a_slot() -> None:
    told: list[RuleDecision] = []
    rule = Rule("/x", in_flight=1, by=everyone(), enforce=False)
    limited = WsgiMiddleware(answer, MemoryStore(), rule, on_decision=told.append)
    _, _, held = call(limited)
    status, headers, other = call(limited)
    assert status == "200 OK"
    assert "ratelimit" not in headers
    other.close()
    held.close()
    assert [(one.key, bool(one), one.enforced) for one in told] == [
        (KEY, True, False),
        (KEY, False, False),
    ]


def test_decisions_on_slots_are_told() -> None:
    told: list[RuleDecision] = []
    rule = Rule("/x", "5/minute", in_flight=1, by=everyone())
    limited = WsgiMiddleware(answer, MemoryStore(), rule, on_decision=told.append)
    call(limited)[2].close()
    assert [(one.rule, str(one.decision.limit), one.calls) for one in told] == [
        ("/x", "5 per minute", 1),
        ("/x", "1 at once", 1),
    ]


def test_an_on_decision_that_raises_holds_no_slot() -> None:
    def fails(_: RuleDecision) -> None:
        raise ZeroDivisionError

    store = FlakyStore()
    rule = Rule("/x", in_flight=SlotLimit(1, lifetime=1), by=everyone())
    limited = WsgiMiddleware(answer, store, rule, on_decision=fails)
    with pytest.raises(ZeroDivisionError) as logged:  # with its frames, and what is in them
        call(limited)
    for _ in range(200):
        if free(store, 1):
            break
        time.sleep(0.01)
    assert free(store, 1) == 1
    assert logged.tb is not None
    assert any(isinstance(one, ReleaseSlot) for one in store.operations), "it did not just end"
    assert not any(isinstance(one, RenewSlot) for one in store.operations)


def test_a_websocket_that_fails_between_holds_no_slot() -> None:
    def fails_the_second_time(request: Any) -> str:
        calls.append(1)
        if len(calls) > 1:
            raise ZeroDivisionError
        return "a"

    async def scenario() -> None:
        rule = Rule("/x", in_flight=SlotLimit(1, 1), by=fails_the_second_time, messages="5/second")
        limited = AsgiMiddleware(Holding(), store, rule)
        with pytest.raises(ZeroDivisionError) as logged:  # with its frames, and what is in them
            await limited(scope(kind="websocket"), receive, Answered())
        await asyncio.sleep(0.3)
        assert free(store, 1, "/x:a") == 1
        assert logged.tb is not None

    calls: list[int] = []
    store = MemoryStore()
    asyncio.run(scenario())


def test_in_an_outage_the_policy_decides_on_slots() -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("out of reach")
    limited = WsgiMiddleware(answer, store, Rule("/x", in_flight=1, by=everyone()))
    _, _, held = call(limited)
    assert call(limited)[0].startswith("429"), "this process holds its one"
    held.close()
    call(limited)[2].close()
    deny = WsgiMiddleware(answer, store, Rule("/x", in_flight=1), on_outage="deny")
    assert call(deny)[0].startswith("503")
    told: list[RuleDecision] = []
    options: dict[str, Any] = {"on_outage": "raise", "on_decision": told.append}
    raises = WsgiMiddleware(answer, store, Rule("/x", in_flight=1), **options)
    with pytest.raises(StoreUnavailable):
        call(raises)
    assert [(one.on_outage, one.decision.source) for one in told] == [("raise", "outage")]
    assert isinstance(told[0].outage, StoreUnavailable)


def test_p3_an_outage_of_slots_that_is_raised_gives_back_what_was_taken_elsewhere() -> None:
    outer, inner = MemoryStore(), FlakyStore()
    inner.failure = StoreUnavailable("out of reach")
    app = WsgiMiddleware(answer, inner, Rule("/x", in_flight=1), on_outage="raise")
    limited = WsgiMiddleware(app, outer, Rule("/x", "1/minute", by=everyone(), name="out"))
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            call(limited)
    assert RateLimiter(outer, "1/minute").peek(("out", "everyone")).remaining == 1


def test_the_outage_of_slots_in_shadow_mode_denies_nobody() -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("out of reach")
    rule = Rule("/x", in_flight=1, enforce=False)
    told: list[RuleDecision] = []
    options: dict[str, Any] = {"on_outage": "raise", "on_decision": told.append}
    status, _, content = call(WsgiMiddleware(answer, store, rule, **options))
    assert status == "200 OK"
    content.close()
    assert [one.outage for one in told] == [store.failure]


def test_a_denial_of_slots_stands_whatever_outage_others_have() -> None:
    class HalfOutOfReach(FlakyStore):
        def send(self, operation: Any, deadline_ns: int) -> Any:
            if isinstance(operation, TakeSlot) and operation.key == "b:everyone:slots":
                raise StoreUnavailable("out of reach")
            return super().send(operation, deadline_ns)

    store = HalfOutOfReach()
    rules = [Rule("/x", in_flight=1, by=everyone(), name=name) for name in "ab"]
    limited = WsgiMiddleware(answer, store, rules, on_outage="raise")
    with ConcurrencyLimiter(store, 1).slot("a:everyone"):
        assert call(limited)[0] == "429 Too Many Requests"


def test_identities_have_slots_of_their_own_and_preflights_need_none() -> None:
    store = FlakyStore()
    limited = WsgiMiddleware(answer, store, Rule("/x", in_flight=1, by=header("x-key")))
    contents = [call(limited, HTTP_X_KEY=key) for key in "ab"]
    assert [status for status, _, _ in contents] == ["200 OK", "200 OK"]
    for _, _, content in contents:
        content.close()
    assert sum(isinstance(one, ReleaseSlot) for one in store.operations) == 2
    preflight = {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ORIGIN": "https://a.example",
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET",
    }
    store.operations.clear()
    call(limited, **preflight)
    assert store.operations == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"limits": "5/minute"},
        {"limits": lambda request: "5/minute"},
        {"limits": "5/minute", "deny": AccessList(keys=["b"]), "allow": AccessList(keys=["c"])},
    ],
)
def test_functions_of_a_request_are_called_once_for_tokens_and_slots(
    options: dict[str, Any],
) -> None:
    calls: list[str] = []

    def by(_: Any) -> str:
        calls.append("by")
        return "a"

    def exempt(_: Any) -> bool:
        calls.append("exempt")
        return False

    store = MemoryStore()
    rule = Rule("/x", in_flight=1, by=by, exempt=exempt, **options)
    limited = WsgiMiddleware(answer, store, rule)
    _, _, held = call(limited)
    assert sorted(calls) == ["by", "exempt"]
    assert free(store, 1, "/x:a") == 0
    held.close()


def test_a_request_that_costs_nothing_takes_a_slot_all_the_same() -> None:
    store = MemoryStore()
    free_of_charge = Rule("/x", "1/minute", in_flight=1, by=everyone(), cost=lambda request: 0)
    unlimited = Rule(
        "/x",
        lambda request: None,
        in_flight=1,
        by=everyone(),
        cost=lambda request: pytest.fail("there is nothing to charge"),
        name="other",
    )
    told: list[RuleDecision] = []
    limited = WsgiMiddleware(answer, store, [free_of_charge, unlimited], on_decision=told.append)
    held = call(limited)[2]
    assert free(store, 1) == free(store, 1, "other:everyone") == 0
    assert {type(one.decision.limit) for one in told} == {SlotLimit}
    held.close()


@pytest.mark.parametrize(
    "asks_nothing",
    [
        Rule("/x", in_flight=1, by=everyone(), exempt=lambda _: True, name="a"),
        Rule("/x", in_flight=1, by=lambda _: None, name="a"),
        Rule("/x", messages="1/minute", by=everyone(), name="a"),
        Rule(
            "/x",
            in_flight=1,
            deny=AccessList(networks=["1.2.3.0/24"]),
            enforce=False,
            name="a",
        ),
    ],
    ids=["exempt", "not identified", "messages alone", "listed, in shadow mode"],
)
def test_a_rule_that_asks_for_no_slot_keeps_nobody_elses(asks_nothing: Rule) -> None:
    store = MemoryStore()
    rules = [asks_nothing, Rule("/x", in_flight=1, by=everyone(), name="b")]
    held = call(WsgiMiddleware(answer, store, rules))[2]
    assert (free(store, 1, "a:everyone"), free(store, 1, "b:everyone")) == (1, 0)
    held.close()
    assert free(store, 1, "b:everyone") == 1


def test_a_preflight_takes_the_slot_of_a_rule_that_counts_it_alone() -> None:
    store, others = MemoryStore(), AccessList(networks=["9.9.9.0/24"], address=client_address())
    rules = [
        Rule("/x", in_flight=1, by=lambda _: "a", deny=others, name="a"),
        Rule("/x", in_flight=1, by=everyone(), methods="OPTIONS", name="b"),
    ]
    asked = {"HTTP_ORIGIN": "https://b.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
    limited = WsgiMiddleware(answer, store, rules)
    held = call(limited, REQUEST_METHOD="OPTIONS", **asked)[2]
    assert (free(store, 1, "a:a"), free(store, 1, "b:everyone")) == (1, 0)
    held.close()


def test_who_is_never_let_through_takes_no_slot() -> None:
    store = FlakyStore()
    listed = AccessList(networks=["1.2.3.0/24"])
    for enforce in (True, False):
        rule = Rule("/x", in_flight=1, deny=listed, enforce=enforce)
        status, _, _ = call(WsgiMiddleware(answer, store, rule))
        assert status[:3] == ("403" if enforce else "200")
    assert store.operations == []


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("in-flight = 20", SlotLimit(20)),
        ("in-flight = { slots = 20, lifetime = 600 }", SlotLimit(20, 600)),
    ],
)
def test_rules_files_have_it(text: str, limit: SlotLimit) -> None:
    (rule,) = rules_of(f'[[rule]]\npath = "/x"\n{text}\n')
    assert rule.in_flight == limit
    (rule,) = rules_of(f"{RULE}{text}\n")
    assert rule.in_flight == limit


@pytest.mark.parametrize("wrong", [0, 1_001, 1.5, "20", {"slots": 1}])
def test_what_can_not_hold_is_refused(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="in_flight"):
        Rule("/x", in_flight=wrong)
