"""What the store makes of an endpoint's failures: outages, mistakes, and what is sent once only."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

from ratelimit_ddb import (
    AccessDenied,
    AsyncRateLimiter,
    ConcurrencyLimiter,
    Decision,
    DynamoDBStore,
    RateLimiter,
    StoreError,
    StoreUnavailable,
    TableNotFound,
)
from ratelimit_ddb.bucket.decision import Taken
from ratelimit_ddb.limit import Limit, parse_limits
from tests.ddbwire.fault_server import FaultServer, Request, drop, error, hang, reply
from tests.dynamodb_local import free_port

TAKEN = {"Attributes": {"fullAt:5-per-minute": {"N": "1700000000000000000"}}}
Do = Callable[..., Any]


def a_take() -> Decision:
    """A decision that has just taken all tokens."""
    limits = (Limit.parse("5/minute"),)
    full_at_ns = time.time_ns() + limits[0].window_ns
    taken = Taken("k", 5, limits, (full_at_ns,), (0,), 5)
    return Decision(True, 0, 0, limits[0].window_ns, limits[0], taken=taken)


def blocking(store: DynamoDBStore, method: str, options: dict[str, Any], of_what: Any = "k") -> Any:
    return getattr(RateLimiter(store, "5/minute", **options), method)(of_what)


def awaited(store: DynamoDBStore, method: str, options: dict[str, Any], of_what: Any = "k") -> Any:
    async def do() -> Any:
        try:
            return await getattr(AsyncRateLimiter(store, "5/minute", **options), method)(of_what)
        finally:
            await store.aclose()

    return asyncio.run(do())


@pytest.fixture(params=[blocking, awaited])
def do(request: pytest.FixtureRequest) -> Do:
    chosen: Do = request.param
    return chosen


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        server.default = reply(TAKEN)
        yield server


@pytest.fixture
def store(server: FaultServer) -> Iterator[DynamoDBStore]:
    """A store that was warmed up: the server has answered its question for the time."""
    store = DynamoDBStore("limits", endpoint_url=server.url)
    store.warm_up()
    server.requests.clear()
    yield store
    store.close()


@pytest.mark.parametrize(
    ("code", "raised", "message"),
    [
        ("ResourceNotFoundException", TableNotFound, "tables create --table limits"),
        ("AccessDeniedException", AccessDenied, "dynamodb:UpdateItem"),
        ("UnrecognizedClientException", StoreError, "expired, wrong or unknown"),
        ("ExpiredTokenException", StoreError, "expired, wrong or unknown"),
        ("InvalidSignatureException", StoreError, "expired, wrong or unknown"),
        ("ValidationException", StoreError, "security token"),
    ],
)
@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_p10_mistakes_of_set_up_always_raise(
    store: DynamoDBStore,
    server: FaultServer,
    do: Do,
    on_outage: str,
    code: str,
    raised: type[Exception],
    message: str,
) -> None:
    server.default = error(code, message="the security token is invalid")
    with pytest.raises(raised, match=message) as told:
        do(store, "acquire", {"on_outage": on_outage, "deadline": 5})
    assert type(told.value) is raised
    assert str(told.value).startswith("UpdateItem on table 'limits': ")
    assert isinstance(told.value.__cause__, ClientError)
    assert len(server.requests) == (2 if code == "ExpiredTokenException" else 1)


@pytest.mark.parametrize(
    "failing",
    [
        error(
            "ProvisionedThroughputExceededException",
            ThrottlingReasons=[{"reason": "TableWriteProvisionedThroughputExceeded"}],
        ),
        error("RequestLimitExceeded"),
        error("InternalServerError", 500),
        error("ServiceUnavailable", 503),
        reply(raw=b"<html>Forbidden</html>", status=403),
        reply({"message": "Proxy Authentication Required"}, status=407),
        drop,
    ],
)
def test_p10_what_lasts_beyond_the_retries_is_an_outage(
    store: DynamoDBStore, server: FaultServer, do: Do, failing: Any
) -> None:
    server.default = failing
    assert do(store, "acquire", {"on_outage": "allow"}).source == "outage"
    assert not do(store, "acquire", {"on_outage": "deny"}).allowed
    with pytest.raises(StoreUnavailable, match="limits") as caught:
        do(store, "acquire", {"on_outage": "raise"})
    assert caught.value.__cause__ is not None
    assert len(server.requests) > 3


@pytest.mark.parametrize("limits", ["5/minute", ["5/minute", "100/hour"]])
@pytest.mark.parametrize("seen_before", [True, False])
@pytest.mark.parametrize("on_outage", ["allow", "deny"])
def test_p7_a_refusal_without_the_item_ends_after_two_calls_in_an_error(
    store: DynamoDBStore,
    server: FaultServer,
    on_outage: str,
    seen_before: bool,
    limits: Any,
) -> None:
    if seen_before:
        names = [limit.name for limit in parse_limits(limits)]
        later = str(time.time_ns() + 1_000_000_000)
        server.script.append(
            reply({"Attributes": {f"fullAt:{name}": {"N": later} for name in names}})
        )
    limiter = RateLimiter(store, limits, on_outage=on_outage, deadline=5)  # type: ignore[arg-type]
    if seen_before:
        assert limiter.acquire("k").allowed
    server.requests.clear()
    server.default = error("ConditionalCheckFailedException")
    shown = r"^DynamoDBStore\('limits', .*: .*ReturnValuesOnConditionCheckFailure"
    with pytest.raises(StoreError, match=shown) as told:
        limiter.acquire("k")
    assert type(told.value) is StoreError
    assert len(server.requests) <= 2


NO_BUCKETS = {
    "nothing": {},
    "no item": {"Attributes": None},
    "a list": {"Attributes": []},
    "another type": {"Attributes": {"fullAt:5-per-minute": {"S": "x"}}},
    "no type": {"Attributes": {"fullAt:5-per-minute": "1"}},
    "no number": {"Attributes": {"fullAt:5-per-minute": {"N": "soon"}}},
    "no attributes": {"Attributes": {}},
    "another bucket": {"Attributes": {"fullAt:6-per-minute": {"N": "1700000000000000000"}}},
}


@pytest.mark.parametrize("document", NO_BUCKETS.values(), ids=NO_BUCKETS.keys())
@pytest.mark.parametrize("on_outage", ["allow", "deny"])
def test_a_reply_that_is_not_dynamodbs_is_told_with_the_table_and_the_endpoint(
    store: DynamoDBStore, server: FaultServer, do: Do, on_outage: str, document: Any
) -> None:
    server.default = reply(document)
    with pytest.raises(StoreError, match=r"^UpdateItem on table 'limits': the reply") as told:
        do(store, "acquire", {"on_outage": on_outage, "deadline": 5})
    assert type(told.value) is StoreError
    assert server.url in str(told.value)


@pytest.mark.parametrize(
    "answer",
    [
        *map(reply, NO_BUCKETS.values()),
        error("ConditionalCheckFailedException"),
        error("ConditionalCheckFailedException", Item={"s1": {"N": "1700000000000000000"}}),
    ],
    ids=[*NO_BUCKETS, "refused without the item", "refused without the slot"],
)
def test_p16_a_reply_that_does_not_show_the_slot_is_told_and_gives_none(
    store: DynamoDBStore, server: FaultServer, answer: Any
) -> None:
    server.default = answer
    limiter = ConcurrencyLimiter(store, 1, lifetime=1, on_outage="allow", deadline=5)
    with pytest.raises(StoreError, match=r"^UpdateItem on table 'limits': the reply") as told:
        limiter.acquire("k")
    assert type(told.value) is StoreError
    assert len(server.requests) == 1
    server.default = reply({})
    server.wait_for_requests(2)  # it is released, for it may have been taken


def test_what_answers_in_the_place_of_dynamodb_is_shown(
    store: DynamoDBStore, server: FaultServer, do: Do
) -> None:
    server.default = reply(raw=b"<html>Blocked by the firewall</html>", status=403)
    told = f"limits.*{server.url}.*HTTP 403 .*Blocked by the firewall"
    with pytest.raises(StoreUnavailable, match=told):
        do(store, "acquire", {"on_outage": "raise"})


def test_a_passing_failure_goes_unnoticed(
    store: DynamoDBStore, server: FaultServer, do: Do
) -> None:
    server.script.extend([error("RequestLimitExceeded"), error("InternalServerError", 500), drop])
    decision = do(store, "acquire", {"deadline": 5})
    assert (decision.allowed, decision.source) == (True, "table")
    assert server.operations == ["UpdateItem"] * 4


@pytest.mark.parametrize("failing", [error("InternalServerError", 500), drop])
def test_a_refund_that_may_have_been_applied_is_not_repeated(
    store: DynamoDBStore, server: FaultServer, do: Do, failing: Any
) -> None:
    server.default = failing
    with pytest.raises(StoreUnavailable):
        do(store, "refund", {"deadline": 5}, a_take())
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["peek", "refund", "reset"])
def test_only_decisions_follow_the_policy(
    store: DynamoDBStore, server: FaultServer, do: Do, method: str
) -> None:
    server.default = error("ThrottlingException")
    of_what = a_take() if method == "refund" else "k"
    with pytest.raises(StoreUnavailable):
        do(store, method, {"on_outage": "allow"}, of_what)


def test_the_time_is_asked_for_once_before_the_first_decision(server: FaultServer, do: Do) -> None:
    store = DynamoDBStore("limits", endpoint_url=server.url)
    for _ in range(3):
        do(store, "acquire", {"deadline": 5})
    store.close()
    assert server.operations == ["GET"] + ["UpdateItem"] * 3


def test_warming_up_says_when_nobody_answers(server: FaultServer) -> None:
    store = DynamoDBStore("limits", endpoint_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailable, match="limits"):
        store.warm_up()
    with pytest.raises(StoreUnavailable, match="limits"):
        asyncio.run(store.warm_up_async())
    store.close()


def test_a_warm_store_opens_no_connection_for_the_first_decision(server: FaultServer) -> None:
    store = DynamoDBStore("limits", endpoint_url=server.url)
    store.warm_up()
    RateLimiter(store, "5/minute", deadline=5).acquire("k")
    store.close()
    assert server.operations == ["GET", "UpdateItem"]
    assert server.accepts == 1


def test_no_region_and_no_credentials_are_told_with_the_table(
    do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(StoreError, match=r"table 'limits': no credentials .* AWS_PROFILE") as told:
        do(DynamoDBStore("limits"), "acquire", {})
    assert isinstance(told.value.__cause__, NoCredentialsError | PartialCredentialsError)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    with pytest.raises(StoreError, match="table 'limits': no region; set AWS_DEFAULT_REGION"):
        do(DynamoDBStore("limits"), "acquire", {})


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("absent", r"\(absent\) could not be found; set AWS_PROFILE to a profile of"),
        ("sso", "Error loading SSO Token: .*; run `aws sso login` with the profile"),
    ],
)
def test_a_profile_that_does_not_serve_is_told_with_the_way_out(
    do: Do, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str, told: str
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile sso]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = dev\n"
        "[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://sso.example/start\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_PROFILE", profile)
    with pytest.raises(StoreError, match=told):
        do(DynamoDBStore("limits"), "acquire", {})


def test_a_key_of_the_table_that_may_not_be_used_is_among_the_permissions(
    store: DynamoDBStore, server: FaultServer, do: Do
) -> None:
    message = "User: u is not authorized to perform: kms:Decrypt on this resource"
    server.default = error("AccessDeniedException", message=message)
    with pytest.raises(
        AccessDenied, match=r"credentials need dynamodb:Update.*, and kms:Decrypt \("
    ):
        do(store, "acquire", {})


def test_it_is_ready_once_it_was_prepared(server: FaultServer, do: Do) -> None:
    store = DynamoDBStore("limits", endpoint_url=server.url)
    was_ready = [store.ready]
    do(store, "acquire", {})
    was_ready.append(store.ready)
    store.close()
    was_ready.append(store.ready)
    assert was_ready == [False, True, True]


@pytest.mark.parametrize("table", ["", None, 7])
def test_a_table_needs_a_name(table: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="table"):
        DynamoDBStore(table)


def test_a_credentials_service_that_is_down_at_first_is_an_outage_and_follows_on_outage(
    server: FaultServer, do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with FaultServer() as service:
        service.default = reply({}, 500)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/keys")
        monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
        store = DynamoDBStore("limits", endpoint_url=server.url)
        decision = do(store, "acquire", {"on_outage": "allow"})
        assert (decision.allowed, decision.source) == (True, "outage")
        with pytest.raises(StoreUnavailable, match="credentials' provider"):
            do(store, "acquire", {"on_outage": "raise"})
        with pytest.raises(StoreUnavailable):
            store.warm_up()
        keys = {"AccessKeyId": "A", "SecretAccessKey": "s", "Token": "t"}
        service.default = reply({**keys, "Expiration": "2999-01-01T00:00:00Z"})
        end = time.monotonic() + 5
        while do(store, "acquire", {"deadline": 5.0}).source != "table":
            assert time.monotonic() < end
            time.sleep(0.01)
        store.close()


def test_p10_while_the_credentials_service_is_down_decisions_do_not_wait_for_it_twice(
    server: FaultServer, do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with FaultServer() as service:
        service.default = reply({}, 500)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/keys")
        monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
        store = DynamoDBStore("limits", endpoint_url=server.url)
        assert do(store, "acquire", {}).source == "outage"
        service.default = hang
        for _ in range(3):
            start = time.monotonic()
            assert do(store, "acquire", {}).source == "outage"
            assert time.monotonic() - start < 1
        store.close()


def test_keys_that_can_not_be_sent_are_a_mistake(
    server: FaultServer, do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token\r\nx-evil: 1")
    store = DynamoDBStore("limits", endpoint_url=server.url)
    with pytest.raises(StoreError, match=r"session token of the credentials .* line end"):
        do(store, "acquire", {"on_outage": "allow"})
    assert server.requests == []


CONTAINER = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
EXPIRATION = "AWS_CREDENTIAL_EXPIRATION"
ENDPOINT_VARIABLES = {"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"}


@pytest.mark.parametrize(
    ("variables", "program"),
    [
        ({}, "/nonexistent/program"),
        ({}, "/bin/echo no-json"),
        ({}, "/bin/echo []"),
        ({}, '/bin/echo \'{"Version":1,"AccessKeyId":7,"SecretAccessKey":"s"}\''),
        ({}, "/bin/echo 'a quote that is not closed"),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent", "AWS_ROLE_ARN": "arn:aws:iam::1:r"}, ""),
        ({CONTAINER: "http://192.0.2.1/keys"}, ""),
        ({CONTAINER: "http://localhost/keys", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\nb"}, ""),
        ({"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"} | {EXPIRATION: "soon"}, ""),
        ({"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"} | {EXPIRATION: "9" * 20}, ""),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://dynamodb_local:8000"}, ""),
        ({"AWS_ENDPOINT_URL": "localhost:8000"}, ""),
        ({"AWS_DEFAULT_REGION": "eu-west-1\n"}, ""),
    ],
)
def test_a_configuration_that_botocore_fails_at_is_a_mistake_with_the_table(
    variables: dict[str, str],
    program: str,
    do: Do,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if not variables.keys() <= ENDPOINT_VARIABLES or program:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {program}\n" if program else "")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    store = DynamoDBStore("limits")
    with pytest.raises(StoreError, match=r"^table 'limits': .*(credentials|endpoint)") as caught:
        do(store, "acquire", {"on_outage": "allow"})
    assert not isinstance(caught.value, StoreUnavailable)


def test_a_role_that_needs_a_code_where_no_terminal_gives_it_is_a_mistake(do: Do) -> None:
    def ask() -> Any:
        raise EOFError("EOF when reading a line")  # by getpass, which botocore calls

    session: Any = botocore.session.Session()
    session._credentials = DeferredRefreshableCredentials(ask, "assume-role")
    store = DynamoDBStore("limits", region_name="eu-west-1", session=session)
    with pytest.raises(StoreError, match=r"^table 'limits': the credentials .*EOF") as caught:
        do(store, "acquire", {"on_outage": "allow"})
    assert not isinstance(caught.value, StoreUnavailable)


def date_in(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


def now_of(request: Request) -> float:
    """The ``now`` of a take, in seconds since the epoch."""
    values = json.loads(request.body)["ExpressionAttributeValues"]
    return int(values[":n0"]["N"]) / 1e9


@pytest.mark.parametrize("seconds", [3600, 250, 30, -3600, 86_400 * 3])
def test_p11_a_single_wrong_date_moves_no_decision(
    server: FaultServer, store: DynamoDBStore, do: Do, seconds: float
) -> None:
    server.script.extend([reply(TAKEN, date=date_in(seconds)), reply(TAKEN)])
    for _ in range(3):
        do(store, "acquire", {"deadline": 5.0, "deny_cache": 0})
    for request in server.requests:
        assert abs(now_of(request) - time.time()) < 2


def test_p1_a_host_that_slept_decides_by_the_time_after_it(
    server: FaultServer, store: DynamoDBStore, do: Do
) -> None:
    """Its monotonic clock stood still for an hour, so the first signature is refused."""
    clock = store._wire.clock
    clock.monotonic_ns = lambda: time.monotonic_ns() - 3600 * 1_000_000_000
    message = "Signature expired: it is now earlier than"
    server.script.append(error("InvalidSignatureException", message=message))
    decision = do(store, "acquire", {"deadline": 5.0})
    assert decision.source == "table"
    assert server.operations == ["UpdateItem", "GET", "UpdateItem"]
    before, _asked, after = server.requests
    assert abs(now_of(before) - time.time() + 3600) < 2
    assert abs(now_of(after) - time.time()) < 2
