"""An identity that gives a set of keys: all of them are charged, or none is."""

from __future__ import annotations

from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Request, Rule, RuleDecision, header
from tests.fake_clock import FakeClock
from tests.web.exchange import Get, Limited


def members(request: Request) -> frozenset[str]:
    return frozenset((request.header("x-members") or "nobody").split("+"))


def asking(names: str) -> Get:
    return Get(headers={"x-members": names})


def test_a_request_passes_only_if_each_of_its_keys_has_the_tokens(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=Rule("/*", "2/hour", by=members, name="n"))
    assert [ask(asking(names)).status for names in ("a+b", "b+c", "b", "c+a")] == [
        200,
        200,
        429,
        200,
    ]


def test_p5_a_denied_request_takes_nothing_from_any_of_its_keys(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=Rule("/*", "1/hour", by=members, name="n"))
    assert ask(asking("b")).status == 200
    assert [ask(asking("a+b")).status for _ in range(3)] == [429, 429, 429]
    assert ask(asking("a")).status == 200


def test_each_key_is_told_of_by_itself_and_in_one_order(limited: Limited) -> None:
    told: list[RuleDecision] = []
    rule = Rule("/*", "2/hour", by=members, name="n")
    limited(store=MemoryStore(), rules=rule, on_decision=told.append)(asking("c+a+b"))
    assert [one.key for one in told] == ["n:a", "n:b", "n:c"]


def test_a_rule_is_shown_once_by_the_key_that_has_least_left(limited: Limited) -> None:
    rule = Rule("/*", "5/hour", by=members, name="n")
    ask = limited(store=MemoryStore(), rules=rule, fields="both")
    ask(asking("b"))
    fields = ask(asking("a+b+c")).headers
    assert fields["ratelimit-policy"] == '"n";q=5;w=3600'
    assert fields["ratelimit"].startswith('"n";r=3;t=')
    assert fields["x-ratelimit-remaining"] == "3"


def test_a_denied_rule_is_shown_once_by_the_longest_wait(limited: Limited) -> None:
    rule = Rule("/*", "1/hour", by=members, name="n")
    ask = limited(store=MemoryStore(), rules=rule)
    for name in ("a", "b"):
        ask(asking(name))
    denied = ask(asking("a+b"))
    assert denied.headers["ratelimit-policy"] == '"n";q=1;w=3600'
    assert denied.headers["ratelimit"].count('"n"') == 1
    assert denied.body.count(b'"n"') == 1


@pytest.mark.parametrize("given", [17, "17", ("17",), (17,), {17}, frozenset({"17", (17,)})])
def test_ints_are_their_decimal_text(limited: Limited, given: Any) -> None:
    told: list[RuleDecision] = []
    rule = Rule("/*", "2/hour", by=lambda request: given, name="n")
    limited(store=MemoryStore(), rules=rule, on_decision=told.append)(Get())
    assert [one.key for one in told] == ["n:17"]


@pytest.mark.parametrize("given", [True, ("a", False), {True}, 1.5, frozenset({1.5}), b"17", [17]])
def test_what_is_no_key_is_refused_with_the_way_out(limited: Limited, given: Any) -> None:
    ask = limited(store=MemoryStore(), rules=Rule("/*", "2/hour", by=lambda r: given, name="n"))
    with pytest.raises(TypeError, match=r"rule 'n'.*must be a str, an int.*pass str\(id\)"):
        ask(Get())


@pytest.mark.parametrize(("names", "status"), [("a+b", 429), ("b", 200), ("b+a", 429)])
def test_each_key_has_a_bucket_for_each_endpoint(limited: Limited, names: str, status: int) -> None:
    rule = Rule("/*", "1/hour", by=members, name="n", scope="endpoint")
    ask = limited(
        store=MemoryStore(), rules=rule, endpoint_of=lambda request: request.path.partition("x")[0]
    )
    assert [ask(Get(path, headers={"x-members": "a"})).status for path in ("/1", "/2")] == [200] * 2
    assert ask(Get("/1", headers={"x-members": names})).status == status


def test_an_empty_set_is_refused(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=Rule("/*", "2/hour", by=lambda r: set(), name="n"))
    with pytest.raises(ValueError, match=r"rule 'n'.*empty"):
        ask(Get())


def test_the_other_identity_may_give_a_set_too(limited: Limited) -> None:
    told: list[RuleDecision] = []
    rule = Rule("/*", "2/hour", by=header("x-key", otherwise=members), name="n")
    limited(store=MemoryStore(), rules=rule, on_decision=told.append)(asking("a+b"))
    assert [one.key for one in told] == ["n:otherwise:a", "n:otherwise:b"]


def test_a_rule_after_one_of_several_keys_is_about_the_same_request(limited: Limited) -> None:
    several = Rule("/*", "9/minute", by=lambda _request: {"a", "b"}, name="several")
    each = Rule("/*", "1/minute", by=header("x-user", digest=False), name="each")
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=[several, each])
    asked = [Get(headers={"x-user": user}) for user in ("u1", "u1", "u2")]
    assert [ask(get).status for get in asked] == [200, 429, 200]
