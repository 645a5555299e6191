"""The steps of a gate: flows on stores, and the awaitables that users' functions return."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, TypeVar

from ratelimit_ddb.operations.steps import OnStore

T = TypeVar("T")


AwaitableFlow = Generator[Awaitable[Any] | OnStore, Any, T]
"""Steps (operations/steps.py) without waits."""


def maybe_await(found: Any) -> AwaitableFlow[Any]:
    """``found``, or its result if it is an awaitable."""
    return (yield found) if isinstance(found, Awaitable) else found


def maybe_await_bool(what: str, found: Any) -> AwaitableFlow[bool]:
    """Whether a rule's function returned something true.

    Args:
        what: the rule and its option, for the message.
        found: what the function returned.

    Raises:
        TypeError: it returned a function, which would be true for every request.
    """
    given = yield from maybe_await(found)
    if callable(given):
        raise TypeError(
            f"{what} gave {given!r}: must be True or False; call what makes the function when the "
            "rule is made"
        )
    return bool(given)
