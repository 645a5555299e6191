"""The session's cookie: its attributes, when it changes, and what old ones are worth."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sessions import Session
from tests.sessions_web.site import Act, MakeSite, Site, Visitor, everything, in_turn, nothing, put

CLEARED = "__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; "
CLEARED += "HttpOnly; SameSite=Lax"


def login(user_id: str) -> Act:
    return lambda session: session.login(user_id)


def who(session: Session) -> Any:
    return [session.user_id, dict(session)]


def rotate(session: Session) -> None:
    session.rotate()


def logout(session: Session) -> None:
    session.logout()


# Attributes

ATTRIBUTES: list[tuple[dict[str, Any], str]] = [
    ({}, "__Host-session={}; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ({"same_site": "Strict"}, "__Host-session={}; Path=/; Secure; HttpOnly; SameSite=Strict"),
    ({"same_site": "None"}, "__Host-session={}; Path=/; Secure; HttpOnly; SameSite=None"),
    (
        {"persistent": True},
        "__Host-session={}; Max-Age=43200; Path=/; Secure; HttpOnly; SameSite=Lax",
    ),
    (
        {"persistent": True, "idle": 120, "lifetime": 34_560_000},
        "__Host-session={}; Max-Age=34560000; Path=/; Secure; HttpOnly; SameSite=Lax",
    ),
    (
        {"cookie": "__Secure-id", "domain": "example.com", "path": "/app"},
        "__Secure-id={}; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=Lax",
    ),
    ({"cookie": "sid", "secure": False}, "sid={}; Path=/; HttpOnly; SameSite=Lax"),
]


@pytest.mark.parametrize(("options", "field"), ATTRIBUTES)
def test_the_cookie_is_set_and_cleared_with_the_same_attributes(
    make_site: MakeSite, options: dict[str, Any], field: str
) -> None:
    visitor = make_site(**options).visitor()
    path = options.get("path", "/")
    (set_to,) = visitor.visit(put(a=1), path=path).set_cookies
    assert set_to == field.format(visitor.token)
    assert visitor.visit(everything, path=path).value == {"a": 1}
    (cleared,) = visitor.visit(logout, path=path).set_cookies
    kept = re.sub("Max-Age=[0-9]+; ", "", field)
    gone = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    assert cleared == kept.replace("={}", "=" + gone, 1)
    assert visitor.cookies == {}


def test_a_persistent_cookies_age_is_what_is_left_of_the_lifetime(make_site: MakeSite) -> None:
    site = make_site(persistent=True, idle=3600, lifetime=7200)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    site.clock.advance(3000)
    (rotated,) = visitor.visit(rotate).set_cookies
    assert "; Max-Age=4200;" in rotated
    (logged_in,) = visitor.visit(login("ada")).set_cookies
    assert "; Max-Age=7200;" in logged_in


@pytest.mark.parametrize("options", [{"cookie": "sid"}, {"secret": "s" * 32}, {}])
def test_the_cookie_holds_no_id_of_the_store(make_site: MakeSite, options: dict[str, Any]) -> None:
    site = make_site(**options)
    visitor = site.visitor()
    visitor.visit(login("ada"))
    (info,) = site.store.sessions_of("ada")
    assert info.id not in visitor.token
    assert visitor.token[:43] not in info.id


# When it changes


def test_a_login_and_a_rotation_change_the_cookie_once(site: Site, visitor: Visitor) -> None:
    tokens = []
    for act in (put(a=1), login("ada"), rotate, login("ada"), login("bob")):
        response = visitor.visit(act)
        assert len(response.set_cookies) == 1
        assert response.headers["cache-control"] == "private, no-store"
        assert visitor.visit(everything).set_cookies == []
        tokens.append(visitor.token)
    assert len(set(tokens)) == len(tokens)


def test_a_login_without_a_session_before_is_one_write(site: Site, visitor: Visitor) -> None:
    visitor.visit(login("ada"))
    assert site.calls == ["Create"]
    assert visitor.visit(who).value == ["ada", {}]


def test_a_login_keeps_what_the_anonymous_session_held(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(cart=[1]))
    visitor.visit(login("ada"))
    assert visitor.visit(who).value == ["ada", {"cart": [1]}]
    assert site.writes == ["Create", "Replace"]


def test_another_users_login_drops_what_the_first_one_held(visitor: Visitor) -> None:
    visitor.visit(login("ada"))
    visitor.visit(put(secret="ada's"))
    visitor.visit(login("bob"))
    assert visitor.visit(who).value == ["bob", {}]


@pytest.mark.parametrize("before", [put(a=1), login("ada")], ids=["anonymous", "user"])
@pytest.mark.parametrize("act", [login("bob"), logout], ids=["login", "logout"])
def test_the_cookie_of_before_a_login_or_logout_is_worth_nothing_at_once(
    site: Site, before: Act, act: Act
) -> None:
    visitor, thief = site.visitor(), site.visitor()
    visitor.visit(before)
    kept = visitor.cookie
    visitor.visit(act)
    assert thief.visit(who, cookie=kept).value == [None, {}]
    # What it puts goes nowhere for some seconds, then into a session under an id of its own.
    thief.visit(put(planted=True), cookie=kept)
    site.clock.advance(20)
    thief.visit(put(planted=True), cookie=kept)
    assert thief.cookie not in (kept, visitor.cookies.get("__Host-session"))
    assert "planted" not in visitor.visit(who).value[1]


def test_the_cookie_of_before_a_rotation_has_a_short_grace(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    kept = visitor.cookie
    visitor.visit(rotate)
    late = site.visitor()
    assert late.visit(put(b=2), cookie=kept).set_cookies == []
    assert visitor.visit(everything).value == {"a": 1, "b": 2}
    site.clock.advance(21)
    assert late.visit(everything, cookie=kept).value == {}
    assert visitor.visit(everything).value == {"a": 1, "b": 2}


@pytest.mark.parametrize("values", [{}, {"a": 1}], ids=["empty", "with a value"])
def test_the_rotation_of_a_session_without_a_row_is_no_error(
    site: Site, values: dict[str, int]
) -> None:
    for steps in ([], [nothing]):
        response = site.visitor().visit(in_turn(put(**values), rotate), *steps)
        assert (response.status, len(response.set_cookies)) == (200, len(values))


def test_logout_deletes_the_row_and_clears_the_cookie(site: Site, visitor: Visitor) -> None:
    visitor.visit(login("ada"))
    response = visitor.visit(logout)
    assert response.set_cookies == [CLEARED]
    assert response.headers["cache-control"] == "private, no-store"
    assert (visitor.cookies, len(site.store), site.calls[-2:]) == ({}, 0, ["Find", "Delete"])


def test_a_logout_by_who_has_no_session_changes_nothing(site: Site, visitor: Visitor) -> None:
    response = visitor.visit(logout)
    assert (response.set_cookies, site.calls) == ([], [])


def test_what_is_set_after_a_logout_begins_another_session(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(old=1))
    kept = visitor.cookie
    response = visitor.visit(in_turn(logout, lambda session: session.flash("bye")))
    assert len(response.set_cookies) == 1
    assert visitor.cookie != kept
    assert visitor.visit(everything).value == {}
    assert visitor.visit(lambda s: s.flashes()).value == [["bye", "info"]]


def test_a_logout_also_ends_what_another_request_rotated_meanwhile(
    site: Site, visitor: Visitor
) -> None:
    visitor.visit(login("ada"))
    kept = visitor.cookie
    other_tab = site.visitor()

    def slow_logout(session: Session) -> None:
        assert session.user_id == "ada"
        other_tab.visit(rotate, cookie=kept)
        session.logout()

    visitor.visit(slow_logout)
    assert other_tab.visit(who).value == [None, {}]


# Time


def test_a_kept_cookie_is_worth_nothing_after_the_idle_timeout(make_site: MakeSite) -> None:
    site = make_site(idle=600, lifetime=7200)
    visitor = site.visitor()
    visitor.visit(login("ada"))
    kept = visitor.cookie
    for _ in range(3):
        site.clock.advance(599)
        assert visitor.visit(who, cookie=kept).value == ["ada", {}]
    site.clock.advance(600)
    assert visitor.visit(who, cookie=kept).value == [None, {}]


def test_activity_does_not_pass_the_lifetime(make_site: MakeSite) -> None:
    site = make_site(idle=600, lifetime=1200)
    visitor = site.visitor()
    visitor.visit(login("ada"))
    for step in (500, 500, 199):
        site.clock.advance(step)
        assert visitor.visit(who).value == ["ada", {}]
    site.clock.advance(1)
    assert visitor.visit(who).value == [None, {}]
