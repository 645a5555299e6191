"""Every order of the steps of two or three requests of one session, against what must hold.

No change of another key is lost, what has ended stays ended, there is one session and not two, and
nobody is served what another user's session held.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import pytest

from sessions import Session
from sessions.loaded_session import LoadedSession
from sessions.operations.operation import Flow
from sessions.operations.row import Row
from tests.sessions.interleaving import SEED, Deed, World, every_order

SAVES = {"save a", "save b", "rotate and save"}
ENDS = {"logout", "login as bob", "revoke", "revoke all"}
LOGINS = {"login", "login as bob"}


def save_a(session: Session) -> None:
    session["save a"] = 1


def save_b(session: Session) -> None:
    session["save b"] = 1


def remove(session: Session) -> None:
    session.pop(SEED, None)


def touch(session: Session) -> None:
    assert session.accessed is False


def login(session: Session) -> None:
    session.login("ada")
    session["login"] = 1


def login_as_bob(session: Session) -> None:
    session.login("bob")
    session["login as bob"] = 1


def rotate(session: Session) -> None:
    session.rotate()


def rotate_and_save(session: Session) -> None:
    session.rotate()
    session["rotate and save"] = 1


def logout(session: Session) -> None:
    session.logout()


ACTS = {
    "save a": save_a,
    "save b": save_b,
    "remove": remove,
    "touch": touch,
    "login": login,
    "login as bob": login_as_bob,
    "rotate": rotate,
    "rotate and save": rotate_and_save,
    "logout": logout,
}
ANYBODY = [name for name in ACTS if name != "login as bob"]
OF_ADA = [*ACTS, "revoke", "revoke all"]

PAIRS: list[tuple[str | None, tuple[str, ...]]] = [
    (None, pair) for pair in combinations_with_replacement(ANYBODY, 2)
]
PAIRS += [("ada", pair) for pair in combinations_with_replacement(OF_ADA, 2)]
TRIPLES = [
    (None, ("save a", "login", "rotate")),
    (None, ("save a", "rotate", "rotate and save")),
    ("ada", ("save a", "save b", "rotate")),
    ("ada", ("save a", "login", "logout")),
    ("ada", ("touch", "rotate", "logout")),
    ("ada", ("rotate", "rotate", "revoke all")),
    ("ada", ("save a", "rotate", "login as bob")),
]


def flows_of(world: World, names: tuple[str, ...]) -> list[Flow[None]]:
    special = {"revoke": world.revoke_this, "revoke all": world.revoke_all}
    return [
        special[name](name) if name in special else world.request(name, ACTS[name])
        for name in names
    ]


def case(value: Any) -> str:
    return value if isinstance(value, str) else " + ".join(value) if value else "nobody"


@pytest.mark.parametrize(("owner", "names"), PAIRS, ids=case)
def test_of_two_requests(owner: str | None, names: tuple[str, ...]) -> None:
    require_all_hold(owner, names)


@pytest.mark.parametrize(("owner", "names"), TRIPLES, ids=case)
def test_of_three_requests(owner: str | None, names: tuple[str, ...]) -> None:
    require_all_hold(owner, names)


def require_all_hold(owner: str | None, names: tuple[str, ...]) -> None:
    orders = 0
    for world, order in every_order(lambda: World(owner), lambda world: flows_of(world, names)):
        orders += 1
        story = [names[index] for index in order]
        live = [row for row in world.rows() if row.successor is None and row.replaced_by is None]
        begun = {deed.new_id() for deed in world.deeds if deed.kept and deed.kept.event}
        anew = {deed.new_id() for deed in world.deeds if deed.kept and deed.kept.event == "created"}
        assert {row.session_id for row in live} <= begun | {world.session_id}, story
        continued = [row for row in live if row.session_id not in anew]
        assert len(continued) <= 1, f"two sessions of one: {story}"
        require_that_ends_are_ends(world, continued, story)
        require_that_nothing_is_lost(world, continued, story)
        require_that_nothing_is_mixed(world, live, anew, story)
        require_that_cookies_lead_where_they_should(world, continued, story)
    assert orders >= 2


def joined(world: World) -> list[Deed]:
    """What was done by requests that found the session there, or from elsewhere."""
    return [deed for deed in world.deeds if deed.loaded is not None or deed.name.startswith("rev")]


def require_that_ends_are_ends(world: World, continued: list[Row], story: list[str]) -> None:
    done = {deed.name for deed in joined(world) if not deed.revoked}
    if done & ENDS and "login" not in done:
        assert continued == [], f"it was brought back: {story}"
    if not done & (ENDS | LOGINS):
        assert len(continued) == 1, f"it was lost: {story}"
        assert not any(deed.revoked for deed in world.deeds), f"nothing ended it: {story}"


def require_that_nothing_is_lost(world: World, continued: list[Row], story: list[str]) -> None:
    if not continued:
        return
    (row,) = continued
    done = {deed.name for deed in joined(world) if not deed.revoked}
    for name in done & SAVES:
        assert name in row.data, f"{name} is lost: {story}"
    assert (SEED in row.data) == ("remove" not in done), f"of {row.data}: {story}"
    now = world.clock() // 10**9
    assert (row.last_seen_at, row.expires_at) == (now, now + 3_600), f"unnoted: {story}"


def values_of(row: Row) -> set[str]:
    """The keys of what requests stored in it, and not of when its user logged in."""
    return set(row.data) - {"sessions.authenticated_at"}


def require_that_nothing_is_mixed(
    world: World, live: list[Row], anew: set[str | None], story: list[str]
) -> None:
    for row in live:
        if row.owner_id == "bob":
            assert values_of(row) == {"login as bob"}, f"bob was given {row.data}: {story}"
        else:
            assert "login as bob" not in row.data, f"of bob: {row.data}: {story}"
        if row.session_id in anew:
            (deed,) = (deed for deed in world.deeds if deed.new_id() == row.session_id)
            allowed = {deed.name}
            if [other.name for other in world.deeds].count("login") > 1:
                allowed |= {SEED, *ACTS}  # a second login takes along what the first took over
            assert values_of(row) <= allowed, f"of one that ended: {row.data}: {story}"
        elif world.owner is not None or row.owner_id is not None:
            names = {deed.name for deed in world.deeds}
            assert row.owner_id == "ada", f"now of {row.owner_id}: {story}"
            assert world.owner == "ada" or "login" in names, story


def require_that_cookies_lead_where_they_should(
    world: World, continued: list[Row], story: list[str]
) -> None:
    first = world.opened_by(world.token)
    done = [deed for deed in joined(world) if not deed.revoked]
    if any(deed.name in LOGINS | ENDS for deed in done):
        leads_on = isinstance(first, LoadedSession) and first.row is not None
        assert not leads_on, f"the old cookie leads on: {story}"
    elif continued:
        assert isinstance(first, LoadedSession), f"the old cookie has no grace: {story}"
        assert first.row == continued[0], story
    given = {deed.new_id() for deed in world.deeds} | {world.session_id}
    assert all(row.session_id in given for row in continued), f"no cookie leads to it: {story}"
    rotations = [
        deed.loaded.session_id
        for deed in done
        if deed.loaded is not None and deed.name.startswith("rotate") and deed.new_id()
    ]
    assert len(rotations) == len(set(rotations)), f"one id was rotated twice: {story}"
