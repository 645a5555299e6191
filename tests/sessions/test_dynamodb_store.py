"""What the store makes of an endpoint's failures, and what it asks before it knows the time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ddbwire.errors import KeyThrottled
from sessions import (
    AccessDenied,
    DynamoDBSessionStore,
    SessionTooLarge,
    StoreError,
    StoreUnavailable,
    TableNotFound,
)
from sessions.operations.operation import Delete, Find, Save, Unregister
from sessions.operations.row import Row
from sessions.store.dynamodb.breaker import Breaker
from sessions.store.dynamodb.item import item_of
from sessions.store.dynamodb.item_keys import OwnTableKeys
from sessions.store.dynamodb.request import TableRequests
from sessions.store.dynamodb.translation import fits_expression
from tests.ddbwire.fault_server import FaultServer, Request, drop, error, reply
from tests.dynamodb_local import free_port
from tests.fake_clock import FakeClock
from tests.sessions.browser import OnLoop, Site

EMPTY: dict[str, list[Any]] = {"Items": []}


def read(site: Site, seconds: float) -> None:
    browser = site.browser(deadline=seconds)
    browser.cookie = "__Host-session=" + "A" * 43
    browser.seen()


def write(site: Site, seconds: float) -> None:
    with site.browser(deadline=seconds).request() as session:
        session["a"] = 1


def login(site: Site, seconds: float) -> None:
    with site.browser(deadline=seconds).request() as session:
        session.login("ada")


def list_all(site: Site, seconds: float) -> None:
    site.call("sessions_of", "ada")


@pytest.fixture(params=["blocking", "asyncio"])
def site_of(request: pytest.FixtureRequest) -> Iterator[Callable[[DynamoDBSessionStore], Site]]:
    if request.param == "blocking":
        yield lambda store: Site(store, FakeClock())
        return
    with asyncio.Runner() as runner:
        stores = []

        def made(store: DynamoDBSessionStore) -> Site:
            stores.append(store)
            return Site(store, FakeClock(), OnLoop(runner))

        yield made
        for store in stores:
            runner.run(store.aclose())


MakeSite = Callable[[DynamoDBSessionStore], Site]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        server.default = reply(EMPTY)
        yield server


def store_at(server: FaultServer) -> DynamoDBSessionStore:
    """A store that was warmed up, and whose requests are counted from now on."""
    store = DynamoDBSessionStore("sessions", endpoint_url=server.url, deadline=10.0)
    store.warm_up()
    server.requests.clear()
    return store


@pytest.mark.parametrize("do", [login, list_all])
@pytest.mark.parametrize(
    ("code", "raised", "message"),
    [
        ("ResourceNotFoundException", TableNotFound, "it, or its index, does not exist in"),
        ("AccessDeniedException", AccessDenied, "dynamodb:Query"),
        ("UnrecognizedClientException", StoreError, "expired, wrong or unknown"),
        ("ExpiredTokenException", StoreError, "expired, wrong or unknown"),
        ("ValidationException", StoreError, "security token"),
    ],
)
def test_mistakes_of_set_up_are_told_apart(
    server: FaultServer,
    site_of: MakeSite,
    do: Callable[[Site, float], None],
    code: str,
    raised: type[Exception],
    message: str,
) -> None:
    store = store_at(server)
    server.default = error(code, message="the security token is no good")
    with pytest.raises(raised, match=message) as told:
        do(site_of(store), 10.0)
    assert type(told.value) is raised
    assert " on table 'sessions': " in str(told.value)
    store.close()


def test_what_was_invalid_in_a_transaction_is_told(server: FaultServer, site_of: MakeSite) -> None:
    store = DynamoDBSessionStore("sessions", endpoint_url=server.url, strict_revocation=True)
    store.warm_up()
    reasons = [
        {"Code": "None"},
        {
            "Code": "ValidationError",
            "Message": "The provided key element does not match the schema",
        },
    ]
    server.default = error("TransactionCanceledException", CancellationReasons=reasons)
    with pytest.raises(StoreError, match=r"TransactWriteItems on table 'sessions': .*'userId'"):
        login(site_of(store), 10.0)
    store.close()


def test_an_index_that_is_not_there_is_told(server: FaultServer, site_of: MakeSite) -> None:
    store = store_at(server)
    server.default = error(
        "ValidationException", message="The table does not have the specified index: i"
    )
    with pytest.raises(StoreError, match=r"Query on table 'sessions': it lacks an index; .*run"):
        list_all(site_of(store), 10.0)
    store.close()


def test_an_item_that_only_the_table_finds_too_large_is_told_as_such(
    server: FaultServer, site_of: MakeSite
) -> None:
    store = store_at(server)
    server.default = error(
        "ValidationException", message="Item size has exceeded the maximum allowed size"
    )
    with pytest.raises(SessionTooLarge, match="Item size"):
        write(site_of(store), 10.0)
    store.close()


@pytest.mark.parametrize("do", [read, write, login])
def test_an_outage_is_told_within_the_deadline(
    server: FaultServer, site_of: MakeSite, do: Callable[[Site, float], None]
) -> None:
    store = store_at(server)
    server.default = error("InternalServerError", status=500)
    with pytest.raises(StoreUnavailable, match="table 'sessions'") as failure:
        do(site_of(store), 0.2)
    assert failure.value.__cause__ is not None
    store.close()


def test_an_endpoint_that_is_not_there_is_an_outage(site_of: MakeSite) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    store = DynamoDBSessionStore("sessions", endpoint_url=url)
    with pytest.raises(StoreUnavailable):
        read(site_of(store), 0.2)
    store.close()


def test_a_lost_reply_to_the_first_save_is_no_second_session(
    server: FaultServer, site_of: MakeSite
) -> None:
    store = store_at(server)
    # The row was put; its reply was lost; sent again, the condition refuses it.
    server.script += [drop, error("ConditionalCheckFailedException")]
    write(site_of(store), 10.0)
    assert server.operations == ["PutItem", "PutItem"]
    assert server.requests[0].body == server.requests[1].body
    store.close()


def test_a_login_whose_reply_was_lost_is_sent_again_as_the_same(
    server: FaultServer, site_of: MakeSite
) -> None:
    store = DynamoDBSessionStore("sessions", endpoint_url=server.url, strict_revocation=True)
    store.warm_up()
    server.requests.clear()
    server.script += [drop]
    login(site_of(store), 10.0)
    first, second = server.requests
    assert first.operation == second.operation == "TransactWriteItems"
    assert first.body == second.body  # with its token, so that it is done once
    assert b'"ClientRequestToken"' in first.body
    store.close()


def test_warming_up_reads_no_row(server: FaultServer) -> None:
    store = DynamoDBSessionStore("sessions", endpoint_url=server.url)
    store.warm_up()
    assert not any(request.operation for request in server.requests)
    store.close()


@pytest.mark.parametrize(
    ("variable", "message"),
    [("AWS_DEFAULT_REGION", "no region"), ("AWS_ACCESS_KEY_ID", "no credentials")],
)
def test_without_settings_the_first_use_says_so(
    site_of: MakeSite,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    message: str,
) -> None:
    monkeypatch.delenv(variable)
    if variable == "AWS_ACCESS_KEY_ID":
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = DynamoDBSessionStore("sessions")
    with pytest.raises(StoreError, match=f"table 'sessions': {message}"):
        read(site_of(store), 10.0)
    store.close()


# A save of more keys than an expression can name


def large_save(server: FaultServer, store: DynamoDBSessionStore, **options: Any) -> bool:
    """Save 500 keys of a row, whose item the server is to show."""
    keys = {f"key-{number}": "1" for number in range(500)}
    save = Save("s" * 43, "ada", 10, 10, 20, keys, frozenset(), **options)
    done: bool = store.send(save, time.monotonic_ns() + 10 * 10**9)
    return done


def shown(version: int, **data: str) -> dict[str, Any]:
    """A row that was seen in the second of the save."""
    return {"Items": [item_of(OwnTableKeys(), Row("s" * 43, "ada", 1, 10, 20, 30, version, data))]}


def saved_keys(request: Request) -> set[str]:
    return set(json.loads(request.body)["ExpressionAttributeValues"][":d"]["M"])


def test_a7_a_save_of_many_keys_that_fails_has_written_nothing(server: FaultServer) -> None:
    store = store_at(server)
    server.script += [reply(shown(1, old="0")), error("InternalServerError", status=500)]
    server.default = error("ValidationException", message="Item size has exceeded the maximum")
    with pytest.raises(SessionTooLarge):
        large_save(server, store)
    assert server.operations == ["Query", "UpdateItem", "UpdateItem"]
    assert [len(saved_keys(request)) for request in server.requests[1:]] == [501, 501]
    store.close()


def test_a7_a_save_of_many_keys_that_met_another_is_made_anew(server: FaultServer) -> None:
    store = store_at(server)
    refused = error("ConditionalCheckFailedException")
    server.script += [reply(shown(1, old="0")), refused, reply(shown(2, new="0")), reply({})]
    assert large_save(server, store)
    assert server.operations == ["Query", "UpdateItem"] * 2
    for at in (0, 2):
        wanted = json.loads(server.requests[at].body)["ExpressionAttributeValues"]
        assert wanted == {":s": {"S": "s" * 43}}
    assert "old" in saved_keys(server.requests[1])
    assert saved_keys(server.requests[3]) - saved_keys(server.requests[1]) == {"new"}
    conditions = [json.loads(server.requests[at].body) for at in (1, 3)]
    assert all(one["ConditionExpression"].endswith("AND #v = :v") for one in conditions)
    assert [one["ExpressionAttributeValues"][":v"]["N"] for one in conditions] == ["1", "2"]
    store.close()


def test_a7_a_save_of_many_keys_whose_reply_was_lost_is_made_anew(server: FaultServer) -> None:
    store = store_at(server)
    refused = error("ConditionalCheckFailedException")
    server.script += [reply(shown(1)), drop, refused, reply(shown(2)), reply({})]
    assert large_save(server, store)
    assert server.operations == ["Query", "UpdateItem", "UpdateItem", "Query", "UpdateItem"]
    store.close()


def test_a7_a_strict_save_of_many_keys_is_refused_by_another_version(server: FaultServer) -> None:
    store = store_at(server)
    server.script += [reply(shown(2))]
    assert not large_save(server, store, version=1)
    server.script += [reply(shown(1)), error("ConditionalCheckFailedException"), reply(shown(2))]
    assert not large_save(server, store, version=1)
    store.close()


def test_a7_no_save_of_many_keys_is_written_to_a_row_that_is_over(server: FaultServer) -> None:
    store = store_at(server)
    item = item_of(OwnTableKeys(), Row("s" * 43, "ada", 1, 2, 10, 30))
    server.script += [reply({"Items": [item]}), reply(EMPTY)]
    assert not large_save(server, store)
    assert not large_save(server, store)
    assert server.operations == ["Query", "Query"]
    store.close()


@pytest.mark.parametrize(("changed", "removed"), [(148, 0), (0, 296), (100, 96)])
def test_a7_the_largest_save_in_one_expression_has_less_than_4_kb(
    changed: int, removed: int
) -> None:
    save = Save(
        "s" * 43,
        "ada",
        10,
        10,
        20,
        {f"k{number}": "1" for number in range(changed)},
        frozenset(f"r{number}" for number in range(removed)),
        1,
    )
    assert fits_expression(save)
    assert not fits_expression(replace(save, removed=save.removed | {"one more"}))
    request = TableRequests("t", OwnTableKeys(), registers=False, report_capacity=False).save(save)
    expression = json.loads(request.body)["UpdateExpression"]
    assert len(expression) < 4_096
    assert sum(expression.count(sign) for sign in "=+.") == 300


# A user's register


def unregistered(server: FaultServer, count: int) -> list[list[tuple[str, str]]]:
    """The keys that are deleted for so many sessions of ada's, request by request."""
    store = DynamoDBSessionStore("t", endpoint_url=server.url, strict_revocation=True)
    ids = frozenset(f"{number:043}" for number in range(count))
    with store:
        assert store.send(Unregister("ada", ids), time.monotonic_ns() + 5_000_000_000) is None
    batches = []
    for request in server.requests:
        if request.operation == "BatchWriteItem":
            deletions = json.loads(request.body)["RequestItems"]["t"]
            keys = [deletion["DeleteRequest"]["Key"] for deletion in deletions]
            batches.append([(key["sessionId"]["S"], key["userId"]["S"]) for key in keys])
    return batches


@pytest.mark.parametrize("count", [1, 2, 25, 26])
def test_each_session_that_is_gone_is_deleted_from_its_users_register(
    server: FaultServer, count: int
) -> None:
    server.default = reply({})
    batches = unregistered(server, count)
    assert sorted(map(len, batches)) == sorted({1: [1], 2: [2], 25: [25], 26: [25, 1]}[count])
    keys = [key for batch in batches for key in batch]
    assert {session_id for _, session_id in keys} == {f"{one:043}" for one in range(count)}
    (register,) = {partition for partition, _ in keys}
    assert register.startswith("sessions-of~"), "ada's, whose digest hides her name"
    assert "ada" not in register


def test_a_user_without_sessions_that_are_gone_needs_no_request(server: FaultServer) -> None:
    assert unregistered(server, 0) == []


def test_where_an_index_has_a_users_sessions_deleting_one_is_a_single_write(
    server: FaultServer,
) -> None:
    store = store_at(server)
    assert store.send(Delete("id", "ada"), time.monotonic_ns() + 10 * 1_000_000_000) is None
    assert server.operations == ["UpdateItem"]
    store.close()


def test_a_wrong_clock_of_the_host_is_found_out_by_the_first_read() -> None:
    ahead_seconds = 3_600
    with FaultServer() as server:
        server.now = lambda: time.time() + ahead_seconds
        server.default = reply({"Items": [], "Count": 0})
        with DynamoDBSessionStore("t", endpoint_url=server.url) as store:
            found = store.send(Find("s" * 43), time.monotonic_ns() + 5 * 10**9)
        # A single Date may be wrong, so it is believed when a second one agrees.
        assert server.operations == ["Query", "GET"]
    assert found.rows == []
    assert found.now == pytest.approx(time.time() + ahead_seconds, abs=3)


# An outage that lasts


def test_an_outage_costs_three_requests_their_deadline_and_then_one_a_second(
    server: FaultServer, site_of: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_at(server)
    now_ns = 0
    store._breaker = Breaker(lambda: now_ns)
    site = site_of(store)
    server.default = error("InternalServerError", status=500)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="Query on table"):
            read(site, 0.03)
    server.requests.clear()
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="not asked, as the last 3 got no answer: Query"):
            read(site, 10.0)
    assert server.operations == []
    now_ns += 1_000_000_000
    for probe in ("Query on table", "not asked"):
        with pytest.raises(StoreUnavailable, match=probe):
            read(site, 0.03)
    server.default = reply(EMPTY)
    now_ns += 1_000_000_000
    for _ in range(2):
        read(site, 10.0)
    begun, ended = (one.getMessage() for one in caplog.records if one.name == "sessions")
    assert "sessions are read at most once a second" in begun
    assert "it answers again, after 2.0 s" in ended
    store.close()


@pytest.mark.parametrize("do", [write, list_all])
def test_what_does_not_read_a_session_is_asked_in_an_outage_and_may_end_it(
    server: FaultServer, site_of: MakeSite, do: Callable[[Site, float], None]
) -> None:
    store = store_at(server)
    site = site_of(store)
    server.default = error("InternalServerError", status=500)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            read(site, 0.02)
    server.default = reply(EMPTY)
    do(site, 10.0)
    read(site, 10.0)
    store.close()


@pytest.mark.parametrize(
    "answer",
    [reply(EMPTY), error("AccessDeniedException")],
    ids=["an answer", "a mistake of set-up"],
)
def test_only_outages_in_a_row_count(server: FaultServer, site_of: MakeSite, answer: Any) -> None:
    store = store_at(server)
    site = site_of(store)
    for _ in range(2):
        server.default = error("InternalServerError", status=500)
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="Query on table"):
                read(site, 0.02)
        server.default = answer
        with contextlib.suppress(AccessDenied):
            read(site, 10.0)
    store.close()


def test_a_throttled_key_is_no_outage_of_the_table() -> None:
    breaker = Breaker()
    for told in [StoreUnavailable("no answer")] * 2 + [KeyThrottled("a hot key")] * 3:
        breaker.failed("the store", told)
        breaker.require_may_read("the store")
    for _ in range(3):
        breaker.failed("the store", StoreUnavailable("no answer"))
    with pytest.raises(StoreUnavailable, match="'the store': not asked, as the last 3 got no"):
        breaker.require_may_read("the store")
