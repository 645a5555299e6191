"""Whose bucket a request draws on, and what keys give away: nothing that is a credential."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import (
    Request,
    Rule,
    RuleDecision,
    bearer_claim,
    client_address,
    cookie,
    everyone,
    header,
    session_user,
)
from tests.flaky_store import FlakyStore
from tests.web.exchange import Ask, Get, Limited

SECRET = "sk-live-0123456789"
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()[:32]
TOKENS = {SECRET: {"sub": "u1", "org": 7, "empty": ""}}

Key = Callable[[Any, Get], str]


@pytest.fixture
def key(limited: Limited) -> Key:
    """The key under which a request is counted for an identity, by what is told of it."""

    def key(by: Any, get: Get) -> str:
        told: list[RuleDecision] = []
        rule = Rule("/*", "9/hour", by=by, name="n")
        limited(store=MemoryStore(), rules=[rule], on_decision=told.append)(get)
        return told[0].key

    return key


def claims_of(token: str) -> dict[str, Any] | None:
    return TOKENS.get(token)


WITH_KEY = Get(headers={"X-Api-Key": SECRET})
WITH_COOKIE = Get(headers={"Cookie": f"theme=dark; sid={SECRET}"})
WITH_KEY_AND_SESSION = Get(headers={"X-Api-Key": SECRET}, session={})
WITH_TOKEN = Get(headers={"Authorization": f"Bearer {SECRET}"})


@pytest.mark.parametrize(
    ("by", "get", "identity"),
    [
        (None, Get(), "192.0.2.7"),
        (None, Get(client="2001:db8:1:2:3:4:5:6"), "2001%3Adb8%3A1%3A2%3A%3A/64"),
        (None, Get(client=None), "unknown"),
        (client_address(), Get(headers={"x-forwarded-for": "198.51.100.1"}), "192.0.2.7"),
        (everyone(), Get(), "everyone"),
        (header("x-api-key"), WITH_KEY, DIGEST),
        (header("X-API-Key", digest=False), WITH_KEY, SECRET),
        (cookie("sid"), WITH_COOKIE, DIGEST),
        (cookie("sid", digest=False), WITH_COOKIE, SECRET),
        (session_user(), Get(session={"user_id": "u1"}), "u1"),
        (session_user(), Get(session={"user_id": 42}), "42"),
        (session_user(), Get(session=SimpleNamespace(user_id="u1")), "u1"),
        (session_user(), Get(session={"user_id": UUID(int=5)}), str(UUID(int=5))),
        (session_user("account"), Get(session={"account": "a1"}), "a1"),
        (bearer_claim("sub", claims=claims_of), WITH_TOKEN, "u1"),
        (bearer_claim("org", claims=claims_of), WITH_TOKEN, "7"),
        (lambda request: "mine", Get(), "mine"),
        (lambda request: ("a", "b:c"), Get(), "a:b%3Ac"),
    ],
)
def test_identities(key: Key, by: Any, get: Get, identity: str) -> None:
    assert key(by, get) == f"n:{identity}"


@pytest.mark.parametrize(
    ("by", "get"),
    [
        (header("x-api-key"), Get()),
        (header("x-api-key"), Get(headers={"x-api-key": ""})),
        (cookie("sid"), Get()),
        (cookie("sid"), Get(headers={"cookie": "sid=; other=1"})),
        (cookie("sid"), Get(headers={"cookie": "sid; xsid=2"})),
        (session_user(), Get(session={"user_id": None})),
        (session_user(), Get(session={"user_id": ""})),
        (session_user(), Get(session={})),
        (session_user(), Get(session=SimpleNamespace(user_id=None))),
        (bearer_claim("sub", claims=claims_of), Get()),
        (bearer_claim("sub", claims=claims_of), Get(headers={"authorization": "Basic dTpw"})),
        (bearer_claim("sub", claims=claims_of), Get(headers={"authorization": "Bearer "})),
        (bearer_claim("sub", claims=claims_of), Get(headers={"authorization": "Bearer forged"})),
        (bearer_claim("scope", claims=claims_of), WITH_TOKEN),
        (bearer_claim("empty", claims=claims_of), WITH_TOKEN),
    ],
)
def test_without_it_the_address_counts(key: Key, by: Any, get: Get) -> None:
    assert key(by, get) == "n:otherwise:192.0.2.7"


@pytest.mark.parametrize(
    ("otherwise", "identity"),
    [
        (everyone(), "otherwise:everyone"),
        (header("x-team", digest=False), "otherwise:otherwise:192.0.2.7"),
        (lambda request: ("guest", "eu"), "otherwise:guest:eu"),
    ],
)
def test_another_identity_may_stand_in(key: Key, otherwise: Any, identity: str) -> None:
    assert key(header("x-api-key", otherwise=otherwise), Get()) == f"n:{identity}"
    assert key(cookie("sid", otherwise=otherwise), Get()) == f"n:{identity}"
    assert key(session_user(otherwise=otherwise), Get(session={})) == f"n:{identity}"
    by = bearer_claim("sub", claims=claims_of, otherwise=otherwise)
    assert key(by, Get()) == f"n:{identity}"


def test_one_that_stands_in_may_say_that_the_rule_is_not_about_it(limited: Limited) -> None:
    by = header("x-api-key", otherwise=lambda request: None)
    ask = limited(store=MemoryStore(), rules=[Rule("/*", "1/hour", by=by)])
    assert [ask(Get()).status for _ in range(3)] == [200, 200, 200]
    assert [ask(WITH_KEY).status for _ in range(2)] == [200, 429]


def test_session_user_outside_the_session_middleware_says_so(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule("/*", "9/hour", by=session_user())])
    for _ in range(2):
        with pytest.raises(
            RuntimeError, match=r"must be outside.*add the session middleware after"
        ):
            ask(Get())


@pytest.mark.parametrize("native", [{"session": None}, {"sessions.session": None}])
def test_a_request_for_which_the_middleware_opened_no_session_counts_by_address(
    native: dict[str, None],
) -> None:
    request = Request("GET", "/", "192.0.2.7", native, lambda native, name: [])
    assert session_user()(request) == ("otherwise", "192.0.2.7")


class User:
    """Whose text has its address in memory, and so would have a bucket for each request."""


@dataclass
class Seen:
    at: int


@pytest.mark.parametrize("found", [True, User(), Seen(1), {"id": 1, "seen": 2}, ["a"], len])
def test_what_is_no_users_id_is_refused(limited: Limited, found: object) -> None:
    is_no_id = f"a {type(found).__name__}"
    ask = limited(store=MemoryStore(), rules=[Rule("/*", "9/hour", by=session_user("in"))])
    with pytest.raises(TypeError, match=f"^session field 'in': {is_no_id}: must be an id"):
        ask(Get(session={"in": found}))
    by = bearer_claim("sub", claims=lambda token: {"sub": found})
    ask = limited(store=MemoryStore(), rules=[Rule("/*", "9/hour", by=by)])
    with pytest.raises(TypeError, match=f"^claim 'sub': {is_no_id}: must be an id"):
        ask(WITH_TOKEN)


@pytest.mark.parametrize("claimed", [True, False, "u1", User()])
def test_claims_that_are_none_are_told(limited: Limited, claimed: Any) -> None:
    by = bearer_claim("sub", claims=lambda token: claimed)
    ask = limited(store=MemoryStore(), rules=[Rule("/*", "9/hour", by=by)])
    told = f"^claims gave a {type(claimed).__name__}: must be a mapping .* or None"
    with pytest.raises(TypeError, match=told):
        ask(WITH_TOKEN)


FORGERIES = ["192.0.2.7", "otherwise:192.0.2.7", "otherwise", "otherwise%3A192.0.2.7", "%3A", ":"]


@pytest.mark.parametrize("forged", FORGERIES)
@pytest.mark.parametrize("scope", ["rule", "endpoint"])
def test_nobody_gets_into_an_addresss_bucket_by_its_name(
    limited: Limited, forged: str, scope: Any
) -> None:
    rule = Rule("/*", "1/hour", by=header("x-user", digest=False), scope=scope)
    ask = limited(store=MemoryStore(), rules=[rule])
    assert ask(Get(headers={"x-user": forged}, client="203.0.113.66")).status == 200
    assert ask(Get()).status == 200, "the one whose address it is"


def test_each_value_has_its_own_bucket(limited: Limited) -> None:
    rule = Rule("/*", "1/hour", by=header("x-user", digest=False))
    ask = limited(store=MemoryStore(), rules=[rule])
    values = [*FORGERIES, "a:b", "a%3Ab", "a%3ab", "a", "A", "a b", "otherwise:"]
    assert {ask(Get(headers={"x-user": value})).status for value in values} == {200}
    assert {ask(Get(headers={"x-user": value})).status for value in values} == {429}


@pytest.fixture
def everything_kept(limited: Limited) -> Callable[[Any, Get], str]:
    """All that a limiter hands on about some requests: to the table, to events, to the client."""

    def everything_kept(by: Any, get: Get) -> str:
        told: list[RuleDecision] = []
        store = FlakyStore()
        ask: Ask = limited(
            store=store, rules=[Rule("/*", "1/hour", by=by)], on_decision=told.append
        )
        return repr([ask(get), ask(get), store.operations, told])

    return everything_kept


@pytest.mark.parametrize(
    ("by", "get"),
    [
        (header("x-api-key"), WITH_KEY),
        (header("authorization"), WITH_TOKEN),
        (cookie("sid"), WITH_COOKIE),
        (bearer_claim("sub", claims=claims_of), WITH_TOKEN),
        (session_user(otherwise=header("x-api-key")), WITH_KEY_AND_SESSION),
    ],
)
def test_credentials_are_handed_on_to_nobody(
    everything_kept: Callable[[Any, Get], str], by: Any, get: Get
) -> None:
    assert SECRET not in everything_kept(by, get)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_of_a_token_has_no_case(key: Key, scheme: str) -> None:
    get = Get(headers={"authorization": f"{scheme}  {SECRET}"})
    assert key(bearer_claim("sub", claims=claims_of), get) == "n:u1"


@pytest.mark.parametrize(
    ("identity", "error"),
    [
        ("", ValueError),
        ((), ValueError),
        (("",), ValueError),
        (True, TypeError),
        (b"bytes", TypeError),
        (["a"], TypeError),
        (("a", None), TypeError),
        (set(), ValueError),
        ({""}, ValueError),
    ],
)
def test_an_identity_that_is_none_is_refused(
    limited: Limited, identity: Any, error: type[Exception]
) -> None:
    rule = Rule("/*", "1/hour", by=lambda request: identity, name="mine")
    store = FlakyStore()
    with pytest.raises(error, match="mine"):
        limited(store=store, rules=[rule])(Get())
    assert store.operations == []


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: header(""), "header ''"),
        (lambda: header("x key"), "header 'x key'"),
        (lambda: header("naïve"), "header 'naïve'"),
        (lambda: header(5), "header 5"),  # type: ignore[arg-type]
        (lambda: header("x-key", otherwise="address"), "otherwise 'address'"),  # type: ignore[arg-type]
        (lambda: cookie("a=b"), "cookie 'a=b'"),
        (lambda: session_user(""), "field ''"),
        (lambda: bearer_claim("", claims=claims_of), "claim ''"),
        (lambda: bearer_claim("sub", claims={}), "claims {}"),  # type: ignore[arg-type]
    ],
)
def test_wrong_use_is_told_at_construction(made: Callable[[], Any], told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        made()
