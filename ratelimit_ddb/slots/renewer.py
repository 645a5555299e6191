"""Renewal of the slots that this process holds, and another try where a release got no answer.

Blocking code has one daemon thread for all slots, which starts with the first one. For asyncio it
is a timer of the event loop, which starts a task. A slot that is held for less than a third of its
lifetime costs no renewal. Neither the thread nor the timer outlives its process or loop.

A fork starts with nothing to renew: the slots are the parent's, which goes on renewing them.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import JointFlow
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.operations.together import side_by_side
from ratelimit_ddb.slots.held_slot import HeldSlot
from ratelimit_ddb.slots.slot_flows import SlotFlows

if TYPE_CHECKING:
    import asyncio

_AT_ONCE = 50
"""How many slots of a store are renewed side by side."""


class Renewal(NamedTuple):
    """A slot to renew, and what to renew it with.

    Attributes:
        held: the slot.
        flows: its limit's.
        store, breaker, timeout_ns: as for ``run``.
    """

    held: HeldSlot
    flows: SlotFlows
    store: Store
    breaker: Breaker
    timeout_ns: int


class Renewer(Protocol):
    """Renews slots until they are dropped."""

    def add(self, renewal: Renewal) -> None:
        """Renew a slot whenever it is due."""

    def drop(self, held: HeldSlot) -> None:
        """Renew a slot no longer."""


class RenewalSchedule:
    """The slots of one renewer. Each step is one dict operation, so threads need no lock."""

    __slots__ = ("_renewals",)

    def __init__(self) -> None:
        self._renewals: dict[int, Renewal] = {}

    def __len__(self) -> int:
        return len(self._renewals)

    def add(self, renewal: Renewal) -> None:
        """Add one."""
        self._renewals[id(renewal.held)] = renewal

    def drop(self, held: HeldSlot) -> None:
        """Remove one, there or not."""
        self._renewals.pop(id(held), None)

    def clear(self) -> None:
        """Remove all."""
        self._renewals = {}

    def next_due_ns(self) -> int | None:
        """When the next one is due; None where there is none."""
        return min([renewal.held.due_ns for renewal in list(self._renewals.values())], default=None)

    def due(self) -> list[list[Renewal]]:
        """Those that are due, in batches of one store."""
        now_ns = monotonic_ns()
        by_store: dict[int, list[Renewal]] = {}
        for renewal in list(self._renewals.values()):
            if renewal.held.due_ns <= now_ns:
                by_store.setdefault(id(renewal.store), []).append(renewal)
        return [
            of_store[begin : begin + _AT_ONCE]
            for of_store in by_store.values()
            for begin in range(0, len(of_store), _AT_ONCE)
        ]

    def renew(self, batch: list[Renewal]) -> JointFlow[None]:
        """Renew the slots of a batch; those that need no further renewal are removed."""
        for renewal in batch:
            renewal.held.retry()  # a renewal that succeeds sets a later time
        flows = [renewal.flows.renew(renewal.held) for renewal in batch]
        outcomes = yield from side_by_side(flows)
        for renewal, outcome in zip(batch, outcomes, strict=True):
            if outcome is False:
                self.drop(renewal.held)


class ThreadRenewer:
    """The renewer of blocking code: one for the process."""

    __slots__ = ("__weakref__", "_changed", "_schedule", "_thread", "_waits_until_ns")

    def __init__(self) -> None:
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        self.after_fork_in_child()
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Start with nothing: the slots and the thread are the parent's."""
        self._schedule = RenewalSchedule()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._waits_until_ns: int | None = None

    def add(self, renewal: Renewal) -> None:
        """See Renewer."""
        self._schedule.add(renewal)
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                self._start()
            elif self._waits_until_ns is None or renewal.held.due_ns < self._waits_until_ns:
                self._changed.notify()

    def drop(self, held: HeldSlot) -> None:
        """See Renewer."""
        self._schedule.drop(held)

    def _start(self) -> None:
        """Start the thread, or leave that to the next slot if there are no further threads."""
        thread = threading.Thread(target=self._run, name="ratelimit_ddb slots", daemon=True)
        try:
            thread.start()
        except RuntimeError as failure:  # its slots are good for their lifetime all the same
            _warn(failure)
        else:
            self._thread = thread

    def _run(self) -> None:
        try:
            while True:
                self._wait()
                for batch in self._schedule.due():
                    _, _, store, breaker, timeout_ns = batch[0]
                    try:
                        run(self._schedule.renew(batch), store, timeout_ns, breaker, decides=True)
                    except StoreError as mistake:
                        _warn(mistake)
        finally:
            # What a store of the user's own or its ``on_call`` raises ends this thread. The slots
            # of other stores are renewed by another one.
            with self._changed:
                self._start()

    def _wait(self) -> None:
        with self._changed:
            due_ns = self._schedule.next_due_ns()
            self._waits_until_ns = due_ns
            seconds = None if due_ns is None else max(0, due_ns - monotonic_ns()) / 1e9
            self._changed.wait(seconds)


class LoopRenewer:
    """The renewer of one event loop."""

    __slots__ = ("_loop", "_rings_at_ns", "_schedule", "_task", "_thread", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._thread = threading.get_ident()
        self._schedule = RenewalSchedule()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at_ns = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, renewal: Renewal) -> None:
        """See Renewer."""
        self._schedule.add(renewal)
        if threading.get_ident() != self._thread:
            self._in_loop(self._set_timer_for, renewal.held)
            return
        self._set_timer_for(renewal.held)

    def _set_timer_for(self, held: HeldSlot) -> None:
        due_ns = held.due_ns
        if self._task is None and (self._timer is None or due_ns < self._rings_at_ns):
            self._set_timer(due_ns)

    def drop(self, held: HeldSlot) -> None:
        """See Renewer."""
        self._schedule.drop(held)
        if threading.get_ident() == self._thread:
            self._end_timer()
        else:
            self._in_loop(self._end_timer)

    def _end_timer(self) -> None:
        if not self._schedule and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _in_loop(self, call: Callable[..., None], *args: object) -> None:
        """Call something in the loop from another thread: Django closes responses there."""
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
            self._task = loop.create_task(self._renew_due())

    async def _renew_due(self) -> None:
        try:
            for batch in self._schedule.due():
                _, _, store, breaker, timeout_ns = batch[0]
                try:
                    await run_async(
                        self._schedule.renew(batch), store, timeout_ns, breaker, decides=True
                    )
                except StoreError as mistake:
                    _warn(mistake)
        finally:
            self._task = None
            due_ns = self._schedule.next_due_ns()
            if due_ns is not None:
                self._set_timer(due_ns)


_loop_renewers: weakref.WeakKeyDictionary[Any, LoopRenewer] = weakref.WeakKeyDictionary()
_thread_renewer: ThreadRenewer | None = None
# Reentrant: a finalizer or a signal handler may make a call in the midst of another.
_making = threading.RLock()


def thread_renewer() -> ThreadRenewer:
    """The renewer of this process's blocking code."""
    global _thread_renewer  # noqa: PLW0603 - one for the process
    renewer = _thread_renewer
    if renewer is None:
        with _making:
            renewer = _thread_renewer = _thread_renewer or ThreadRenewer()
    return renewer


def running_loop_renewer() -> LoopRenewer:
    """The renewer of the event loop that is running.

    Raises:
        RuntimeError: no event loop of asyncio's is running.
    """
    from ddbwire.concurrency.event_loop import running_loop  # 40 ms that others need not spend

    loop = running_loop()
    renewer = _loop_renewers.get(loop)
    if renewer is None:
        renewer = _loop_renewers.setdefault(loop, LoopRenewer(loop))
    return renewer


def _warn(mistake: Exception) -> None:
    import logging  # importing this package does not need it

    logging.getLogger("ratelimit_ddb").warning("slots could not be renewed: %s", mistake)
