"""Starlette: ``request.session`` is this session, and is used like Starlette's own."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.routing import Route

from tests.fake_clock import FakeClock
from tests.sessions_web.site import WatchedStore
from tests.sessions_web.starlette_site import Act, browser, page, site


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore([], FakeClock())


def _say_modified(session: Any) -> None:
    session["b"].append(3)
    session.modified = True


USES: dict[str, tuple[Act, Any]] = {
    "in": (lambda session: ["a" in session, "z" in session], [True, False]),
    "get": (lambda session: [session.get("a"), session.get("z", 0)], [1, 0]),
    "dict": (dict, {"a": 1, "b": [2]}),
    "items": (lambda session: sorted(session.items()), [["a", 1], ["b", [2]]]),
    "values": (lambda session: list(session.values()), [1, [2]]),
    "keys": (lambda session: list(session.keys()), ["a", "b"]),
    "items and len": (lambda session: [len(list(session.items())), len(session)], [2, 2]),
    "**": (lambda session: {**session}, {"a": 1, "b": [2]}),
    "==": (lambda session: session == {"a": 1, "b": [2]}, True),
}
CHANGES: dict[str, tuple[Act, Any]] = {
    "set": (lambda session: session.__setitem__("c", 3), {"a": 1, "b": [2], "c": 3}),
    "update": (lambda session: session.update(a=2, c=3), {"a": 2, "b": [2], "c": 3}),
    "|=": (lambda session: session.update({"c": 3} | {"d": 4}), {"a": 1, "b": [2], "c": 3, "d": 4}),
    "setdefault": (lambda session: session.setdefault("b", []).append(3), {"a": 1, "b": [2, 3]}),
    "pop": (lambda session: session.pop("a"), {"b": [2]}),
    "popitem": (lambda session: [session.popitem(), session.popitem()], {}),
    "del": (lambda session: session.__delitem__("b"), {"a": 1}),
    "clear": (lambda session: session.clear(), {}),
    "inside": (lambda session: session["b"].append(3), {"a": 1, "b": [2, 3]}),
    "modified": (_say_modified, {"a": 1, "b": [2, 3]}),
    "mark_modified": (
        lambda session: [session["b"].append(3), session.mark_modified()],
        {"a": 1, "b": [2, 3]},
    ),
}


@pytest.mark.parametrize("colour", ["async def", "def"])
@pytest.mark.parametrize(("act", "shown"), USES.values(), ids=USES)
def test_a_session_is_used_as_starlettes_own(
    store: WatchedStore, act: Act, shown: Any, colour: str
) -> None:
    fill = Route("/fill", page(lambda session: session.update(a=1, b=[2])))
    ada = browser(site(store, fill, Route("/use", page(act, colour=colour))))
    ada.ask("/fill")
    response = ada.ask("/use")
    assert (response.value, response.set_cookies) == (shown, [])
    assert response.headers["vary"] == "Cookie"


@pytest.mark.parametrize("colour", ["async def", "def"])
@pytest.mark.parametrize(("act", "left"), CHANGES.values(), ids=CHANGES)
def test_a_session_is_changed_as_starlettes_own(
    store: WatchedStore, act: Act, left: Any, colour: str
) -> None:
    fill = Route("/fill", page(lambda session: session.update(a=1, b=[2])))
    ada = browser(site(store, fill, Route("/change", page(act, colour=colour))))
    ada.ask("/fill")
    ada.ask("/change")
    assert ada.ask("/all").value == left


def test_a_change_is_not_thrown_away_by_modified(store: WatchedStore) -> None:
    def act(session: Any) -> list[bool]:
        session.modified = False
        before = session.modified
        session["b"].append(3)
        with pytest.raises(ValueError, match="undo the change instead"):
            session.modified = False
        return [before, session.modified]

    visitor = browser(site(store, Route("/", page(act)), Route("/b", page(_put_list))))
    visitor.ask("/b")
    assert visitor.ask("/").value == [False, True]
    assert visitor.ask("/all").value == {"b": [2, 3]}


def _put_list(session: Any) -> None:
    session["b"] = [2]
