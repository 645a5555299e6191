"""What an outage was, in one word for logs and metrics."""

from __future__ import annotations

from ddbwire.errors import response_of
from ratelimit_ddb.errors import StoreUnavailable


def error_type(outage: StoreUnavailable) -> str:
    """DynamoDB's error code, such as ``"ThrottlingException"``; without one, the exception's class.

    The class is that of what the client raised: ``"DeadlineExceeded"``, or ``"Unreachable"``. It is
    ``"NotAsked"`` if the store's breaker was open.
    """
    raised = outage.__cause__ or outage
    error = response_of(raised).get("Error", {})
    return error.get("Code") or type(raised).__qualname__
