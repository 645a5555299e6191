"""Streams: the session is committed before the first byte, and saved in between when asked to."""

from __future__ import annotations

import contextlib
from operator import methodcaller
from typing import Any

import pytest

from sessions import Session, SessionNotSaved, SessionRevoked, StoreUnavailable
from tests.sessions_web.site import (
    Act,
    MakeSite,
    Saving,
    Site,
    Visitor,
    everything,
    in_turn,
    nothing,
    put,
)

LOST = "changed after its response had started"


def login(session: Session) -> None:
    session.login("ada")


def rotate(session: Session) -> None:
    session.rotate()


def logout(session: Session) -> None:
    session.logout()


@pytest.fixture
def kept(site: Site, visitor: Visitor) -> Visitor:
    """A visitor who has a session, on a log of its own."""
    visitor.visit(put(a=1))
    site.log.clear()
    return visitor


# The order of things

WRITTEN: list[tuple[Act, list[str]]] = [
    (put(b=2), ["Find", "Save"]),
    (login, ["Find", "Replace"]),
    (rotate, ["Find", "Replace"]),
    (logout, ["Find", "Delete"]),
    (in_turn(logout, login), ["Find", "Replace"]),
    (everything, ["Find"]),
]


@pytest.mark.parametrize("more", [(), (nothing, nothing)], ids=["at once", "streamed"])
@pytest.mark.parametrize(("act", "operations"), WRITTEN)
def test_the_session_is_committed_before_the_first_byte(
    site: Site, kept: Visitor, act: Act, operations: list[str], more: tuple[Act, ...]
) -> None:
    def done(session: Session) -> str:
        act(session)
        return "done"

    kept.visit(done, *more)
    assert site.log == [*operations, "start", 'body "done"', *(["body null"] * len(more))]


def test_a_new_session_is_there_before_the_first_byte(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1), nothing)
    assert site.log == ["Create", "start", "body null", "body null"]


def test_a_stream_of_three_saves_between(site: Site, kept: Visitor) -> None:
    response = kept.visit(put(n=1), Saving(put(n=2)), Saving(put(n=3)))
    assert (response.body, response.set_cookies) == (b"null" * 3, [])
    start = ["Find", "Save", "start", "body null"]
    assert site.log == [*start, "Save", "body null", "Save", "body null"]
    assert kept.visit(everything).value == {"a": 1, "n": 3}


def test_each_save_is_there_for_others_at_once(site: Site, kept: Visitor) -> None:
    seen: list[Any] = []

    def look(session: Session) -> None:
        seen.append(site.visitor().visit(everything, cookie=kept.cookie).value["n"])

    kept.visit(put(n=1), look, Saving(put(n=2)), look, Saving(put(n=3)), look)
    assert seen == [1, 2, 3]


def test_a_save_of_nothing_is_no_call(site: Site, kept: Visitor) -> None:
    kept.visit(everything, Saving(nothing), Saving(everything))
    assert site.calls == ["Find"]


def test_a_save_before_the_response_sends_the_cookie_with_it(site: Site, visitor: Visitor) -> None:
    response = visitor.visit(Saving(put(a=1)), nothing)
    assert len(response.set_cookies) == 1
    assert site.log == ["Create", "start", "body null", "body null"]
    assert visitor.visit(everything).value == {"a": 1}


def test_of_several_saves_before_the_response_the_last_cookie_is_sent(
    make_site: MakeSite,
) -> None:
    site = make_site()
    visitor = site.visitor()

    def all_of_it(session: Session) -> None:
        for act in (put(a=1), login, rotate, put(b=2)):
            act(session)
            session.save()

    response = visitor.visit(all_of_it)
    assert len(response.set_cookies) == 1
    assert visitor.visit(lambda s: [s.user_id, dict(s)]).value == ["ada", {"a": 1, "b": 2}]


def test_a_logout_after_a_save_clears_the_cookie(visitor: Visitor) -> None:
    response = visitor.visit(in_turn(put(a=1), methodcaller("save"), logout), nothing)
    assert [cookie.partition(";")[0] for cookie in response.set_cookies] == ["__Host-session="]


# What comes too late


@pytest.mark.parametrize(
    "late",
    [
        put(b=2),
        put(a=2),
        lambda session: session.pop("a"),
        lambda session: session.flash("late"),
    ],
    ids=["new", "other", "removed", "flash"],
)
def test_a_change_after_the_response_began_is_told_at_the_end(
    site: Site, kept: Visitor, late: Act
) -> None:
    with pytest.raises(SessionNotSaved, match=LOST):
        kept.visit(everything, late)
    assert site.writes == []
    assert site.log[:2] == ["Find", "start"], "and everything was sent"
    assert len([entry for entry in site.log if entry.startswith("body")]) == 2
    assert kept.visit(everything).value == {"a": 1}


def test_a_change_after_the_last_save_is_told_at_the_end(kept: Visitor) -> None:
    with pytest.raises(SessionNotSaved, match=LOST):
        kept.visit(nothing, Saving(put(b=2)), put(c=3))
    assert kept.visit(everything).value == {"a": 1, "b": 2}


def while_saving(site: Site, late: Act) -> Act:
    """What another task or thread of the same request does while a save is under way."""

    def act(session: Session) -> None:
        session["b"] = 2
        site.store.meanwhile["Save"] = lambda: late(session)

    return act


@pytest.mark.parametrize("late", [{"c": 3}, {"b": 3}], ids=["another key", "the same key"])
def test_a_change_while_a_save_is_under_way_is_told_unless_it_is_saved(
    site: Site, kept: Visitor, late: dict[str, int]
) -> None:
    act = while_saving(site, put(**late))
    with pytest.raises(SessionNotSaved, match=LOST):
        kept.visit(act, nothing)
    kept.visit(lambda session: session.pop("b"))  # so that there is something to save again
    with pytest.raises(SessionNotSaved, match=LOST):
        kept.visit(everything, Saving(act))
    assert kept.visit(everything).value == {"a": 1, "b": 2}
    kept.visit(lambda session: session.pop("b"))
    kept.visit(everything, Saving(act), Saving(nothing))
    assert kept.visit(everything).value == {"a": 1, "b": 2, **late}


def test_a_change_that_was_taken_back_is_none(kept: Visitor) -> None:
    response = kept.visit(everything, put(a=2), put(a=1))
    assert response.status == 200


@pytest.mark.parametrize("act", [login, rotate], ids=["login", "rotate"])
def test_a_new_id_after_the_response_began_is_refused_at_once(
    site: Site, kept: Visitor, act: Act
) -> None:
    def refused(session: Session) -> str:
        with pytest.raises(SessionNotSaved, match="cookie can't be set any more"):
            act(session)
        return "refused"

    response = kept.visit(everything, refused, Saving(put(b=2)))
    assert b'"refused"' in response.body
    assert kept.visit(lambda s: [s.user_id, dict(s)]).value == [None, {"a": 1, "b": 2}]


def test_a_new_session_after_the_response_began_is_refused_at_its_save(
    site: Site, visitor: Visitor
) -> None:
    with pytest.raises(SessionNotSaved, match="cookie can't be"):
        visitor.visit(everything, Saving(put(a=1)))
    with pytest.raises(SessionNotSaved, match=LOST):
        visitor.visit(everything, put(a=1))
    assert site.writes == []


def test_a_logout_in_a_stream_is_saved_like_other_changes(site: Site, kept: Visitor) -> None:
    kept.visit(everything, Saving(logout))
    assert site.log == ["Find", "start", 'body {"a": 1}', "Delete", "body null"]
    assert kept.visit(everything).value == {}


def test_an_error_of_the_application_in_a_stream_is_the_one_that_is_told(kept: Visitor) -> None:
    def broken(session: Session) -> None:
        session["b"] = 2
        raise LookupError("the application's own")

    with pytest.raises(LookupError, match="the application's own"):
        kept.visit(everything, broken)
    assert kept.visit(everything).value == {"a": 1}


def test_a_store_that_fails_in_a_stream_is_told_where_it_is_saved(
    site: Site, kept: Visitor
) -> None:
    site.store.failures["Save"] = StoreUnavailable("no answer")
    with pytest.raises(StoreUnavailable):
        kept.visit(everything, Saving(put(b=2)))
    assert site.log == ["Find", "start", 'body {"a": 1}', "Save"]


@pytest.mark.parametrize("told", [False, True], ids=["ignored", "raised"])
def test_a_session_that_was_ended_in_the_middle_of_a_stream(
    make_site: MakeSite, told: bool
) -> None:
    site = make_site(on_revoked="raise" if told else "ignore")
    visitor = site.visitor()
    visitor.visit(login)
    steps: list[Any] = [everything, lambda _: site.store.revoke_user("ada"), Saving(put(b=2))]

    with pytest.raises(SessionRevoked) if told else contextlib.nullcontext():
        visitor.visit(*steps)
    assert len(site.store) == 0
    assert site.told == ["created", "revoked"]


# Server-sent events


def test_server_sent_events_save_what_was_sent(site: Site, kept: Visitor) -> None:
    events = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")]

    def sent(number: int) -> Saving:
        return Saving(lambda session: session.update({"last-event": number}))

    response = kept.visit(everything, *map(sent, range(1, 4)), answered=events)
    assert response.headers["cache-control"] == "no-cache"
    assert site.calls == ["Find", "Save", "Save", "Save"]
    assert kept.visit(everything).value == {"a": 1, "last-event": 3}
