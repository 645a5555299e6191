"""Runs the limiter's flows in simulated time, as a driver does, waits included."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.operations.operation import Flow, Operation, Wait
from tests.simulation.scheduler import Scheduler, Task

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
        "_deadline_ns",
        "_ended",
        "_flow",
        "_may_go_on",
        "_scheduler",
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
        self._waits = 0
        self.is_over = False
        scheduler.start(self._drive(lambda: next(flow)))

    def cancel(self) -> None:
        """End the flow wherever it is, as a cancelled task does."""
        self._waits += 1
        self.is_over = True
        self._flow.close()

    def _drive(self, step: Callable[[], Operation | Wait]) -> Task:
        """Take a step, and go on until the flow ends or waits."""
        while not self.is_over:
            pause_ns = self._may_go_on()
            if pause_ns is None:
                return
            if pause_ns:
                yield pause_ns
                continue
            try:
                operation = step()
            except StopIteration as done:
                self._end(done.value)
                return
            except StoreError as error:
                self._end(error)
                return
            if isinstance(operation, Wait):
                self._wait(operation)
                return
            try:
                result = yield from self._answer(operation)
            except StoreError as error:
                step = _throwing(self._flow, error)
            else:
                step = _sending(self._flow, result)

    def _wait(self, wait: Wait) -> None:
        """Go on as soon as what is waited for is served, or after the longest wait."""
        scheduler, this = self._scheduler, self._waits
        wait.awaited.attach(lambda: scheduler.start(self._go_on(this)))
        until_ns = self._deadline_ns
        if wait.awaited.served:
            until_ns = scheduler.now_ns
        elif wait.most_ns is not None:
            until_ns = min(until_ns, scheduler.now_ns + wait.most_ns)
        scheduler.start(self._go_on(this), max(0, until_ns - scheduler.now_ns))

    def _go_on(self, wait: int) -> Task:
        if wait != self._waits:
            return  # this wait is over already
        self._waits += 1
        yield from self._drive(lambda: self._flow.send(self._scheduler.now_ns < self._deadline_ns))

    def _end(self, outcome: Outcome) -> None:
        self.is_over = True
        self._ended(outcome)


def _sending(flow: Flow[Any], result: object) -> Callable[[], Operation | Wait]:
    return lambda: flow.send(result)


def _throwing(flow: Flow[Any], error: StoreError) -> Callable[[], Operation | Wait]:
    return lambda: flow.throw(error)
