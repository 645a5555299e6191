"""A user with very many sessions, such as somebody makes who knows the password."""

from __future__ import annotations

import asyncio
import json
import pickle
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

import ddbwire
from sessions import MemorySessionStore, RevocationIncomplete, StoreUnavailable
from sessions.lifecycle.user_sessions import sessions_of
from sessions.operations.operation import (
    BatchDelete,
    BatchGet,
    ByOwner,
    Create,
    Delete,
    Operation,
    Registered,
    Unregister,
)
from sessions.operations.row import Row, anonymous
from sessions.store.dynamodb.item import item_of
from sessions.store.dynamodb.item_keys import OwnTableKeys
from sessions.store.dynamodb.request import TableRequests
from sessions.store.dynamodb.side_by_side import (
    SideBySide,
    call_all,
    call_all_async,
)
from sessions.store.dynamodb.translation import requests
from tests.fake_clock import FakeClock
from tests.sessions.browser import Site, logged_in, rotated
from tests.store_flavours import FLAVOURS, Flavour

SESSIONS = 1_200
TABLE = TableRequests("t", OwnTableKeys(), registers=True, report_capacity=False)


class FailingStore(MemorySessionStore):
    """A memory store.

    Attributes:
        batches: how many batches it carries out before it can't be reached any more.
        seconds: how long each of them takes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches = 1_000
        self.seconds = 0.0

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, BatchGet | BatchDelete):
            if self.batches == 0:
                raise StoreUnavailable("the table is out of reach")
            self.batches -= 1
            time.sleep(self.seconds)
            if time.monotonic_ns() > deadline_ns:
                raise StoreUnavailable("no reply by the deadline")
        return super().send(operation, deadline_ns)


@pytest.fixture
def store() -> FailingStore:
    store = FailingStore()
    now = int(time.time())
    for _ in range(SESSIONS):
        row = Row(secrets.token_urlsafe(32), "ada", now, now, 2**40, 2**40)
        store.send(Create(row), 0)
    return store


@FLAVOURS
def test_what_a_revocation_could_not_do_any_more_is_told(
    store: FailingStore, flavour: Flavour
) -> None:
    store.batches = 1
    with pytest.raises(RevocationIncomplete, match="500 sessions are ended and up to 700") as told:
        flavour(store, "revoke_user", "ada")
    assert (told.value.ended, told.value.remaining) == (500, 700)
    assert len(store) == 700
    assert isinstance(told.value.__cause__, StoreUnavailable)


@FLAVOURS
def test_a_second_revocation_goes_on_with_the_rest(store: FailingStore, flavour: Flavour) -> None:
    store.batches = 1
    with pytest.raises(StoreUnavailable):
        flavour(store, "revoke_user", "ada")
    store.batches = 1_000
    assert flavour(store, "revoke_user", "ada") == 700
    assert len(store) == 0


def test_an_incomplete_revocation_can_be_pickled() -> None:
    error = RevocationIncomplete("3 and 4", 3, 4)
    copied = pickle.loads(pickle.dumps(error))
    assert (str(copied), copied.ended, copied.remaining) == ("3 and 4", 3, 4)


@FLAVOURS
def test_the_number_of_a_users_sessions_is_no_reason_to_fail(
    store: FailingStore, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "deadline_seconds", 0.5)
    store.seconds = 0.2  # of 3 batches, longer than the deadline
    assert len(flavour(store, "sessions_of", "ada")) == SESSIONS
    assert flavour(store, "revoke_user", "ada") == SESSIONS


def test_one_step_that_takes_too_long_is_an_outage(store: FailingStore) -> None:
    store.deadline_seconds = 0.01
    store.seconds = 0.02
    with pytest.raises(StoreUnavailable):
        store.sessions_of("ada")
    with pytest.raises(RevocationIncomplete):
        store.revoke_user("ada")


def test_no_row_is_deleted_twice_though_one_leads_to_another_that_is_listed() -> None:
    class Noting(MemorySessionStore):
        keys: ClassVar[list[tuple[str, str]]] = []

        def send(self, operation: Operation, deadline_ns: int) -> Any:
            if isinstance(operation, BatchDelete):
                self.keys.extend(operation.keys)
            return super().send(operation, deadline_ns)

    store = Noting()
    site = Site(store, FakeClock())
    browsers = [logged_in(site, "ada", seed=0) for _ in range(600)]
    for browser in browsers[::7]:
        rotated(site, browser)
    assert store.revoke_user("ada") == 600
    assert len(store.keys) == len(set(store.keys))
    assert len(store) == 0


def test_a_batch_has_each_key_once() -> None:
    keys = [("s" * 43, "ada"), ("t" * 43, "ada"), ("s" * 43, "ada")]
    flow = requests(TABLE, BatchGet(keys))
    sent: Any = next(flow)
    (wanted,) = json.loads(sent.requests[0].body)["RequestItems"].values()
    assert len(wanted["Keys"]) == 2
    flow = requests(TABLE, BatchDelete(keys))
    next(flow)
    sent = flow.send([None, None, None])
    (deletions,) = json.loads(sent.requests[0].body)["RequestItems"].values()
    assert len(deletions) == 2


def carried_out(operation: Operation, *replies: Any) -> tuple[list[Any], Any]:
    """The requests of an operation that is sent these replies, and its result."""
    flow: Any = requests(TABLE, operation)
    sent = [json.loads(next(flow).body)]
    try:
        for reply in replies:
            further = flow.send(reply)
            sent.append(json.loads(further.body))
    except StopIteration as done:
        return sent, done.value
    raise AssertionError(f"{operation} asks for more replies")


@pytest.mark.parametrize("list_of", [ByOwner, Registered])
def test_a_list_of_several_pages_is_read_to_its_end(list_of: Any) -> None:
    is_index = list_of is ByOwner
    one, two = (
        TABLE.keys.row(letter * 43, "ada") if is_index else TABLE.keys.entry("ada", letter * 43)
        for letter in "st"
    )
    sent, ids = carried_out(
        list_of("ada"), {"Items": [one], "LastEvaluatedKey": one}, {"Items": [two]}
    )
    assert [page.get("ExclusiveStartKey") for page in sent] == [None, one]
    assert ids == ["s" * 43, "t" * 43]


LIVE = Row("s" * 43, "ada", 1, 1, 100, 100)


@pytest.mark.parametrize("row", [LIVE, None])
def test_a_row_that_is_deleted_leaves_its_users_register(row: Row | None) -> None:
    reply = {} if row is None else {"Attributes": item_of(TABLE.keys, row)}
    (_, tidied), deleted = carried_out(Delete("s" * 43, "ada"), reply, {})
    assert deleted == row
    entry = TABLE.keys.entry("ada", "s" * 43)
    assert tidied["RequestItems"]["t"] == [{"DeleteRequest": {"Key": entry}}]


def test_a_row_that_says_why_it_ended_stays_in_the_register_and_an_anonymous_one_is_in_none() -> (
    None
):
    ended = replace(LIVE, end_reason="password")
    refused = ddbwire.ConditionalCheckFailed(item_of(TABLE.keys, ended))
    assert carried_out(Delete("s" * 43, "ada"), refused)[1] == ended
    nobodys = replace(LIVE, user_id=anonymous("s" * 43))
    reply = {"Attributes": item_of(TABLE.keys, nobodys)}
    assert carried_out(Delete(nobodys.session_id, nobodys.user_id), reply)[1] == nobodys


def test_what_a_batch_did_not_read_is_read_singly() -> None:
    one, two = (Row(letter * 43, "ada", 1, 1, 100, 100) for letter in "st")
    flow = requests(TABLE, BatchGet([(row.session_id, "ada") for row in (one, two)]))
    together: Any = next(flow)
    unread = {"Keys": [TABLE.keys.row(two.session_id, "ada")]}
    kept = together.kept(
        {"Responses": {"t": [item_of(TABLE.keys, one)]}, "UnprocessedKeys": {"t": unread}}
    )
    assert kept == ([one], [(two.session_id, "ada")])
    assert together.kept({"Responses": {}}) == ([], [])
    singly: Any = flow.send([kept, ([], [])])
    assert singly.name == "GetItem"
    assert len(singly.requests) == 1
    read = singly.kept({"Item": item_of(OwnTableKeys(), two)})
    assert read == two
    assert singly.kept({}) is None
    with pytest.raises(StopIteration) as done:
        flow.send([read])
    assert done.value.value == [one, two]


def test_a_register_that_can_not_be_tidied_up_just_now_is_no_reason_to_list_nothing() -> None:
    flow = sessions_of("ada", True)
    row = Row("s" * 43, "ada", 1, 1, 100, 100)
    answers: list[Any] = [["s" * 43, "t" * 43], [], [row], 10]
    next(flow)
    for answer in answers:
        operation = flow.send(answer)
    assert isinstance(operation, Unregister)
    with pytest.raises(StopIteration) as done:
        flow.throw(StoreUnavailable("throttled"))
    assert [info.id for info in done.value.value] == ["s" * 43]


# Requests side by side

REQUESTS = [ddbwire.DynamoDBRequest("GetItem", b"%d" % number) for number in range(100)]


class Endpoint:
    """Answers with the request's body, and counts how many are under way."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.under_way = 0
        self.most = 0
        self.sent = 0
        self.fails_at = -1

    def begin(self, request: ddbwire.DynamoDBRequest) -> None:
        with self.lock:
            self.sent += 1
            self.under_way += 1
            self.most = max(self.most, self.under_way)

    def end(self, request: ddbwire.DynamoDBRequest) -> dict[str, Any]:
        with self.lock:
            self.under_way -= 1
        if int(request.body) == self.fails_at:
            raise ddbwire.Unreachable("the table", "no reply", maybe_applied=True)
        return {"body": request.body, "ConsumedCapacity": {"CapacityUnits": 1.0}}

    def call(self, request: ddbwire.DynamoDBRequest) -> dict[str, Any]:
        self.begin(request)
        time.sleep(0.002)
        return self.end(request)

    async def call_async(self, request: ddbwire.DynamoDBRequest) -> dict[str, Any]:
        self.begin(request)
        await asyncio.sleep(0.002)
        return self.end(request)


Calling = Callable[[Endpoint, Any], list[Any]]


def _blocking(endpoint: Endpoint, on_call: Any) -> list[Any]:
    several = SideBySide(REQUESTS, lambda reply: int(reply["body"]))
    return call_all(several, endpoint.call, on_call)


def _awaited(endpoint: Endpoint, on_call: Any) -> list[Any]:
    several = SideBySide(REQUESTS, lambda reply: int(reply["body"]))
    return asyncio.run(call_all_async(several, endpoint.call_async, on_call))


@pytest.mark.parametrize("calling", [_blocking, _awaited])
def test_replies_come_in_the_order_of_the_requests_and_each_call_is_told(calling: Calling) -> None:
    calls: list[tuple[ddbwire.AnsweredCall, int]] = []
    endpoint = Endpoint()

    def on_call(call: ddbwire.AnsweredCall) -> None:
        calls.append((call, threading.get_ident()))

    assert calling(endpoint, on_call) == list(range(100))
    assert [call.capacity_units for call, _ in calls] == [1.0] * 100
    assert {thread for _, thread in calls} == {threading.get_ident()}


@pytest.mark.parametrize("calling", [_blocking, _awaited])
def test_most_connections_are_left_to_the_site(calling: Calling) -> None:
    endpoint = Endpoint()
    calling(endpoint, None)
    assert 2 <= endpoint.most <= 16


def test_a_process_that_gets_no_thread_sends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    endpoint = Endpoint()
    assert _blocking(endpoint, None) == list(range(100))
    assert endpoint.most == 1


def test_an_interrupted_caller_leaves_nothing_under_way() -> None:
    endpoint = Endpoint()
    caller = threading.get_ident()

    def call(request: ddbwire.DynamoDBRequest) -> Any:
        if threading.get_ident() == caller:
            raise KeyboardInterrupt
        return endpoint.call(request)

    with pytest.raises(KeyboardInterrupt):
        call_all(SideBySide(REQUESTS, lambda reply: reply), call, None)
    sent = endpoint.sent
    assert sent < 100
    time.sleep(0.01)
    assert endpoint.sent == sent
    assert endpoint.under_way == 0


@pytest.mark.parametrize("calling", [_blocking, _awaited])
def test_after_a_failure_nothing_more_is_sent_and_nothing_is_under_way(calling: Calling) -> None:
    endpoint = Endpoint()
    endpoint.fails_at = 10
    with pytest.raises(ddbwire.Unreachable):
        calling(endpoint, None)
    sent = endpoint.sent
    assert sent < 100
    time.sleep(0.01)
    assert endpoint.sent == sent
