"""Runs the limiter's flows in simulated time, as a driver does, waits included."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.operations.operation import Flow, Operation, Wait
from tests.simulation.scheduler import Scheduler

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

    __slots__ = (
        "_answer",
        "_answering",
        "_deadline_ns",
        "_ended",
        "_flow",
        "_may_go_on",
        "_scheduler",
        "_step",
        "_waits",
        "is_over",
    )

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
        self._answer = answer
        self._ended = ended
        self._may_go_on = may_go_on
        self._step: Callable[[], Operation | Wait] | None = flow.__next__
        self._answering: Generator[int, None, object] | None = None
        self._waits = 0
        self.is_over = False
        scheduler.call(self._go_on)

    def cancel(self) -> None:
        """End the flow wherever it is, as a cancelled task does."""
        self._waits += 1
        self.is_over = True
        self._flow.close()

    def _go_on(self) -> int | None:
        """Take steps until the flow ends or waits, or until something of it takes time."""
        while True:
            if self._answering is not None:
                try:
                    return next(self._answering)
                except StopIteration as answered:
                    self._step = partial(self._flow.send, answered.value)
                except StoreError as error:
                    self._step = partial(self._flow.throw, error)
                self._answering = None
            if self.is_over:
                return None
            pause_ns = self._may_go_on()
            if pause_ns is None or pause_ns:
                return pause_ns
            try:
                if self._step is None:  # after a wait
                    operation = self._flow.send(self._scheduler.now_ns < self._deadline_ns)
                else:
                    operation = self._step()
            except StopIteration as done:
                self._end(done.value)
                return None
            except StoreError as error:
                self._end(error)
                return None
            if isinstance(operation, Wait):
                self._wait(operation)
                return None
            self._answering = self._answer(operation)

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
        self._step = None
        delay_ns = self._go_on()
        if delay_ns is not None:
            self._scheduler.call(self._go_on, delay_ns)

    def _end(self, outcome: Outcome) -> None:
        self.is_over = True
        self._ended(outcome)
