"""Stores as objects: shown, copied, pickled, closed; the four alike."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest

from ratelimit_ddb import DynamoDBStore, MemoryStore, RateLimiter
from sessions import DynamoDBSessionStore, MemorySessionStore
from tests.ddbwire.fault_server import FaultServer, reply
from tests.store_flavours import FLAVOURS, Flavour

MakeStore = Callable[..., Any]
ON_TABLES = pytest.mark.parametrize("make_store", [DynamoDBStore, DynamoDBSessionStore])
IN_MEMORY = pytest.mark.parametrize("make_store", [MemoryStore, MemorySessionStore])
ALL = pytest.mark.parametrize(
    "make_store",
    [
        partial(DynamoDBStore, "t", endpoint_url="http://127.0.0.1:9"),
        MemoryStore,
        partial(DynamoDBSessionStore, "t", endpoint_url="http://127.0.0.1:9"),
        MemorySessionStore,
    ],
)


def fixed_time() -> int:
    return 1_700_000_000_000_000_000


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        server.default = reply({})
        yield server


@ON_TABLES
def test_a_store_is_shown_as_what_leads_to_its_table(make_store: MakeStore) -> None:
    name = make_store.__name__
    assert repr(make_store("t")) == f"{name}('t')"
    store = make_store(
        "t", region_name="eu-west-1", endpoint_url="http://user:secret@localhost:8000/"
    )
    shown = f"{name}('t', region_name='eu-west-1', endpoint_url='http://localhost:8000')"
    assert repr(store) == shown


@ON_TABLES
@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "ftp://localhost",
        "http://",
        "http://[::1",
        "http://h:x",
        "http://localhost:0",
        "http://dynamodb_local:8000",
        "http://ex\u00e4mple.com",
        "http://a..b",
        "http://localhost:8000/ ",
        "http://local\nhost",
        8000,
    ],
)
def test_what_is_no_endpoint_is_refused_when_the_store_is_made(
    make_store: MakeStore, url: Any
) -> None:
    with pytest.raises((TypeError, ValueError), match=r"endpoint .* must be "):
        make_store("t", endpoint_url=url)


async def _made_later() -> None: ...


class _AwaitedCall:
    async def __call__(self, _: object) -> None: ...


class _AwaitedSession:
    """As aioboto3 has them."""

    async def get_credentials(self) -> None: ...


@ON_TABLES
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("table", "rate limits"),
        ("table", "limits\n"),
        ("table", "arn:aws:s3:::limits"),
        ("table", "arn:aws:dynamodb:eu-west-1:123456789012:table/limits/index/other"),
        ("region_name", 7),
        ("region_name", b"eu-west-1"),
        ("region_name", "eu-west-1\n"),
        ("region_name", "eu west 1"),
        ("session", "my-profile"),
        ("session", boto3.Session),
        ("session", _AwaitedSession()),
        ("max_connections", True),
        ("max_connections", 1.5),
        ("max_connections", float("nan")),
        ("max_connections", "64"),
        ("max_connections", 0),
        ("max_connections", 10**30),
    ],
)
def test_an_option_that_can_not_hold_is_refused_when_the_store_is_made(
    make_store: MakeStore, option: str, value: Any
) -> None:
    options = {"table": "limits", option: value}
    with pytest.raises((TypeError, ValueError), match=f"^{option} .*: must be "):
        make_store(**options)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("clock", 1_700_000_000),
        ("clock", time.time),
        ("clock", lambda: "now"),
        ("clock", _made_later),
        ("on_call", "print"),
        ("on_call", [print]),
        ("on_call", _made_later),
        ("on_call", _AwaitedCall()),
    ],
)
def test_a_function_of_a_store_must_be_one(option: str, value: Any) -> None:
    options: dict[str, Any] = {option: value}
    makers: list[MakeStore] = [partial(DynamoDBStore, "t"), partial(DynamoDBSessionStore, "t")]
    if option == "clock":
        makers += [MemoryStore, MemorySessionStore]
    for make in makers:
        with pytest.raises(TypeError, match=f"^{option} .*: must (be|return) "):
            make(**options)


@pytest.mark.parametrize(
    ("make_store", "option"),
    [(DynamoDBStore, "report_capacity"), (DynamoDBSessionStore, "strict_revocation")],
)
def test_what_is_on_or_off_is_a_bool(make_store: MakeStore, option: str) -> None:
    options: dict[str, Any] = {option: "yes"}
    with pytest.raises(TypeError, match=f"{option} .*True or False"):
        make_store("t", **options)


@ON_TABLES
@pytest.mark.parametrize(
    "table", ["t", "quikapp-prod.limits_2", "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t"]
)
def test_a_table_has_a_name_or_an_arn(make_store: MakeStore, table: str) -> None:
    assert make_store(table).table == table


@ON_TABLES
def test_what_was_resolved_is_shown_and_no_secret_is(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    store = make_store("t", session=boto3.Session(aws_secret_access_key="x", aws_access_key_id="A"))
    store.prepare()
    assert "region_name='eu-west-1'" in repr(store)
    assert "eu-west-1.amazonaws.com'" in repr(store)
    assert "session" not in repr(store)


def test_the_others_are_shown_by_their_options() -> None:
    assert repr(MemoryStore(max_keys=7)) == "MemoryStore(max_keys=7)"
    assert repr(MemorySessionStore(max_sessions=7)) == "MemorySessionStore(max_sessions=7)"
    strict = DynamoDBSessionStore("t", strict_revocation=True)
    assert repr(strict) == "DynamoDBSessionStore('t', strict_revocation=True)"


@ALL
def test_a_copy_is_the_store_itself(make_store: MakeStore) -> None:
    store = make_store()
    assert copy.copy(store) is store
    assert copy.deepcopy([store])[0] is store


@ALL
def test_no_store_is_false(make_store: MakeStore) -> None:
    assert make_store()


@IN_MEMORY
def test_what_is_in_memory_is_not_pickled_and_says_why(make_store: MakeStore) -> None:
    with pytest.raises(TypeError, match=f"a {make_store.__name__} can't be pickled: its .* memory"):
        pickle.dumps(make_store())


@ON_TABLES
def test_a_store_is_pickled_as_its_arguments(make_store: MakeStore, server: FaultServer) -> None:
    store = make_store("t", region_name="eu-west-1", endpoint_url=server.url, clock=fixed_time)
    store.check()
    again = pickle.loads(pickle.dumps(store))
    store.close()
    assert type(again) is make_store
    assert repr(again) == repr(store)
    with again:
        again.check()
    assert [request.connection for request in server.requests if request.operation] == [0, 1]


def test_each_option_is_pickled() -> None:
    limits = pickle.loads(pickle.dumps(DynamoDBStore("t", report_capacity=True, clock=fixed_time)))
    assert limits.clock.now_ns() == fixed_time()
    sessions = pickle.loads(pickle.dumps(DynamoDBSessionStore("t", strict_revocation=True)))
    assert sessions.is_exact_by_owner


@ON_TABLES
@pytest.mark.parametrize("option", ["session", "clock", "on_call"])
def test_what_can_not_be_pickled_is_named(make_store: MakeStore, option: str) -> None:
    value = boto3.Session() if option == "session" else lambda *_: 0
    with pytest.raises(TypeError, match=f"with {option}=.* can't be pickled: make the store in"):
        pickle.dumps(make_store("t", **{option: value}))


@FLAVOURS
@ON_TABLES
def test_its_block_closes_a_store_which_can_be_used_again(
    make_store: MakeStore, flavour: Flavour, server: FaultServer
) -> None:
    store = make_store("t", endpoint_url=server.url)
    for block in range(2):
        flavour.within(store, store.check)
        assert server.accepts == block + 1


@FLAVOURS
@IN_MEMORY
def test_blocks_of_stores_in_memory_are_alike(make_store: MakeStore, flavour: Flavour) -> None:
    store = make_store()
    for _ in range(2):
        flavour.within(store, store.warm_up)


def test_what_is_in_memory_stays_there_when_it_is_closed() -> None:
    with MemoryStore() as store:
        assert RateLimiter(store, "1/minute").acquire("k").allowed
    assert not RateLimiter(store, "1/minute").acquire("k").allowed


@ALL
@pytest.mark.parametrize("operation", [None, "take", object()])
def test_an_unknown_operation_is_refused(make_store: MakeStore, operation: Any) -> None:
    with pytest.raises(TypeError, match=r"must be one of (ratelimit_ddb|sessions)\.operation"):
        make_store().send(operation, 0)
