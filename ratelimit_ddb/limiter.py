"""The limiters: RateLimiter for blocking code, AsyncRateLimiter for event loops.

Both only carry: ``_Desk`` checks what they are given and turns it into a flow of the bucket, a
driver runs the flow against the store. Neither reads the table before it writes.
"""

from __future__ import annotations

import time

from ratelimit_ddb.bucket import Bucket
from ratelimit_ddb.cost import require_cost
from ratelimit_ddb.decision import Decision
from ratelimit_ddb.driver import run, run_async
from ratelimit_ddb.duration import nanoseconds, wait_nanoseconds
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.key import KeyGiven, text_of
from ratelimit_ddb.limit import Limit, LimitsGiven, limits_of
from ratelimit_ddb.operation import Flow
from ratelimit_ddb.outage import OnOutage, decision_in_outage, require_policy
from ratelimit_ddb.seen import Seen
from ratelimit_ddb.store.protocol import Store, require_store


class RateLimiter:
    """Limits on keys, decided by one conditional write each.

    Args:
        store: where the buckets are: a DynamoDBStore or a MemoryStore.
        limits: a notation (``"100/minute"``), a Limit, or several of them for each key.
        on_outage: what a decision is when the store can't be reached: ``"allow"`` (default),
            ``"deny"``, or ``"raise"`` for StoreUnavailable.
        deadline: seconds that one call may spend on the store, retries included.
        deny_cache: seconds for which a denial may rest on what this process saw last. A reset or a
            refund made elsewhere is noticed after at most that long; 0 always asks the store.
        seen_keys: for how many keys to remember that; what bounds the memory used.

    Raises:
        TypeError, ValueError: something given can't hold; the message names it and the rule.

    One limiter serves any number of threads.
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
    ) -> None:
        self._desk = _Desk(store, limits, on_outage, deadline, deny_cache, seen_keys)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits that each key has."""
        return self._desk.bucket.limits

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
        return run(desk.peek(key, cost), desk.store, desk.within_ns)

    def refund(self, key: KeyGiven, *, cost: int = 1) -> None:
        """Give back ``cost`` tokens that were taken and not used; a full bucket stays full.

        It is sent once only where a repetition could give back twice: StoreUnavailable then says
        that it may or may not have happened. Raises as ``peek`` does.
        """
        desk = self._desk
        run(desk.refund(key, cost), desk.store, desk.within_ns)

    def reset(self, key: KeyGiven) -> None:
        """Fill the key's bucket by deleting its item. Raises as ``peek`` does."""
        desk = self._desk
        run(desk.reset(key), desk.store, desk.within_ns)


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
    ) -> None:
        self._desk = _Desk(store, limits, on_outage, deadline, deny_cache, seen_keys)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits that each key has."""
        return self._desk.bucket.limits

    async def acquire(self, key: KeyGiven, *, cost: int = 1, max_wait: float = 0.0) -> Decision:
        """Take ``cost`` tokens of each limit, or none; see ``RateLimiter.acquire``.

        A task cancelled in its wait has taken its tokens; ``refund`` gives them back.
        """
        desk = self._desk
        asked = desk.ask(key, cost, max_wait)
        if isinstance(asked, Decision):
            return asked
        try:
            decision = await run_async(asked, desk.store, desk.within_ns)
        except StoreUnavailable as outage:
            return desk.decision_in(outage)
        if decision.waited_ns:
            import asyncio  # 40 ms that blocking programs need not spend

            await asyncio.sleep(decision.waited)
        return decision

    async def peek(self, key: KeyGiven, *, cost: int = 1) -> Decision:
        """What ``acquire`` would say now, taking nothing; see ``RateLimiter.peek``."""
        desk = self._desk
        return await run_async(desk.peek(key, cost), desk.store, desk.within_ns)

    async def refund(self, key: KeyGiven, *, cost: int = 1) -> None:
        """Give back ``cost`` unused tokens; see ``RateLimiter.refund``."""
        desk = self._desk
        await run_async(desk.refund(key, cost), desk.store, desk.within_ns)

    async def reset(self, key: KeyGiven) -> None:
        """Fill the key's bucket; see ``RateLimiter.reset``."""
        desk = self._desk
        await run_async(desk.reset(key), desk.store, desk.within_ns)


class _Desk:
    """Where a request is checked and becomes a denial from memory or a flow to be run."""

    __slots__ = ("_clock", "_smallest_burst", "bucket", "on_outage", "store", "within_ns")

    def __init__(
        self,
        store: Store,
        limits: LimitsGiven,
        on_outage: OnOutage,
        deadline: float,
        deny_cache: float,
        seen_keys: int,
    ) -> None:
        require_policy(on_outage)
        self.store = require_store(store)
        self.on_outage = on_outage
        self.within_ns = nanoseconds("deadline", deadline, least=0.001, most=60.0)
        trust_ns = nanoseconds("deny_cache", deny_cache, least=0.0, most=60.0)
        self.bucket = Bucket(limits_of(limits), Seen(seen_keys), trust_ns)
        self._smallest_burst = min(limit.burst for limit in self.bucket.limits)
        self._clock = store.clock

    def ask(self, key: KeyGiven, cost: int, max_wait: float) -> Decision | Flow[Decision]:
        text = text_of(key)
        if cost != 1 or type(cost) is not int:
            require_cost(cost, self._smallest_burst)
        wait_ns = 0 if max_wait == 0.0 else wait_nanoseconds(max_wait)
        clock = self._clock
        now_ns = clock.now_ns() if clock.known else None
        return self.bucket.acquire(text, cost, wait_ns, now_ns)

    def peek(self, key: KeyGiven, cost: int) -> Flow[Decision]:
        require_cost(cost, self._smallest_burst)
        return self.bucket.peek(text_of(key), cost)

    def refund(self, key: KeyGiven, cost: int) -> Flow[None]:
        require_cost(cost, self._smallest_burst)
        return self.bucket.refund(text_of(key), cost)

    def reset(self, key: KeyGiven) -> Flow[None]:
        return self.bucket.reset(text_of(key))

    def decision_in(self, outage: StoreUnavailable) -> Decision:
        return decision_in_outage(self.on_outage, outage, self.bucket.limits[0])
