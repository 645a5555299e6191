"""The decorator of views, and the name, the class and the kind of a view."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, Unpack, cast

from asgiref.sync import iscoroutinefunction
from django.utils.decorators import method_decorator

from ratelimit_ddb.decorator.coroutine import ReturnKind, return_kind
from ratelimit_ddb.decorator.function_name import name_of
from ratelimit_ddb.django.admission import before
from ratelimit_ddb.limit import LimitsLike
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.options import ViewOptions, require_options, shows_options
from ratelimit_ddb.web.gate.view import gate_of_view, note_limit, require_view
from ratelimit_ddb.web.rules.rule import LimitsOfRequest

View = TypeVar("View", bound=Callable[..., Any])

_OF_A_CLASS = (
    'limit the result of its as_view(), or write @method_decorator(limited(...), name="dispatch")'
)


@shows_options(ViewOptions)
def limited(
    limits: LimitsLike | LimitsOfRequest | None = None,
    *,
    store: Store,
    **options: Unpack[ViewOptions],
) -> Callable[[View], View]:
    """Limit a view: ``@limited("5/minute", store=store)``.

    It decorates view functions, ``def`` and ``async def``, the result of ``as_view()``, other
    callables such as a ``functools.partial``, and, by ``method_decorator``, methods of class-based
    views. If the view raises an exception, the error page does not have the limit's fields.

    A view may have several limits, distinguished by ``methods=`` or ``name=``.

    Args:
        limits: as for ``ratelimit_ddb.web.Rule``; None for a view that has only ``in_flight``.
        store: a DynamoDBStore or a MemoryStore.
        options: see ``ratelimit_ddb.web.ViewOptions``. The name of a method's limit contains the
            class of the view.

    Raises:
        TypeError: an argument is invalid, or the view is a class or not callable.
        ValueError: an argument is invalid, or the view already has a limit of that name, or another
            view has that name.
    """
    require_options(options, ViewOptions)

    @functools.cache
    def gate_of(name: str, blocking: bool) -> Gate:
        return gate_of_view(name, limits, store, options, blocking=blocking)

    def decorate(view: View) -> View:
        require_view(view, of_a_class=_OF_A_CLASS)
        name, is_async = _name_and_kind(view)
        # method_decorator applies a decorator at each request, hence the cache. It first applies it
        # to a plain function, even if the method is a coroutine function.
        is_dummy = view.__module__ == method_decorator.__module__
        gate = gate_of(name, not (is_async or is_dummy))
        limited = before(view, gate, is_async, is_final=False)
        owner = None if is_dummy or _is_method(view) else view
        note_limit(view, limited, limits, gate, options, owner=owner, own_name=name)
        return cast("View", limited)

    return decorate


def _name_and_kind(view: Any) -> tuple[str, bool]:
    """The name of a view, and whether it is async."""
    is_async = iscoroutinefunction(view) or return_kind(view) is ReturnKind.COROUTINE
    owner = _class_of(view)
    if owner is None:
        return name_of(view), is_async
    named = view if hasattr(view, "__name__") else getattr(view, "func", type(view))
    name = f"{owner.__module__}.{owner.__qualname__}.{named.__name__}"
    return name, is_async or getattr(owner, "view_is_async", False)


def _is_method(view: Any) -> bool:
    return _class_of(view) is not None and not hasattr(view, "view_class")


def _class_of(view: Any) -> type | None:
    """The class of a view that as_view() returned, or of a method in method_decorator."""
    while view is not None:
        if hasattr(view, "view_class"):
            return cast("type", view.view_class)
        if isinstance(view, functools.partial):
            view = view.func
        if hasattr(view, "__self__"):
            return type(view.__self__)
        view = getattr(view, "__wrapped__", None)
    return None
