"""The limiters: RateLimiter for blocking code, AsyncRateLimiter for event loops.

LimiterCore checks the arguments and turns them into a flow of the bucket; a driver runs the flow on
the store. The two limiters differ in the driver alone. Neither reads the table before it writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.decision_event import OnLimiterDecision
from ratelimit_ddb.key import KeyLike
from ratelimit_ddb.limit import AnyLimit, LimitsLike
from ratelimit_ddb.limiter_core import LimiterCore
from ratelimit_ddb.operations.driver import run, run_async, run_uncancelled
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.stored_limits.stored import Stored

if TYPE_CHECKING:  # loaded by the first reservation
    from ratelimit_ddb.reservation import AsyncReservation, Reservation, Reserving


class RateLimiter:
    """Limits on keys, decided by one conditional write each.

    Args:
        store: where the buckets are: a DynamoDBStore or a MemoryStore.
        limits: a notation (``"100/minute"``), a Limit, or several of them for each key; or
            ``stored("name", default=...)`` for those under a name in the table.
        on_outage: the decision if the store can't be reached: ``"local"`` (default) limits in this
            process alone, so that n processes admit at most n times the limits; ``"allow"``,
            ``"deny"``, or ``"raise"`` for StoreUnavailable.
        deadline: seconds that one call may spend on the store, retries included.
        deny_cache: seconds for which this process may deny by what it last saw of a key. A reset or
            a refund in another process is noticed after that time at the latest; one in this
            process, by any limiter or middleware on the same store object, at once. With 0 every
            decision asks the store.
        lease: seconds for which this process may hold tokens of a hot key, to decide without calls;
            at most a quarter of the shortest window, and 0 for never. Only keys that are used
            enough for a lease to pay are leased; see the guide's page on hot keys.
        seen_keys: for how many keys this process remembers what it last saw. It bounds the memory.
        namespace: a prefix of the keys in the table (``"shop"`` makes ``"shop:user-123"``), so that
            applications can share a table. Limiters without one share the buckets of equal keys and
            equal limits.
        enabled: False to allow every request and never ask the store; True to limit whatever the
            environment says. Unless given, ``RATELIMIT_DDB_ENABLED=0`` switches it off.
        on_decision: called with a LimiterDecision for each ``acquire``, ``reserve``, ``refund``,
            ``charge`` and ``block``; a function or several. What it raises is raised to the caller.

    Raises:
        TypeError, ValueError: an argument is invalid; the message has its name, value and rule.

    One limiter serves any number of threads. Pickle stores its arguments, if the store can be
    pickled.
    """

    __slots__ = ("_core",)

    def __init__(
        self,
        store: Store,
        limits: LimitsLike | Stored,
        *,
        on_outage: OnOutage = "local",
        deadline: float = 0.25,
        deny_cache: float = 5.0,
        lease: float = 0.5,
        seen_keys: int = 65_536,
        namespace: str = "",
        enabled: bool | None = None,
        on_decision: OnLimiterDecision | Iterable[OnLimiterDecision] = (),
    ) -> None:
        self._core = LimiterCore(
            store,
            limits,
            on_outage=on_outage,
            deadline=deadline,
            deny_cache=deny_cache,
            lease=lease,
            seen_keys=seen_keys,
            namespace=namespace,
            enabled=enabled,
            on_decision=on_decision,
        )

    @property
    def limits(self) -> tuple[AnyLimit, ...]:
        """The limits of each key; stored limits as they were last read."""
        return self._core.bucket.limits

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._core.describe()})"

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return self._core.reduce(type(self)), ()

    def acquire(self, key: KeyLike, *, cost: int = 1, max_wait: float = 0.0) -> Decision:
        """Take ``cost`` tokens of each limit, or none; sleep for them up to ``max_wait`` seconds.

        Args:
            key: any non-empty text, or parts of one: ``("api", user, "endpoint")``.
            cost: tokens, an integer from 1 to the smallest burst.
            max_wait: the longest time, in seconds up to 30, that the call may sleep for its tokens.
                Callers that wait are served in the order of their calls; nothing polls.

        Returns:
            the decision, after the wait if there was one.

        Raises:
            TypeError, ValueError: the key, the cost or the wait is invalid.
            StoreUnavailable: under ``on_outage="raise"``.
            StoreError: a mistake of set-up, such as TableNotFound or AccessDenied; it is no outage,
                so ``on_outage`` does not apply.
        """
        core = self._core
        begun = core.acquire(key, cost, max_wait)
        if isinstance(begun, Decision):
            return begun
        decision = run(begun, core.store, core.timeout_ns, core.breaker, decides=True)
        if decision.waited_ns:
            time.sleep(decision.waited)
        return decision

    def peek(self, key: KeyLike, *, cost: int = 1) -> Decision:
        """What ``acquire`` would decide now, by one consistent read, taking nothing.

        ``remaining`` is the number of tokens before the cost. Raises what ``acquire`` raises, and
        StoreUnavailable whatever ``on_outage`` says.
        """
        core = self._core
        begun = core.peek(key, cost)
        if isinstance(begun, Decision):
            return begun
        return run(begun, core.store, core.timeout_ns, core.breaker)

    def refund(self, decision: Decision, *, cost: int | None = None) -> bool:
        """Give back tokens that a decision of this limiter took and that were not used.

        Tokens that have flowed back since are not given back again: of 900 tokens taken under
        "1000/minute", 450 can be given back after 27 seconds, and none after 54. If callers wait
        for tokens that are due later, they keep their turns, and nothing is given back unless the
        decision was the last one.

        It is sent only once, since a repetition could give back twice. On StoreUnavailable it may
        or may not have been applied; either way the tokens count as given back.

        Args:
            decision: what ``acquire`` returned. A decision that took nothing gives nothing back.
            cost: tokens, at most those that are left to give back; all of them unless given.

        Returns:
            whether anything was given back.

        Raises:
            TypeError: it is not a Decision, or the cost is not an int.
            ValueError: it is a decision of other limits or another store, or fewer tokens are left
                to give back.
            StoreUnavailable, StoreError: as ``peek``.
        """
        core = self._core
        flow = core.refund(decision, cost)
        return False if flow is None else run(flow, core.store, core.timeout_ns, core.breaker)

    def reset(self, key: KeyLike) -> None:
        """Fill the key's bucket by deleting its item, and lift its block.

        The item has all limits of the key, so the buckets of other limiters are filled too. Raises
        what ``peek`` raises.
        """
        core = self._core
        text = core.key_text(key)
        if core.enabled:
            run(core.reset(text), core.store, core.timeout_ns, core.breaker)

    def reserve(self, key: KeyLike, cost: int, *, max_wait: float = 0.0) -> Reservation:
        """Take an estimate of tokens, which ``settle`` corrects to what was used.

        ::

            with limiter.reserve("user-123", 900) as reservation:
                answer = model.complete(prompt, max_tokens=900)
                reservation.settle(answer.tokens)

        An exception in the block gives the estimate back; without ``settle`` it stays taken.

        Args:
            key: as for ``acquire``.
            cost: the estimate, an integer from 1 to the smallest burst.
            max_wait: as for ``acquire``.

        Returns:
            the reservation. In an outage ``on_outage`` decides whether there is one.

        Raises:
            RateLimited: the tokens are not available.
            TypeError, ValueError, StoreUnavailable, StoreError: as ``acquire`` does.
        """
        from ratelimit_ddb.reservation import Reservation, reserved

        core = self._core
        decision = core.acquire(key, cost, max_wait, leases=False)
        if not isinstance(decision, Decision):
            decision = run(decision, core.store, core.timeout_ns, core.breaker, decides=True)
            if decision.waited_ns:
                time.sleep(decision.waited)
        return Reservation(reserved(RateLimiter, core, key, cost, decision))

    def settle(self, reservation: Reservation | AsyncReservation, used: int) -> None:
        """Settle a reservation of the same limits with this limiter, over its connections.

        It is for unpickled reservations, each of which would open connections of its own, and for
        blocking code that gets reservations of an AsyncRateLimiter. Otherwise as
        ``Reservation.settle``.

        Raises:
            ValueError: it is a reservation of other limits, or, in this process, of another store.
        """
        from ratelimit_ddb.reservation import state_of

        core = self._core
        flow = state_of(reservation).settle(core, used)
        run(flow, core.store, core.timeout_ns, core.breaker, decides=True)

    def charge(self, key: KeyLike, cost: int) -> Decision:
        """Take ``cost`` tokens of each limit, even if there are fewer.

        It is for what was used without asking. The key owes what the bucket does not hold: requests
        are denied until it has flowed in. Tokens that this process has leased of the key are spent
        first.

        If no reply comes it is sent again, and may count twice: too much, never too little.

        Args:
            key: as for ``acquire``.
            cost: tokens, an integer of at least 0; it may exceed the burst, up to what each limit
                refills in ten years.

        Returns:
            what ``peek`` would decide next: whether a token is left, and how long until there is
            one. In an outage its ``source`` is ``"outage"``: under ``on_outage="local"`` this
            process's own buckets were charged, under ``"allow"`` and ``"deny"`` nothing was.

        Raises:
            TypeError, ValueError: the key or the cost is invalid.
            StoreUnavailable: under ``on_outage="raise"``.
            StoreError: a mistake of set-up.
        """
        core = self._core
        begun = core.charge(key, cost)
        if isinstance(begun, Decision):
            return begun
        return run(begun, core.store, core.timeout_ns, core.breaker, decides=True)

    def block(self, key: KeyLike, seconds: float) -> Decision:
        """Deny every request for a key for ``seconds``; then the bucket has one token.

        A block never shortens a longer block or debt. ``reset`` lifts it. This process denies at
        once; another process may spend what it has leased of the key, for at most ``lease``
        seconds.

        Args:
            key: as for ``acquire``.
            seconds: from 0.001 to ten years.

        Returns:
            the denial: what ``peek`` would decide next.

        Raises:
            TypeError, ValueError: the key or the seconds are invalid.
            StoreUnavailable: whatever ``on_outage`` says; the key may or may not be blocked. Under
                ``"local"`` this process denies it until the store answers again.
            StoreError: a mistake of set-up.
        """
        core = self._core
        begun = core.block(key, seconds)
        if isinstance(begun, Decision):
            return begun
        return run(begun, core.store, core.timeout_ns, core.breaker)


class AsyncRateLimiter:
    """RateLimiter for asyncio. The arguments and the exceptions are RateLimiter's.

    One limiter serves any number of tasks and event loops.
    """

    __slots__ = ("_core",)

    def __init__(
        self,
        store: Store,
        limits: LimitsLike | Stored,
        *,
        on_outage: OnOutage = "local",
        deadline: float = 0.25,
        deny_cache: float = 5.0,
        lease: float = 0.5,
        seen_keys: int = 65_536,
        namespace: str = "",
        enabled: bool | None = None,
        on_decision: OnLimiterDecision | Iterable[OnLimiterDecision] = (),
    ) -> None:
        self._core = LimiterCore(
            store,
            limits,
            on_outage=on_outage,
            deadline=deadline,
            deny_cache=deny_cache,
            lease=lease,
            seen_keys=seen_keys,
            namespace=namespace,
            enabled=enabled,
            on_decision=on_decision,
        )

    @property
    def limits(self) -> tuple[AnyLimit, ...]:
        """The limits of each key; stored limits as they were last read."""
        return self._core.bucket.limits

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._core.describe()})"

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return self._core.reduce(type(self)), ()

    async def acquire(self, key: KeyLike, *, cost: int = 1, max_wait: float = 0.0) -> Decision:
        """Take ``cost`` tokens of each limit, or none; see ``RateLimiter.acquire``.

        A task that is cancelled while it sleeps has taken its tokens, and they are lost; the
        callers behind it keep their turns.

        Raises:
            RuntimeError: no asyncio event loop is running (trio's is another kind), and a
                DynamoDBStore or ``max_wait`` needs one.
        """
        begun = self._core.acquire(key, cost, max_wait)
        return begun if isinstance(begun, Decision) else await self._decide(begun, max_wait)

    async def _decide(self, begun: Flow[Decision], max_wait: float) -> Decision:
        if max_wait:
            from ddbwire.concurrency.event_loop import (
                running_loop,  # 40 ms that others need not spend
            )

            running_loop()  # before any token is taken
        core = self._core
        decision = await run_async(begun, core.store, core.timeout_ns, core.breaker, decides=True)
        if decision.waited_ns:
            import asyncio  # 40 ms that others need not spend

            await asyncio.sleep(decision.waited)
        return decision

    async def peek(self, key: KeyLike, *, cost: int = 1) -> Decision:
        """What ``acquire`` would decide now, taking nothing; see ``RateLimiter.peek``."""
        core = self._core
        begun = core.peek(key, cost)
        if isinstance(begun, Decision):
            return begun
        return await run_async(begun, core.store, core.timeout_ns, core.breaker)

    async def refund(self, decision: Decision, *, cost: int | None = None) -> bool:
        """Give back tokens that were not used; see ``RateLimiter.refund``.

        A task that is cancelled meanwhile leaves it to the background.
        """
        core = self._core
        flow = core.refund(decision, cost)
        if flow is None:
            return False
        return await run_uncancelled(flow, core.store, core.timeout_ns, core.breaker)

    async def reset(self, key: KeyLike) -> None:
        """Fill the key's bucket; see ``RateLimiter.reset``."""
        core = self._core
        text = core.key_text(key)
        if core.enabled:
            await run_async(core.reset(text), core.store, core.timeout_ns, core.breaker)

    def reserve(self, key: KeyLike, cost: int, *, max_wait: float = 0.0) -> Reserving:
        """Take an estimate of tokens, to be settled; see ``RateLimiter.reserve``.

        ::

            async with limiter.reserve("user-123", 900) as reservation:
                answer = await model.complete(prompt, max_tokens=900)
                await reservation.settle(answer.tokens)

        ``await limiter.reserve(...)`` returns the reservation, for code without a block.
        """
        from ratelimit_ddb.reservation import AsyncReservation, Reserving, reserved

        async def reserve() -> AsyncReservation:
            begun = self._core.acquire(key, cost, max_wait, leases=False)
            decision = begun if isinstance(begun, Decision) else await self._decide(begun, max_wait)
            return AsyncReservation(reserved(AsyncRateLimiter, self._core, key, cost, decision))

        return Reserving(reserve)

    async def settle(self, reservation: Reservation | AsyncReservation, used: int) -> None:
        """Settle a reservation with this limiter; see ``RateLimiter.settle``.

        A task that is cancelled meanwhile leaves it to the background.
        """
        from ratelimit_ddb.reservation import state_of

        core = self._core
        flow = state_of(reservation).settle(core, used)
        await run_uncancelled(flow, core.store, core.timeout_ns, core.breaker, decides=True)

    async def charge(self, key: KeyLike, cost: int) -> Decision:
        """Take tokens whether they are there or not; see ``RateLimiter.charge``.

        A task that is cancelled meanwhile leaves it to the background.
        """
        core = self._core
        begun = core.charge(key, cost)
        if isinstance(begun, Decision):
            return begun
        return await run_uncancelled(begun, core.store, core.timeout_ns, core.breaker, decides=True)

    async def block(self, key: KeyLike, seconds: float) -> Decision:
        """Deny every request for a key for ``seconds``; see ``RateLimiter.block``.

        A task that is cancelled meanwhile leaves it to the background.
        """
        core = self._core
        begun = core.block(key, seconds)
        if isinstance(begun, Decision):
            return begun
        return await run_uncancelled(begun, core.store, core.timeout_ns, core.breaker)
