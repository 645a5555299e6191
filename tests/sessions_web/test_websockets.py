"""Websockets: the session is read at the handshake, its cookie set when that is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import Session, SessionNotSaved, StoreUnavailable
from tests.sessions_web.conversation import chat, converse, forget, keep, names
from tests.sessions_web.site import Site, Visitor, everything, put, site_over

DENIAL: dict[str, Any] = {"websocket.http.response": {}}


@pytest.fixture
def site() -> Site:
    return site_over("asgi", chat)


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """Someone who has a session, from the site's other pages."""
    visitor = site_over("asgi", store=site.store).visitor()
    visitor.visit(put(a=1))
    site.log.clear()
    return visitor


def test_a_websocket_that_leaves_the_session_alone_gets_no_fields(site: Site) -> None:
    accepted, said = converse(site, "hello")
    assert accepted["headers"] == [(b"x-own", b"1")]
    assert said == {"type": "websocket.send", "text": "{}"}
    assert "Find" not in site.log


def test_the_session_is_read_once_at_the_handshake(site: Site, visitor: Visitor) -> None:
    accepted, *said = converse(site, "a", "b", cookie=visitor.cookie)
    assert [one["text"] for one in said] == ["{'a': 1}"] * 2
    assert site.log == ["Find", "accept", "send", "send"]
    assert accepted["headers"] == [(b"x-own", b"1")]


def test_a_use_before_the_acceptance_sets_vary(site: Site, visitor: Visitor) -> None:
    (accepted,) = converse(site, before=len, cookie=visitor.cookie)
    assert accepted["headers"] == [(b"x-own", b"1"), (b"vary", b"Cookie")]


def test_a_new_sessions_cookie_is_set_with_the_acceptance(site: Site, visitor: Visitor) -> None:
    (accepted,) = converse(site, before=put(room=7))
    assert names(accepted) == [b"x-own", b"cache-control", b"set-cookie", b"vary"]
    assert site.log == ["Create", "accept"]
    cookie = dict(accepted["headers"])[b"set-cookie"].decode().partition(";")[0]
    assert visitor.visit(everything, cookie=cookie).value == {"room": 7}


def test_a_login_before_the_acceptance_changes_the_cookie(site: Site, visitor: Visitor) -> None:
    old = visitor.cookie
    (accepted,) = converse(site, before=lambda session: session.login("ada"), cookie=old)
    new = dict(accepted["headers"])[b"set-cookie"].decode().partition(";")[0]
    assert visitor.visit(lambda s: [s.user_id, dict(s)], cookie=new).value == ["ada", {"a": 1}]
    assert visitor.visit(everything, cookie=old).value == {}


def test_changes_while_it_is_open_are_kept_by_save_async(site: Site, visitor: Visitor) -> None:
    converse(site, "a", "b", answer=keep, cookie=visitor.cookie)
    assert site.log == ["Find", "accept", "Save", "send", "Save", "send"]
    assert visitor.visit(everything).value == {"a": 1, "said": ["a", "b"]}


def test_what_others_change_while_it_is_open_is_kept_too(site: Site, visitor: Visitor) -> None:
    async def both(session: Session, text: str) -> Any:
        visitor.visit(put(elsewhere=text))
        return await keep(session, text)

    converse(site, "x", answer=both, cookie=visitor.cookie)
    assert visitor.visit(everything).value == {"a": 1, "said": ["x"], "elsewhere": "x"}


def test_changes_that_are_not_saved_are_told_at_the_end(site: Site, visitor: Visitor) -> None:
    sent: list[Any] = []
    with pytest.raises(SessionNotSaved):
        converse(site, "a", answer=forget, cookie=visitor.cookie, sent=sent)
    assert [one["type"] for one in sent] == ["websocket.accept", "websocket.send"]
    assert visitor.visit(everything).value == {"a": 1}


def test_a_new_session_while_it_is_open_is_refused_at_its_save(site: Site) -> None:
    with pytest.raises(SessionNotSaved, match="cookie"):
        converse(site, "a", answer=keep)
    assert site.writes == []


@pytest.mark.parametrize("what", ["login", "rotate"])
def test_a_new_id_while_it_is_open_is_refused_at_once(
    site: Site, visitor: Visitor, what: str
) -> None:
    async def turn(session: Session, text: str) -> None:
        session.login("ada") if what == "login" else session.rotate()

    with pytest.raises(SessionNotSaved, match=what):
        converse(site, "a", answer=turn, cookie=visitor.cookie)
    assert site.writes == []


def test_a_logout_while_it_is_open_is_saved(site: Site, visitor: Visitor) -> None:
    async def leave(session: Session, text: str) -> None:
        session.logout()
        await session.save_async()

    converse(site, "bye", answer=leave, cookie=visitor.cookie)
    assert visitor.visit(everything).value == {}


def test_a_session_that_was_ended_elsewhere_is_not_saved_again(
    site: Site, visitor: Visitor
) -> None:
    visitor.visit(lambda session: session.login("ada"))

    async def late(session: Session, text: str) -> Any:
        site.store.revoke_user("ada")
        session["late"] = True
        await session.save_async()
        return session.user_id

    (_, said) = converse(site, "x", answer=late, cookie=visitor.cookie)
    assert said["text"] == "None"
    assert len(site.store) == 0
    assert site.told == ["revoked"]


def test_an_open_websocket_learns_of_a_revocation(site: Site, visitor: Visitor) -> None:
    visitor.visit(lambda session: session.login("ada"))

    async def look(session: Session, text: str) -> Any:
        if text == "revoke":
            site.store.revoke_user("ada")
        is_valid = await session.still_valid_async()
        await session.reload_async()
        return [is_valid, session.user_id]

    (_, *said) = converse(site, "look", "revoke", answer=look, cookie=visitor.cookie)
    assert [one["text"] for one in said] == ["[True, 'ada']", "[False, None]"]


def test_a_store_that_fails_at_the_handshake_leaves_it_unaccepted(
    site: Site, visitor: Visitor
) -> None:
    site.store.failures["Find"] = StoreUnavailable("no answer")
    with pytest.raises(StoreUnavailable):
        converse(site, before=put(b=2), cookie=visitor.cookie)
    del site.store.failures["Find"]
    site.store.failures["Save"] = StoreUnavailable("no answer")
    with pytest.raises(StoreUnavailable):
        converse(site, before=put(b=2), cookie=visitor.cookie)
    assert site.log == ["Find", "Find", "Save"]


# Handshakes that are denied


async def deny_with_a_response(scope: Any, receive: Any, send: Any) -> None:
    scope["tests.before"](scope["session"])
    await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b"no"})


async def close_at_once(scope: Any, receive: Any, send: Any) -> None:
    scope["tests.before"](scope["session"])
    await send({"type": "websocket.close", "code": 1008})


def test_a_denial_with_a_response_sets_the_cookie_too() -> None:
    site = site_over("asgi", deny_with_a_response)
    start, _ = converse(site, before=put(tries=1), extensions=DENIAL)
    assert names(start) == [b"cache-control", b"set-cookie", b"vary"]
    assert site.log == ["Create", "http.response.start", "http.response.body"]


def test_a_denial_without_a_use_is_left_as_it_is() -> None:
    site = site_over("asgi", deny_with_a_response)
    start, _ = converse(site, extensions=DENIAL)
    assert (start["headers"], site.log[0]) == ([], "http.response.start")


def test_a_handshake_that_is_closed_keeps_what_was_changed(visitor: Visitor, site: Site) -> None:
    closing = site_over("asgi", close_at_once, store=site.store)
    (close,) = converse(closing, before=put(tries=1), cookie=visitor.cookie)
    assert close == {"type": "websocket.close", "code": 1008}
    assert visitor.visit(everything).value == {"a": 1, "tries": 1}


def test_a_handshake_that_is_closed_tells_a_session_that_can_have_no_cookie() -> None:
    site = site_over("asgi", close_at_once)
    with pytest.raises(SessionNotSaved, match="the connection was closed without one"):
        converse(site, before=put(tries=1))
    assert site.writes == []
