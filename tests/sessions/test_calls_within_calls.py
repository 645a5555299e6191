"""A finalizer or signal handler may use a memory store in the midst of another call of its thread.

The garbage collector closes the body of a response that nobody needs any more, and so ends its
session. Nothing may wait for a lock that the thread itself holds, and nothing may be lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from sessions import MemorySessionStore
from sessions.operations.count import Count
from sessions.operations.operation import ByOwner, Create, Delete, Find, Operation, Replace, Save
from sessions.operations.row import Row
from tests.calls_within_calls import times
from tests.fake_clock import FakeClock


class Ada:
    """A user with some sessions, in a store.

    Attributes:
        there: the sessions' rows.
    """

    def __init__(self, sessions: int = 300, **options: Any) -> None:
        clock = FakeClock()
        self.store = MemorySessionStore(clock=clock, **options)
        self.now = clock() // 10**9
        self.there: list[Row] = []
        for _ in range(sessions):
            self.begin()

    def send(self, operation: Operation) -> Any:
        return self.store.send(operation, 0)

    def row(self) -> Row:
        now = self.now
        return Row(secrets.token_urlsafe(32), "ada", now, now, now + 3_600, now + 43_200)

    def begin(self) -> None:
        row = self.row()
        assert self.send(Create(row))
        self.there.append(row)

    def end(self) -> None:
        if not self.there:
            return
        row = self.there.pop()
        assert self.send(Delete(row.session_id, row.user_id)) is not None

    def rotate(self) -> None:
        old, new = self.there.pop(), self.row()
        assert self.send(Replace(old, new, self.now, self.now + 20, is_rotation=True))
        self.there.append(new)

    def listed(self) -> set[str]:
        live = (self.found(session_id) for session_id in self.send(ByOwner("ada")))
        return {row.session_id for row in live if row is not None and row.is_live(self.now)}

    def found(self, session_id: str) -> Row | None:
        rows = self.send(Find(session_id)).rows
        return rows[0] if rows else None


CHANGES: list[Callable[[Ada], object]] = [Ada.begin, Ada.end, Ada.rotate]


@pytest.mark.parametrize("act", CHANGES)
@pytest.mark.parametrize("within", [*CHANGES, Ada.listed])
def test_what_is_done_in_the_midst_of_something_is_done_and_so_is_that(
    act: Callable[[Ada], object], within: Callable[[Ada], object]
) -> None:
    ada = Ada()
    assert times(lambda: act(ada), lambda: within(ada)) > 3
    assert ada.listed() == {row.session_id for row in ada.there}


def test_no_change_is_lost_for_one_in_its_midst() -> None:
    ada = Ada(1)
    session_id = ada.there[0].session_id

    def save(key: str) -> None:
        changed = {f"{key}{len(saved)}": "1"}
        saved.update(changed)
        assert ada.send(
            Save(session_id, "ada", ada.now, ada.now, ada.now + 3_600, changed, frozenset())
        )

    saved: dict[str, str] = {}
    times(lambda: save("a"), lambda: save("b"))
    row = ada.found(session_id)
    assert row is not None
    assert (row.data, row.version) == (saved, 1 + len(saved))


def test_a_session_is_listed_that_begins_while_the_last_one_of_its_user_ends() -> None:
    ada, kept = Ada(0), list[Row]()

    def begin_and_end() -> None:
        ada.begin()
        ada.end()

    def begin_another() -> None:
        for row in kept:
            assert ada.send(Delete(row.session_id, row.user_id)) is not None
        kept[:] = [ada.row()]
        assert ada.send(Create(kept[0]))

    assert times(begin_and_end, begin_another) > 3
    assert ada.listed() == {kept[0].session_id}


def test_the_most_sessions_of_a_user_hold_for_what_begins_in_the_midst() -> None:
    ada = Ada(0)

    def begin() -> None:
        row = ada.row()
        count = Count("ada", "", row.session_id, frozenset(), 3, ada.now + 43_200)
        if ada.send(Create(row, count)):
            ada.there.append(row)
        if len(ada.there) == 3:
            ada.end()

    times(begin, begin)
    assert len(ada.listed()) == len(ada.there) <= 3


def test_a_full_store_takes_what_begins_in_the_midst() -> None:
    ada = Ada(0, max_sessions=5)
    assert times(ada.begin, ada.begin) > 10
    assert len(ada.store) == 5
    for _ in range(5):
        ada.begin()
    assert {row.session_id for row in ada.there[-5:]} == ada.listed()
