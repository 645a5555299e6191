"""Daemon threads for blocking work without a timeout, so that callers can stop waiting for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from ddbwire.errors import Unreachable

T = TypeVar("T")


def run_in_thread(work: Callable[[], T]) -> "Future[T]":
    """Do ``work`` in a new daemon thread.

    Returns:
        Its result or exception; ``Unreachable`` if no thread could be started.
    """
    future: Future[T] = running_future()
    start_work(work, future)
    return future


def running_future() -> "Future[Any]":
    """A future that none of those who wait for it can cancel for the others."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future


def start_work(work: Callable[[], T], future: "Future[T]") -> None:
    """``run_in_thread`` with a ``running_future``, which others may be waiting for already."""
    try:
        start_thread(do_work, work, future)
    except Unreachable as error:
        future.set_exception(error)


def start_thread(target: Callable[..., None], *args: object) -> None:
    """Start a daemon thread.

    Raises:
        Unreachable: the system starts no more threads, or the interpreter is shutting down.
    """
    thread = threading.Thread(target=target, args=args, name="ddbwire", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise Unreachable("this process", str(error), maybe_applied=False) from error


def do_work(work: Callable[[], T], future: "Future[T]") -> None:
    """Do ``work``, and set its result or its exception on ``future``."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - the waiter gets it: nothing is swallowed
        future.set_exception(error)
    else:
        future.set_result(result)
