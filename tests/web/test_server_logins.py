"""Behind real servers: of many guesses at the same time, only those that failed count."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from tests.web import login_apps
from tests.web.serving import Server, gunicorn_server, shared_table, uvicorn_server, waitress_server

LOGINS = "tests.web.login_apps:"
GUESSES = 50


def guessed(server: Server, *passwords: str) -> list[int]:
    """The status of each login; all of them are sent at the same time."""
    with server.client() as client, ThreadPoolExecutor(len(passwords)) as pool:
        return list(
            pool.map(lambda password: client.post(f"/login/{password}").status_code, passwords)
        )


def only_failures_count(server: Server) -> None:
    for _ in range(4):
        assert guessed(server, *["right"] * 5) == [200] * 5
    statuses = guessed(server, *["wrong"] * GUESSES)
    assert sorted(statuses) == [401] * 5 + [429] * (GUESSES - 5)
    assert guessed(server, "right") == [429]


SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "uvicorn": lambda: uvicorn_server(login_apps.limited_asgi()),
    "waitress": lambda: waitress_server(login_apps.limited_wsgi()),
}


@pytest.mark.parametrize("kind", SERVERS)
def test_p1_only_failed_logins_count_under_fifty_parallel_guesses(kind: str) -> None:
    with SERVERS[kind]() as server:
        only_failures_count(server)


def test_p1_only_failed_logins_count_over_two_processes_and_a_table(dynamodb_endpoint: str) -> None:
    with (
        shared_table(dynamodb_endpoint) as table,
        gunicorn_server(
            f"{LOGINS}wsgi_app",
            "--workers",
            "2",
            "--worker-class",
            "gthread",
            "--threads",
            "8",
            **table,
        ) as server,
    ):
        only_failures_count(server)
