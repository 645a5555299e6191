"""An emulator that keeps the tables of each access key apart, and nothing configured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ratelimit_ddb import DynamoDBStore, RateLimiter, TableNotFound
from ratelimit_ddb.cli import main
from sessions import DynamoDBSessionStore
from tests import dynamodb_local


@pytest.fixture(scope="module")
def engine_keeping_apart() -> Iterator[str]:
    if reason := dynamodb_local.missing():
        pytest.skip(f"{reason}: {dynamodb_local.HOW_TO_GET_IT}")
    with dynamodb_local.running(shared=False) as url:
        yield url


@pytest.fixture
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("_nothing_configured")
def test_stores_find_the_tables_of_the_command(engine_keeping_apart: str) -> None:
    assert main(["tables", "create", "--endpoint-url", engine_keeping_apart]) == 0
    with DynamoDBStore("quikapp-dev-rate-limits", endpoint_url=engine_keeping_apart) as limits:
        assert RateLimiter(limits, "5/minute", deadline=10).acquire("k").source == "table"
    with DynamoDBSessionStore(
        "quikapp-dev-user-sessions", endpoint_url=engine_keeping_apart
    ) as sessions:
        assert sessions.sessions_of("ada") == []


def test_with_other_credentials_the_tables_are_others_and_the_error_says_so(
    engine_keeping_apart: str,
) -> None:
    with (
        DynamoDBStore("quikapp-dev-rate-limits", endpoint_url=engine_keeping_apart) as store,
        pytest.raises(TableNotFound, match=r"without -sharedDb .* access key and region"),
    ):
        store.check()
