"""Blocking work that can't be given a deadline, done where a caller can stop waiting for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class NoThread(OSError):
    """The system, or an interpreter that is shutting down, gives no further thread."""


def in_background(work: Callable[[], T]) -> "Future[T]":
    """Start ``work`` in a daemon thread of its own.

    Returns:
        What comes of it; ``NoThread`` if the thread could not be started.
    """
    future: Future[T] = Future()
    start(work, future)
    return future


def start(work: Callable[[], T], future: "Future[T]") -> None:
    """``in_background``, for a future that others may wait for already."""
    future.set_running_or_notify_cancel()
    thread = threading.Thread(target=_run, args=(work, future), name="ddbwire", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        future.set_exception(NoThread(str(error)))


def _run(work: Callable[[], T], future: "Future[T]") -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it is the waiter's: nothing is swallowed
        future.set_exception(error)
    else:
        future.set_result(result)
