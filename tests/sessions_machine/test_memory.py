"""The machine on memory, where every row can be counted."""

from __future__ import annotations

from hypothesis import settings

from sessions import MemorySessionStore
from tests.fake_clock import FakeClock
from tests.sessions_machine.machine import Sessions


class SessionsInMemory(Sessions):
    """No list lags, and no row is deleted but by somebody."""

    def new_store(self, clock: FakeClock, strict_revocation: bool) -> MemorySessionStore:
        return MemorySessionStore(clock=clock)

    def is_exact(self, strict_revocation: bool) -> bool:
        return True

    def check_rows(self) -> None:
        store = self.world.store
        assert isinstance(store, MemorySessionStore)
        tickets = self.model.tickets.values()
        assert len(store) == sum(ticket.gone_at is None for ticket in tickets)


SessionsInMemory.TestCase.settings = settings(
    stateful_step_count=40, max_examples=150, deadline=None
)
TestSessionsInMemory = SessionsInMemory.TestCase
