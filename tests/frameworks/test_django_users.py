"""Django: whose bucket a request draws on, by users and sessions, in the blocking stack."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from ratelimit_ddb.django import user
from ratelimit_ddb.web import Rule, header, session_user
from tests.frameworks.django_site.accounts import User
from tests.frameworks.django_site.clients import (
    LIMITS,
    SESSIONS,
    USERS,
    Behind,
    behind_in,
)


@pytest.fixture
def behind() -> Iterator[Behind]:
    with ExitStack() as stack:
        yield functools.partial(behind_in, stack)


def log_in(client: Client, key: int) -> Client:
    client.force_login(User(pk=key, username=f"user-{key}"))
    return client


def test_users_have_buckets_of_their_own(behind: Behind) -> None:
    seen: list[str] = []
    one = behind(
        Rule("/*", "1/minute", by=user(), name="of"),
        middleware=(SESSIONS, USERS, LIMITS),
        ON_DECISION=lambda one: seen.append(one.key),
    )
    clients = [log_in(one, 1), log_in(Client(), 2), Client()]
    assert [client.get("/").status_code for client in clients * 2] == [200] * 3 + [429] * 3
    assert seen[:3] == ["of:1", "of:2", "of:otherwise:127.0.0.1"]


def test_users_without_a_middleware_that_finds_them_are_a_mistake(behind: Behind) -> None:
    client = behind(Rule("/*", "1/minute", by=user()), middleware=(LIMITS, SESSIONS, USERS))
    with pytest.raises(ImproperlyConfigured, match="AuthenticationMiddleware above"):
        client.get("/")


def test_those_who_are_no_user_have_the_other_identity(behind: Behind) -> None:
    client = behind(
        Rule("/*", "1/minute", by=user(otherwise=header("x-api-key"))),
        middleware=(SESSIONS, USERS, LIMITS),
    )
    keys = ["a", "b", "a"]
    found = [client.get("/", headers={"x-api-key": key}).status_code for key in keys]
    assert found == [200, 200, 429]


def test_users_of_the_session_have_buckets_of_their_own(behind: Behind) -> None:
    ada = behind(Rule("/*", "1/minute", by=session_user("name")), middleware=(SESSIONS, LIMITS))
    bob, stranger = Client(), Client()
    for client, name in ((ada, "ada"), (bob, "bob")):
        session = client.session
        session["name"] = name
        session.save()
        client.cookies["sessionid"] = session.session_key
    found = [client.get("/").status_code for client in (ada, bob, stranger, ada, bob, stranger)]
    assert found == [200] * 3 + [429] * 3


def test_responses_vary_by_cookie_only_where_a_rule_reads_the_session(behind: Behind) -> None:
    rules = [Rule("/", "9/minute"), Rule("/login", "9/minute", by=session_user())]
    client = behind(*rules, middleware=(SESSIONS, LIMITS))
    assert "vary" not in client.get("/").headers
    assert client.get("/login").headers["vary"] == "Cookie"


def test_without_the_session_middleware_above_session_user_says_so(behind: Behind) -> None:
    with pytest.raises(RuntimeError, match="must be outside"):
        behind(Rule("/*", "1/minute", by=session_user())).get("/")
