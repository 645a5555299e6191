"""What is done in a play, each by its name."""

from __future__ import annotations

from collections.abc import Coroutine

from sessions import Session
from tests.sessions_interleavings.play import CART, Act, Play, Told


async def look(play: Play, session: Session, told: Told) -> None:
    dict(session)


async def save_a(play: Play, session: Session, told: Told) -> None:
    session["a"] = 1


async def save_b(play: Play, session: Session, told: Told) -> None:
    session["b"] = 1


async def form(play: Play, session: Session, told: Told) -> None:
    told.token = session.csrf_token()


async def rotate(play: Play, session: Session, told: Told) -> None:
    session.rotate()


async def login(play: Play, session: Session, told: Told) -> None:
    session.login(play.users[0])


async def login_as_bob(play: Play, session: Session, told: Told) -> None:
    session.login(play.users[1])


async def login_by_hand(play: Play, session: Session, told: Told) -> None:
    session.clear()
    session["user"] = 7


async def logout(play: Play, session: Session, told: Told) -> None:
    session.logout()


async def revoke_others(play: Play, session: Session, told: Told) -> None:
    if session.user_id is not None:
        await play.store.revoke_user_async(session.user_id, except_=session.id)


async def revoke_all(play: Play, session: Session, told: Told) -> None:
    await play.store.revoke_user_async(play.users[0])


async def revoke_this(play: Play, session: Session, told: Told) -> None:
    await play.store.revoke_async(play.users[0], play.first_id)


REQUESTS: dict[str, Act] = {
    "look": look,
    "save a": save_a,
    "save b": save_b,
    "form": form,
    "rotate": rotate,
    "login": login,
    "login as bob": login_as_bob,
    "login by hand": login_by_hand,
    "logout": logout,
    "revoke others": revoke_others,
}
ELSEWHERE: dict[str, Act] = {"revoke all": revoke_all, "revoke this": revoke_this}
NAMES = (*REQUESTS, *ELSEWHERE)

PLAIN = {"look", "save a", "save b", "form", "revoke others"}
"""What concerns no cookie."""
ENDS = {"logout", "revoke all", "revoke this"}
LOGINS = {"login", "login as bob", "login by hand"}


def begun(play: Play, names: tuple[str, ...]) -> list[Coroutine[None, None, None]]:
    """The coroutines of a play."""
    return [
        play.request(name, REQUESTS[name])
        if name in REQUESTS
        else play.elsewhere(name, ELSEWHERE[name])
        for name in names
    ]


__all__ = ["CART", "ENDS", "LOGINS", "NAMES", "PLAIN", "begun"]
