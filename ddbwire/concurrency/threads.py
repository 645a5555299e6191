"""Blocking work that can't be given a deadline, done where a caller can stop waiting for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from ddbwire.errors import Unreachable

T = TypeVar("T")


def run_in_thread(work: Callable[[], T]) -> "Future[T]":
    """Start ``work`` in a daemon thread of its own.

    Returns:
        What comes of it; ``Unreachable`` if no thread could be started.
    """
    future: Future[T] = Future()
    start(work, future)
    return future


def start(work: Callable[[], T], future: "Future[T]") -> None:
    """``run_in_thread``, for a future that others may wait for already."""
    future.set_running_or_notify_cancel()
    try:
        start_thread(run, work, future)
    except Unreachable as error:
        future.set_exception(error)


def start_thread(target: Callable[..., None], *args: object) -> None:
    """Start a daemon thread.

    Raises:
        Unreachable: the system gives no further thread, or the interpreter is shutting down.
    """
    thread = threading.Thread(target=target, args=args, name="ddbwire", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise Unreachable("this process", str(error), maybe_applied=False) from error


def run(work: Callable[[], T], future: "Future[T]") -> None:
    """Do ``work``, and let ``future`` have what comes of it."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it is the waiter's: nothing is swallowed
        future.set_exception(error)
    else:
        future.set_result(result)
