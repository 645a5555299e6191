"""The table carries out a write of a new id, and its answer is lost: the session is not.

The application catches what ``save`` raises, and its response saves again. That finds the session
with the new id, which nobody else has the token of.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from sessions import Session, SessionReplaced, StoreUnavailable
from sessions.asgi import SessionMiddleware
from tests.sessions_web.site import (
    Act,
    MakeSite,
    Saving,
    Site,
    Visitor,
    in_turn,
    nothing,
    put,
    site_over,
)

LATER_SECONDS = 30
"""More than a rotated id leads on."""

CAUGHT = (StoreUnavailable,)


def begin_anew(session: Session) -> None:
    session.logout()
    session["cart"] = [2]


def login(session: Session) -> None:
    session.login("ada", device="Firefox")


def change(session: Session) -> None:
    """Another value, one as it was saved before, one less."""
    session.update(new=1, theme="dark")
    session.pop("draft", None)


DRAFT = put(theme="light", draft=1)
BEGUN: Act = put(cart=[1], theme="dark")
OF_ADA = in_turn(login, BEGUN)
KEPT = {"cart": [1], "theme": "dark", "new": 1}
ANEW = {"cart": [2], "theme": "dark", "new": 1}
CASES: dict[str, tuple[Act, Act, str, Any]] = {
    "a rotation": (OF_ADA, Session.rotate, "Replace", ["ada", KEPT]),
    "a confirmed login": (OF_ADA, lambda s: s.confirm_login("ada"), "Replace", ["ada", KEPT]),
    "a login": (BEGUN, login, "Replace", ["ada", KEPT]),
    "a login of a new session": (nothing, in_turn(login, BEGUN), "Create", ["ada", KEPT]),
    "the first values": (nothing, BEGUN, "Create", [None, KEPT]),
    "values after a logout": (OF_ADA, begin_anew, "Replace", [None, ANEW]),
}


def after(visitor: Visitor, site: Site) -> Any:
    site.clock.advance(LATER_SECONDS)
    return visitor.visit(lambda session: [session.user_id, dict(session)]).value


@pytest.mark.parametrize("options", [{}, {"max_sessions_per_user": 1}, {"encryption": b"k" * 32}])
@pytest.mark.parametrize(("before", "act", "lost", "found"), CASES.values(), ids=CASES)
def test_what_was_saved_without_an_answer_goes_on(
    make_site: MakeSite, options: Any, before: Act, act: Act, lost: str, found: Any
) -> None:
    site = make_site(**options)
    visitor = site.visitor()
    visitor.visit(before)
    site.store.lost.add(lost)
    begun = Saving(in_turn(act, DRAFT), CAUGHT, after=change)
    assert visitor.visit(begun).value == "StoreUnavailable"
    assert after(visitor, site) == found
    assert len(site.store.sessions_of("ada")) == (found[0] is not None)


def test_nothing_more_is_written_where_nothing_more_was_changed(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(OF_ADA)
    site.store.lost.add("Replace")
    visitor.visit(Saving(Session.rotate, CAUGHT))
    assert site.calls[-2:] == ["Replace", "Find"]
    assert [event.what for event in site.events] == ["created", "renewed"]


def test_a_login_that_is_confirmed_after_that_is_saved_too(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(OF_ADA)
    site.store.lost.add("Replace")
    site.clock.advance(100)
    visitor.visit(Saving(Session.rotate, CAUGHT, after=lambda s: s.confirm_login("ada")))
    assert visitor.visit(lambda session: session.require_fresh(60)).status == 200


@pytest.mark.parametrize("act", [Session.rotate, login])
def test_a_later_change_that_cant_be_saved_does_not_keep_the_cookie_back(
    make_site: MakeSite, act: Act
) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(OF_ADA)
    site.store.lost.add("Replace")
    site.store.failures["Save"] = StoreUnavailable("no table")
    visitor.visit(Saving(act, CAUGHT, after=put(later=1)))
    site.store.failures.clear()
    assert site.told[-1] == "dropped not_saved"
    assert after(visitor, site) == ["ada", {"cart": [1], "theme": "dark"}]


def test_what_was_not_carried_out_is_done_now(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(OF_ADA)
    site.store.failures["Replace"] = StoreUnavailable("refused")
    visitor.visit(Saving(Session.rotate, CAUGHT, after=lambda _: site.store.failures.clear()))
    assert after(visitor, site)[0] == "ada"


def test_another_request_that_rotated_it_since_brings_its_cookie(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(OF_ADA)
    tab = site.visitor()
    for cookie in visitor.jar:
        tab.jar.set_cookie(cookie)
    site.store.lost.add("Replace")

    def rotate_in_a_tab(_: Session) -> None:
        tab.visit(Session.rotate)

    response = visitor.visit(Saving(Session.rotate, CAUGHT, after=rotate_in_a_tab))
    assert response.set_cookies == []
    assert after(tab, site)[0] == "ada"


@pytest.mark.parametrize("instead", [Session.logout, lambda session: session.login("bob")])
def test_what_the_application_does_instead_holds(make_site: MakeSite, instead: Act) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(OF_ADA)
    site.store.lost.add("Replace")
    with suppress(SessionReplaced):
        visitor.visit(Saving(Session.rotate, CAUGHT, after=instead))
    assert site.store.sessions_of("ada") == []
    assert after(visitor, site)[0] in (None, "bob")


def test_the_page_of_the_error_brings_the_cookie_of_the_rotation() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"].rotate()
        with suppress(StoreUnavailable):
            await send({"type": "http.response.start", "status": 200})
            raise AssertionError("it was answered")
        await send({"type": "http.response.start", "status": 503})
        await send({"type": "http.response.body", "body": b"sorry"})

    site = site_over("asgi")
    visitor = site.visitor()
    visitor.visit(OF_ADA)
    site.store.lost.add("Replace")
    failing = Visitor(SessionMiddleware(app, site.store), "asgi")
    failing.jar = visitor.jar
    assert len(failing.ask().set_cookies) == 1
    assert after(visitor, site)[0] == "ada"
