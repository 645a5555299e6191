"""The concurrency limiters: at most so many holders of a key at once, over all processes.

SlotsCore (slots/slots_core.py) turns calls into steps (operations/steps.py): flows to run on the
store, and waits. The two limiters differ in what runs the steps, and in what renews the slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.decision_event import OnLimiterDecision
from ratelimit_ddb.key import KeyLike
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.steps import run_steps, run_steps_async
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.slots.renewer import running_loop_renewer, thread_renewer
from ratelimit_ddb.slots.slot import AsyncSlot, Grant, Slot
from ratelimit_ddb.slots.slot_context import AsyncSlotContext, SlotContext
from ratelimit_ddb.slots.slots_core import SlotsCore


class ConcurrencyLimiter:
    """At most ``slots`` holders of each key at once, over all processes.

    ``with limiter.slot("report:acme"):`` takes a slot by one write and releases it by another. A
    slot that is held for long is renewed in the background. The slot of a holder that has crashed
    is free again after its lifetime.

    Args:
        store: where the slots are: a DynamoDBStore or a MemoryStore.
        slots: how many slots each key has, from 1 to 1,000. Limiters with different numbers share
            the slots of equal keys, each using the first ones, so that a changed number takes
            effect at once; for separate limits, use different keys.
        lifetime: seconds, from 1 to 3,600, after which the slot of a crashed holder is free again.
        on_outage: the decision if the store can't be reached: ``"local"`` (default) limits in this
            process alone, so that n processes hold at most n times as many slots; ``"allow"``,
            ``"deny"``, or ``"raise"`` for StoreUnavailable.
        deadline: seconds that one call may spend on the store, retries included.
        namespace: what the keys begin with in the table, as for RateLimiter.
        enabled: as for RateLimiter; with False every caller gets a slot.
        on_decision: called with a LimiterDecision for each attempt; a function or several. What it
            raises is raised to the caller.

    Raises:
        TypeError, ValueError: an argument is invalid; the message has its name, value and rule.

    One limiter serves any number of threads. Pickle stores its arguments, if the store can be
    pickled.
    """

    __slots__ = ("_core",)

    def __init__(
        self,
        store: Store,
        slots: int,
        *,
        lifetime: float = 60.0,
        on_outage: OnOutage = "local",
        deadline: float = 0.25,
        namespace: str = "",
        enabled: bool | None = None,
        on_decision: OnLimiterDecision | Iterable[OnLimiterDecision] = (),
    ) -> None:
        limit = SlotLimit(slots, lifetime)
        self._core = SlotsCore(
            store,
            limit,
            on_outage=on_outage,
            deadline=deadline,
            namespace=namespace,
            enabled=enabled,
            on_decision=on_decision,
        )

    @property
    def limit(self) -> SlotLimit:
        """How many slots each key has, and their lifetime."""
        return self._core.limit

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._core.describe()})"

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return self._core.reduce(type(self)), ()

    def slot(
        self,
        key: KeyLike,
        *,
        max_wait: float = 0.0,
        on_lost: Callable[[], object] | None = None,
    ) -> SlotContext:
        """Hold a slot while one ``with`` block runs; a decorator of plain functions, too.

        Takes what ``acquire`` does.

        Raises:
            RateLimited: no slot became free within ``max_wait``. The block is not run.
            TypeError, ValueError: an argument is invalid; or the decorated function would run after
                its slot was released, as coroutine and generator functions do.
        """
        self._core.require_arguments(key, max_wait, on_lost)
        return SlotContext(partial(self.acquire, key, max_wait=max_wait, on_lost=on_lost))

    def acquire(
        self,
        key: KeyLike,
        *,
        max_wait: float = 0.0,
        on_lost: Callable[[], object] | None = None,
    ) -> Slot:
        """Take a slot if one is free; ``release()`` it or use it in ``with``.

        Args:
            key: any non-empty text, or parts of one: ``("report", tenant)``.
            max_wait: seconds, at most 30, to wait for a slot. Callers of one process are served in
                the order of their calls; the first one asks the store a few times a second.
            on_lost: called once, from another thread, if another holder may have the slot because
                it was not renewed in time: ``threading.Event().set``, for instance.

        Returns:
            the slot, or its denial, which is false.

        Raises:
            TypeError, ValueError: the key or the wait is invalid.
            StoreUnavailable: under ``on_outage="raise"``.
            StoreError: a mistake of set-up, to which ``on_outage`` does not apply.
        """
        core, renewer = self._core, thread_renewer()
        text = core.key_text(key)
        taken = run_steps(core.steps(text, max_wait, on_lost, renewer))
        return Slot(Grant(core, text, taken, renewer))

    def peek(self, key: KeyLike) -> Decision:
        """What ``acquire`` would decide now, by one consistent read, taking nothing.

        ``remaining`` is the number of free slots. Raises what ``acquire`` raises, and
        StoreUnavailable whatever ``on_outage`` says.
        """
        core = self._core
        return run(core.peek(core.key_text(key)), core.store, core.timeout_ns, core.breaker)

    def reset(self, key: KeyLike) -> None:
        """Make all slots of a key free, whoever holds them. Raises what ``peek`` raises.

        A holder learns that its slot is lost when the slot is due for renewal.
        """
        core = self._core
        run(core.reset(core.key_text(key)), core.store, core.timeout_ns, core.breaker)


class AsyncConcurrencyLimiter:
    """ConcurrencyLimiter for asyncio. The arguments and the exceptions are ConcurrencyLimiter's.

    A slot is renewed by the event loop in which it was taken. One limiter serves any number of
    tasks and event loops.
    """

    __slots__ = ("_core",)

    def __init__(
        self,
        store: Store,
        slots: int,
        *,
        lifetime: float = 60.0,
        on_outage: OnOutage = "local",
        deadline: float = 0.25,
        namespace: str = "",
        enabled: bool | None = None,
        on_decision: OnLimiterDecision | Iterable[OnLimiterDecision] = (),
    ) -> None:
        limit = SlotLimit(slots, lifetime)
        self._core = SlotsCore(
            store,
            limit,
            on_outage=on_outage,
            deadline=deadline,
            namespace=namespace,
            enabled=enabled,
            on_decision=on_decision,
        )

    @property
    def limit(self) -> SlotLimit:
        """How many slots each key has, and their lifetime."""
        return self._core.limit

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._core.describe()})"

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return self._core.reduce(type(self)), ()

    def slot(
        self,
        key: KeyLike,
        *,
        max_wait: float = 0.0,
        on_lost: Callable[[], object] | None = None,
    ) -> AsyncSlotContext:
        """Hold a slot while one block runs; a decorator of coroutine functions, too.

        Raises what ``ConcurrencyLimiter.slot`` raises; only coroutine functions can be decorated.
        """
        self._core.require_arguments(key, max_wait, on_lost)
        return AsyncSlotContext(partial(self.acquire, key, max_wait=max_wait, on_lost=on_lost))

    async def acquire(
        self,
        key: KeyLike,
        *,
        max_wait: float = 0.0,
        on_lost: Callable[[], object] | None = None,
    ) -> AsyncSlot:
        """Take a slot if one is free; see ``ConcurrencyLimiter.acquire``.

        If the task is cancelled meanwhile, a slot that it may have taken is released in the
        background. ``on_lost`` is called in the event loop: ``task.cancel``, for instance.

        Raises:
            RuntimeError: no asyncio event loop is running.
        """
        core, renewer = self._core, running_loop_renewer()
        text = core.key_text(key)
        taken = await run_steps_async(core.steps(text, max_wait, on_lost, renewer))
        return AsyncSlot(Grant(core, text, taken, renewer))

    async def peek(self, key: KeyLike) -> Decision:
        """What ``acquire`` would decide now, taking nothing; see ``ConcurrencyLimiter.peek``."""
        core = self._core
        flow = core.peek(core.key_text(key))
        return await run_async(flow, core.store, core.timeout_ns, core.breaker)

    async def reset(self, key: KeyLike) -> None:
        """Make all slots of a key free; see ``ConcurrencyLimiter.reset``."""
        core = self._core
        flow = core.reset(core.key_text(key))
        await run_async(flow, core.store, core.timeout_ns, core.breaker)
