"""What a process knows of a key that it is asked for just now: who waits, what it holds, its pace.

At most one write is in flight for a key: that of the leader, the first of the queue. What arrives
meanwhile joins the queue, and is served from what the leader's write brings. Whoever leaves hands
the lead to the next one, for whatever reason it leaves: served, cancelled, interrupted, failed. A
leader whose event loop was stopped, or is busy with something else, can't leave; so one that leads
for half a deadline is overdue, and one of those who wait, or who comes next, leads instead. Two
writes are in flight then, which costs a write, never a wrong answer.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from ratelimit_ddb.hot_keys.demand import Demand
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.hot_keys.pace import Pace
from ratelimit_ddb.hot_keys.ticket import Ticket

ALONE: Ticket[Any] = Ticket(0, 0, 0, lambda _: None)
"""The leader that is not in the queue: it asked where nobody else did."""


class KeyState:
    """One key in one process.

    Attributes:
        key: the item's key.
        lock: guards all that follows. Reentrant, since a collected generator may leave the queue
            in the middle of anything.
        queue: the requests that wait, in the order of their calls.
        leader: the one that writes, or waits for the next write.
        demand: how many tokens are asked for and admitted.
        pace: when the next write may be made.
        leases: what this process holds.
        spent: leases that live and have no token left: one may be given back to them.
        drops: how often all of them were dropped.
        overtaken: for each limit, how often others had taken meanwhile, where what this process saw
            last left the bucket idle: a running mean. It tells which branch to try.
    """

    __slots__ = (
        "_leads_until_ns",
        "_patience_ns",
        "demand",
        "drops",
        "key",
        "leader",
        "leases",
        "lock",
        "overtaken",
        "pace",
        "queue",
        "spent",
    )

    def __init__(self, key: str, monotonic_ns: int, random_float: Callable[[], float]) -> None:
        self.key = key
        self.lock = threading.RLock()
        self.queue: deque[Ticket[Any]] = deque()
        self.leader: Ticket[Any] | None = None
        self.demand = Demand(monotonic_ns)
        self.pace = Pace(random_float)
        self.leases: list[Lease] = []
        self.spent: list[Lease] = []
        self.drops = 0
        self.overtaken: tuple[float, ...] = ()
        self._leads_until_ns = 0
        self._patience_ns = 0

    def join(self, ticket: Ticket[Any], patience_ns: int) -> None:
        """Join the queue, as its leader where there is none, or none that is still expected.

        Args:
            ticket: the request.
            patience_ns: how long a leader is expected to take for one write at most.
        """
        with self.lock:
            self.queue.append(ticket)
            if self.leader is None or ticket.arrived_ns > self._leads_until_ns:
                self._lead(ticket, ticket.arrived_ns, patience_ns)

    def lead_alone(self, monotonic_ns: int, patience_ns: int) -> bool:
        """Lead as ALONE, without queuing; False where somebody leads or queues."""
        with self.lock:
            if self.leader is not None or self.queue:
                return False
            self.leader = ALONE
            self._leads_until_ns = max(monotonic_ns, self.pace.next_write_ns) + patience_ns
            return True

    def take_over(self, ticket: Ticket[Any], monotonic_ns: int, patience_ns: int) -> int:
        """Lead in the place of a leader that is overdue.

        Returns:
            how long until the leader that there is will be overdue; 0 for one that leads itself.
        """
        with self.lock:
            if self.leader is ticket:
                return 0
            if self.leader is None or monotonic_ns >= self._leads_until_ns:
                if ticket not in self.queue:
                    return 1  # it was served just now
                self._lead(ticket, monotonic_ns, patience_ns)
                return 0
            return self._leads_until_ns - monotonic_ns

    def leave(self, ticket: Ticket[Any], monotonic_ns: int, patience_ns: int) -> None:
        """Leave the queue, and hand on the lead."""
        with self.lock:
            if ticket in self.queue:
                self.queue.remove(ticket)
            if self.leader is not ticket:
                return
            self.leader = None
            self._patience_ns = patience_ns
            for one in self.queue:
                # One that nobody attends is of a request that is busy with another key.
                if one.is_attended and one.outcome is None:
                    self._lead(one, monotonic_ns, patience_ns)
                    one.call()
                    break

    def claim(self, ticket: Ticket[Any]) -> None:
        """Give a request of the queue that begins to wait the lead, where nobody has it."""
        if self.leader is not None:
            return
        with self.lock:
            if self.leader is None and ticket.outcome is None and ticket in self.queue:
                self._lead(ticket, ticket.arrived_ns, self._patience_ns)
                ticket.ready = True

    def serve(self, ticket: Ticket[Any], outcome: Any) -> None:
        """Give one of the queue its outcome."""
        with self.lock:
            if ticket in self.queue:
                self.queue.remove(ticket)
        ticket.serve(outcome)

    def fail(self, error: Exception) -> None:
        """Raise an error in all who wait for the write that met it."""
        for ticket in list(self.queue):
            # One for each, for a traceback grows where it is raised.
            self.serve(ticket, _the_same(error))

    def spend(self, cost: int, monotonic_ns: int, wall_ns: Callable[[], int]) -> Lease | None:
        """Spend leased tokens; the lease that they are of, or None where too few are held."""
        with self.lock:
            for lease in self.leases:
                if lease.left >= cost and lease.lives(monotonic_ns, wall_ns):
                    lease.left -= cost
                    return lease
        return None

    def spend_at_most(
        self, cost: int, monotonic_ns: int, wall_ns: Callable[[], int]
    ) -> tuple[int, Lease | None]:
        """Spend up to ``cost`` leased tokens; how many, and the last lease that they are of."""
        spent, last = 0, None
        with self.lock:
            for lease in self.leases:
                if spent < cost and lease.left and lease.lives(monotonic_ns, wall_ns):
                    some = min(lease.left, cost - spent)
                    lease.left -= some
                    spent, last = spent + some, lease
        return spent, last

    def give_back(
        self, lease: Lease, cost: int, monotonic_ns: int, wall_ns: Callable[[], int]
    ) -> bool:
        """Give tokens back to their lease; False where it has ended, or is not known any more.

        Of one that is not known nobody can say whether it was dropped.
        """
        with self.lock:
            if not lease.lives(monotonic_ns, wall_ns):
                return False
            if lease in self.spent:
                self.spent.remove(lease)
                self.leases.append(lease)
            elif lease not in self.leases:
                return False
            lease.left += cost
            return True

    def hold(self, lease: Lease, monotonic_ns: int, drops: int) -> bool:
        """Hold a new lease, and let go of those that have ended.

        Args:
            lease: the new one.
            monotonic_ns: now.
            drops: what ``drops`` was before the lease was asked for. If leases were dropped since,
                by a block or a reset, this one lapses too.

        Returns:
            whether it is held.
        """
        with self.lock:
            if drops != self.drops:
                lease.drop()
                return False
            alive = [
                one for one in (*self.spent, *self.leases) if monotonic_ns <= one.monotonic_end_ns
            ]
            self.spent = [one for one in alive if not one.left]
            self.leases = [one for one in alive if one.left]
            self.leases.append(lease)
            return True

    def drop_leases(self) -> None:
        """Let all leases lapse at once."""
        with self.lock:
            self.drops += 1
            for lease in (*self.leases, *self.spent):
                lease.drop()
            self.leases, self.spent = [], []

    def is_idle(self, monotonic_ns: int) -> bool:
        """Whether nothing is under way and nothing held."""
        return (
            not self.queue
            and self.leader is None
            and not self.pace.is_paced
            and not ((self.leases or self.spent) and self._holds_any(monotonic_ns))
        )

    def _holds_any(self, monotonic_ns: int) -> bool:
        every = (*self.leases, *self.spent)
        return any(one.monotonic_end_ns >= monotonic_ns for one in every)

    def _lead(self, ticket: Ticket[Any], monotonic_ns: int, patience_ns: int) -> None:
        self.leader = ticket
        until_ns = max(monotonic_ns, self.pace.next_write_ns)
        self._leads_until_ns = until_ns + patience_ns


def _the_same(error: Exception) -> Exception:
    """Another exception of the same content; its class may be a store's own, made of anything."""
    kind = type(error)
    other = kind.__new__(kind)
    other.args = error.args
    other.__dict__.update(error.__dict__)
    other.__cause__ = error.__cause__
    return other
