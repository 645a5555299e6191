"""The blocking driver: runs a call's flow in the caller's thread, over its pool."""

import time
from collections.abc import Generator
from concurrent.futures import wait
from time import monotonic_ns
from typing import TypeVar

from ddbwire.connections.blocking.pool import ConnectionPool
from ddbwire.steps import Send, Sleep, Step, StepResult

T = TypeVar("T")


def run(flow: Generator[Step, StepResult, T], pool: ConnectionPool, deadline_ns: int) -> T:
    """Carry out the steps of ``flow`` until it returns or raises."""
    answer: StepResult = None
    try:
        while True:
            step = flow.send(answer)
            if type(step) is Send:
                answer = pool.exchange(step, deadline_ns)
            elif type(step) is Sleep:
                time.sleep(step.seconds)
                answer = None
            else:
                wait((step.future,), max(0, deadline_ns - monotonic_ns()) / 1e9)
                answer = None
    except StopIteration as done:
        result: T = done.value
        return result
