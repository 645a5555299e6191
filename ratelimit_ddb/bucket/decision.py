"""What a limiter decided, and the exception that carries a denial."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self

from ratelimit_ddb.bucket.observations import CacheGroup
from ratelimit_ddb.limit import SECOND_NS, Limit

Source = Literal["table", "seen", "outage", "cost", "disabled"]
"""Who decided: the store; this process alone, from what it had seen; ``on_outage``; a cost that is
more than the limit ever holds (rules only); or nobody, where limiting is switched off."""


_claiming = threading.Lock()
if hasattr(os, "register_at_fork"):
    # A fork waits until no thread holds it, for a child that has it held could never claim.
    os.register_at_fork(
        before=_claiming.acquire,
        after_in_parent=_claiming.release,
        after_in_child=_claiming.release,
    )


@dataclass(slots=True)
class Taken:
    """What an admitted request took: what ``refund`` needs to give it back.

    ``copy`` gives the object itself, so that a copied decision can't be given back once more. What
    was pickled is another one: it can be given back in another process, by a limiter of the same
    limits on the same table.

    Attributes:
        key: the key as the table holds it.
        cost: the tokens that were taken of each limit.
        limits: the limits that they were taken of.
        full_at_ns: each limit's ``fullAt`` just after the take, in nanoseconds since the epoch.
        refunded_ns: what had been given back of each limit out of turn until then (bucket.py).
        kept: the tokens that were not given back yet: ``cost`` at first, less after a refund.
        group: what tells the store that they were taken from; None after unpickling.
    """

    key: str
    cost: int
    limits: tuple[Limit, ...]
    full_at_ns: tuple[int, ...]
    refunded_ns: tuple[int, ...]
    kept: int
    group: CacheGroup | None = field(default=None, repr=False, compare=False)

    def claim(self, cost: int) -> int:
        """Count so many tokens as given back: each once, whatever other threads claim.

        Returns:
            how many were given back before.

        Raises:
            ValueError: fewer are left.
        """
        with _claiming:
            kept = self.kept
            if 1 <= cost <= kept:
                self.kept = kept - cost
                return self.cost - kept
        raise ValueError(
            f"cost {cost}: of the {self.cost} tokens that were taken of {self.key!r}, {kept} are "
            "left to give back"
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Taken], tuple[Any, ...]]:
        arguments = (self.key, self.cost, self.limits, self.full_at_ns, self.refunded_ns, self.kept)
        return Taken, arguments


class Decision(NamedTuple):
    """The answer to one request for tokens. Times are held in nanoseconds and shown in seconds.

    A NamedTuple, for a denial from memory is made of little else (docs/decisions/002).

    Attributes:
        allowed: whether the tokens were taken.
        remaining: whole tokens left now in the binding limit.
        retry_after_ns: until the same request, made alone, would be admitted; 0 if it was. Where
            ``source`` is ``"seen"`` and others ask at other costs or waits, at least until then.
        reset_after_ns: until every limit of the key is full again; like the other times, from the
            moment of the decision, so before its wait.
        limit: the binding limit: the one that denied longest, else the one with least left.
        waited_ns: how long the call slept for its turn, which ``max_wait`` allowed.
        source: who decided. After an outage ``remaining`` is 0 and the times are not exact.
        taken: what was taken, for ``refund``; None where nothing was, or where nobody knows (an
            outage).

    A decision is true if the request is allowed: ``if limiter.acquire(key): ...``.
    """

    allowed: bool
    remaining: int
    retry_after_ns: int
    reset_after_ns: int
    limit: Limit
    waited_ns: int = 0
    source: Source = "table"
    taken: Taken | None = None

    def __bool__(self) -> bool:
        """Whether the request is allowed."""
        return self.allowed

    @property
    def retry_after(self) -> float:
        """Seconds until the same request, made alone, would be admitted; 0.0 if it was."""
        return self.retry_after_ns / SECOND_NS

    @property
    def reset_after(self) -> float:
        """Seconds until every limit of the key is full again."""
        return self.reset_after_ns / SECOND_NS

    @property
    def waited(self) -> float:
        """Seconds that the call slept for its turn."""
        return self.waited_ns / SECOND_NS


class RateLimited(Exception):
    """A call was denied. ``decision`` says by which limit and for how long.

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
        why = _WHY_OTHERWISE.get(decision.source, f"over {decision.limit}")
        return f"{self.key}: {why}, retry after {self.retry_after:.3f} s"


_WHY_OTHERWISE = {
    "outage": "denied by on_outage='deny', as the store could not be reached",
}
"""Why a call was denied, where its limit is not known to be exceeded; by the decision's source."""
