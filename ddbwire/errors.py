"""The exceptions of a call, in two layers, and which of them are outages.

The wire raises ``Unreachable``, or botocore's ``ClientError`` where DynamoDB refused. A store
knows its table and what it needs of it, and raises a ``StoreError`` from that (store_errors.py).
"""

TRANSACTION_CANCELED = "TransactionCanceledException"

CONFLICTS = frozenset(
    {
        "TransactionInProgressException",
        "TransactionConflictException",
        "ReplicatedWriteConflictException",
    }
)
"""Codes by which DynamoDB says that others write the same items at the same time."""

THROTTLES = CONFLICTS | {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
}
"""Codes by which DynamoDB says that it did not apply the request and that another try may do.

Source: "Error handling with DynamoDB", Amazon DynamoDB Developer Guide.
"""

TRANSIENT_REASONS = frozenset(
    {"None", "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"}
)
"""Cancellation reasons that another try may not meet.

Source: TransactWriteItems, "TransactionCanceledException", Amazon DynamoDB API Reference.
"""


class StoreError(Exception):
    """A table can't be used as it is set up, or not now.

    The base of what the stores of ``ratelimit_ddb`` and ``sessions`` raise, and the same class in
    both. A message names the table and the operation; ``__cause__`` holds botocore's exception, or
    the wire's. Raised itself for what has no class of its own: a table with other keys, no region,
    credentials that are missing, unknown or expired, any other refusal by DynamoDB.
    """


class StoreUnavailable(StoreError):
    """The table gave no answer within the deadline, or answered that it can't serve just now.

    An outage: endpoints out of reach, timeouts, HTTP 5xx, throttling that outlasted the retries.
    The other errors are mistakes of set-up, which stay until somebody mends them.
    """


class KeyThrottled(StoreUnavailable):
    """The table serves, but not this key just now: it is asked for too often, or by too many.

    A partition takes 1,000 writes a second, and all writes of one key go to one partition. No
    outage: a limiter denies by it, whatever ``on_outage`` says.
    """


class TableNotFound(StoreError):
    """The table does not exist at this endpoint, in this region, for this account."""


class AccessDenied(StoreError):
    """The credentials are valid but may not do what the store needs."""


class Unreachable(Exception):
    """No usable answer came from the endpoint before the tries or the deadline ran out."""

    def __init__(self, endpoint: str, cause: str, *, maybe_applied: bool) -> None:
        super().__init__(f"{endpoint} gave no usable answer: {cause}")
        self.endpoint = endpoint
        self.cause = cause
        self.maybe_applied = maybe_applied
        """Whether the request of some attempt may have been applied all the same."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by fields: the keyword-only one does not survive Exception's own way."""
        return _rebuilt, (type(self), self.endpoint, self.cause, self.maybe_applied)


class DeadlineExceeded(Unreachable):
    """The deadline passed first."""


class ConfigurationError(Exception):
    """The configuration names what can't be used: an endpoint, its certificate, credentials.

    Raised until calls have succeeded once. A name that does not resolve any more, or a certificate
    that has expired since, is an outage: ``Unreachable``.
    """


def _rebuilt(kind: type[Unreachable], endpoint: str, cause: str, applied: bool) -> Unreachable:
    return kind(endpoint, cause, maybe_applied=applied)


def is_transient(error: BaseException) -> bool:
    """Whether ``error`` is an outage, which passes, rather than a mistake, which stays.

    True of ``Unreachable``, and of botocore's ``ClientError`` for a throttle, a transaction
    canceled by conflicts or throttles alone, or an HTTP status of 500 and up.
    """
    if isinstance(error, Unreachable):
        return True
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return False
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
    """What a call raises; in an ``except`` clause, botocore is imported late."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (Unreachable, ConfigurationError, ClientError, BotoCoreError)
