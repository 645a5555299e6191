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
    slot that is held for long is renewed in the background. One whose holder has crashed is free
    again after its lifetime.

    Args:
        store: where the slots are: a DynamoDBStore or a MemoryStore.
        slots: how many of a key there are, from 1 to 1,000. Limiters with other numbers share the
            slots of equal keys, each counting the first ones, so that a changed number holds at
            once; for limits of their own, give them different keys.
        lifetime: seconds, from 1 to 3,600, after which the slot of a crashed holder is free again.
        on_outage: what a decision is when the store can't be reached: ``"local"`` (default), where
            this process lets in as many as there are slots, so that n processes hold at most n
            times as many; ``"allow"``, ``"deny"``, or ``"raise"`` for StoreUnavailable.
        deadline: seconds that one call may spend on the store, retries included.
        namespace: what the keys begin with in the table, as for RateLimiter.
        enabled: as for RateLimiter; False gives everybody a slot.
        on_decision: called with a LimiterDecision for each try; a function or several. What it
            raises is raised to the caller.

    Raises:
        TypeError, ValueError: an argument is invalid; the message has its name, value and rule.

    One limiter serves any number of threads. It is pickled as its arguments, if its store can be.
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
            RateLimited: all are taken, for longer than ``max_wait``. The block is not run.
            TypeError, ValueError: an argument is invalid; or what is decorated would run after its
                slot was released, as coroutine functions and generator functions do.
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
        """Take a slot, if there is one; ``release()`` it or use it in ``with``.

        Args:
            key: any non-empty text, or parts of one: ``("report", tenant)``.
            max_wait: seconds, at most 30, to wait for one. Of those who wait in a process, the
                first one asks the store a few times a second; they are served in the order of their
                calls.
            on_lost: called, once, from another thread, when somebody else may have got the slot
                since it could not be renewed in time: ``threading.Event().set``, for instance.

        Returns:
            the slot, or its denial, which is false.

        Raises:
            TypeError, ValueError: the key or the wait is invalid.
            StoreUnavailable: under ``on_outage="raise"``.
            StoreError: a mistake of set-up; whatever ``on_outage`` says.
        """
        core, renewer = self._core, thread_renewer()
        text = core.key_text(key)
        taken = run_steps(core.steps(text, max_wait, on_lost, renewer))
        return Slot(Grant(core, text, taken, renewer))

    def peek(self, key: KeyLike) -> Decision:
        """What ``acquire`` would say now, by one consistent read, taking nothing.

        ``remaining`` counts the slots that are free. Raises as ``acquire`` does, and
        StoreUnavailable whatever ``on_outage`` says.
        """
        core = self._core
        return run(core.peek(core.key_text(key)), core.store, core.timeout_ns, core.breaker)

    def reset(self, key: KeyLike) -> None:
        """Make all slots of a key free, whoever holds them. Raises as ``peek`` does.

        Those who hold one are told that it is lost when they would renew it.
        """
        core = self._core
        run(core.reset(core.key_text(key)), core.store, core.timeout_ns, core.breaker)


class AsyncConcurrencyLimiter:
    """The same limiter, awaited. The arguments and what is raised are ConcurrencyLimiter's.

    Slots are renewed by the event loop that they were taken in. One limiter serves any number of
    tasks, and of event loops.
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

        Raises as ``ConcurrencyLimiter.slot`` does; only coroutine functions can be decorated.
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
        """Take a slot, if there is one; see ``ConcurrencyLimiter.acquire``.

        A task that is cancelled meanwhile holds none: what it may have taken is released in the
        background. ``on_lost`` is called in the event loop: ``task.cancel``, for instance.

        Raises:
            RuntimeError: no event loop of asyncio's is running.
        """
        core, renewer = self._core, running_loop_renewer()
        text = core.key_text(key)
        taken = await run_steps_async(core.steps(text, max_wait, on_lost, renewer))
        return AsyncSlot(Grant(core, text, taken, renewer))

    async def peek(self, key: KeyLike) -> Decision:
        """What ``acquire`` would say now, taking nothing; see ``ConcurrencyLimiter.peek``."""
        core = self._core
        flow = core.peek(core.key_text(key))
        return await run_async(flow, core.store, core.timeout_ns, core.breaker)

    async def reset(self, key: KeyLike) -> None:
        """Make all slots of a key free; see ``ConcurrencyLimiter.reset``."""
        core = self._core
        flow = core.reset(core.key_text(key))
        await run_async(flow, core.store, core.timeout_ns, core.breaker)
