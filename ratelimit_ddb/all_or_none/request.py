"""What one of several limiters is asked, and the checks of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ddbwire.arguments import shown
from ratelimit_ddb.all_or_none.decisions import L
from ratelimit_ddb.arguments import require_cost, require_int
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreError, StoreUnavailable
from ratelimit_ddb.limiter import AsyncRateLimiter, RateLimiter
from ratelimit_ddb.limiter_core import LimiterCore
from ratelimit_ddb.operations.meter import Meter
from ratelimit_ddb.operations.operation import Flow


@dataclass(slots=True)
class Request:
    """What one limiter is asked.

    Attributes:
        core: the limiter's.
        bucket: its limits, by which the cost was checked: stored limits may change at any time.
        key: the key as the table holds it.
        cost: tokens.
        meter: measures the decision, or the refund, for ``on_decision``, if there is one.
        outcome: the decision, or what was raised; None while it has not been asked.
        outage: what was raised where ``on_outage`` has decided.
        refunded: whether its tokens were given back.
    """

    core: LimiterCore
    bucket: Bucket
    key: str
    cost: int
    meter: Meter | None = None
    outcome: Decision | StoreError | None = None
    outage: StoreUnavailable | None = None
    refunded: bool = False

    def begin(self) -> Decision | Flow[Decision]:
        """The denial that needs no store, or the flow of the decision; an outage is raised."""
        return self.core.begin(self.bucket, self.key, self.cost, self.meter)

    @property
    def decision(self) -> Decision | None:
        """The decision, if there is one."""
        return self.outcome if isinstance(self.outcome, Decision) else None

    @property
    def admitted(self) -> bool:
        """Whether the limiter admits."""
        return self.decision is not None and self.decision.allowed

    @property
    def denies(self) -> bool:
        """Whether the limiter denies, and did not just give no decision."""
        return self.decision is not None and not self.decision.allowed

    @property
    def keeps(self) -> bool:
        """Whether it has taken tokens, and not given all of them back."""
        taken = None if self.decision is None else self.decision.taken
        return taken is not None and taken.kept > 0


_FORMS = "(limiter, key) or (limiter, key, cost)"


def require_requests(given: object) -> list[tuple[Any, ...]]:
    """Check that an argument is requests, each a tuple or a list.

    Raises:
        TypeError: it is something else, such as a request alone.
    """
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise TypeError(f"requests {shown(given)}: must be a list of {_FORMS}")
    requests = list(given)
    for one in requests:
        if not isinstance(one, tuple | list) or not 2 <= len(one) <= 3:
            raise TypeError(f"request {shown(one)}: must be {_FORMS}, in a list, even if it is one")
    return [tuple(one) for one in requests]


def request_of(given: tuple[Any, ...], kind: type[L]) -> Request:
    """The request of ``(limiter, key)`` or ``(limiter, key, cost)``.

    Raises:
        TypeError, ValueError: the limiter or key is invalid, or the cost is not an int.
    """
    limiter, key, cost = given if len(given) == 3 else (*given, 1)
    core = core_of(limiter, kind)
    text, cost = core.key_text(key), require_int("cost", cost)
    return Request(core, core.bucket, text, cost, core.new_meter())


def core_of(limiter: object, kind: type[L]) -> LimiterCore:
    """What a limiter of this kind is apart from how it waits.

    Raises:
        TypeError: it is none.
    """
    if isinstance(limiter, kind):
        return limiter._core
    other = {RateLimiter: "acquire_all_async", AsyncRateLimiter: "acquire_all"}
    hint = f"; for it there is {other[kind]}" if type(limiter) in other else ""
    article = "an" if kind is AsyncRateLimiter else "a"
    raise TypeError(f"limiter {shown(limiter)}: must be {article} {kind.__name__}{hint}")


def require_possible(asked: list[Request]) -> None:
    """Check that the requests for one bucket do not ask for more than it ever holds, by now.

    Raises:
        ValueError: one of them does, or several together.
    """
    costs: Counter[tuple[int, str, str]] = Counter()
    for one in asked:
        one.bucket = one.core.bucket
        require_cost(one.cost, one.bucket.smallest_burst)
        for limit in one.bucket.limits:
            bucket = (id(one.core.store), one.key, limit.name)
            costs[bucket] += one.cost
            if costs[bucket] > limit.burst:
                raise ValueError(
                    f"the requests for key {one.key!r} cost {costs[bucket]} together, more than "
                    f"the burst {limit.burst} of {limit}: they could never be admitted"
                )


def by_store(asked: Iterable[Request]) -> list[list[Request]]:
    """The requests on each store."""
    groups: dict[int, list[Request]] = {}
    for one in asked:
        groups.setdefault(id(one.core.store), []).append(one)
    return list(groups.values())
