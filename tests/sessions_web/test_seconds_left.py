"""How long a session still lives: as a value and as a response field, without prolonging it."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import Session
from tests.frameworks.flask_sessions_site import site as flask_site
from tests.frameworks.seen_store import SeenStore
from tests.sessions_web.site import MakeSite, everything, in_turn, nothing, put

IDLE, LIFETIME = 600, 3_000
TIMES = {"idle": IDLE, "lifetime": LIFETIME}
FIELD = "Session-Seconds-Left"


def left(session: Session) -> Any:
    return session.seconds_left


def asked_idly(session: Session) -> Any:
    session.leave_idle()
    return session.seconds_left


def test_a_session_without_a_row_has_none(make_site: MakeSite) -> None:
    visitor = make_site(**TIMES, seconds_left_field=FIELD).visitor()
    answer = visitor.visit(left)
    assert answer.value is None
    assert FIELD.lower() not in answer.headers


def test_it_is_the_idle_time_at_a_use_that_is_noted(make_site: MakeSite) -> None:
    site = make_site(**TIMES)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    assert visitor.visit(left).value == IDLE
    site.clock.advance(59)
    assert visitor.visit(left).value == IDLE - 59, "so soon a use is not noted"
    site.clock.advance(1)
    assert visitor.visit(left).value == IDLE


def test_asking_idly_prolongs_nothing_and_writes_nothing(make_site: MakeSite) -> None:
    site = make_site(**TIMES)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    del site.log[:]
    for passed in range(100, IDLE, 100):
        site.clock.advance(100)
        assert visitor.visit(asked_idly).value == IDLE - passed
    assert site.writes == []
    site.clock.advance(100)
    assert visitor.visit(asked_idly).value is None
    assert visitor.visit(everything).value == {}


def test_a_change_is_a_use_all_the_same(make_site: MakeSite) -> None:
    site = make_site(**TIMES)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    site.clock.advance(IDLE - 1)
    visitor.visit(in_turn(lambda session: session.leave_idle(), put(a=2)))
    site.clock.advance(IDLE - 1)
    assert visitor.visit(everything).value == {"a": 2}


def test_the_end_of_the_lifetime_is_told_where_it_comes_first(make_site: MakeSite) -> None:
    site = make_site(**TIMES)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    for _ in range(LIFETIME // 500 - 1):
        site.clock.advance(500)
        visitor.visit(everything)
    site.clock.advance(LIFETIME - 2_500 - 30)
    assert visitor.visit(left).value == 30


def test_it_is_by_the_timeouts_that_the_login_chose(make_site: MakeSite) -> None:
    site = make_site(**TIMES, max_idle=5_000, max_lifetime=9_000)
    visitor = site.visitor()
    visitor.visit(lambda session: session.login("ada", idle=5_000, lifetime=9_000))
    site.clock.advance(499)
    assert visitor.visit(left).value == 5_000 - 499
    site.clock.advance(1)
    assert visitor.visit(left).value == 5_000


@pytest.mark.parametrize("passed", [59, 60])  # a use that is not noted, and one that is
def test_a_lifetime_that_has_become_shorter_counts(make_site: MakeSite, passed: int) -> None:
    site = make_site(**TIMES)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    for _ in range(4):
        site.clock.advance(500)
        visitor.visit(everything)
    shorter = make_site(store=site.store, idle=IDLE, lifetime=2_100).visitor()
    site.clock.advance(passed)
    assert shorter.visit(left, cookie=visitor.cookie).value == 100 - passed


def test_none_are_left_where_a_use_by_a_clock_that_is_ahead_was_the_last(
    make_site: MakeSite,
) -> None:
    site = make_site(**TIMES)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    site.clock.advance(200)
    visitor.visit(everything)
    site.clock.advance_ns(-100 * 10**9)
    behind = make_site(store=site.store, idle=150, lifetime=150).visitor()
    assert behind.visit(left, cookie=visitor.cookie).value == 0


@pytest.mark.parametrize("act", [nothing, everything, put(a=2)])
def test_the_field_tells_what_is_left_after_the_response(make_site: MakeSite, act: Any) -> None:
    site = make_site(**TIMES, seconds_left_field=FIELD)
    visitor = site.visitor()
    first = visitor.visit(put(a=1))
    assert (first.headers[FIELD.lower()], first.headers["vary"]) == (str(IDLE), "Cookie")
    site.clock.advance(30)
    answer = visitor.visit(act)
    if act is nothing and site.protocol == "wsgi":
        assert FIELD.lower() not in answer.headers, "the session was not even read"
        return
    expected = IDLE if act not in (nothing, everything) else IDLE - 30
    assert answer.headers[FIELD.lower()] == str(expected)
    assert answer.headers["vary"] == "Cookie"


def test_the_field_of_an_idle_question_is_right_too(make_site: MakeSite) -> None:
    site = make_site(**TIMES, seconds_left_field=FIELD)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    site.clock.advance(400)
    assert visitor.visit(asked_idly).headers[FIELD.lower()] == str(IDLE - 400)


def test_there_is_no_field_after_a_logout_or_unless_it_is_wanted(make_site: MakeSite) -> None:
    site = make_site(seconds_left_field=FIELD)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    ended = visitor.visit(lambda session: session.logout())
    assert FIELD.lower() not in ended.headers
    assert FIELD.lower() not in make_site().visitor().visit(put(a=1)).headers


def test_it_works_in_flask() -> None:
    store = SeenStore()
    client = flask_site(store, **TIMES, seconds_left_field=FIELD).test_client()
    assert client.get("/set/a/1").headers[FIELD] == str(IDLE)


@pytest.mark.parametrize("name", ["", "a b", "a:", "é", "a\r\n", "Set-Cookie", "vary"])
def test_the_name_of_the_field_is_checked(make_site: MakeSite, name: str) -> None:
    with pytest.raises(ValueError, match="seconds_left_field"):
        make_site(seconds_left_field=name)
