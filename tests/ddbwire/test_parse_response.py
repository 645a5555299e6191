"""What a reply of the endpoint stands for: worked examples, without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddbwire import ConditionalCheckFailed, DynamoDBRequest, TransactionCanceled
from ddbwire.protocol.failed_attempt import FailedAttempt, RetryAction
from ddbwire.protocol.parse_response import ErrorClasses, parse_response
from ddbwire.protocol.result import CallResult
from ddbwire.steps import HTTPResponse

NAMESPACE = "com.amazonaws.dynamodb.v20120810#"
FAIL, BACK_OFF = RetryAction.FAIL, RetryAction.BACK_OFF
ONCE = {"repeatable": False}
TAKE = {"retries_throttled_key": False}
SKEWED = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"
CANCELED = "TransactionCanceledException"
CONDITION, THROTTLED = {"Code": "ConditionalCheckFailed"}, {"Code": "ThrottlingError"}
TRANSIENT = [
    {"Code": "None"},
    {"Code": "TransactionConflict"},
    {"Code": "ProvisionedThroughputExceeded"},
    THROTTLED,
]


class Raised(Exception):
    """Stands for botocore's classes, which have the same arguments."""

    def __init__(self, response: Any, operation_name: str) -> None:
        self.response, self.operation_name = response, operation_name


class Classes(ErrorClasses):
    """Those of a client of botocore's."""

    def from_code(self, code: str, /) -> type[Exception]:
        return type(code, (Raised,), {})


def parsed(
    body: bytes | dict[str, Any], status: int = 400, **how: bool
) -> CallResult | FailedAttempt:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {b"x-amzn-requestid": b"R1", b"via": b"\xe9"}
    request = DynamoDBRequest("UpdateItem", b"{}", **how)
    return parse_response(HTTPResponse(status, sent, b"", headers), request, Classes())


def failed(body: bytes | dict[str, Any], status: int = 400, **how: bool) -> FailedAttempt:
    attempt = parsed(body, status, **how)
    assert isinstance(attempt, FailedAttempt)
    return attempt


def canceled(*reasons: Any, **more: Any) -> dict[str, Any]:
    return {"__type": NAMESPACE + CANCELED, "CancellationReasons": list(reasons), **more}


@pytest.mark.parametrize(
    ("code", "message", "status", "how", "action", "maybe_applied"),
    [
        ("ValidationException", "", 400, {}, FAIL, False),
        ("ValidationException", "Signature expired", 400, {}, FAIL, False),
        ("ValidationException", "", 499, ONCE, FAIL, False),
        ("ThrottlingException", "", 400, {}, BACK_OFF, False),
        ("ThrottlingException", "", 400, ONCE, BACK_OFF, False),
        ("ThrottlingException", "", 500, ONCE, BACK_OFF, False),
        ("ThrottlingException", "", 400, TAKE, FAIL, False),
        ("RequestLimitExceeded", "", 400, TAKE, BACK_OFF, False),
        ("InternalServerError", "", 500, {}, BACK_OFF, True),
        ("InternalServerError", "", 500, TAKE, BACK_OFF, True),
        ("InternalServerError", "", 500, ONCE, FAIL, True),
        ("ExpiredTokenException", "", 400, {}, RetryAction.REFRESH_CREDENTIALS, False),
        ("ExpiredToken", "", 400, {}, RetryAction.REFRESH_CREDENTIALS, False),
        ("RequestTimeTooSkewed", "", 400, {}, RetryAction.SYNC_CLOCK, False),
        ("RequestExpired", "", 400, ONCE, RetryAction.SYNC_CLOCK, False),
        ("InvalidSignatureException", SKEWED, 400, {}, RetryAction.SYNC_CLOCK, False),
        (
            "InvalidSignatureException",
            "Signature not yet current: 20260101T001000Z is still later",
            400,
            {},
            RetryAction.SYNC_CLOCK,
            False,
        ),
        ("InvalidSignatureException", "it does not match", 400, {}, FAIL, False),
    ],
)
@pytest.mark.parametrize("member", ["message", "Message"])
def test_an_error_says_whether_it_is_sent_again(
    code: str,
    message: str,
    status: int,
    how: dict[str, bool],
    action: RetryAction,
    maybe_applied: bool,
    member: str,
) -> None:
    for kind in (code, NAMESPACE + code):
        attempt = failed({"__type": kind, member: message}, status, **how)
        assert (attempt.action, attempt.maybe_applied) == (action, maybe_applied)
        assert attempt.cause == f"{code}: {message}"
        assert not attempt.timed_out


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        ({"__type": NAMESPACE + "Some", "message": "m", "Message": "M", "Item": 1}, "Some", "m"),
        ({"__type": "Some", "Message": "M", "Item": 1}, "Some", "M"),
        ({"__type": "Some", "Item": 1}, "Some", ""),
        ({"__type": NAMESPACE + "Some:http://docs.example/#Some", "Item": 1}, "Some", ""),
        ({"__type": 7, "Item": 1}, "503", ""),
    ],
)
def test_an_error_is_raised_as_botocore_would(
    document: dict[str, Any], code: str, message: str
) -> None:
    attempt = failed(document, 503)
    assert attempt.make_error is not None
    error = attempt.make_error(3)
    assert isinstance(error, Raised)
    assert type(error).__name__ == code
    assert error.operation_name == "UpdateItem"
    assert error.response == {
        "Item": 1,
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "RequestId": "R1",
            "HTTPStatusCode": 503,
            "HTTPHeaders": {"x-amzn-requestid": "R1", "via": "é"},
            "RetryAttempts": 3,
        },
    }


def test_a_reply_without_a_request_id_is_told_with_an_empty_one() -> None:
    response = HTTPResponse(500, b'{"__type": "InternalServerError"}', b"", {})
    attempt = parse_response(response, DynamoDBRequest("Query", b"{}"), Classes())
    assert isinstance(attempt, FailedAttempt)
    assert attempt.make_error is not None
    error = attempt.make_error(0)
    assert isinstance(error, Raised)
    assert error.response["ResponseMetadata"]["RequestId"] == ""


def test_a_condition_that_did_not_hold_is_a_value() -> None:
    failed_condition = {"__type": "ConditionalCheckFailedException", "Item": {"k": {"S": "v"}}}
    assert parsed(failed_condition) == ConditionalCheckFailed({"k": {"S": "v"}})


@pytest.mark.parametrize("reasons", [[CONDITION], [{}, CONDITION], [CONDITION, *TRANSIENT]])
def test_a_condition_of_a_transaction_that_did_not_hold_is_a_value(reasons: list[Any]) -> None:
    assert parsed(canceled(*reasons)) == TransactionCanceled(reasons)


@pytest.mark.parametrize(
    ("reasons", "action"),
    [
        ([], FAIL),
        ([THROTTLED], BACK_OFF),
        ([{}, THROTTLED], BACK_OFF),
        (TRANSIENT, BACK_OFF),
        ([THROTTLED, {"Code": "ValidationError"}], FAIL),
        ([CONDITION, {"Code": "ValidationError"}], FAIL),
    ],
)
def test_a_transaction_that_was_canceled_otherwise_goes_by_its_reasons(
    reasons: list[Any], action: RetryAction
) -> None:
    assert failed(canceled(*reasons)).action is action


@pytest.mark.parametrize(
    "reasons",
    [
        None,
        "no list",
        {"Code": "None"},
        [CONDITION, "x"],
        [CONDITION, {"Code": 7}],
        [{"Code": "ValidationError", "Message": 7}],
    ],
)
def test_reasons_that_dynamodb_would_not_give_are_left_out(reasons: Any) -> None:
    attempt = failed({"__type": CANCELED, "CancellationReasons": reasons, "Item": 1})
    assert attempt.action is FAIL
    assert attempt.make_error is not None
    error = attempt.make_error(0)
    assert isinstance(error, Raised)
    assert error.response.keys() == {"Item", "Error", "ResponseMetadata"}


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"\xff", b"[]", b"7", b"{} {}", b'{"a":', b"[" * 200_000]
)
@pytest.mark.parametrize("repeatable", [True, False])
def test_what_is_no_reply_of_dynamodb_may_have_been_applied(body: bytes, repeatable: bool) -> None:
    action = BACK_OFF if repeatable else FAIL
    ok = failed(body, 200, repeatable=repeatable)
    assert ok == FailedAttempt(action, "the reply is not JSON", maybe_applied=True)
    of_another = failed(body, 499, repeatable=repeatable)
    cause = (
        f"HTTP 499 without an error of DynamoDB ({body[:60]!r}); "
        "something else answers at the endpoint, or before it"
    )
    assert of_another == FailedAttempt(action, cause, maybe_applied=True)
    assert of_another.make_error is None
    # The table's own front end may answer with a page in an outage.
    outage = failed(body, 500, repeatable=repeatable)
    assert (outage.action, outage.cause, outage.maybe_applied) == (action, "500: ", True)


@pytest.mark.parametrize("body", [b"{}", b' {"Item": {}}\n'])
def test_a_result_is_dynamodbs_json(body: bytes) -> None:
    assert parsed(body, 200) == json.loads(body)
