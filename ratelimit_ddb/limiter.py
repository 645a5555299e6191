"""The limiters: RateLimiter for blocking code, AsyncRateLimiter for event loops.

Both only carry: ``_Desk`` checks what they are given and turns it into a flow of the bucket, a
driver runs the flow against the store. Neither reads the table before it writes.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from ratelimit_ddb.arguments import (
    require_cost,
    require_deadline_ns,
    require_deny_cache_ns,
    require_int,
    require_max_wait_ns,
    require_on_outage,
    require_store,
)
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision, Taken
from ratelimit_ddb.bucket.observations import ObservationCache, cache_group_of
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.key import KeyGiven, namespace_prefix, text_of, text_within
from ratelimit_ddb.limit import Limit, LimitsGiven, limits_of
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.outage import OnOutage, decision_in_outage
from ratelimit_ddb.switch import limiting_enabled


class RateLimiter:
    """Limits on keys, decided by one conditional write each.

    Args:
        store: where the buckets are: a DynamoDBStore or a MemoryStore.
        limits: a notation (``"100/minute"``), a Limit, or several of them for each key.
        on_outage: what a decision is when the store can't be reached: ``"allow"`` (default),
            ``"deny"``, or ``"raise"`` for StoreUnavailable.
        deadline: seconds that one call may spend on the store, retries included.
        deny_cache: seconds for which a denial may rest on what this process saw last. A reset or a
            refund made in another process is noticed after at most that long; one made in this
            process, by any limiter or middleware on the same store object, at once. 0 always asks
            the store.
        seen_keys: for how many keys to remember that; what bounds the memory used.
        namespace: what the keys begin with in the table (``"shop"`` makes ``"shop:user-123"``), so
            that applications can share a table. Limiters without one share the buckets of equal
            keys and equal limits.
        enabled: False to allow every request and never ask the store; True to limit whatever the
            environment says. Unless given, the variable ``RATELIMIT_DDB_ENABLED=0`` turns it off.

    Raises:
        TypeError, ValueError: something given can't hold; the message names it and the rule.

    One limiter serves any number of threads. It is pickled as its arguments, if its store can be.
    """

    __slots__ = ("_desk",)

    def __init__(
        self,
        store: Store,
        limits: LimitsGiven,
        *,
        on_outage: OnOutage = "allow",
        deadline: float = 0.25,
        deny_cache: float = 5.0,
        seen_keys: int = 65_536,
        namespace: str = "",
        enabled: bool | None = None,
    ) -> None:
        self._desk = _Desk(
            store, limits, on_outage, deadline, deny_cache, seen_keys, namespace, enabled
        )

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits that each key has."""
        return self._desk.bucket.limits

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._desk.described()})"

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return self._desk.made_anew_by(type(self)), ()

    def acquire(self, key: KeyGiven, *, cost: int = 1, max_wait: float = 0.0) -> Decision:
        """Take ``cost`` tokens of each limit, or none; sleep for them up to ``max_wait`` seconds.

        Args:
            key: any non-empty text, or parts of one: ``("api", user, "endpoint")``.
            cost: tokens, an integer from 1 to the smallest burst.
            max_wait: seconds, at most 30, that the tokens may be due later. Callers that wait are
                served in the order of their calls; nothing polls.

        Returns:
            the decision, after the wait where there was one.

        Raises:
            TypeError, ValueError: a key, cost or wait that can't be.
            StoreUnavailable: under ``on_outage="raise"``.
            StoreError: a mistake of set-up, such as TableNotFound or AccessDenied, and not an
                outage; whatever ``on_outage`` says.
        """
        desk = self._desk
        asked = desk.ask(key, cost, max_wait)
        if isinstance(asked, Decision):
            return asked
        try:
            decision = run(asked, desk.store, desk.within_ns)
        except StoreUnavailable as outage:
            return desk.decision_in(outage)
        if decision.waited_ns:
            time.sleep(decision.waited)
        return decision

    def peek(self, key: KeyGiven, *, cost: int = 1) -> Decision:
        """What ``acquire`` would say now, by one consistent read, taking nothing.

        ``remaining`` counts the tokens there are. Raises as ``acquire`` does, and StoreUnavailable
        whatever ``on_outage`` says.
        """
        desk = self._desk
        asked = desk.peek(key, cost)
        if isinstance(asked, Decision):
            return asked
        return run(asked, desk.store, desk.within_ns)

    def refund(self, decision: Decision, *, cost: int | None = None) -> bool:
        """Give back tokens that a decision of this limiter took and that were not used.

        What has flowed back by itself since is not given back once more: of 900 tokens taken under
        "1000/minute", 54 seconds later nothing is left to give, and after 27 seconds 450 are. Where
        callers wait for tokens that are due later, they keep their turns, and nothing is given back
        unless the decision was the last one.

        It is sent once only, since a repetition could give back twice: StoreUnavailable says that
        it may or may not have happened, and it counts as given back.

        Args:
            decision: what ``acquire`` returned. One that took nothing gives nothing back.
            cost: tokens, of those that it took and did not give back yet; all of them unless given.

        Returns:
            whether anything was given back.

        Raises:
            TypeError: it is no Decision, or the cost is no integer.
            ValueError: it was taken of other limits or from another store, or fewer tokens of it
                are left to give back.
            StoreUnavailable: and what else ``peek`` raises.
        """
        desk = self._desk
        taken = desk.taken_by(decision)
        if taken is None:
            return False
        return run(desk.refund(taken, cost), desk.store, desk.within_ns)

    def reset(self, key: KeyGiven) -> None:
        """Fill the key's bucket by deleting its item. Raises as ``peek`` does.

        Every limit of the key starts anew, whichever limiter it belongs to.
        """
        desk = self._desk
        text = desk.text_of(key)
        if desk.enabled:
            run(desk.bucket.reset(text), desk.store, desk.within_ns)


class AsyncRateLimiter:
    """The same limiter, awaited. The arguments and what is raised are RateLimiter's.

    One limiter serves any number of tasks, and of event loops.
    """

    __slots__ = ("_desk",)

    def __init__(
        self,
        store: Store,
        limits: LimitsGiven,
        *,
        on_outage: OnOutage = "allow",
        deadline: float = 0.25,
        deny_cache: float = 5.0,
        seen_keys: int = 65_536,
        namespace: str = "",
        enabled: bool | None = None,
    ) -> None:
        self._desk = _Desk(
            store, limits, on_outage, deadline, deny_cache, seen_keys, namespace, enabled
        )

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits that each key has."""
        return self._desk.bucket.limits

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._desk.described()})"

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return self._desk.made_anew_by(type(self)), ()

    async def acquire(self, key: KeyGiven, *, cost: int = 1, max_wait: float = 0.0) -> Decision:
        """Take ``cost`` tokens of each limit, or none; see ``RateLimiter.acquire``.

        A task that is cancelled in its wait has taken its tokens, and they are lost: those who wait
        behind it keep their turns.

        Raises:
            RuntimeError: no event loop of asyncio's is running (trio's is another), and it is
                needed, by a DynamoDBStore or for ``max_wait``.
        """
        if max_wait:
            from ddbwire.concurrency.event_loop import (
                running_loop,  # 40 ms that others need not spend
            )

            running_loop()  # before any token is taken
        desk = self._desk
        asked = desk.ask(key, cost, max_wait)
        if isinstance(asked, Decision):
            return asked
        try:
            decision = await run_async(asked, desk.store, desk.within_ns)
        except StoreUnavailable as outage:
            return desk.decision_in(outage)
        if decision.waited_ns:
            import asyncio  # 40 ms that others need not spend

            await asyncio.sleep(decision.waited)
        return decision

    async def peek(self, key: KeyGiven, *, cost: int = 1) -> Decision:
        """What ``acquire`` would say now, taking nothing; see ``RateLimiter.peek``."""
        desk = self._desk
        asked = desk.peek(key, cost)
        if isinstance(asked, Decision):
            return asked
        return await run_async(asked, desk.store, desk.within_ns)

    async def refund(self, decision: Decision, *, cost: int | None = None) -> bool:
        """Give back tokens that were not used; see ``RateLimiter.refund``."""
        desk = self._desk
        taken = desk.taken_by(decision)
        if taken is None:
            return False
        return await run_async(desk.refund(taken, cost), desk.store, desk.within_ns)

    async def reset(self, key: KeyGiven) -> None:
        """Fill the key's bucket; see ``RateLimiter.reset``."""
        desk = self._desk
        text = desk.text_of(key)
        if desk.enabled:
            await run_async(desk.bucket.reset(text), desk.store, desk.within_ns)


class _Desk:
    """Where a request is checked and becomes a denial from memory or a flow to be run."""

    __slots__ = (
        "_clock",
        "_disabled",
        "_namespace",
        "_smallest_burst",
        "bucket",
        "enabled",
        "on_outage",
        "options",
        "store",
        "within_ns",
    )

    def __init__(
        self,
        store: Store,
        limits: LimitsGiven,
        on_outage: OnOutage,
        deadline: float,
        deny_cache: float,
        seen_keys: int,
        namespace: str,
        enabled: bool | None,
    ) -> None:
        require_on_outage(on_outage)
        self.store = require_store(store)
        self.on_outage = on_outage
        self.options: dict[str, Any] = {
            "on_outage": on_outage,
            "deadline": deadline,
            "deny_cache": deny_cache,
            "seen_keys": seen_keys,
            "namespace": namespace,
            "enabled": enabled,
        }
        self.within_ns = require_deadline_ns(deadline)
        deny_cache_ns = require_deny_cache_ns(deny_cache)
        settled = limits_of(limits)
        self.bucket = Bucket(
            settled, ObservationCache(seen_keys, cache_group_of(store)), deny_cache_ns
        )
        self._smallest_burst = min(limit.burst for limit in settled)
        self._clock = store.clock
        self._namespace = namespace_prefix(namespace)
        self.enabled = limiting_enabled(
            enabled, f"limiter of {', '.join(str(limit) for limit in settled)}"
        )
        smallest = min(settled, key=lambda limit: limit.burst)
        self._disabled = Decision(True, smallest.burst, 0, 0, smallest, 0, "disabled")

    def described(self) -> str:
        """The arguments that tell one limiter from another; for a ``repr``."""
        limits = [str(limit) for limit in self.bucket.limits]
        namespace = self.options["namespace"]
        within = f", namespace={namespace!r}" if namespace else ""
        return f"{self.store!r}, {limits}, on_outage={self.on_outage!r}{within}"

    def made_anew_by(self, kind: Callable[..., object]) -> Callable[[], object]:
        """How a limiter is pickled: as its arguments, where its store can be."""
        return functools.partial(kind, self.store, self.bucket.limits, **self.options)

    def ask(self, key: KeyGiven, cost: int, max_wait: float) -> Decision | Flow[Decision]:
        text = text_within(self._namespace, key) if self._namespace else text_of(key)
        if cost != 1 or type(cost) is not int:
            require_cost(cost, self._smallest_burst)
        wait_ns = 0 if max_wait == 0.0 else require_max_wait_ns(max_wait)
        if not self.enabled:
            return self._disabled
        clock = self._clock
        now_ns = clock.now_ns() if clock.known else None
        return self.bucket.acquire(text, cost, wait_ns, now_ns)

    def peek(self, key: KeyGiven, cost: int) -> Decision | Flow[Decision]:
        text = text_within(self._namespace, key)
        require_cost(cost, self._smallest_burst)
        return self.bucket.peek(text, cost) if self.enabled else self._disabled

    def text_of(self, key: KeyGiven) -> str:
        return text_within(self._namespace, key)

    def taken_by(self, decision: Decision) -> Taken | None:
        """What a decision of this limiter took."""
        if not isinstance(decision, Decision):
            raise TypeError(f"refund of {decision!r}: must be the Decision that acquire returned")
        taken = decision.taken
        if taken is not None and taken.limits != self.bucket.limits:
            raise ValueError(
                f"refund of {decision!r}: it was taken of {', '.join(map(str, taken.limits))}, "
                "which are not this limiter's limits; give it back to the limiter that took it"
            )
        if taken is not None and taken.group not in (None, self.bucket.cache.group):
            raise ValueError(
                f"refund of {decision!r}: it was taken from another store than {self.store!r}; "
                "give it back to the limiter that took it"
            )
        return taken if self.enabled else None

    def refund(self, taken: Taken, cost: int | None) -> Flow[bool]:
        cost = taken.kept if cost is None else require_int("cost", cost)
        return self.bucket.refund(taken, cost)

    def decision_in(self, outage: StoreUnavailable) -> Decision:
        return decision_in_outage(self.on_outage, outage, self.bucket.limits[0])
