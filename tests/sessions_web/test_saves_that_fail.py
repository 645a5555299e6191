"""A page that catches what ``save`` raises is shown: the response does not raise it again."""

from __future__ import annotations

from typing import Any

import flask
import pytest

from sessions import (
    Session,
    SessionConflict,
    SessionNotSaved,
    SessionTooLarge,
    StoreError,
    StoreUnavailable,
)
from tests.frameworks.flask_sessions_site import site as flask_site
from tests.sessions_web.site import (
    Act,
    MakeSite,
    Saving,
    Site,
    Visitor,
    WatchedStore,
    in_turn,
    nothing,
    put,
    site_over,
)

OUT_OF_REACH = StoreUnavailable("out of reach")
FAILURES: tuple[type[Exception], ...] = (StoreError, TypeError, ValueError)
FAILING: dict[str, tuple[Act, str]] = {
    "an outage": (put(a=2), "StoreUnavailable"),
    "a login": (lambda session: session.login("bob"), "StoreUnavailable"),
    "a confirmed login": (lambda session: session.confirm_login("ada"), "StoreUnavailable"),
    "a rotation": (lambda session: session.rotate(), "StoreUnavailable"),
    "a logout": (lambda session: session.logout(), "StoreUnavailable"),
    "too large": (put(a="x" * 500_000), "SessionTooLarge"),
    "not storable": (in_turn(lambda s: s.update(a=[]), lambda s: s["a"].append(b"")), "TypeError"),
}


def ada_of(site: Site) -> Visitor:
    visitor = site.visitor()
    visitor.visit(in_turn(lambda session: session.login("ada"), put(a=1)))
    for operation in ("Save", "Replace", "Create", "Delete"):
        site.store.failures[operation] = OUT_OF_REACH
    del site.events[:]
    return visitor


@pytest.mark.parametrize(("act", "failure"), FAILING.values(), ids=FAILING)
def test_the_page_that_caught_it_is_shown_and_the_change_is_dropped(
    make_site: MakeSite, act: Act, failure: str
) -> None:
    site = make_site()
    visitor = ada_of(site)
    shown = visitor.visit(Saving(act, FAILURES), nothing, status=503)
    assert (shown.status, shown.body) == (503, f'"{failure}"null'.encode())
    assert (shown.set_cookies, site.told) == ([], ["dropped not_saved"])
    site.store.failures.clear()
    assert visitor.visit(lambda s: [s.user_id, s.get("a")]).value == ["ada", 1]


def test_what_can_be_saved_by_then_is_saved(make_site: MakeSite) -> None:
    site = make_site()
    visitor = ada_of(site)
    site.store.failures.clear()
    smaller = Saving(put(a="x" * 500_000, b=2), (SessionTooLarge,), after=put(a=3))
    assert visitor.visit(smaller).value == "SessionTooLarge"
    assert visitor.visit(dict).value == {"a": 3, "b": 2}


@pytest.mark.parametrize("later", ["login", "logout"])
def test_a_login_or_logout_after_it_was_not_told_and_raises(
    make_site: MakeSite, later: str
) -> None:
    def change(session: Session) -> Any:
        return session.login("bob") if later == "login" else session.logout()

    visitor = ada_of(make_site())
    with pytest.raises(StoreUnavailable):
        visitor.visit(Saving(put(a=2), FAILURES, after=change))


def test_a_save_that_succeeds_after_it_ends_that(make_site: MakeSite) -> None:
    site = make_site()
    visitor = ada_of(site)

    def save_again(session: Session) -> None:
        site.store.failures.clear()
        if site.protocol == "wsgi":
            session.save()
            site.store.failures["Save"] = OUT_OF_REACH
            session["a"] = 3

    with_told = Saving(put(a=2), FAILURES, after=save_again)
    if site.protocol == "asgi":
        assert visitor.visit(with_told).value == "StoreUnavailable"
    else:
        with pytest.raises(StoreUnavailable):
            visitor.visit(with_told)
    site.store.failures.clear()
    assert visitor.visit(dict).value == {"a": 2}


def test_after_a_conflict_a_page_reads_again_and_changes_that() -> None:
    site = site_over("wsgi", strict=True)
    visitor = ada_of(site)
    site.store.failures.clear()

    def add_again(session: Session) -> list[int]:
        session["a"] += 10
        visitor.visit(put(a=5))  # in another tab
        with pytest.raises(SessionConflict):
            session.save()
        session.reload()
        session["a"] += 10
        session.save()
        session.flash("added")
        return [session["a"], len(site.told)]

    assert visitor.visit(add_again).value == [15, 1]
    assert site.told == ["dropped not_saved"]
    assert visitor.visit(lambda s: [s["a"], len(s.flashes())]).value == [15, 1]


def test_what_was_never_told_is_not_dropped_by_reading_again(make_site: MakeSite) -> None:
    visitor = ada_of(make_site())
    with pytest.raises(SessionNotSaved):
        visitor.visit(in_turn(put(a=2), lambda session: session.reload()))


def test_an_application_that_catches_it_when_its_response_starts_sends_another() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["a"] = 2
        try:
            await send({"type": "http.response.start", "status": 200})
        except StoreUnavailable:
            await send({"type": "http.response.start", "status": 503})
        await send({"type": "http.response.body", "body": b"sorry"})

    site = site_over("asgi", app)
    site.store.failures["Create"] = OUT_OF_REACH
    shown = site.visitor().ask()
    assert (shown.status, shown.body, shown.set_cookies) == (503, b"sorry", [])
    assert site.told == ["dropped not_saved"]


def test_flasks_page_for_a_500_is_finished_as_any_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site("wsgi")
    site.store = WatchedStore(site.log, site.clock)
    app = flask_site(site.store)

    app.testing = False

    @app.after_request
    def mark(response: flask.Response) -> flask.Response:
        response.headers["X-Own"] = "1"
        return response

    site.store.failures["Create"] = OUT_OF_REACH
    answer = app.test_client().get("/set/a/2")
    assert (answer.status_code, answer.headers["X-Own"]) == (500, "1")
    logged = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert logged == ["Exception on /set/a/2 [GET]"]
