"""What HTTP sees of a session, the same over ASGI and WSGI: when it is read, saved and told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from sessions import Session, SessionRevoked, SessionTooLarge, StoreUnavailable
from tests.sessions_web.site import (
    TYPE,
    Act,
    MakeSite,
    Saving,
    Site,
    Visitor,
    everything,
    nothing,
    put,
    site_over,
)

# Without a session


def test_a_visit_that_leaves_the_session_alone_costs_nothing_and_says_nothing(
    site: Site, visitor: Visitor
) -> None:
    response = visitor.visit(nothing)
    assert (response.status, response.fields, response.value) == (200, (TYPE,), None)
    assert site.calls == []
    assert visitor.cookies == {}


def test_reading_an_empty_session_makes_no_row_and_no_cookie(site: Site, visitor: Visitor) -> None:
    response = visitor.visit(everything)
    assert (response.value, response.fields) == ({}, (TYPE, ("vary", "Cookie")))
    assert site.calls == []


def test_a_value_that_is_put_and_taken_again_makes_no_row(site: Site, visitor: Visitor) -> None:
    response = visitor.visit(lambda session: [session.update(a=1), session.pop("a")])
    assert (response.value, response.set_cookies, site.calls) == ([None, 1], [], [])


# With one


def test_the_first_value_sets_one_cookie_with_every_attribute(site: Site, visitor: Visitor) -> None:
    response = visitor.visit(put(cart=[1]), answered=[("X-Own", "1")])
    assert response.fields == (
        TYPE,
        ("X-Own", "1"),
        ("cache-control", "private, no-store"),
        (
            "set-cookie",
            f"__Host-session={visitor.token}; Path=/; Secure; HttpOnly; SameSite=Lax",
        ),
        ("vary", "Cookie"),
    )
    assert re.fullmatch("[A-Za-z0-9_-]{43}", visitor.token)
    assert site.calls == ["Create"]


def test_values_come_back_and_the_cookie_is_not_set_again(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(cart=[1, 2.5, {"a": None}]))
    response = visitor.visit(everything)
    assert response.value == {"cart": [1, 2.5, {"a": None}]}
    assert response.fields == (TYPE, ("vary", "Cookie"))
    assert visitor.visit(put(more="é")).set_cookies == []
    assert visitor.visit(everything).value == {"cart": [1, 2.5, {"a": None}], "more": "é"}
    assert site.calls == ["Create", "Find", "Find", "Save", "Find"]


def test_a_change_inside_a_value_is_saved(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(cart=[1]))
    visitor.visit(lambda session: session["cart"].append(2))
    assert visitor.visit(everything).value == {"cart": [1, 2]}


def test_what_is_set_to_what_it_was_is_not_written(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(cart=[1]))
    visitor.visit(put(cart=[1]))
    assert site.writes == ["Create"]


def test_other_browsers_have_sessions_of_their_own(site: Site) -> None:
    one, other = site.visitor(), site.visitor()
    one.visit(put(name="one"))
    other.visit(put(name="other"))
    assert one.token != other.token
    assert [one.visit(everything).value, other.visit(everything).value] == [
        {"name": "one"},
        {"name": "other"},
    ]


@pytest.mark.parametrize("status", [201, 303, 404, 422])
def test_a_response_of_any_status_keeps_the_session(visitor: Visitor, status: int) -> None:
    assert visitor.visit(put(a=1), status=status).status == status
    assert visitor.visit(everything).value == {"a": 1}


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
def test_a_request_of_any_method_keeps_the_session(visitor: Visitor, method: str) -> None:
    response = visitor.visit(put(a=1), method=method)
    assert len(response.set_cookies) == 1
    assert visitor.visit(everything).value == {"a": 1}


# What goes wrong


def broken(*acts: Act) -> Act:
    def act(session: Session) -> None:
        for one in acts:
            one(session)
        raise LookupError("the application's own")

    return act


def test_an_error_before_the_response_saves_nothing_and_sets_no_cookie(
    site: Site, visitor: Visitor
) -> None:
    with pytest.raises(LookupError, match="the application's own"):
        visitor.visit(broken(put(a=1)))
    assert site.log == []
    visitor.visit(put(a=1))
    site.log.clear()
    changes: list[Act] = [
        put(a=2),
        lambda session: session.login("ada"),
        lambda session: session.rotate(),
    ]
    for change in changes:
        with pytest.raises(LookupError):
            visitor.visit(broken(change))
    assert site.log == ["Find"] * len(changes)
    assert visitor.visit(everything).value == {"a": 1}


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
def test_a_store_that_fails_at_the_commit_is_told_before_the_first_byte(
    site: Site, visitor: Visitor, kept: bool
) -> None:
    if kept:
        visitor.visit(put(a=1))
    failing = "Save" if kept else "Create"
    site.store.failures[failing] = StoreUnavailable("no answer")
    for steps in ([put(a=2)], [put(a=2), nothing]):
        site.log.clear()
        with pytest.raises(StoreUnavailable, match="no answer"):
            visitor.visit(*steps)
        assert site.log == [*(["Find"] if kept else []), failing]


def test_a_store_that_fails_at_the_read_is_told_before_the_first_byte(
    site: Site, visitor: Visitor
) -> None:
    visitor.visit(put(a=1))
    site.store.failures["Find"] = StoreUnavailable("no answer")
    site.log.clear()
    with pytest.raises(StoreUnavailable, match="no answer"):
        visitor.visit(everything)
    assert site.log == ["Find"]
    del site.store.failures["Find"]
    assert visitor.visit(everything).value == {"a": 1}


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
def test_a_session_too_large_is_told_before_the_first_byte_and_before_a_call(
    site: Site, visitor: Visitor, kept: bool
) -> None:
    if kept:
        visitor.visit(put(a=1))
    site.log.clear()
    with pytest.raises(SessionTooLarge, match="'basket'"):
        visitor.visit(put(basket="x" * 420_000))
    assert site.log == (["Find"] if kept else [])


def test_a_session_that_was_ended_meanwhile_stays_ended(site: Site, visitor: Visitor) -> None:
    visitor.visit(lambda session: session.login("ada"))

    def slow(session: Session) -> None:
        session["late"] = True
        site.store.revoke_user("ada")

    assert visitor.visit(slow).status == 200
    assert len(site.store) == 0
    assert visitor.visit(everything).value == {}


def test_a_session_that_was_ended_meanwhile_can_be_told(make_site: MakeSite) -> None:
    site = make_site(on_revoked="raise")
    visitor = site.visitor()
    visitor.visit(lambda session: session.login("ada"))
    site.log.clear()

    def slow(session: Session) -> None:
        session["late"] = True
        site.store.revoke_user("ada")

    with pytest.raises(SessionRevoked):
        visitor.visit(slow)
    assert "start" not in site.log


def test_both_protocols_answer_alike() -> None:
    script: list[Callable[[Visitor], Any]] = [
        lambda visitor: visitor.visit(nothing),
        lambda visitor: visitor.visit(len, answered=[("Vary", "Accept")]),
        lambda visitor: visitor.visit(put(a=1, b=[True, 2.5])),
        lambda visitor: visitor.visit(everything),
        lambda visitor: visitor.visit(lambda session: session.login("ada"), status=303),
        lambda visitor: visitor.visit(lambda session: session.flash("hi")),
        lambda visitor: visitor.visit(lambda session: session.flashes()),
        lambda visitor: visitor.visit(lambda session: session.rotate()),
        lambda visitor: visitor.visit(put(c=1), Saving(put(d=2)), everything),
        lambda visitor: visitor.visit(everything, method="HEAD"),
        lambda visitor: visitor.visit(lambda session: session.logout()),
        lambda visitor: visitor.visit(everything),
        lambda visitor: visitor.visit(everything, cookie="__Host-session=forged"),
        lambda visitor: visitor.visit(everything, cookie=f"__Host-session={'x' * 43}"),
    ]
    answers = []
    for protocol in ("asgi", "wsgi"):
        site = site_over(protocol)
        visitor = site.visitor()
        responses = [page(visitor) for page in script]
        answers.append([(one.status, masked(one.fields), one.body) for one in responses])
        answers[-1].append((0, tuple(site.told), b""))
    assert answers[0] == answers[1]


def masked(fields: Any) -> Any:
    return tuple((name, re.sub("=[A-Za-z0-9_-]{43};", "=TOKEN;", value)) for name, value in fields)
