"""The count of a user's sessions, by which ``max_sessions_per_user`` limits them.

A store keeps the ids of the counted sessions for each user and namespace. They change in one
transaction with the row of a login or rotation: two logins at the same time change the same count,
so one of them is refused. A session that ended by a logout, a revocation or a timeout stays counted
until a login reaches the limit and reads the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sessions.operations.row import Row


class Counted(NamedTuple):
    """A user's count, as it was read.

    Attributes:
        ids: the ids of the counted sessions.
        version: the number of changes; 0 in a store that does not keep it.
    """

    ids: frozenset[str]
    version: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """Add a session to the count, without knowing the others.

    Refused if the user has no count yet, if an id in ``removed`` is not counted, or if there would
    be more than ``most``.

    Attributes:
        user_id, namespace: the user, and the application.
        added: the session's id.
        removed: ids that leave the count.
        most: how many sessions there may be then; None for any number.
        expires_at: when all sessions that are counted now have ended, in epoch seconds (TTL).
    """

    user_id: str
    namespace: str
    added: str
    removed: frozenset[str]
    most: int | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class Recount:
    """Replace the count, and end sessions.

    Refused if the count has changed since it was read, or if a session in ``ended`` has ended.

    Attributes:
        user_id, namespace: the user, and the application.
        known: the count that was read; None if there was none.
        ids: the ids that are counted from now on; None to leave the user without a count.
        expires_at: as for Count.
        ended: the rows of the sessions to end, which say why from then on.
    """

    user_id: str
    namespace: str
    known: Counted | None
    ids: frozenset[str] | None
    expires_at: int
    ended: Sequence[Row] = field(default=())


CountChange = Count | Recount | None
"""How an operation changes the count together with a row; None if it does not."""
