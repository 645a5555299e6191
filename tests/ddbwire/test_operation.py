"""Operations and errors as values."""

from __future__ import annotations

import pickle

import pytest
from botocore.exceptions import ClientError

from ddbwire import DeadlineExceeded, DynamoDBRequest, Unreachable, is_transient


def test_an_operation_is_encoded() -> None:
    operation = DynamoDBRequest.of("GetItem", {"Key": {"k": {"S": "é"}}}, repeatable=False)
    assert operation == ("GetItem", b'{"Key":{"k":{"S":"\\u00e9"}}}', False, None, True)


@pytest.mark.parametrize("name", ["PartiQL", "updateitem", ""])
def test_an_unknown_operation_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"operation '{name}' must be one of BatchGetItem, "):
        DynamoDBRequest.of(name, {})


def client_error(code: str, status: int, **more: object) -> ClientError:
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, "UpdateItem")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (Unreachable("http://x", "why", maybe_applied=False), True),
        (client_error("ThrottlingException", 400), True),
        (client_error("InternalServerError", 500), True),
        (client_error("ServiceUnavailable", 503), True),
        (client_error("ValidationException", 400), False),
        (client_error("AccessDeniedException", 400), False),
        (client_error("TransactionCanceledException", 400), False),
        (
            client_error(
                "TransactionCanceledException",
                400,
                CancellationReasons=[{"Code": "TransactionConflict"}, {"Code": "None"}],
            ),
            True,
        ),
        (ValueError("x"), False),
        (OSError("x"), False),
    ],
)
def test_outages_are_told_from_mistakes(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient


def test_unreachable_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(DeadlineExceeded("http://x", "why", maybe_applied=True)))
    assert type(error) is DeadlineExceeded
    assert error.maybe_applied
    assert str(error) == "http://x gave no usable answer: why"
