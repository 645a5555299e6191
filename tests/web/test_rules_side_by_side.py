"""Several rules of a request: asked at once, over the wire, in the time of one."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    DynamoDBStore,
    StoreUnavailable,
    acquire_all_async,
    wsgi,
)
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import Flow, Read, Wait
from ratelimit_ddb.operations.together import side_by_side
from ratelimit_ddb.web import Rule, RuleDecision
from tests.ddbwire.fault_server import Act, FaultServer, Request, error, hang, reply
from tests.web.exchange import Get, Limited, Page, over_wsgi

CLIENT = "192.0.2.7"
LATE_NS = 1 << 62


def told(request: Request) -> tuple[str, str]:
    """The rule that a request is for, and whether it takes, gives back or reads."""
    body = json.loads(request.body)
    kind = "read" if request.operation == "GetItem" else "take"
    if ":refunded" in request.body.decode() or '"refunded:' in request.body.decode():
        condition = body.get("UpdateExpression", "")
        kind = "give back" if "-" in condition else "take"
    return body["Key"]["key"]["S"].partition(":")[0], kind


class Table:
    """A table that admits what it is not told to deny; what is to come first may be held back."""

    def __init__(self) -> None:
        self.denied: set[str] = set()
        self.acts: dict[str, Act] = {}
        self.hangs: set[str] = set()
        self.at_once: threading.Barrier | None = None
        self.given_back_at_once: threading.Barrier | None = None
        self.asked: list[tuple[str, str]] = []

    def __call__(self, server: FaultServer, sock: Any, request: Request) -> bool:
        if not request.operation:
            return reply()(server, sock, request)  # for the time alone
        rule, kind = told(request)
        self.asked.append((rule, kind))
        if self.at_once is not None:
            self.at_once.wait(5)
        if kind == "give back" and self.given_back_at_once is not None:
            self.given_back_at_once.wait(5)
        if rule in self.hangs:
            return hang(server, sock, request)
        if kind == "take" and rule in self.acts:
            return self.acts[rule](server, sock, request)
        names = json.loads(request.body)["ExpressionAttributeNames"].values()
        now_ns = int(server.now() * 1e9)
        at_ns = now_ns + 1_000_000_000 * (3_590 if rule in self.denied else 100)
        item = {name: {"N": str(0 if name.startswith("refunded") else at_ns)} for name in names}
        if kind == "take" and rule in self.denied:
            refusal = error("ConditionalCheckFailedException", Item=item)
            return refusal(server, sock, request)
        return reply({"Attributes": item})(server, sock, request)


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def server(table: Table) -> Iterator[FaultServer]:
    with FaultServer() as server:
        server.default = table
        yield server


@pytest.fixture
def store(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBStore]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    store = DynamoDBStore(
        "limits", region_name="us-east-1", endpoint_url=server.url, max_connections=3
    )
    with contextlib.closing(store):
        store.warm_up()
        yield store


NAMES = ("one", "two", "three")


def rules(names: tuple[str, ...] = NAMES) -> list[Rule]:
    return [Rule("/*", "60/hour", name=name) for name in names]


def test_all_rules_are_asked_before_the_first_is_answered(
    limited: Limited, table: Table, store: DynamoDBStore
) -> None:
    ask = limited(store=store, rules=rules(), deadline=5)
    table.at_once = threading.Barrier(3)
    assert ask(Get()).status == 200
    assert sorted(table.asked) == [("one", "take"), ("three", "take"), ("two", "take")]


def test_p3_what_was_taken_is_given_back_side_by_side_too(
    limited: Limited, table: Table, store: DynamoDBStore
) -> None:
    heard: list[RuleDecision] = []
    ask = limited(store=store, rules=rules(), deadline=5, on_decision=heard.append)
    table.denied = {"two"}
    response = ask(Get())
    assert response.status == 429
    takes = [one for one in table.asked if one[1] == "take"]
    assert Counter(takes)[("one", "take")] == Counter(takes)[("three", "take")] == 1
    assert sorted(one for one in table.asked if one[1] == "give back") == [
        ("one", "give back"),
        ("three", "give back"),
    ]
    assert [(one.rule, one.decision.allowed, one.refunded) for one in heard] == [
        ("one", True, True),
        ("two", False, False),
        ("three", True, True),
    ]


def test_p3_what_several_middlewares_took_is_given_back_side_by_side(
    table: Table, store: DynamoDBStore
) -> None:
    app: Any = Page().wsgi
    for rule in rules()[::-1]:
        app = wsgi.RateLimitMiddleware(app, store, rule, deadline=5)
    table.denied = {"three"}
    table.given_back_at_once = threading.Barrier(2)
    assert over_wsgi(app)(Get()).status == 429
    assert sorted(one for one in table.asked if one[1] == "give back") == [
        ("one", "give back"),
        ("two", "give back"),
    ]


def test_p6_a_rule_that_denies_from_memory_sends_nothing_for_any_rule(
    limited: Limited, table: Table, store: DynamoDBStore
) -> None:
    ask = limited(store=store, rules=rules(), deadline=5)
    table.denied = {"three"}
    assert ask(Get()).status == 429
    table.asked.clear()
    for _ in range(5):
        assert ask(Get()).status == 429
    assert table.asked == []


@pytest.mark.parametrize("denied", [False, True])
def test_p14_a_key_that_hangs_changes_nothing_of_what_other_keys_decide(
    limited: Limited, table: Table, store: DynamoDBStore, denied: bool
) -> None:
    heard: list[RuleDecision] = []
    table.acts = {"one": hang}
    table.denied = {"three"} if denied else set()
    ask = limited(
        store=store, rules=rules(), deadline=0.8, on_outage="allow", on_decision=heard.append
    )
    began = time.monotonic()
    assert ask(Get()).status == (429 if denied else 200)
    assert time.monotonic() - began < 1.5
    assert [(one.rule, one.decision.source, one.decision.allowed) for one in heard] == [
        ("one", "outage", True),
        ("two", "table", True),
        ("three", "table", not denied),
    ]
    assert heard[1].refunded == denied, "a quarter of the deadline was left for it"


def test_p14_a_second_write_after_a_wrong_guess_waits_for_no_other_key(
    limited: Limited, table: Table, store: DynamoDBStore
) -> None:
    wrong = threading.Event()

    def refuse_once(server: FaultServer, sock: Any, request: Request) -> bool:
        names = json.loads(request.body)["ExpressionAttributeNames"].values()
        at_ns = int((server.now() + 100) * 1e9)
        item = {name: {"N": str(0 if name.startswith("refunded") else at_ns)} for name in names}
        if not wrong.is_set():
            wrong.set()
            return error("ConditionalCheckFailedException", Item=item)(server, sock, request)
        return reply({"Attributes": item})(server, sock, request)

    table.acts = {"one": hang, "two": refuse_once}
    heard: list[RuleDecision] = []
    ask = limited(
        store=store, rules=rules(), deadline=0.6, on_outage="allow", on_decision=heard.append
    )
    assert ask(Get()).status == 200
    assert [(one.rule, one.decision.source, one.calls) for one in heard] == [
        ("one", "outage", 1),
        ("two", "table", 2),
        ("three", "table", 1),
    ]


def test_one_connection_is_enough(
    limited: Limited, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    store = DynamoDBStore(
        "limits", region_name="us-east-1", endpoint_url=server.url, max_connections=1
    )
    with contextlib.closing(store):
        ask = limited(store=store, rules=rules(), deadline=5, on_outage="raise")
        assert [ask(Get()).status for _ in range(3)] == [200] * 3


def test_where_the_time_is_not_known_yet_it_is_asked_for_once(
    limited: Limited, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    store = DynamoDBStore("limits", region_name="us-east-1", endpoint_url=server.url)
    with contextlib.closing(store):
        assert limited(store=store, rules=rules(), deadline=5)(Get()).status == 200
    assert Counter(server.operations) == {"GET": 1, "UpdateItem": 3}


def test_a_mistake_of_set_up_gives_back_what_other_rules_took(
    limited: Limited, table: Table, store: DynamoDBStore
) -> None:
    table.acts = {"two": error("AccessDeniedException")}
    with pytest.raises(Exception, match="dynamodb:UpdateItem"):
        limited(store=store, rules=rules(), deadline=5)(Get())
    assert sorted(one for one in table.asked if one[1] == "give back") == [
        ("one", "give back"),
        ("three", "give back"),
    ]


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_request_leaves_all_connections_to_the_next(
    table: Table, server: FaultServer, store: DynamoDBStore
) -> None:
    ask = over_wsgi(wsgi.RateLimitMiddleware(Page().wsgi, store, rules(), deadline=5))
    table.acts = dict.fromkeys(NAMES, hang)

    def interrupt() -> None:
        server.wait_for_requests(before + 3)
        _thread.interrupt_main()

    before = len(server.requests)
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        ask(Get())
    interrupter.join()
    table.acts = {}
    table.at_once = threading.Barrier(3)
    assert ask(Get()).status == 200


def test_a_cancelled_request_leaves_all_connections_to_the_next(
    table: Table, server: FaultServer, store: DynamoDBStore
) -> None:
    limiter = AsyncRateLimiter(store, "60/hour", deadline=5)
    request = [(limiter, name) for name in NAMES]

    async def main() -> None:
        table.acts = dict.fromkeys(NAMES, hang)
        before = len(server.requests)
        task = asyncio.create_task(acquire_all_async(request))
        await asyncio.to_thread(server.wait_for_requests, before + 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        table.acts = {}
        table.at_once = threading.Barrier(3)
        assert await acquire_all_async(request)
        await store.aclose()

    asyncio.run(main())


class Served:
    """What a flow waits for, until ``serve``."""

    def __init__(self) -> None:
        self.served = False
        self._wake: Any = None

    def attach(self, wake: Any) -> None:
        self._wake = wake

    def serve(self) -> None:
        self.served = True
        self._wake()


@pytest.mark.parametrize("style", ["blocking", "asyncio"])
def test_p14_a_flow_that_was_waited_for_goes_on_though_another_key_hangs(
    table: Table, store: DynamoDBStore, style: str
) -> None:
    ticket = Served()
    arrived: list[float] = []

    def waits() -> Flow[bool]:
        while not ticket.served:
            yield Wait(ticket, None)
        yield Read("queued", ("limit",))
        arrived.append(time.monotonic())
        return True

    def pauses() -> Flow[bool]:
        in_time: bool = yield Wait(Served(), 100_000_000)
        yield Read("paced", ("limit",))
        arrived.append(time.monotonic())
        return in_time

    def hangs() -> Flow[bool]:
        yield Read("hanging", ("limit",))
        return True

    table.hangs = {"hanging"}
    timer = threading.Timer(0.1, ticket.serve)
    began = time.monotonic()
    timer.start()
    flow = side_by_side([waits(), hangs(), pauses()])
    breaker = breaker_of(store)
    if style == "blocking":
        outcomes = run(flow, store, 800_000_000, breaker)
    else:

        async def main() -> Any:
            try:
                return await run_async(flow, store, 800_000_000, breaker)
            finally:
                await store.aclose()

        outcomes = asyncio.run(main())
    assert (outcomes[0], outcomes[2]) == (True, True)
    assert isinstance(outcomes[1], StoreUnavailable)
    assert max(arrived) < began + 0.6
    timer.join()
