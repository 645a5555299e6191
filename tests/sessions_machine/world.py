"""A store, the site that uses it, and the model of both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sessions import SessionEvent
from sessions.arguments import ANONYMOUS_PREFIX
from sessions.config.options import SessionOptions
from sessions.config.session_config import SessionConfig
from sessions.operations.operation import BatchDelete, Delete, Find, Operation, ReadClock, Replace
from tests.fake_clock import FakeClock
from tests.sessions_machine.interleaving import AnyStore, interleave
from tests.sessions_machine.lineage import GRACE_SECONDS, Fate, Ticket
from tests.sessions_machine.model import Model

LONGEST_DEADLINE_SECONDS = 60
"""It counts from a request's first operation to its last, whatever comes between."""


@dataclass(slots=True)
class Errand:
    """Somebody's task at the store.

    Attributes:
        may_end: whether it may end the session of an id.
        ended: of each session whose row it deleted, whether it was over by then.
        writes: the operations that may write.
        events: what was told of it.
        replaced: the ids of sessions whose place it took.
    """

    may_end: Callable[[Ticket], bool]
    ended: list[Fate] = field(default_factory=list)
    writes: list[Operation] = field(default_factory=list)
    events: list[SessionEvent] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)


class World:
    """All that a play of the machine shares.

    Args:
        store: a new one, on ``clock``.
        options: the site's.
        users: whose sessions nobody else has in the store.
        exact: whether a user's sessions are listed without any lag.
    """

    def __init__(
        self,
        store: AnyStore,
        clock: FakeClock,
        options: SessionOptions,
        users: tuple[str, ...],
        *,
        exact: bool,
    ) -> None:
        self.store, self.clock, self.users, self.exact = store, clock, users, exact
        self.config = SessionConfig.of(
            store, {**options, "deadline": LONGEST_DEADLINE_SECONDS, "on_event": self._note}
        )
        self.raises = options.get("on_revoked") == "raise"
        self.signs = options.get("secret") is not None
        self.model = Model(clock, options["idle"], options["lifetime"], options["strict"])
        self._errand: Errand | None = None
        interleave(store, self._watch)

    @contextlib.contextmanager
    def doing(self, errand: Errand) -> Iterator[None]:
        """What is done meanwhile is on this errand."""
        self._errand = errand
        try:
            yield
        finally:
            self._errand = None

    def _note(self, event: SessionEvent) -> None:
        if self._errand is not None:
            self._errand.events.append(event)

    def _watch(self, operation: Operation, answer: Any) -> None:
        errand = self._errand
        assert errand is not None
        self.model.turn += 1
        if not isinstance(operation, Find | ReadClock):
            errand.writes.append(operation)
        if isinstance(operation, Delete):
            self._watch_deletion(operation, errand)
        if isinstance(operation, BatchDelete):
            for key in operation.keys:
                self._watch_deletion(Delete(*key), errand)
        if isinstance(operation, Replace) and answer and not operation.is_rotation:
            until = min(self.model.now + GRACE_SECONDS, operation.new.expires_at)
            assert operation.old_until == until
            errand.replaced.append(operation.old.session_id)

    def _watch_deletion(self, delete: Delete, errand: Errand) -> None:
        ticket = self.model.tickets.get(delete.session_id)
        if ticket is None or ticket.gone_at is not None:
            return
        owner = ticket.lineage.owner
        if delete.user_id != (ANONYMOUS_PREFIX + delete.session_id if owner is None else owner):
            return
        assert errand.may_end(ticket), "somebody else's session was ended"
        if ticket.successor is None:
            errand.ended.append(ticket.lineage.fate(self.model.now))
        self.model.deleted(ticket)
