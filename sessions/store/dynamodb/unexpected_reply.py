"""Replies that are not DynamoDB's, or of rows that this library did not write.

Anything may answer at an endpoint, and anybody with the right may write to a table: what is read of
a reply is not taken for granted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class UnexpectedReply(Exception):
    """A reply of another form; its cause shows where."""


def reads_reply(read: Callable[P, T]) -> Callable[P, T]:
    """Have a function that reads a reply raise UnexpectedReply where it can't."""

    @wraps(read)
    def read_or_refuse(*args: P.args, **options: P.kwargs) -> T:
        try:
            return read(*args, **options)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnexpectedReply(repr(error)) from error

    return read_or_refuse
