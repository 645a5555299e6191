"""Logins of one user from many threads at once, on the real engine, with the default deadline."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sessions import DynamoDBSessionStore, Session, TooManySessions
from sessions.config.session_config import SessionConfig
from sessions.lifecycle.commit import start_response
from sessions.request_session import RequestSession
from tests.session_table import aws_settings, session_table

MOST = 3
LOGINS = 24
THREADS = 8


@pytest.fixture(scope="module")
def store(dynamodb_endpoint: str) -> Iterator[DynamoDBSessionStore]:
    with (
        aws_settings(),
        session_table(dynamodb_endpoint) as table,
        DynamoDBSessionStore(table, endpoint_url=dynamodb_endpoint) as store,
    ):
        store.warm_up()
        yield store


@pytest.mark.parametrize("policy", ["end_oldest", "refuse"])
def test_threads_at_once_leave_exactly_the_most(store: DynamoDBSessionStore, policy: Any) -> None:
    ada = f"ada-{uuid.uuid4().hex}"
    config = SessionConfig.of(
        store, {"max_sessions_per_user": MOST, "on_max_sessions": policy, "deadline": 5}
    )

    def login(_: int) -> bool:
        request = RequestSession(config, None)
        Session(request).login(ada)
        try:
            request.driver.run(start_response(request))
        except TooManySessions:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as threads:
        done = list(threads.map(login, range(LOGINS)))
    assert len(store.sessions_of(ada)) == MOST
    assert sum(done) == (MOST if policy == "refuse" else LOGINS)
