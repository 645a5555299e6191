"""Cookies that were made up, planted or taken from elsewhere: what they cost, and what they get."""

from __future__ import annotations

import re

import pytest

from tests.sessions_web.site import MakeSite, Site, Visitor, everything, put

TOKEN = "[A-Za-z0-9_-]{43}"
MALFORMED = [
    "",
    "x",
    "x" * 42,
    "x" * 44,
    "x" * 42 + "/",
    "x" * 42 + "é",
    '"' + "x" * 43 + '"',
    "../" + "x" * 40,
    "x" * 5000,
    f"{'x' * 43}.{'y' * 43}",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_a_malformed_cookie_costs_no_call_and_gives_an_empty_session(
    site: Site, visitor: Visitor, value: str
) -> None:
    response = visitor.visit(everything, cookie=f"__Host-session={value}")
    assert (response.value, response.set_cookies, site.calls) == ({}, [], [])


def test_an_unknown_id_is_never_adopted(site: Site, visitor: Visitor) -> None:
    planted = f"__Host-session={'x' * 43}"
    assert visitor.visit(everything, cookie=planted).value == {}
    assert site.calls == ["Find"]
    for act in (put(a=1), lambda session: session.login("ada")):
        visitor.visit(act, cookie=planted)
        assert visitor.cookie != planted
    assert site.visitor().visit(everything, cookie=planted).value == {}


def test_a_thousand_bogus_cookies_cause_no_write(make_site: MakeSite) -> None:
    plain, signed = make_site(), make_site(secret="s" * 32)
    one, other = plain.visitor(), signed.visitor()
    for number in range(500):
        token = f"{number:043}"
        one.visit(everything, cookie=f"__Host-session={token}")
        other.visit(everything, cookie=f"__Host-session={token}.{token}")
    assert (plain.calls, plain.writes) == (["Find"] * 500, [])
    assert signed.calls == [], "where there is a MAC, forged cookies cost no read"


def test_secrets_are_exchanged_without_a_logout(make_site: MakeSite) -> None:
    old, new = "o" * 32, "n" * 32
    first = make_site(secret=old)
    visitor = first.visitor()
    visitor.visit(put(a=1))
    kept = visitor.cookie
    assert re.fullmatch(f"{TOKEN}\\.{TOKEN}", visitor.token)
    for secrets, found in (([new, old], {"a": 1}), ([old], {"a": 1}), ([new], {})):
        later = make_site(secret=secrets, store=first.store)
        assert later.visitor().visit(everything, cookie=kept).value == found


def test_the_first_of_several_cookies_is_taken(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    around = f"theme=dark; {visitor.cookie};x=__Host-session=z; __Host-session=other"
    assert site.visitor().visit(everything, cookie=around).value == {"a": 1}
    assert site.visitor().visit(everything, cookie=f"x{visitor.cookie}").value == {}


def test_a_token_of_another_namespace_finds_nothing(make_site: MakeSite) -> None:
    one = make_site(namespace="shop")
    visitor = one.visitor()
    visitor.visit(put(a=1))
    other = make_site(namespace="admin", store=one.store)
    assert other.visitor().visit(everything, cookie=visitor.cookie).value == {}
    assert visitor.visit(everything).value == {"a": 1}
