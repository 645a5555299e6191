"""The scope of a throttle: the key of the request, or the whole table, its index or the account.

A partition takes 1,000 writes a second, and all writes of one key go to one partition, so a key can
be throttled while the table serves all others. DynamoDB says which it is in ``ThrottlingReasons``,
one ``{"reason": <Table|Index><Read|Write><limit>, "resource": <ARN>}`` or more; in a
ThrottlingException the member is called ``throttlingReasons``. The limits:

    KeyRangeThroughputExceeded     the partition's: the key's
    ProvisionedThroughputExceeded  what the table or index is provisioned with
    MaxOnDemandThroughputExceeded  the maximum that an on-demand table or index is configured with
    AccountLimitExceeded           the account's quota for an on-demand table or index

A throttle counts as the table's only if all its reasons are among the last three. Otherwise it
counts as the key's, also without a reason, as from older engines and in the CancellationReasons of
a transaction: denying one key for a moment is a smaller error than taking a flood of one key for an
outage. A RequestLimitExceeded without reasons is the account's by definition.

Sources: "ThrottlingReason" and "TransactWriteItems", Amazon DynamoDB API Reference; "Diagnosing
throttling", Developer Guide.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ddbwire.errors import CONFLICTS, THROTTLES, TRANSACTION_CANCELED

_THROUGHPUT_EXCEEDED = THROTTLES - CONFLICTS
_OF_THE_TABLE = (
    "ProvisionedThroughputExceeded",
    "MaxOnDemandThroughputExceeded",
    "AccountLimitExceeded",
)
_OF_THE_ACCOUNT = "RequestLimitExceeded"


def is_key_throttled(code: str, error: Mapping[str, Any]) -> bool:
    """Whether an error is a throttle of the key, and not of the table.

    Args:
        code: the error's code, such as ``"ThrottlingException"``.
        error: the error's other members, as in DynamoDB's JSON or botocore's ``response``.
    """
    if code not in _THROUGHPUT_EXCEEDED:
        return False
    reasons = list(_reasons(error))
    if not reasons:
        return code != _OF_THE_ACCOUNT
    return not all(reason.endswith(_OF_THE_TABLE) for reason in reasons)


def is_key_contended(code: str, error: Mapping[str, Any]) -> bool:
    """Whether an error is about the key alone: a throttle, or a conflict with other writes.

    That includes a transaction that was canceled only by throttles and conflicts, unless all their
    reasons are the table's. The arguments are those of ``is_key_throttled``.
    """
    if code in CONFLICTS:
        return True
    if code == TRANSACTION_CANCELED:
        reasons = [
            reason for part in _parts(error, "CancellationReasons") for reason in _reasons(part)
        ]
        reasons += _reasons(error)
        return not reasons or not all(reason.endswith(_OF_THE_TABLE) for reason in reasons)
    return is_key_throttled(code, error)


def _reasons(error: Mapping[str, Any]) -> Iterator[str]:
    for name in ("ThrottlingReasons", "throttlingReasons"):
        for part in _parts(error, name):
            reason = part.get("reason")
            if isinstance(reason, str):
                yield reason


def _parts(error: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The objects in a member, if it is a list: anything at the endpoint may have sent it."""
    several = error.get(name)
    if isinstance(several, list):
        for part in several:
            if isinstance(part, dict):
                yield part
