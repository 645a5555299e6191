"""Freshness: how long ago a session's user has proved who they are, and steps that need it."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

from sessions import ReauthenticationRequired, Session
from sessions.operations.operation import Find
from tests.sessions_web.site import Act, MakeSite, Site, in_turn, put

CHALLENGE = (
    'Bearer error="insufficient_user_authentication", '
    'error_description="Authenticate again, then repeat the request", max_age="300"'
)


def login(user_id: str) -> Act:
    return lambda session: session.login(user_id)


def confirm(user_id: str) -> Act:
    return lambda session: session.confirm_login(user_id)


def proved_at(session: Session) -> Any:
    return session.authenticated_at


def transfer(session: Session) -> str:
    session.require_fresh(300)
    return "done"


def rotate(session: Session) -> None:
    session.rotate()


def now(site: Site) -> int:
    return site.clock() // 1_000_000_000


def test_a_login_notes_when_it_was_and_an_anonymous_session_has_none(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    assert visitor.visit(in_turn(put(a=1), proved_at)).value is None
    visitor.visit(login("ada"))
    began = now(site)
    site.clock.advance(100)
    assert visitor.visit(proved_at).value == began


def test_rotations_saves_and_touches_keep_it_exactly(make_site: MakeSite) -> None:
    site = make_site(lifetime=43_200)
    visitor = site.visitor()
    visitor.visit(login("ada"))
    began = now(site)
    for act in (rotate, put(a=1), rotate, transfer, rotate):
        site.clock.advance(400)
        visitor.visit(act)
        assert visitor.visit(proved_at).value == began


@pytest.mark.parametrize(("age", "status"), [(0, 200), (299, 200), (300, 401), (3_000, 401)])
def test_a_step_is_refused_from_the_very_second_on(
    make_site: MakeSite, age: int, status: int
) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(login("ada"))
    site.clock.advance(age)
    assert visitor.visit(transfer).status == status


def test_the_answer_says_what_to_do_and_is_not_stored(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(login("ada"))
    site.clock.advance(300)
    answer = visitor.visit(transfer)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == CHALLENGE
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-store", "Cookie")
    assert visitor.visit(lambda session: session.user_id).value == "ada", "it goes on"


def test_nobody_is_fresh_without_a_login(make_site: MakeSite) -> None:
    visitor = make_site().visitor()
    assert visitor.visit(transfer).status == 401
    visitor.visit(put(a=1))
    assert visitor.visit(transfer).status == 401


def test_a_login_of_the_same_request_is_fresh(make_site: MakeSite) -> None:
    assert make_site().visitor().visit(in_turn(login("ada"), transfer)).status == 200


def test_a_logout_ends_it(make_site: MakeSite) -> None:
    visitor = make_site().visitor()
    visitor.visit(login("ada"))
    assert visitor.visit(in_turn(lambda session: session.logout(), transfer)).status == 401
    assert visitor.visit(transfer).status == 401


def test_another_users_proof_is_not_inherited(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(login("ada"))
    site.clock.advance(1_000)
    visitor.visit(login("bob"))
    assert visitor.visit(proved_at).value == now(site)


@pytest.mark.parametrize("renew", [login("ada"), confirm("ada")])
def test_another_proof_of_the_same_user_renews_it_and_the_session_goes_on(
    make_site: MakeSite, renew: Act
) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(in_turn(login("ada"), put(cart=[1])))
    site.clock.advance(1_000)
    visitor.visit(renew)
    assert visitor.visit(proved_at).value == now(site)
    answer = visitor.visit(lambda session: [session.user_id, session["cart"]])
    assert answer.value == ["ada", [1]]
    assert len(site.store.sessions_of("ada")) == 1


def test_confirming_keeps_the_lifetime_the_forms_and_requests_under_way(
    make_site: MakeSite,
) -> None:
    site = make_site(idle=1_000, lifetime=2_000)
    visitor = site.visitor()
    visitor.visit(login("ada"))
    form = visitor.visit(lambda session: session.csrf_token()).value
    site.clock.advance(900)
    before = visitor.cookies.copy()
    visitor.visit(confirm("ada"))
    assert visitor.cookies != before, "a new id"
    (name, value) = before.popitem()
    tab = site.visitor().visit(lambda session: session.user_id, cookie=f"{name}={value}")
    assert tab.value == "ada"
    assert visitor.visit(lambda session: session.is_csrf_token(form)).value is True
    site.clock.advance(900)
    assert visitor.visit(lambda session: session.user_id).value == "ada"
    site.clock.advance(200)
    assert visitor.visit(lambda session: session.user_id).value is None, "the lifetime is over"


def test_only_its_own_user_can_confirm_a_session(make_site: MakeSite) -> None:
    visitor = make_site().visitor()
    with pytest.raises(ValueError, match=r"\(user_id\): nobody is logged in; use"):
        visitor.visit(confirm("ada"))
    visitor.visit(login("ada"))
    with pytest.raises(
        ValueError, match=r"confirm_login\(user_id\): another user is logged in; use"
    ):
        visitor.visit(confirm("bob"))
    assert visitor.visit(lambda session: session.user_id).value == "ada"


def test_a_rotation_under_way_does_not_undo_a_proof(make_site: MakeSite) -> None:
    site = make_site()
    visitor, tab = site.visitor(), site.visitor()
    visitor.visit(login("ada"))
    tab.jar = visitor.jar
    site.clock.advance(1_000)
    site.store.meanwhile["Replace"] = lambda: tab.visit(rotate)
    visitor.visit(confirm("ada"))
    assert tab.visit(proved_at).value == now(site)
    site.store.meanwhile["Replace"] = lambda: visitor.visit(confirm("ada"))
    site.clock.advance(1_000)
    tab.visit(rotate)
    assert visitor.visit(proved_at).value == now(site)


def test_a_session_of_before_this_was_noted_is_not_fresh(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(login("ada"))
    (one,) = site.store.sessions_of("ada")
    (row,) = site.store.send(Find(one.id), 0).rows
    row.data.pop("sessions.authenticated_at")
    assert visitor.visit(proved_at).value is None
    assert visitor.visit(transfer).status == 401


@pytest.mark.parametrize("noted", ["null", "true", '"1800000000"', "9800000000", "1e9"])
def test_what_can_not_be_a_proof_is_none(make_site: MakeSite, noted: str) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(login("ada"))
    (one,) = site.store.sessions_of("ada")
    (row,) = site.store.send(Find(one.id), 0).rows
    row.data["sessions.authenticated_at"] = noted
    assert visitor.visit(transfer).status == 401


def test_it_is_no_key_of_the_application(make_site: MakeSite) -> None:
    visitor = make_site().visitor()
    visitor.visit(login("ada"))
    answer = visitor.visit(lambda session: [dict(session), len(session)])
    assert answer.value == [{}, 0]


def test_a_long_request_does_not_stay_fresh(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr("sessions.freshness.monotonic", lambda: seconds[0])
    monkeypatch.setattr("sessions.session_state.monotonic", lambda: seconds[0])
    visitor = make_site().visitor()
    visitor.visit(login("ada"))

    def later(session: Session) -> bool:
        session.require_fresh(300)
        seconds[0] += 300
        with pytest.raises(ReauthenticationRequired):
            session.require_fresh(300)
        return True

    assert visitor.visit(later).value is True


@pytest.mark.parametrize("seconds", [0, -1, True, 1.5, "300", None])
def test_the_seconds_are_checked(make_site: MakeSite, seconds: Any) -> None:
    visitor = make_site().visitor()
    visitor.visit(login("ada"))
    with pytest.raises((TypeError, ValueError), match="seconds"):
        visitor.visit(lambda session: session.require_fresh(seconds))


def test_encrypted_sessions_have_it_too(make_site: MakeSite) -> None:
    site = make_site(encryption=b"k" * 32)
    visitor = site.visitor()
    visitor.visit(login("ada"))
    assert visitor.visit(proved_at).value == now(site)
    assert visitor.visit(transfer).status == 200


def test_an_outage_is_not_fresh(make_site: MakeSite) -> None:
    from sessions import StoreUnavailable

    site = make_site(on_outage="empty")
    visitor = site.visitor()
    visitor.visit(login("ada"))
    site.store.failures["Find"] = StoreUnavailable("down")
    assert visitor.visit(transfer).status == 401


def test_a_websocket_is_closed() -> None:
    from sessions import MemorySessionStore, asgi

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"].require_fresh(300)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    middleware = asgi.SessionMiddleware(app, MemorySessionStore())
    asyncio.run(middleware({"type": "websocket", "headers": []}, receive, send))
    reason = "insufficient_user_authentication"
    assert sent == [{"type": "websocket.close", "code": 3000, "reason": reason}]


def test_the_error_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(ReauthenticationRequired(300, None)))
    assert (error.max_age, error.authenticated_at, error.status_code) == (300, None, 401)
