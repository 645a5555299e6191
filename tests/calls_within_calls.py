"""Makes a call in the midst of another one of its thread, as finalizers and signal handlers do.

It is made when the first function that the other one calls has returned, then when the second one
has, and so on.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

MOST_CALLS = 2_000
LONGEST_SECONDS = 20


def call_within(call: Callable[[], object], other: Callable[[], object], at: int) -> bool:
    """Make a call, and the other one when it has returned from ``at`` functions.

    Returns:
        whether it came to that.
    """
    returned = 0

    def profile(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal returned
        if event in ("call", "return", "c_return"):
            returned += 1
            if returned == at:
                other()

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return returned >= at


def call_at_line(
    call: Callable[[], object], other: Callable[[], object], at: int, function: Callable[..., Any]
) -> bool:
    """Make a call, and the other one before the line ``at`` that it comes to of a function.

    Returns:
        whether it came to that.
    """
    passed = 0

    def trace(frame: FrameType, event: str, _what: object) -> Any:
        nonlocal passed
        if frame.f_code is not function.__code__:
            return None
        if event == "line":
            passed += 1
            if passed == at:
                other()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return passed >= at


def times(
    call: Callable[[], object],
    other: Callable[[], object],
    *,
    before_lines_of: Callable[..., Any] | None = None,
) -> int:
    """Do so after each function in turn, or before each line of one, and return how often.

    It is done in a thread of its own, which is left behind if it waits for itself.
    """

    def came_to(at: int) -> bool:
        if before_lines_of is None:
            return call_within(call, other, at)
        return call_at_line(call, other, at, before_lines_of)

    outcome: list[Any] = []

    def run() -> None:
        at = 1
        try:
            while came_to(at):
                at += 1
        except BaseException as error:  # the test's own thread raises it
            outcome.append(error)
            raise
        outcome.append(at)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONGEST_SECONDS)
    assert outcome, "it waits for itself"
    assert isinstance(outcome[0], int), outcome[0]
    return outcome[0]
