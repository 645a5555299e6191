"""At most so many sessions a user, over each protocol: who is ended can say why."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import Session, TooManySessions
from tests.sessions_web.site import MakeSite, Saving, everything, put


def login(session: Session) -> None:
    session.login("ada")


def why(session: Session) -> Any:
    return [session.user_id, session.end_reason]


def test_the_oldest_sessions_next_request_tells_why_it_ended(make_site: MakeSite) -> None:
    site = make_site(max_sessions_per_user=2)
    visitors = [site.visitor() for _ in range(3)]
    for visitor in visitors:
        visitor.visit(login)
        site.clock.advance(1)
    assert [visitor.visit(why).value for visitor in visitors] == [
        [None, "login_elsewhere"],
        ["ada", None],
        ["ada", None],
    ]
    assert site.told == ["created"] * 2 + [
        "destroyed login_elsewhere",
        "created",
        "invalid login_elsewhere",
    ]
    assert site.events[2].session == site.events[0].session


def test_an_ended_sessions_cookie_is_left_alone_until_another_begins(make_site: MakeSite) -> None:
    site = make_site(max_sessions_per_user=1)
    one, two = site.visitor(), site.visitor()
    one.visit(login)
    two.visit(login)
    assert one.visit(why).set_cookies == []
    assert len(one.visit(put(a=1)).set_cookies) == 1
    assert one.visit(why).value == [None, None]
    assert one.visit(login).value is None
    assert two.visit(why).value == [None, "login_elsewhere"]


def test_a_login_that_is_refused_is_answered_by_the_page_that_saves_it(
    make_site: MakeSite,
) -> None:
    site = make_site(max_sessions_per_user=1, on_max_sessions="refuse")
    one, two = site.visitor(), site.visitor()
    one.visit(login)
    two.visit(put(cart=[17]))
    with pytest.raises(TooManySessions):
        two.visit(Saving(login))
    assert two.visit(everything).value == {"cart": [17]}
    assert one.visit(why).value == ["ada", None]


def test_a_login_that_is_refused_when_the_response_starts_fails_the_request(
    make_site: MakeSite,
) -> None:
    site = make_site(max_sessions_per_user=1, on_max_sessions="refuse")
    one, two = site.visitor(), site.visitor()
    one.visit(login)
    with pytest.raises(TooManySessions, match="the user has 1 sessions"):
        two.visit(login)
    assert two.cookies == {}
    assert one.visit(why).value == ["ada", None]


def test_a_login_below_the_most_asks_the_store_once(make_site: MakeSite) -> None:
    site = make_site(max_sessions_per_user=2)
    for visitor in (site.visitor(), site.visitor()):
        site.log.clear()
        visitor.visit(login)
        assert site.calls == ["Create"]
    site.log.clear()
    site.visitor().visit(login)
    assert site.calls == ["Create", "ReadCount", "BatchGet", "Create"]


def test_a_login_of_a_visitor_who_has_an_anonymous_session_asks_no_more(
    make_site: MakeSite,
) -> None:
    site = make_site(max_sessions_per_user=2)
    visitor = site.visitor()
    visitor.visit(put(cart=[17]))
    site.log.clear()
    visitor.visit(login)
    assert site.calls == ["Find", "Replace"]
