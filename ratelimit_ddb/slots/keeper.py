"""The keeper renews the slots that are held in this process, and releases again what it could not.

One daemon thread for all slots of blocking code, started with the first one; for asyncio a timer of
the event loop and, when that rings, a task. Neither runs where nothing is held for longer than a
third of a lifetime, and neither outlives its process or loop.

A fork starts without any: the slots are the parent's, who goes on renewing them.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import JointFlow
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.operations.together import side_by_side
from ratelimit_ddb.slots.held_slot import HeldSlot
from ratelimit_ddb.slots.slots import Slots

if TYPE_CHECKING:
    import asyncio

_AT_ONCE = 50
"""So many slots of a store are renewed side by side."""


class Kept(NamedTuple):
    """A slot to be kept, and how.

    Attributes:
        held: the slot.
        slots: its limit's flows.
        store, breaker, timeout_ns: what to run them on, and for how long.
    """

    held: HeldSlot
    slots: Slots
    store: Store
    breaker: Breaker
    timeout_ns: int


class Keeper(Protocol):
    """Renews slots until they are dropped."""

    def add(self, kept: Kept) -> None:
        """Write to a slot when it is due, from now on."""

    def drop(self, held: HeldSlot) -> None:
        """Write to it no more."""


class KeptSlots:
    """The slots of one keeper. Each step is a single operation of a dict, for threads."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[int, Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, kept: Kept) -> None:
        """Add one."""
        self._kept[id(kept.held)] = kept

    def drop(self, held: HeldSlot) -> None:
        """Remove one, there or not."""
        self._kept.pop(id(held), None)

    def clear(self) -> None:
        """Remove all."""
        self._kept = {}

    def next_due_ns(self) -> int | None:
        """When the next one is due; None where there is none."""
        return min([kept.held.due_ns for kept in list(self._kept.values())], default=None)

    def due(self) -> list[list[Kept]]:
        """Those that are due, some of one store at a time."""
        now_ns = monotonic_ns()
        by_store: dict[int, list[Kept]] = {}
        for kept in list(self._kept.values()):
            if kept.held.due_ns <= now_ns:
                by_store.setdefault(id(kept.store), []).append(kept)
        return [
            of_store[begin : begin + _AT_ONCE]
            for of_store in by_store.values()
            for begin in range(0, len(of_store), _AT_ONCE)
        ]

    def keep(self, batch: Iterable[Kept]) -> JointFlow[None]:
        """Write to the slots of one store; those of which nothing is left to do are removed."""
        kept = list(batch)
        for one in kept:
            one.held.retry()  # unless it says otherwise itself, whatever comes of this
        outcomes = yield from side_by_side([one.slots.keep(one.held) for one in kept])
        for one, outcome in zip(kept, outcomes, strict=True):
            if outcome is False:
                self.drop(one.held)


class ThreadKeeper:
    """The keeper of blocking code: one for the process."""

    __slots__ = ("__weakref__", "_changed", "_kept", "_thread", "_waits_until_ns")

    def __init__(self) -> None:
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        self.after_fork_in_child()
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Begin with nothing: the slots and the thread are the parent's."""
        self._kept = KeptSlots()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._waits_until_ns: int | None = None

    def add(self, kept: Kept) -> None:
        """See Keeper."""
        self._kept.add(kept)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="ratelimit_ddb slots", daemon=True
                )
                self._thread.start()
            elif self._waits_until_ns is None or kept.held.due_ns < self._waits_until_ns:
                self._changed.notify()

    def drop(self, held: HeldSlot) -> None:
        """See Keeper."""
        self._kept.drop(held)

    def _run(self) -> None:
        while True:
            self._wait()
            for batch in self._kept.due():
                _, _, store, breaker, timeout_ns = batch[0]
                try:
                    run(self._kept.keep(batch), store, timeout_ns, breaker, decides=True)
                except StoreError as mistake:
                    _warn(mistake)

    def _wait(self) -> None:
        with self._changed:
            due_ns = self._kept.next_due_ns()
            self._waits_until_ns = due_ns
            seconds = None if due_ns is None else max(0, due_ns - monotonic_ns()) / 1e9
            if seconds != 0:
                self._changed.wait(seconds)


class LoopKeeper:
    """The keeper of one event loop."""

    __slots__ = ("_kept", "_loop", "_rings_at_ns", "_task", "_thread", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._thread = threading.get_ident()
        self._kept = KeptSlots()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at_ns = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, kept: Kept) -> None:
        """See Keeper."""
        self._kept.add(kept)
        if threading.get_ident() != self._thread:
            self._in_loop(self._set_timer_for, kept.held)
            return
        self._set_timer_for(kept.held)

    def _set_timer_for(self, held: HeldSlot) -> None:
        due_ns = held.due_ns
        if self._task is None and (self._timer is None or due_ns < self._rings_at_ns):
            self._set_timer(due_ns)

    def drop(self, held: HeldSlot) -> None:
        """See Keeper."""
        self._kept.drop(held)
        if threading.get_ident() == self._thread:
            self._end_timer()
        else:
            self._in_loop(self._end_timer)

    def _end_timer(self) -> None:
        if not self._kept and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _in_loop(self, call: Callable[..., None], *args: object) -> None:
        """Call something in the loop, from another thread: Django closes its responses there."""
        loop = self._loop()
        if loop is not None:
            try:
                loop.call_soon_threadsafe(call, *args)
            except RuntimeError:
                return  # the loop was closed: the slots run out

    def _set_timer(self, due_ns: int) -> None:
        loop = self._loop()
        if loop is None or loop.is_closed():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at_ns = due_ns
        self._timer = loop.call_later(max(0, due_ns - monotonic_ns()) / 1e9, self._ring)

    def _ring(self) -> None:
        loop = self._loop()
        self._timer = None
        if loop is not None:
            self._task = loop.create_task(self._keep_due())

    async def _keep_due(self) -> None:
        try:
            for batch in self._kept.due():
                _, _, store, breaker, timeout_ns = batch[0]
                try:
                    await run_async(
                        self._kept.keep(batch), store, timeout_ns, breaker, decides=True
                    )
                except StoreError as mistake:
                    _warn(mistake)
        finally:
            self._task = None
            due_ns = self._kept.next_due_ns()
            if due_ns is not None:
                self._set_timer(due_ns)


_keepers_of_loops: weakref.WeakKeyDictionary[Any, LoopKeeper] = weakref.WeakKeyDictionary()
_keeper_of_threads: ThreadKeeper | None = None
_making = threading.Lock()


def keeper_of_threads() -> ThreadKeeper:
    """The keeper of this process's blocking code."""
    global _keeper_of_threads  # noqa: PLW0603 - one for the process
    keeper = _keeper_of_threads
    if keeper is None:
        with _making:
            keeper = _keeper_of_threads = _keeper_of_threads or ThreadKeeper()
    return keeper


def keeper_of_running_loop() -> LoopKeeper:
    """The keeper of the event loop that is running.

    Raises:
        RuntimeError: none of asyncio's is.
    """
    from ddbwire.concurrency.event_loop import running_loop  # 40 ms that others need not spend

    loop = running_loop()
    keeper = _keepers_of_loops.get(loop)
    if keeper is None:
        keeper = _keepers_of_loops.setdefault(loop, LoopKeeper(loop))
    return keeper


def _warn(mistake: StoreError) -> None:
    import logging  # importing this package does not need it

    logging.getLogger("ratelimit_ddb").warning("slots could not be renewed: %s", mistake)
