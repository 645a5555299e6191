"""Reading a reply: DynamoDB's JSON protocol, its errors made values or botocore's exceptions.

Source: "DynamoDB low-level API" and "Error handling with DynamoDB", Developer Guide.
"""

import json
from functools import partial
from typing import Any, Protocol

from ddbwire.errors import THROTTLES, TRANSACTION_CANCELED, TRANSIENT_REASONS
from ddbwire.protocol.result import Cure, Outcome, Refused, TransactionRefused, Trouble
from ddbwire.steps import Failure, Reply

_scan = json.JSONDecoder().raw_decode

_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_EXPIRED_CREDENTIALS = frozenset({"ExpiredTokenException", "ExpiredToken"})


class ErrorClasses(Protocol):
    """Where exception classes come from: the ``exceptions`` of a botocore client."""

    def from_code(self, code: str, /) -> type[Exception]:
        """The class for an error code; ClientError for one that the service does not model."""


def judge_failure(failure: Failure, *, repeatable: bool) -> Trouble:
    """What an attempt without a whole reply means for a request that is ``repeatable`` or not."""
    if failure.timed_out or (failure.sent and not repeatable):
        cure = Cure.NOTHING
    elif failure.stale:
        cure = Cure.FRESH_CONNECTION
    else:
        cure = Cure.PAUSE
    return Trouble(cure, failure.cause, maybe_applied=failure.sent, timed_out=failure.timed_out)


def judge(
    reply: Reply, operation_name: str, classes: ErrorClasses, *, repeatable: bool
) -> Outcome | Trouble:
    """What a whole reply means."""
    try:
        text = reply.body.decode().strip()
        document, end = _scan(text)
        if end != len(text):
            document = None
    except ValueError:
        document = None
    if reply.status == 200:
        if isinstance(document, dict):
            return document
        return judge_failure(Failure("the reply is not JSON", sent=True), repeatable=repeatable)
    return _judge_error(
        reply,
        document if isinstance(document, dict) else {},
        operation_name,
        classes,
        repeatable=repeatable,
    )


def _judge_error(
    reply: Reply,
    document: dict[str, Any],
    operation_name: str,
    classes: ErrorClasses,
    *,
    repeatable: bool,
) -> Outcome | Trouble:
    code = _code(reply, document)
    if code == "ConditionalCheckFailedException":
        return Refused(document.get("Item"))
    reasons = document.get("CancellationReasons") or []
    if code == TRANSACTION_CANCELED and _refused(reasons):
        return TransactionRefused(reasons)
    message = _message(document)
    ambiguous = reply.status >= 500 and code not in THROTTLES
    if ambiguous and not repeatable:
        cure = Cure.NOTHING
    else:
        cure = _cure(code, message, reply.status, reasons)
    refusal = partial(_error, classes.from_code(code), operation_name, reply, document)
    return Trouble(cure, f"{code}: {message}", refusal, maybe_applied=ambiguous)


def _refused(reasons: list[dict[str, Any]]) -> bool:
    codes = {reason.get("Code", "None") for reason in reasons}
    return "ConditionalCheckFailed" in codes and (
        codes <= TRANSIENT_REASONS | {"ConditionalCheckFailed"}
    )


def _cure(code: str, message: str, status: int, reasons: list[dict[str, Any]]) -> Cure:
    if code in THROTTLES or status >= 500:
        return Cure.PAUSE
    if code == TRANSACTION_CANCELED:
        codes = {reason.get("Code", "None") for reason in reasons}
        return Cure.PAUSE if codes and codes <= TRANSIENT_REASONS else Cure.NOTHING
    if code in _EXPIRED_CREDENTIALS:
        return Cure.FRESH_CREDENTIALS
    if code in _SKEWED or (
        code == "InvalidSignatureException"
        and ("Signature expired" in message or "Signature not yet current" in message)
    ):
        return Cure.FRESH_TIME
    return Cure.NOTHING


def _code(reply: Reply, document: dict[str, Any]) -> str:
    # "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", or without the namespace.
    return str(document.get("__type") or reply.status).rpartition("#")[2]


def _message(document: dict[str, Any]) -> str:
    return str(document.get("message") or document.get("Message") or "")


def _error(
    kind: type[Exception],
    operation_name: str,
    reply: Reply,
    document: dict[str, Any],
    retries: int,
) -> Exception:
    """An exception of botocore's, with its ``response``; what else was said is in wire shape."""
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in reply.headers.items()
    }
    details = {
        name: value
        for name, value in document.items()
        if name not in ("__type", "message", "Message")
    }
    response = details | {
        "Error": {"Code": _code(reply, document), "Message": _message(document)},
        "ResponseMetadata": {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": reply.status,
            "HTTPHeaders": headers,
            "RetryAttempts": retries,
        },
    }
    return kind(response, operation_name)
