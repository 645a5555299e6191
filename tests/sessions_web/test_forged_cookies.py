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
    '""' + "x" * 43 + '""',
    '"' + "x" * 43,
    "x" * 43 + '"',
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
    assert site.told == ["invalid malformed"]


def test_an_unknown_id_is_never_adopted(site: Site, visitor: Visitor) -> None:
    planted = f"__Host-session={'x' * 43}"
    assert visitor.visit(everything, cookie=planted).value == {}
    assert site.calls == ["Find"]
    for act in (put(a=1), lambda session: session.login("ada")):
        visitor.visit(act, cookie=planted)
        assert visitor.cookie != planted
    assert site.visitor().visit(everything, cookie=planted).value == {}


@pytest.mark.parametrize("before", ["a=1,", "a=1, ", 'a="1; b=2",', "\\054"])
def test_no_cookie_is_looked_for_in_the_value_of_another(visitor: Visitor, before: str) -> None:
    """Servers join fields by a comma, and another host of the domain may set a value with one."""
    visitor.visit(put(a=1))
    assert visitor.visit(everything, cookie=f"{before}{visitor.cookie}").value == {}


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


def test_a_client_that_quotes_values_is_known(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    quoted = f'$Version="1"; __Host-session="{visitor.token}";$Path="/"'  # java.net.HttpCookie
    assert site.visitor().visit(everything, cookie=quoted).value == {"a": 1}


def test_a_token_of_another_namespace_finds_nothing(make_site: MakeSite) -> None:
    one = make_site(namespace="shop")
    visitor = one.visitor()
    visitor.visit(put(a=1))
    other = make_site(namespace="admin", store=one.store)
    assert other.visitor().visit(everything, cookie=visitor.cookie).value == {}
    assert visitor.visit(everything).value == {"a": 1}


# Several cookies of the session's name: of another path, or set by another host of the domain

DEAD = "x" * 43
OTHER_DEAD = "y" * 43


@pytest.mark.parametrize(
    "before",
    [
        [""],
        ["x"],
        [DEAD],
        [DEAD, OTHER_DEAD],
        ["", "x", DEAD, "y", DEAD, OTHER_DEAD, '"'],
    ],
)
@pytest.mark.parametrize("name", ["session", "__Host-session"])
def test_a_session_is_found_behind_cookies_that_lead_to_none(
    make_site: MakeSite, name: str, before: list[str]
) -> None:
    site = make_site(cookie=name)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    field = "; ".join([*(f"{name}={value}" for value in before), visitor.cookie])
    del site.log[:], site.events[:]
    assert visitor.visit(everything, cookie=field).value == {"a": 1}
    dead = [value for value in (DEAD, OTHER_DEAD) if value in before]
    assert site.calls == ["Find"] * (len(dead) + 1)
    assert site.told == ["invalid unknown"] * len(dead)


def test_the_first_of_two_sessions_counts(site: Site) -> None:
    one, other = site.visitor(), site.visitor()
    one.visit(put(a=1))
    other.visit(put(a=2))
    del site.log[:]
    seen = [
        site.visitor().visit(everything, cookie=f"{first.cookie}; {second.cookie}").value
        for first, second in ((one, other), (other, one))
    ]
    assert (seen, site.calls) == ([{"a": 1}, {"a": 2}], ["Find", "Find"])


def test_at_most_three_are_tried(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    dead = [f"__Host-session={number:043}" for number in range(40)]
    del site.log[:]
    field = "; ".join([*dead, visitor.cookie])
    assert visitor.visit(everything, cookie=field).value == {}
    assert site.calls == ["Find"] * 3


def test_forged_cookies_in_front_cost_no_read_where_there_is_a_mac(make_site: MakeSite) -> None:
    site = make_site(secret="s" * 32)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    forged = [f"__Host-session={number:043}.{number:043}" for number in range(40)]
    del site.log[:]
    field = "; ".join([*forged, visitor.cookie])
    assert visitor.visit(everything, cookie=field).value == {"a": 1}
    assert site.calls == ["Find"]


def test_a_login_behind_a_dead_cookie_lasts(site: Site, visitor: Visitor) -> None:
    dead = f"__Host-session={DEAD}"
    visitor.visit(lambda session: session.login("ada"), cookie=dead)
    field = f"{dead}; {visitor.cookie}"
    assert visitor.visit(lambda session: session.user_id, cookie=field).value == "ada"


def test_a_logout_by_one_cookie_costs_one_deletion(site: Site, visitor: Visitor) -> None:
    visitor.visit(lambda session: session.login("ada"))
    old = visitor.cookie
    visitor.visit(lambda session: session.rotate())
    del site.log[:]
    site.visitor().visit(lambda session: session.logout(), cookie=old)
    assert site.calls == ["Find", "Find", "Delete"]  # the old id leads to the row for a while


def test_a_logout_deletes_once_what_two_cookies_lead_to(site: Site, visitor: Visitor) -> None:
    visitor.visit(lambda session: session.login("ada"))
    old = visitor.cookie
    visitor.visit(lambda session: session.rotate())
    del site.log[:]
    both = f"{visitor.cookie}; {old}"
    site.visitor().visit(lambda session: session.logout(), cookie=both)
    assert site.calls.count("Delete") == 2
    assert len(site.store) == 0


def test_a_logout_ends_the_sessions_of_all_cookies(site: Site) -> None:
    one, other = site.visitor(), site.visitor()
    for visitor in (one, other):
        visitor.visit(lambda session: session.login("ada"))
    field = f"{one.cookie}; {other.cookie}"
    site.visitor().visit(lambda session: session.logout(), cookie=field)
    assert site.store.sessions_of("ada") == []
    for visitor in (one, other):
        assert visitor.visit(lambda session: session.user_id).value is None
