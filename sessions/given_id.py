"""A new id that a session was given: at its beginning, at a login, at a rotation."""

from __future__ import annotations

from typing import NamedTuple

from sessions.operations.count import CountChange
from sessions.operations.row import Row
from sessions.values.values import Changes


class GivenId(NamedTuple):
    """A new id, whose row the store has put, or may have put.

    Attributes:
        token: its token.
        row: the row that has it.
        old: the row whose place it took; None if it took none's.
        noted: the changes that are in the row, with those that the commit added.
        is_proof: whether they note that the user has just authenticated.
        count_change: the change of its user's count with it.
    """

    token: str
    row: Row
    old: Row | None
    noted: Changes
    is_proof: bool
    count_change: CountChange
