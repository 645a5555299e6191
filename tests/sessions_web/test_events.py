"""What ``on_event`` is told over HTTP: in which order, and never a token."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any

import pytest

from sessions import Session, SessionEvent, StoreUnavailable
from sessions.wsgi import SESSION
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
    site_over,
)


def login(user_id: str) -> Act:
    return lambda session: session.login(user_id)


def rotate(session: Session) -> None:
    session.rotate()


def logout(session: Session) -> None:
    session.logout()


SCRIPTS: dict[str, tuple[list[Act], list[str]]] = {
    "no session": ([nothing, everything, logout], []),
    "values": ([put(a=1), put(a=2), everything], ["created"]),
    "a login at first": ([login("ada"), everything], ["created"]),
    "a login later": ([put(a=1), login("ada")], ["created", "renewed"]),
    "a rotation": ([put(a=1), rotate], ["created", "renewed"]),
    "a logout": ([login("ada"), logout, everything], ["created", "destroyed"]),
    "another user": ([login("ada"), login("bob")], ["created", "destroyed", "created"]),
    "all over again": (
        [put(a=1), in_turn(logout, put(b=2))],
        ["created", "destroyed", "created"],
    ),
}


@pytest.mark.parametrize(("acts", "told"), SCRIPTS.values(), ids=SCRIPTS)
def test_events_are_told_in_the_order_of_what_happened(
    site: Site, visitor: Visitor, acts: list[Act], told: list[str]
) -> None:
    for act in acts:
        visitor.visit(act)
    assert site.told == told


def test_an_event_is_told_when_it_is_done_and_before_the_response(make_site: MakeSite) -> None:
    log: list[Any] = []
    site = make_site(on_event=lambda event: log.append(event.what))
    site.store.log = log
    visitor = site.visitor()
    for act in (put(a=1), login("ada"), logout):
        visitor.visit(in_turn(act, lambda _: log.append("in the page")))
    assert log == [
        *("in the page", "Create", "created"),
        *("Find", "in the page", "Replace", "renewed"),
        *("Find", "in the page", "Delete", "destroyed"),
    ]


def test_events_name_the_user_and_the_same_session_alike(site: Site, visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    visitor.visit(login("ada"))
    visitor.visit(rotate)
    visitor.visit(logout)
    created, logged_in, rotated, destroyed = site.events
    assert [one.user_id for one in site.events] == [None, "ada", "ada", "ada"]
    assert rotated.session == destroyed.session
    assert len({created.session, logged_in.session, rotated.session}) == 3


def test_a_stream_tells_of_a_logout_when_it_is_saved(site: Site, visitor: Visitor) -> None:
    visitor.visit(login("ada"))
    told: list[list[str]] = []

    def look(session: Session) -> None:
        told.append(list(site.told))

    visitor.visit(everything, logout, look, Saving(nothing), look)
    assert told == [["created"], ["created", "destroyed"]]


def test_a_session_ended_elsewhere_is_told_as_revoked(site: Site, visitor: Visitor) -> None:
    visitor.visit(login("ada"))

    def slow(session: Session) -> None:
        session["late"] = True
        site.store.revoke_user("ada")

    visitor.visit(slow)
    visitor.visit(everything)
    assert site.told == ["created", "revoked", "invalid unknown"]
    created, revoked, invalid = site.events
    assert created.session == revoked.session == invalid.session
    assert (revoked.user_id, invalid.user_id) == ("ada", None)


def test_cookies_that_lead_to_no_session_are_told_with_the_reason(
    make_site: MakeSite,
) -> None:
    site = make_site(idle=600)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    site.events.clear()
    for cookie in ("__Host-session=x", f"__Host-session={'x' * 43}", "theme=dark"):
        visitor.visit(everything, cookie=cookie)
    site.clock.advance(600)
    visitor.visit(everything)
    assert site.told == ["invalid malformed", "invalid unknown", "invalid over"]
    assert [one.session is None for one in site.events] == [True, False, False]


def test_a_cookie_without_a_valid_mac_is_told_as_malformed(make_site: MakeSite) -> None:
    site = make_site(secret="s" * 32)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    token, _, mac = visitor.token.partition(".")
    for forged in (f"{token}.{mac[:-1]}_", token, f"{mac}.{token}"):
        visitor.visit(everything, cookie=f"__Host-session={forged}")
    assert site.told == ["created", *["invalid malformed"] * 3]


def test_a_failed_write_is_told_as_nothing(site: Site, visitor: Visitor) -> None:
    site.store.failures["Create"] = LookupError("no answer")
    with pytest.raises(LookupError):
        visitor.visit(put(a=1))
    assert site.events == []


@pytest.mark.parametrize("options", [{}, {"secret": "s" * 32}, {"event_salt": b"salt"}])
def test_no_event_holds_a_token_or_an_id_of_the_store(
    make_site: MakeSite, options: dict[str, Any]
) -> None:
    site = make_site(**options)
    visitor = site.visitor()
    secrets = set()
    for act in (put(a=1), login("ada"), rotate, put(a=2), login("bob"), rotate):
        visitor.visit(act)
        secrets.update(visitor.token.split("."))
        secrets.add(visitor.visit(lambda session: session.id).value)
    visitor.visit(everything, cookie=f"__Host-session={'x' * 43}")
    visitor.visit(logout)
    told = repr(site.events)
    assert len(site.events) >= 8
    for secret in [*secrets, "x" * 43]:
        assert secret not in told
        assert hashlib.sha256(secret.encode()).hexdigest()[:32] not in told, "no plain digest"


def test_a_given_salt_makes_digests_that_processes_share(make_site: MakeSite) -> None:
    one = make_site(event_salt=b"salt")
    visitor = one.visitor()
    visitor.visit(put(a=1))
    same = make_site(event_salt=b"salt", store=one.store)
    other = make_site(store=one.store)
    for site in (same, other):
        site.visitor().visit(logout, cookie=visitor.cookie)
        visitor.visit(put(a=1))
    assert same.events[0].session == one.events[0].session
    assert other.events[0].session != one.events[-1].session


@pytest.mark.parametrize(
    ("act", "kept"),
    [(login("ada"), {"a": 1}), (rotate, {"a": 1}), (logout, {}), (put(a=2), {"a": 2})],
    ids=["login", "rotation", "logout", "save"],
)
def test_an_event_function_that_raises_fails_no_request_and_is_logged(
    make_site: MakeSite, act: Act, kept: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: Any) -> None:
        raise LookupError(event.what)

    site = make_site(on_event=fail)
    visitor = site.visitor()
    visitor.visit(put(a=1))
    visitor.visit(act)
    assert visitor.visit(everything).value == kept
    told = [record for record in caplog.records if record.name == "sessions"]
    assert told
    assert all(record.exc_info is not None for record in told)


@pytest.mark.parametrize("on_outage", ["raise", "empty"])
@pytest.mark.parametrize("failing", [False, True])
def test_who_is_told_while_a_session_is_loaded_may_use_it(on_outage: str, *, failing: bool) -> None:
    sessions: list[Session] = []

    def on_event(event: SessionEvent) -> None:
        told.append(event.what)
        used.append(sessions[-1].get("a"))

    def app(environ: Any, start_response: Any) -> list[bytes]:
        sessions.append(environ[SESSION])
        with contextlib.suppress(StoreUnavailable):
            sessions[-1].get("a")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    told: list[str] = []
    used: list[object] = []
    site = site_over("wsgi", app, on_event=on_event, on_outage=on_outage)
    if failing:
        site.store.failures["Find"] = StoreUnavailable("out of reach")
    site.visitor().ask(cookie=f"__Host-session={'A' * 43}")
    assert site.calls == ["Find"], "it is read once"
    assert told == ["unavailable" if failing else "invalid"]
    assert used == ([] if failing and on_outage == "raise" else [None])
