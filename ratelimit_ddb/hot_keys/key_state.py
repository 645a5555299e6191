"""The state of one hot key in this process: its queue, its leader, its leases and its pace.

At most one write is in flight for a key: that of the leader, the first of the queue. Requests that
arrive meanwhile join the queue, and the leader's write serves them. A leader that leaves, because
it was served, cancelled or interrupted or has failed, makes the next request the leader. A leader
whose event loop was stopped or is busy can't leave. So a leader is overdue after half a deadline:
a request that waits, or the next one that arrives, becomes the leader instead. Then two writes are
in flight, which costs a write, never a wrong answer.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from ratelimit_ddb.hot_keys.demand import Demand
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.hot_keys.pace import Pace
from ratelimit_ddb.hot_keys.waiter import Waiter

ALONE: Waiter[Any] = Waiter(0, 0, 0, lambda _: None)
"""The leader that is not in the queue: a single take (bucket/single_take.py)."""


class KeyState:
    """One key in one process.

    Attributes:
        key: the item's key.
        lock: guards all that follows. Reentrant, since the garbage collector may close a generator,
            which leaves the queue, at any point.
        queue: the requests that wait, in the order of their calls.
        leader: the request that writes, or waits until it may write.
        demand: how many tokens a second are asked for and admitted.
        pace: when the next write may be made.
        leases: the leases that this process holds.
        spent: those that live and have no token left; tokens may still be given back to them.
        drops: how often all leases were dropped.
        overtaken: for each limit, a running mean of how often other processes had taken meanwhile,
            where the last observation had left the bucket idle. It tells which branch to try.
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
        self.queue: deque[Waiter[Any]] = deque()
        self.leader: Waiter[Any] | None = None
        self.demand = Demand(monotonic_ns)
        self.pace = Pace(random_float)
        self.leases: list[Lease] = []
        self.spent: list[Lease] = []
        self.drops = 0
        self.overtaken: tuple[float, ...] = ()
        self._leads_until_ns = 0
        self._patience_ns = 0

    def join(self, waiter: Waiter[Any], patience_ns: int) -> None:
        """Join the queue, as its leader if there is none, or if the leader is overdue.

        Args:
            waiter: the request.
            patience_ns: how long a leader is expected to take for one write at most.
        """
        with self.lock:
            self.queue.append(waiter)
            if self.leader is None or waiter.arrived_ns > self._leads_until_ns:
                self._lead(waiter, waiter.arrived_ns, patience_ns)

    def lead_alone(self, monotonic_ns: int, patience_ns: int) -> bool:
        """Lead as ALONE, without queuing; False if there is a leader or a queue."""
        with self.lock:
            if self.leader is not None or self.queue:
                return False
            self.leader = ALONE
            self._leads_until_ns = max(monotonic_ns, self.pace.next_write_ns) + patience_ns
            return True

    def take_over(self, waiter: Waiter[Any], monotonic_ns: int, patience_ns: int) -> int:
        """Become the leader if the present one is overdue.

        Returns:
            how long until the present leader is overdue; 0 if the request is the leader itself.
        """
        with self.lock:
            if self.leader is waiter:
                return 0
            if self.leader is None or monotonic_ns >= self._leads_until_ns:
                if waiter not in self.queue:
                    return 1  # it was served just now
                self._lead(waiter, monotonic_ns, patience_ns)
                return 0
            return self._leads_until_ns - monotonic_ns

    def leave(self, waiter: Waiter[Any], monotonic_ns: int, patience_ns: int) -> None:
        """Leave the queue; the next request becomes the leader if this one was."""
        with self.lock:
            if waiter in self.queue:
                self.queue.remove(waiter)
            if self.leader is not waiter:
                return
            self.leader = None
            self._patience_ns = patience_ns
            for one in self.queue:
                # A request that nobody attends is busy with another key.
                if one.is_attended and one.outcome is None:
                    self._lead(one, monotonic_ns, patience_ns)
                    one.wake()
                    break

    def claim(self, waiter: Waiter[Any]) -> None:
        """Make a request that begins to wait the leader, if there is none."""
        if self.leader is not None:
            return
        with self.lock:
            if self.leader is None and waiter in self.queue:
                self._lead(waiter, waiter.arrived_ns, self._patience_ns)
                waiter.ready = True

    def serve(self, waiter: Waiter[Any], outcome: Any) -> None:
        """Remove a request from the queue, and set its outcome."""
        with self.lock:
            if waiter in self.queue:
                self.queue.remove(waiter)
        waiter.serve(outcome)

    def fail(self, error: Exception) -> None:
        """Raise an error in every request of the queue."""
        for waiter in list(self.queue):
            # A copy for each: a traceback grows wherever it is raised.
            self.serve(waiter, _copy(error))

    def spend(self, cost: int, monotonic_ns: int, wall_ns: Callable[[], int]) -> Lease | None:
        """Spend leased tokens. Returns: their lease; None if too few are held."""
        with self.lock:
            for lease in self.leases:
                if lease.left >= cost and lease.lives(monotonic_ns, wall_ns):
                    lease.left -= cost
                    return lease
        return None

    def spend_at_most(
        self, cost: int, monotonic_ns: int, wall_ns: Callable[[], int]
    ) -> tuple[int, Lease | None]:
        """Spend up to ``cost`` leased tokens. Returns: how many, and the last lease of them."""
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
        """Give tokens back to their lease; False if it has ended, or is not known any more.

        A lease that is not known may have been dropped.
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
        """Hold a new lease, and remove those that have ended.

        Args:
            lease: the new one.
            monotonic_ns: now.
            drops: ``drops`` as it was before the write. If leases were dropped since, by a block or
                a reset, the new one lapses too.

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
        """End all leases at once."""
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

    def _lead(self, waiter: Waiter[Any], monotonic_ns: int, patience_ns: int) -> None:
        self.leader = waiter
        until_ns = max(monotonic_ns, self.pace.next_write_ns)
        self._leads_until_ns = until_ns + patience_ns


def _copy(error: Exception) -> Exception:
    """A copy of an exception, whose class may have any constructor."""
    kind = type(error)
    other = kind.__new__(kind)
    other.args = error.args
    other.__dict__.update(error.__dict__)
    other.__cause__ = error.__cause__
    return other
