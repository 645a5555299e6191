"""Runs the limiter's flows in simulated time, as a driver does, waits included."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.operations.operation import Flow, Operation, Wait
from tests.simulation.scheduler import Call, Scheduler

Outcome = Decision | bool | None | StoreError
"""What a flow returned, or the error that ended it."""


class Running:
    """A flow on its way.

    Args:
        scheduler: simulated time.
        flow: what to run.
        deadline_ns: until when it may wait.
        answer: carries one operation out, in simulated time; it may raise a StoreError.
        ended: called with what came of the flow.
        may_go_on: in how many nanoseconds its process goes on: 0 for now, None for never.
    """

    __slots__ = ("_deadline_ns", "_flow", "_go_on", "_scheduler", "_waits", "is_over")

    def __init__(
        self,
        scheduler: Scheduler,
        flow: Flow[Any],
        deadline_ns: int,
        answer: Callable[[Operation], Generator[int, None, object]],
        ended: Callable[[Outcome], None],
        may_go_on: Callable[[], int | None] = lambda: 0,
    ) -> None:
        self._scheduler = scheduler
        self._flow = flow
        self._deadline_ns = deadline_ns
        self._waits = 0
        self.is_over = False
        self._go_on: Call = self._steps(answer, ended, may_go_on).__next__
        scheduler.call(self._go_on)

    def cancel(self) -> None:
        """End the flow wherever it is, as a cancelled task does."""
        self._waits += 1
        self.is_over = True
        self._flow.close()

    def _steps(
        self,
        answer: Callable[[Operation], Generator[int, None, object]],
        ended: Callable[[Outcome], None],
        may_go_on: Callable[[], int | None],
    ) -> Generator[int | None, None, None]:
        """Take steps until the flow ends, and yield while it waits or something takes time."""
        scheduler, send = self._scheduler, self._flow.send
        step: Callable[[Any], Operation | Wait] = send
        sent: object = None
        waited = False
        while not self.is_over:
            pause_ns = may_go_on()
            if pause_ns is None:
                return
            if pause_ns:
                yield pause_ns
                continue
            if waited:
                sent, waited = scheduler.now_ns < self._deadline_ns, False
            try:
                operation = step(sent)
            except StopIteration as done:
                outcome: Outcome = done.value
                break
            except StoreError as error:
                outcome = error
                break
            step = send
            if isinstance(operation, Wait):
                self._wait(operation)
                waited = True
                yield None
                continue
            try:
                sent = yield from answer(operation)
            except StoreError as error:
                step, sent = self._flow.throw, error
        else:
            return
        self.is_over = True
        ended(outcome)

    def _wait(self, wait: Wait) -> None:
        """Go on as soon as what is waited for is served, or after the longest wait."""
        scheduler, go_on = self._scheduler, partial(self._go_on_after, self._waits)
        wait.awaited.attach(partial(scheduler.call, go_on))
        until_ns = self._deadline_ns
        if wait.awaited.served:
            until_ns = scheduler.now_ns
        elif wait.most_ns is not None:
            until_ns = min(until_ns, scheduler.now_ns + wait.most_ns)
        scheduler.call(go_on, max(0, until_ns - scheduler.now_ns))

    def _go_on_after(self, wait: int) -> None:
        if wait != self._waits:
            return  # this wait is over already
        self._waits += 1
        delay_ns = self._go_on()
        if delay_ns is not None:
            self._scheduler.call(self._go_on, delay_ns)
