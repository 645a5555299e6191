"""What logs and metrics call an outage."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ratelimit_ddb import LimiterDecision, RateLimiter, StoreUnavailable
from ratelimit_ddb.error_type import error_type
from ratelimit_ddb.log import log_decisions
from tests.flaky_store import FlakyStore


def test_a_refusal_of_dynamodb_is_called_by_its_code() -> None:
    outage = StoreUnavailable("throttled")
    outage.__cause__ = ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
    assert error_type(outage) == "ThrottlingException"


@pytest.mark.parametrize("response", [{}, {"Error": {}}])
def test_without_a_code_it_is_called_by_its_class(response: dict[str, object]) -> None:
    outage = StoreUnavailable("an answer of a proxy")
    outage.__cause__ = ClientError(response, "UpdateItem")  # type: ignore[arg-type]
    assert error_type(outage) == "ClientError"
    assert error_type(StoreUnavailable("gone")) == "StoreUnavailable"


class ConnectionRefused(OSError):
    """An exception of an HTTP client, which has a response or none."""

    def __init__(self, response: object) -> None:
        super().__init__("refused")
        self.response = response


@pytest.mark.parametrize("response", [None, 404, "404 Not Found"])
def test_an_outage_of_a_store_of_ones_own_is_called_by_what_its_client_raised(
    response: object, caplog: pytest.LogCaptureFixture
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("gone")
    store.failure.__cause__ = ConnectionRefused(response)
    limiter = RateLimiter(store, "100/minute", on_decision=log_decisions())
    assert limiter.acquire("user-123").source == "outage"
    assert vars(caplog.records[-1])["ratelimit_error_type"] == "ConnectionRefused"


def test_a_table_that_was_not_asked_is_told_from_one_that_gave_no_answer() -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("gone")
    told: list[LimiterDecision] = []
    limiter = RateLimiter(store, "100/minute", on_decision=told.append)
    for _ in range(5):
        limiter.acquire("user-123")
    types = [error_type(one.outage) for one in told if one.outage is not None]
    assert types == ["StoreUnavailable"] * 3 + ["NotAsked"] * 2
