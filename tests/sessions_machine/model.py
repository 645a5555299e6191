"""The oracle: every session there is, what it holds and when it is over, in plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.fake_clock import FakeClock
from tests.sessions_machine.lineage import (
    GRACE_SECONDS,
    Fate,
    Lineage,
    Ticket,
    fate,
    may_tell,
    surely_tells,
)
from tests.sessions_machine.view import View


class Outcome(NamedTuple):
    """What a commit came to.

    Attributes:
        session_id: the request's session afterwards; None where it has none.
        conflict: whether SessionConflict was raised.
        renewed: whether an event told that a session got a new id.
        replaced: whether it was told that a login took the session's place.
        took_place_of: the id of the session whose place this one took; None if of none.
        encoded: the JSON of each value of the session's row.
    """

    session_id: str | None
    conflict: bool
    renewed: bool
    replaced: bool
    took_place_of: str | None
    encoded: dict[str, str]


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

    def reaches(self, view: View, ticket: Ticket, since: int) -> Fate:
        """The same for a request that opened it in time, and may go on with it past its end."""
        return fate(ticket, self.now, since, view.opened_at + self._idle_seconds)

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
                ticket.lineage.ended, ticket.lineage.changed_at = True, self.turn

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
            lineage.surely_until = min(lineage.surely_until, now)

    def opened(
        self, view: View, ticket: Ticket | None, session_id: str | None, replaced: bool, since: int
    ) -> None:
        """A request opened its session."""
        if ticket is not None:
            self.seen(ticket, session_id is not None, since)
            self.told(ticket, replaced, since)
            view.replaced = ticket if replaced else None
        if session_id is None:
            return
        assert ticket is not None, "a cookie that nobody was given led to a session"
        reached = self.tickets[session_id]
        assert reached is ticket.followed()
        view.adopt(reached)
        view.opened_at = self.now

    def told(self, ticket: Ticket, replaced: bool, since: int) -> None:
        """It was told that a login took an id's place, or it was not."""
        assert not replaced or may_tell(ticket, self.now), "nobody took its place"
        assert replaced or not surely_tells(ticket, self.now, since), "it was not told"

    def committed(self, view: View, got: Outcome, since: int) -> None:
        """A request's commit came to its end."""
        ticket, ended = view.ticket, view.ended
        source = view.replaced or ended or ticket
        if view.replaced is not None:  # it was told when it was opened, and goes on with that
            assert got.replaced or view.login_as is not None
        elif got.replaced and ended is not None and ended.followed().replaced_by is not None:
            pass  # a logout is told as long as the row is there, which may be for longer
        elif source is not None and got.session_id is None and not got.conflict:
            self.told(source, got.replaced, since)
        if got.replaced:
            assert view.login_as is None, "a login was dropped"
            assert got.session_id is None
            view.fresh, view.clears = None, False
            view.forget()
            view.replaced = source
            return
        if ended is not None:
            view.fresh, view.clears = None, True
        if got.conflict:
            if ended is None:
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
        if ended is not None:
            self._take_place(view, got, ended, since)
            self._require_ended(ended)
            view.ended = None

    def _take_place(self, view: View, got: Outcome, ended: Ticket, since: int) -> None:
        """Of a session that the request logged out, by one that it began then."""
        if got.session_id is None:
            return
        last = ended.followed()
        if got.took_place_of is None:
            expected = self.fate(ended, since)
            assert expected is not Fate.ALIVE, "a logout left its session"
            if expected is Fate.UNSURE:
                self.seen(last, False, since)
        else:
            assert got.took_place_of == last.session_id
            self._replace(last, view.fresh)

    def _replace(self, old: Ticket, new: Ticket | None) -> None:
        assert new is not None
        self.deleted(old)
        old.replaced_by = new
        old.tells_until = min(self.now + GRACE_SECONDS, new.lineage.until)

    def _logged_in(self, view: View, got: Outcome, since: int) -> None:
        old, owner = view.ticket, view.login_as
        data = view.changed()
        expected = Fate.OVER if old is None else self.reaches(view, old, since)
        assert got.renewed or expected is not Fate.ALIVE, "a login left its session behind"
        assert not got.renewed or expected is not Fate.OVER, "a login went on with one that is over"
        if old is not None and got.renewed:
            self._require_no_conflict(view, old.lineage)
            assert old.lineage.owner in (None, owner)
            data = view.applied_to(old.lineage.data)
        elif old is not None and expected is Fate.UNSURE:
            self.seen(old, False, since)
        source = view.replaced or (None if got.renewed else old)
        if source is not None:
            data = self._taken_along(view, source, got, since)
        self._begin(view, got, owner, data)
        view.replaced = None
        if old is not None and got.renewed:
            assert got.took_place_of == old.followed().session_id
            self._replace(old.followed(), view.fresh)

    def _taken_along(self, view: View, source: Ticket, got: Outcome, since: int) -> dict[str, str]:
        """The values that a second login takes over from the first one."""
        own, last = view.changed(), source.followed()
        was_told = view.replaced is not None or surely_tells(source, self.now, since)
        while last.replaced_by is not None:
            was_told = was_told and may_tell(last, self.now)
            last = last.replaced_by.followed()
        lineage = last.lineage
        if lineage.owner != view.login_as:
            assert got.encoded == own, "of somebody else"
        elif was_told and lineage.changed_at < since and lineage.fate(self.now) is Fate.ALIVE:
            assert got.encoded == view.applied_to(lineage.data), "it was not taken along"
        else:
            assert got.encoded.items() >= own.items()
        return got.encoded

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
        assert self.reaches(view, old, since) is not Fate.OVER, "one that is over was rotated"
        self._change(view, lineage)
        # It is in use at this very moment, so only its absolute end can come before the grace's.
        old.leads_until = old.leads_surely_until = min(now + GRACE_SECONDS, lineage.ends_at)
        old.successor = self._issue(view, session_id, lineage)
        self._note(lineage)

    def _saved(self, view: View, ticket: Ticket, reached: Ticket, since: int) -> None:
        lineage = ticket.lineage
        expected = self.reaches(view, ticket, since)
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
            lineage.saves, lineage.changed_at = lineage.saves + 1, self.turn
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
