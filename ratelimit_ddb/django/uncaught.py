"""Exceptions of views that Django answers with 500, because nothing handles them.

A handler may answer an exception: that of Django REST Framework or Ninja, a middleware's
``process_exception``, or a decorator. A decorator inside of it can't know. But Django sends a
signal for an exception that nothing has handled, just before it makes the page for 500.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from django.core.signals import got_request_exception

_UNCAUGHT = "ratelimit_ddb.uncaught"
"""In the META of a request: the functions to call if an exception of its views is not handled."""


def has_handler(request: Any) -> bool:
    """Whether Django called the view; a test that calls it has no handler of exceptions."""
    return getattr(request, "resolver_match", None) is not None


def when_uncaught(request: Any, exception: Exception, respond: Callable[[], object]) -> None:
    """Call ``respond``, blocking, if Django answers an exception with 500."""
    request.META.setdefault(_UNCAUGHT, []).append((exception, respond))


def _respond(request: Any = None, **_: object) -> None:
    """The receiver of Django's signal."""
    waiting = () if request is None else request.META.pop(_UNCAUGHT, ())
    for exception, respond in waiting:
        if any(one is exception for one in _chain_of(sys.exc_info()[1])):
            respond()


def _chain_of(exception: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that it was raised from."""
    seen: set[int] = set()
    while exception is not None and id(exception) not in seen:
        seen.add(id(exception))
        yield exception
        exception = exception.__cause__ or exception.__context__


got_request_exception.connect(_respond, dispatch_uid="ratelimit_ddb.django")
