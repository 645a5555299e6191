"""What the model knows of sessions: each one through all its rotations, and each of its ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

GRACE_SECONDS = 20
MOST_ROTATIONS = 3
"""How many an old id is surely followed through."""


class Fate(Enum):
    """Whether an id leads to a session that is served."""

    ALIVE = auto()
    UNSURE = auto()
    """The use of a session is not noted each time, so its idle end is known to a span only."""
    OVER = auto()


@dataclass(eq=False, slots=True)
class Lineage:
    """A session from its beginning to its end, whatever ids it has meanwhile.

    Attributes:
        owner: who is logged in; None for nobody.
        created_at, ends_at: epoch seconds: its start, and its end whatever is done.
        surely_until, until: the span of its end if it is not used again.
        data: the JSON of each value.
        saves: how often its values were changed.
        changes: the same, with the rotations.
        ended: whether somebody ended it.
        changed_at: the turn of the play when that, or its values, changed last.
    """

    owner: str | None
    device: str | None
    created_at: int
    ends_at: int
    surely_until: int
    until: int
    data: dict[str, str] = field(default_factory=dict)
    saves: int = 0
    changes: int = 0
    ended: bool = False
    changed_at: int = 0

    def fate(self, now: int) -> Fate:
        if self.ended or now >= self.until:
            return Fate.OVER
        return Fate.ALIVE if now < self.surely_until else Fate.UNSURE


@dataclass(eq=False, slots=True)
class Ticket:
    """One id of a session.

    Attributes:
        session_id: what the store calls it.
        cookie: the value of the cookie that leads to it, once a response has told it.
        successor: the id that took its place; it leads there until ``leads_until``, and surely
            until ``leads_surely_until``.
        gone_at: the turn of the play when its row was deleted, or replaced.
        replaced_by: the id that took its place at a login; it tells so until ``tells_until``.
    """

    session_id: str
    lineage: Lineage
    cookie: str | None = None
    successor: Ticket | None = None
    leads_surely_until: int = 0
    leads_until: int = 0
    gone_at: int | None = None
    replaced_by: Ticket | None = None
    tells_until: int = 0

    def followed(self) -> Ticket:
        """The id that has taken its place by now."""
        return self if self.successor is None else self.successor.followed()


def fate(ticket: Ticket, now: int, since: int | None = None, in_time_until: int = 0) -> Fate:
    """Whether an id leads to a session; for one who has been following it since a turn.

    A request that opened it in time may go on with it until ``in_time_until``, wherever it was
    rotated to meanwhile.
    """
    found, hops = Fate.ALIVE, 0
    while ticket.successor is not None:
        if now >= ticket.leads_until:
            if not in_time_until:
                return Fate.OVER
            found = Fate.UNSURE
        if ticket.gone_at is not None:
            if since is None or ticket.gone_at < since:
                return Fate.OVER
            found = Fate.UNSURE
        if now >= ticket.leads_surely_until:
            found = Fate.UNSURE
        ticket, hops = ticket.successor, hops + 1
    if ticket.gone_at is not None:
        return Fate.OVER
    last = ticket.lineage.fate(now)
    if not ticket.lineage.ended and now < min(in_time_until, ticket.lineage.ends_at):
        last = Fate.UNSURE if last is Fate.OVER else last
    if last is Fate.ALIVE and hops > MOST_ROTATIONS:
        return Fate.UNSURE
    return found if last is Fate.ALIVE else last


def may_tell(ticket: Ticket, now: int) -> bool:
    """Whether an id may lead to where it is told that a login took its place."""
    last = ticket.followed()
    return last.replaced_by is not None and now < last.tells_until


def surely_tells(ticket: Ticket, now: int, since: int) -> bool:
    """Whether it must, to one who has been following it since a turn."""
    hops = 0
    while ticket.successor is not None:
        if now >= ticket.leads_surely_until or ticket.gone_at is not None:
            return False
        ticket, hops = ticket.successor, hops + 1
    is_old = ticket.gone_at is not None and ticket.gone_at < since
    return hops <= MOST_ROTATIONS and is_old and may_tell(ticket, now)
