"""The result of one call of a limiter, and the exception that carries a denial."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self

from ddbwire.arguments import shown
from ratelimit_ddb.bucket.observations import CacheGroup
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.limit import SECOND_NS, AnyLimit
from ratelimit_ddb.slot_limit import SlotLimit

Source = Literal[
    "table", "seen", "lease", "throttled", "blocked", "listed", "outage", "cost", "disabled"
]
"""Who or what decided:

- ``"table"``: the store;
- ``"seen"``: this process, by what it observed before;
- ``"lease"``: this process, by tokens that it had leased;
- ``"throttled"``: the table, which throttles writes to this key;
- ``"blocked"``: a block, after too many denials or by ``block`` (rules only: a limiter's denials of
  a blocked key are the table's or this process's);
- ``"listed"``: the list of ``Rule(deny=...)``;
- ``"outage"``: ``on_outage``;
- ``"cost"``: the cost is more than the limit's burst (rules only);
- ``"disabled"``: limiting is switched off."""


_claiming = threading.RLock()
"""Reentrant: a finalizer or a signal handler may give back in the midst of another refund."""
if hasattr(os, "register_at_fork"):
    # A fork waits until no thread holds the lock: nobody would ever release it in the child.
    os.register_at_fork(
        before=_claiming.acquire,
        after_in_parent=_claiming.release,
        after_in_child=_claiming.release,
    )


@dataclass(slots=True)
class Taken:
    """The tokens that an admitted request took; ``refund`` needs it to give them back.

    The numbers are those of 5 tokens of ``"100/minute"``, taken of a full bucket at noon.

    ``copy`` returns the object itself, so that the tokens of a copied decision can't be given back
    twice. ``pickle`` makes another one: it can be given back in another process, by a limiter with
    the same limits on the same table.

    Attributes:
        key: the key as the table holds it: ``"api:user-123"``.
        cost: the tokens that were taken of each limit: 5.
        limits: the limits that they were taken of: ``(Limit.parse("100/minute"),)``.
        full_at_ns: for each limit, when its bucket is full again, in nanoseconds since the epoch,
            as the take left it: noon and 3 s, since a token is due every 0.6 s.
        refunded_ns: for each limit, the time of all refunds out of turn before the take
            (bucket/refund.py): ``(0,)``, as in most cases.
        kept: the tokens that were not given back yet: 5, and 3 after ``refund(decision, cost=2)``.
        group: the caches of the store that they were taken from; None after unpickling.
        lease: the lease that they belong to, to which they can be given back while it lives; None
            if they were not leased.
        taken_at_ns: when they were taken, by the table's clock: noon; 0 if that is not known.
    """

    key: str
    cost: int
    limits: tuple[AnyLimit, ...]
    full_at_ns: tuple[int, ...]
    refunded_ns: tuple[int, ...]
    kept: int
    group: CacheGroup | None = field(default=None, repr=False, compare=False)
    lease: Lease | None = field(default=None, repr=False, compare=False)
    taken_at_ns: int = field(default=0, repr=False, compare=False)

    def claim(self, cost: int | None) -> tuple[int, int]:
        """Count ``cost`` tokens as given back, or all that are left; each token is counted once.

        Of two threads that claim all that are left, one gets them, and the other none.

        Returns:
            how many are to be given back, and how many were before.

        Raises:
            ValueError: fewer tokens are left.
        """
        with _claiming:
            kept = self.kept
            if cost is None or 1 <= cost <= kept:
                claimed = kept if cost is None else cost
                self.kept = kept - claimed
                return claimed, self.cost - kept
        if not kept:
            raise ValueError(
                f"all {self.cost} tokens that were taken of {self.key!r} were given back before"
            )
        raise ValueError(
            f"cost {shown(cost)}: must be from 1 to {kept}: of the {self.cost} tokens that were "
            f"taken of {self.key!r}, so many are left to give back"
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Taken], tuple[Any, ...]]:
        arguments = (self.key, self.cost, self.limits, self.full_at_ns, self.refunded_ns, self.kept)
        return Taken, (*arguments, None, None, self.taken_at_ns)


class Decision(NamedTuple):
    """The result of one request for tokens.

    Times are in nanoseconds; the properties ``retry_after``, ``reset_after`` and ``waited`` are in
    seconds. It is a NamedTuple because a denial from memory does little but make one
    (docs/decisions/002).

    The numbers are those of two requests under ``"100/minute"``, where a token is due every 0.6 s
    and an empty bucket is full after 60 s: the first one finds it full, the 101st finds it empty.

    Attributes:
        allowed: whether the tokens were taken: True, then False.
        remaining: whole tokens left in the binding limit: 99, then 0.
        retry_after_ns: how long until the same request, made alone, is admitted: 0, then
            600_000_000. If ``source`` is ``"seen"`` and other callers ask with other costs or
            waits, it may take longer.
        reset_after_ns: how long until every limit of the key is full again: 600_000_000, then
            60_000_000_000. Like the other times it counts from the decision, before any wait.
        limit: the binding limit: of those that deny, the one with the longest ``retry_after``; of
            those that admit, the one with the fewest tokens left. Here ``"100/minute"``.
        waited_ns: how long the call slept for its tokens: 0; with ``max_wait=1.0`` the 101st
            request is admitted, and 600_000_000.
        source: who decided: ``"table"``, then ``"seen"``, since this process knows that the bucket
            is empty. In an outage the numbers are this process's own under ``on_outage="local"``;
            under the other values, and for a throttled key, ``remaining`` is 0 and the times are
            not exact.
        taken: what ``refund`` needs: a Taken of 1 token, then None. None in an outage too, when it
            is not known whether tokens were taken.

    A decision is true if the request is allowed: ``if limiter.acquire(key): ...``.
    """

    allowed: bool
    remaining: int
    retry_after_ns: int
    reset_after_ns: int
    limit: AnyLimit | SlotLimit
    waited_ns: int = 0
    source: Source = "table"
    taken: Taken | None = None

    def __bool__(self) -> bool:
        """Whether the request is allowed."""
        return self.allowed

    @property
    def retry_after(self) -> float:
        """Seconds until the same request, made alone, is admitted: 0.6; 0.0 if it was."""
        return self.retry_after_ns / SECOND_NS

    @property
    def reset_after(self) -> float:
        """Seconds until every limit of the key is full again: 60.0 of an empty "100/minute"."""
        return self.reset_after_ns / SECOND_NS

    @property
    def waited(self) -> float:
        """Seconds that the call slept for its tokens: 0.6; 0.0 without ``max_wait``."""
        return self.waited_ns / SECOND_NS


class RateLimited(Exception):
    """A call was denied; ``decision`` has the limit and the time.

    Attributes:
        key: the key as the table holds it.
        decision: the denial.
    """

    def __init__(self, key: str, decision: Decision) -> None:
        super().__init__(key, decision)
        self.key = key
        self.decision = decision

    @property
    def retry_after(self) -> float:
        """Seconds until the same call would be admitted."""
        return self.decision.retry_after

    def __str__(self) -> str:
        decision = self.decision
        # A client may have chosen the key: a line end in it would begin a line of a log.
        key = self.key if self.key.isprintable() else repr(self.key)
        why = _WHY_OTHERWISE.get(decision.source, f"over {decision.limit}")
        return f"{key}: {why}, retry after {self.retry_after:.3f} s"


_WHY_OTHERWISE = {
    "outage": "denied while the store could not be reached",
    "throttled": "the table throttles this key",
}
"""Why a call was denied if its limit may not be exceeded, by the decision's source."""
