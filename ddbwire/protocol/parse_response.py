"""Parse DynamoDB's JSON responses: results, failed conditions, and errors.

Source: "DynamoDB low-level API" and "Error handling with DynamoDB", Developer Guide.
"""

import json
from functools import partial
from typing import Any, Protocol

from ddbwire.errors import THROTTLES, TRANSACTION_CANCELED, TRANSIENT_REASONS
from ddbwire.protocol.failed_attempt import FailedAttempt, RetryAction, classify_failure
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.protocol.result import CallResult, ConditionalCheckFailed, TransactionCanceled
from ddbwire.protocol.throttle import is_key_throttled
from ddbwire.steps import HTTPResponse, NoResponse

_scan = json.JSONDecoder().raw_decode

_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_EXPIRED_CREDENTIALS = frozenset({"ExpiredTokenException", "ExpiredToken"})


class ErrorClasses(Protocol):
    """Where exception classes come from: the ``exceptions`` of a botocore client."""

    def from_code(self, code: str, /) -> type[Exception]:
        """The class for an error code; ClientError for one that the service does not model."""


def parse_response(
    http_response: HTTPResponse, request: DynamoDBRequest, classes: ErrorClasses
) -> CallResult | FailedAttempt:
    """The result in an HTTP response, or a failed attempt."""
    try:
        text = http_response.body.decode().strip()
        document, end = _scan(text)
        if end != len(text):
            document = None
    except (ValueError, RecursionError):  # DynamoDB nests 32 levels
        document = None
    if http_response.status == 200:
        if isinstance(document, dict):
            return document
        return classify_failure(
            NoResponse("the reply is not JSON", sent=True), repeatable=request.repeatable
        )
    error = document if isinstance(document, dict) else {}
    if http_response.status < 500 and not error_code(error):
        return classify_failure(_answer_of_another(http_response), repeatable=request.repeatable)
    return _parse_error(http_response, _without_other_reasons(error), request, classes)


def error_code(error: dict[str, Any]) -> str:
    """The code in the JSON of an error of DynamoDB; empty if it is not one.

    ``__type`` is ``namespace#code:URI``, and the namespace and the URI may be missing. Source:
    Smithy, "AWS JSON 1.0 protocol", "Operation error serialization".
    """
    kind = error.get("__type")
    return kind.partition(":")[0].rpartition("#")[2] if isinstance(kind, str) else ""


def _answer_of_another(http_response: HTTPResponse) -> NoResponse:
    """The failure for a page of a proxy, a firewall, or anything else at the endpoint."""
    return NoResponse(
        f"HTTP {http_response.status} without an error of DynamoDB ({http_response.body[:60]!r}); "
        "something else answers at the endpoint, or before it",
        sent=True,
    )


def _without_other_reasons(error: dict[str, Any]) -> dict[str, Any]:
    """An error without CancellationReasons that are not DynamoDB's.

    The readers of errors rely on their codes, and anything at the endpoint may have sent it.
    """
    reasons = error.get("CancellationReasons", [])
    if isinstance(reasons, list) and all(
        isinstance(reason, dict)
        and isinstance(reason.get("Code", "None"), str)
        and isinstance(reason.get("Message") or "", str)
        for reason in reasons
    ):
        return error
    return {name: value for name, value in error.items() if name != "CancellationReasons"}


def _parse_error(
    http_response: HTTPResponse,
    document: dict[str, Any],
    request: DynamoDBRequest,
    classes: ErrorClasses,
) -> CallResult | FailedAttempt:
    code = _code(http_response, document)
    if code == "ConditionalCheckFailedException":
        return ConditionalCheckFailed(document.get("Item"))
    reasons = document.get("CancellationReasons", [])
    if code == TRANSACTION_CANCELED and _condition_failed(reasons):
        return TransactionCanceled(reasons)
    message = _message(document)
    ambiguous = http_response.status >= 500 and code not in THROTTLES
    if (ambiguous and not request.repeatable) or (
        not request.retries_throttled_key and is_key_throttled(code, document)
    ):
        action = RetryAction.FAIL
    else:
        action = _retry_action(code, message, http_response.status, reasons)
    make_error = partial(_error, classes.from_code(code), request.name, http_response, document)
    return FailedAttempt(action, f"{code}: {message}", make_error, maybe_applied=ambiguous)


def _condition_failed(reasons: list[dict[str, Any]]) -> bool:
    codes = {reason.get("Code", "None") for reason in reasons}
    return "ConditionalCheckFailed" in codes and (
        codes <= TRANSIENT_REASONS | {"ConditionalCheckFailed"}
    )


def _retry_action(
    code: str, message: str, status: int, reasons: list[dict[str, Any]]
) -> RetryAction:
    if code in THROTTLES or status >= 500:
        return RetryAction.BACK_OFF
    if code == TRANSACTION_CANCELED:
        codes = {reason.get("Code", "None") for reason in reasons}
        return RetryAction.BACK_OFF if codes and codes <= TRANSIENT_REASONS else RetryAction.FAIL
    if code in _EXPIRED_CREDENTIALS:
        return RetryAction.REFRESH_CREDENTIALS
    if code in _SKEWED or (
        code == "InvalidSignatureException"
        and ("Signature expired" in message or "Signature not yet current" in message)
    ):
        return RetryAction.SYNC_CLOCK
    return RetryAction.FAIL


def _code(http_response: HTTPResponse, document: dict[str, Any]) -> str:
    return error_code(document) or str(http_response.status)


def _message(document: dict[str, Any]) -> str:
    return str(document.get("message") or document.get("Message") or "")


def _error(
    kind: type[Exception],
    operation_name: str,
    http_response: HTTPResponse,
    document: dict[str, Any],
    retries: int,
) -> Exception:
    """An exception of botocore with its ``response``; further members are DynamoDB JSON."""
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in http_response.headers.items()
    }
    details = {
        name: value
        for name, value in document.items()
        if name not in ("__type", "message", "Message")
    }
    response = details | {
        "Error": {"Code": _code(http_response, document), "Message": _message(document)},
        "ResponseMetadata": {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": http_response.status,
            "HTTPHeaders": headers,
            "RetryAttempts": retries,
        },
    }
    return kind(response, operation_name)
