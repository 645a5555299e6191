"""The sessions of a user that are counted, so that there are never more than the most.

A store keeps their ids for each user and namespace, where the option ``max_sessions_per_user`` is
set. They change in one step with the row of a login or rotation: two logins at once change the
same count, and one of them is refused. What ended otherwise (a logout, a revocation, its timeouts)
is still counted until a login meets the most, and looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sessions.operations.row import Row


class Counted(NamedTuple):
    """What is counted of a user.

    Attributes:
        ids: of the sessions.
        version: counts the changes, where a store keeps it.
    """

    ids: frozenset[str]
    version: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """Count one session more, without knowing the others.

    Refused if nothing is counted of the user yet, one of ``removed`` is not counted, or it would be
    more than the most.

    Attributes:
        user_id, namespace: whose, in which application.
        added: the session's id.
        removed: ids that are not counted any more.
        most: how many there may be then; None for any number.
        expires_at: when no session can be left that is counted now, in epoch seconds.
    """

    user_id: str
    namespace: str
    added: str
    removed: frozenset[str]
    most: int | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class Recount:
    """Count these sessions and no others, and end some.

    Refused if what is counted has changed since it was read, or one that is to end has ended.

    Attributes:
        user_id, namespace: whose, in which application.
        known: what was read; None if nothing was counted yet.
        ids: what is counted from now on; None to leave nothing counted.
        expires_at: as of a Count.
        ended: the rows of sessions that end with it, and tell why from then on.
    """

    user_id: str
    namespace: str
    known: Counted | None
    ids: frozenset[str] | None
    expires_at: int
    ended: Sequence[Row] = field(default=())


CountChange = Count | Recount | None
"""What a step does to the count beside its row; None for nothing."""
