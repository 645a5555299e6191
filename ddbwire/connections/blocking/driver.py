"""The blocking driver: does the steps of a call in the caller's thread, with a pool."""

import time
from collections.abc import Generator
from concurrent.futures import wait
from time import monotonic_ns
from typing import TypeVar

from ddbwire.connections.blocking.pool import ConnectionPool
from ddbwire.steps import Send, Sleep, Step, StepResult

T = TypeVar("T")


def run(call: Generator[Step, StepResult, T], pool: ConnectionPool, deadline_ns: int) -> T:
    """Do the steps of ``call`` until it returns or raises."""
    result: StepResult = None
    try:
        while True:
            step = call.send(result)
            if type(step) is Send:
                result = pool.exchange(step, deadline_ns)
            elif type(step) is Sleep:
                time.sleep(step.seconds)
                result = None
            else:
                wait((step.future,), max(0, step.due_ns(deadline_ns) - monotonic_ns()) / 1e9)
                result = None
    except StopIteration as done:
        returned: T = done.value
        return returned
