"""Replies that are not DynamoDB's, or have rows that this package did not write.

Anything may answer at an endpoint, and anyone with the permission may write to a table, so every
part of a reply may be missing or of another type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class UnexpectedReply(Exception):
    """A reply of an unexpected form; its cause says where."""


def reads_reply(read: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that reads a reply: it raises UnexpectedReply if it can't."""

    @wraps(read)
    def read_or_refuse(*args: P.args, **options: P.kwargs) -> T:
        try:
            return read(*args, **options)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnexpectedReply(repr(error)) from error

    return read_or_refuse
