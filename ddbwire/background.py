"""Blocking work that can't be given a deadline, done where a caller can stop waiting for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> "Future[T]":
    """Start ``work`` in a daemon thread of its own."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    threading.Thread(target=_run, args=(work, future), name="ddbwire", daemon=True).start()
    return future


def _run(work: Callable[[], T], future: "Future[T]") -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it is the waiter's: nothing is swallowed
        future.set_exception(error)
    else:
        future.set_result(result)
