"""The exceptions of a call, in two layers, and which of them are outages.

The wire raises ``Unreachable``, or botocore's ``ClientError`` if DynamoDB refused. A store, which
knows its table and its needs, raises a ``StoreError`` from that (shared/store_errors.py).
"""

from typing import Any

TRANSACTION_CANCELED = "TransactionCanceledException"

CONFLICTS = frozenset(
    {
        "TransactionInProgressException",
        "TransactionConflictException",
        "ReplicatedWriteConflictException",
    }
)
"""The codes of DynamoDB for items that others write at the same time."""

THROTTLES = CONFLICTS | {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
}
"""The codes of DynamoDB for a request that was not applied, and may succeed when it is repeated.

Source: "Error handling with DynamoDB", Amazon DynamoDB Developer Guide.
"""

TRANSIENT_REASONS = frozenset(
    {"None", "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"}
)
"""Cancellation reasons that may be gone when the transaction is repeated.

Source: TransactWriteItems, "TransactionCanceledException", Amazon DynamoDB API Reference.
"""


class StoreError(Exception):
    """A table can't be used as it is configured, or can't be used now.

    The base class of the errors of the stores of ``ratelimit_ddb`` and ``sessions``. The message
    names the table and the operation; ``__cause__`` is botocore's exception, or the wire's. Raised
    itself if there is no class of its own: for a table with other keys, no region, credentials that
    are missing, unknown or expired, and any other refusal by DynamoDB.
    """


class StoreUnavailable(StoreError):
    """The table did not answer within the deadline, or answered that it can't serve now.

    An outage: the endpoint is out of reach, a timeout, HTTP 5xx, throttling in all retries. The
    other errors are mistakes of configuration, which stay until somebody corrects them.
    """


class KeyThrottled(StoreUnavailable):
    """The table serves requests, but not for this key now: there are too many of them.

    A partition takes 1,000 writes a second, and all writes of one key go to one partition. It is
    not an outage: a limiter denies the request, whatever ``on_outage`` says.
    """


class TableNotFound(StoreError):
    """The table does not exist at this endpoint, in this region, for this account."""


class AccessDenied(StoreError):
    """The credentials are valid but lack permissions that the store needs."""


class Unreachable(Exception):
    """The endpoint gave no usable answer in all attempts, or before the deadline."""

    def __init__(self, endpoint: str, cause: str, *, maybe_applied: bool) -> None:
        super().__init__(f"{endpoint} gave no usable answer: {cause}")
        self.endpoint = endpoint
        self.cause = cause
        self.maybe_applied = maybe_applied
        """Whether the request of an attempt may have been applied."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by fields: Exception's own way loses the keyword-only one."""
        return _rebuilt, (type(self), self.endpoint, self.cause, self.maybe_applied)


class DeadlineExceeded(Unreachable):
    """The deadline passed first."""


class ConfigurationError(Exception):
    """The configuration has an endpoint, a certificate or credentials that can't be used.

    Raised until a call has succeeded. After that, a name that no longer resolves, or a certificate
    that has expired, is an outage: ``Unreachable``.
    """


def _rebuilt(kind: type[Unreachable], endpoint: str, cause: str, applied: bool) -> Unreachable:
    return kind(endpoint, cause, maybe_applied=applied)


def response_of(error: BaseException) -> dict[str, Any]:
    """DynamoDB's response, if ``error`` is botocore's ``ClientError``; empty otherwise.

    Exceptions of HTTP clients, such as requests' and botocore's own, have a ``response`` that is
    None or an object of theirs.
    """
    response = getattr(error, "response", None)
    return response if isinstance(response, dict) else {}


def is_transient(error: BaseException) -> bool:
    """Whether ``error`` is an outage, which passes, and not a mistake, which stays.

    True for ``Unreachable``, and for botocore's ``ClientError`` of a throttle, of a transaction
    canceled only by conflicts or throttles, or of an HTTP status of 500 or more.
    """
    if isinstance(error, Unreachable):
        return True
    response = response_of(error)
    code = response.get("Error", {}).get("Code")
    if code in THROTTLES:
        return True
    if code == TRANSACTION_CANCELED:
        reasons = response.get("CancellationReasons", [])
        return bool(reasons) and all(
            reason.get("Code", "None") in TRANSIENT_REASONS for reason in reasons
        )
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return isinstance(status, int) and status >= 500


def failures() -> tuple[type[Exception], ...]:
    """The exceptions of a call. An ``except`` clause with it imports botocore only when needed."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (Unreachable, ConfigurationError, ClientError, BotoCoreError)
