"""The oracle: every session there is, what it holds and when it is over, in plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.fake_clock import FakeClock
from tests.sessions_machine.lineage import GRACE_SECONDS, Fate, Lineage, Ticket, fate
from tests.sessions_machine.view import View


class Outcome(NamedTuple):
    """What a commit came to.

    Attributes:
        session_id: the request's session afterwards; None where it has none.
        conflict: whether SessionConflict was raised.
        renewed: whether an event told that a session got a new id.
    """

    session_id: str | None
    conflict: bool
    renewed: bool


class Model:
    """Applies what requests ask for, in the order in which their last operations were done.

    Args:
        clock: the store's.
        idle_seconds, lifetime_seconds: the terms.
        strict: whether conflicts are to be told.
    """

    def __init__(
        self, clock: FakeClock, idle_seconds: int, lifetime_seconds: int, strict: bool
    ) -> None:
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._lifetime_seconds = lifetime_seconds
        self._touch_seconds = max(60, idle_seconds // 10)
        self._strict = strict
        self.turn = 0
        self.tickets: dict[str, Ticket] = {}
        self.cookies: dict[str, Ticket] = {}

    @property
    def now(self) -> int:
        """Epoch seconds."""
        return self._clock.now_ns // 1_000_000_000

    def fate(self, ticket: Ticket, since: int | None = None) -> Fate:
        return fate(ticket, self.now, since)

    def lineages(self, user_id: str) -> Iterator[Lineage]:
        """A user's sessions that may not be over yet."""
        for lineage in dict.fromkeys(ticket.lineage for ticket in self.tickets.values()):
            if lineage.owner == user_id and lineage.fate(self.now) is not Fate.OVER:
                yield lineage

    def deleted(self, ticket: Ticket) -> None:
        """The row of an id was deleted."""
        if ticket.gone_at is None:
            ticket.gone_at = self.turn
            if ticket.successor is None:
                ticket.lineage.ended = True

    def seen(self, ticket: Ticket, found: bool, since: int | None = None) -> None:
        """An id led to its session, or did not, where either may be."""
        lineage, now = ticket.lineage, self.now
        expected = self.fate(ticket, since)
        assert (expected is not Fate.OVER) or not found, f"{ticket} is over, and was served"
        assert (expected is not Fate.ALIVE) or found, f"{ticket} is alive, and was not served"
        if found:
            lineage.surely_until = max(lineage.surely_until, now + 1)
        elif ticket.successor is None:
            lineage.until = min(lineage.until, now)
            lineage.ended = True

    def opened(self, view: View, ticket: Ticket | None, session_id: str | None, since: int) -> None:
        """A request opened its session."""
        if ticket is not None:
            self.seen(ticket, session_id is not None, since)
        if session_id is None:
            return
        assert ticket is not None, "a cookie that nobody was given led to a session"
        reached = self.tickets[session_id]
        assert reached is ticket.followed()
        view.adopt(reached)
        view.opened_at = self.now

    def committed(self, view: View, got: Outcome, since: int) -> None:
        """A request's commit came to its end."""
        ticket = view.ticket
        if view.ended is not None:
            self._require_ended(view.ended)
            view.ended, view.fresh, view.clears = None, None, True
        if got.conflict:
            self._require_conflict(view)
        elif view.login_as is not None:
            self._logged_in(view, got, since)
        elif ticket is None:
            self._began(view, got)
        elif got.session_id is None:
            assert self.fate(ticket, since) is not Fate.ALIVE, "an alive session was not saved"
            if self.fate(ticket) is Fate.UNSURE:
                self.seen(ticket, False)
            view.fresh = None
            view.forget()
        elif view.rotates and ticket.successor is None:
            self._rotated(view, ticket, got.session_id, since)
        else:
            self._saved(view, ticket, self.tickets[got.session_id], since)

    def _logged_in(self, view: View, got: Outcome, since: int) -> None:
        old, owner = view.ticket, view.login_as
        data = view.changed()
        expected = Fate.OVER if old is None else self.fate(old, since)
        assert got.renewed or expected is not Fate.ALIVE, "a login left its session behind"
        assert not got.renewed or expected is not Fate.OVER, "a login went on with one that is over"
        if old is not None and got.renewed:
            self._require_no_conflict(view, old.lineage)
            assert old.lineage.owner in (None, owner)
            data = view.applied_to(old.lineage.data)
            self.deleted(old.followed())
        elif old is not None and expected is Fate.UNSURE:
            self.seen(old, False, since)
        self._begin(view, got, owner, data)

    def _began(self, view: View, got: Outcome) -> None:
        if view.values:
            self._begin(view, got, None, view.texts())
        else:
            assert got.session_id is None, "a session with nothing in it was kept"
            view.rotates = False

    def _begin(self, view: View, got: Outcome, owner: str | None, data: dict[str, str]) -> None:
        now = self.now
        ends_at = now + self._lifetime_seconds
        until = min(now + self._idle_seconds, ends_at)
        lineage = Lineage(owner, view.device, now, ends_at, until, until, data)
        self._issue(view, got.session_id, lineage)

    def _rotated(self, view: View, old: Ticket, session_id: str, since: int) -> None:
        lineage, now = old.lineage, self.now
        assert self.fate(old, since) is not Fate.OVER, "a session that is over was rotated"
        self._change(view, lineage)
        # It is in use at this very moment, so only its absolute end can come before the grace's.
        old.leads_until = old.leads_surely_until = min(now + GRACE_SECONDS, lineage.ends_at)
        old.successor = self._issue(view, session_id, lineage)
        self._note(lineage)

    def _saved(self, view: View, ticket: Ticket, reached: Ticket, since: int) -> None:
        lineage = ticket.lineage
        expected = self.fate(ticket, since)
        assert reached.lineage is lineage
        if view.has_changed():
            assert expected is not Fate.OVER, "a session that is over was saved"
            self._change(view, lineage)
            self._note(lineage)
        elif expected is not Fate.OVER:
            # Whether a note is due is asked when the request begins, or later.
            early = view.opened_at + self._idle_seconds - self._touch_seconds + 1
            self._note(lineage, max(lineage.surely_until, early))
        view.saved(reached)

    def _change(self, view: View, lineage: Lineage) -> None:
        lineage.changes += 1
        if view.has_changed():
            self._require_no_conflict(view, lineage)
            lineage.data = view.applied_to(lineage.data)
            lineage.saves += 1
            view.saves = lineage.saves

    def _note(self, lineage: Lineage, surely_until: int | None = None) -> None:
        """It is used now; and so it is surely there until then, or as long as it can be."""
        lineage.until = min(self.now + self._idle_seconds, lineage.ends_at)
        early = lineage.until if surely_until is None else surely_until
        lineage.surely_until = min(early, lineage.until)

    def _issue(self, view: View, session_id: str | None, lineage: Lineage) -> Ticket:
        assert session_id is not None, "a session was to begin"
        assert session_id not in self.tickets, "a new session has an old id"
        ticket = self.tickets[session_id] = Ticket(session_id, lineage)
        view.fresh, view.saves = ticket, lineage.saves
        view.saved(ticket)
        return ticket

    def _require_conflict(self, view: View) -> None:
        assert view.ticket is not None
        lineage = view.ticket.lineage
        others = lineage.changes - view.changes
        assert others > 3 or (self._strict and (others or lineage.saves != view.saves))

    def _require_no_conflict(self, view: View, lineage: Lineage) -> None:
        if self._strict and view.has_changed():
            assert lineage.saves == view.saves, "a conflict was not told"

    def _require_ended(self, ticket: Ticket) -> None:
        """An id within its grace leads to what is ended too; one past it leads nowhere."""
        while ticket.successor is not None:
            if self.now >= ticket.leads_surely_until:
                return
            ticket = ticket.successor
        assert ticket.lineage.fate(self.now) is Fate.OVER, "a session outlived its end"
