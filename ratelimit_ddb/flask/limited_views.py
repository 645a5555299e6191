"""The decorator of views, and what is decorated: its name, and what Flask calls."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Unpack

import flask

from ratelimit_ddb.decorator.coroutine import ReturnKind, return_kind
from ratelimit_ddb.decorator.function_name import name_of
from ratelimit_ddb.flask.admission import refusal, respond_to_nested
from ratelimit_ddb.flask.nested_view import head_of_error, head_of_value, is_nested
from ratelimit_ddb.flask.response_end import end_with_request
from ratelimit_ddb.limit import LimitsLike
from ratelimit_ddb.operations.steps import run_steps
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.options import ViewOptions, require_options, shows_options
from ratelimit_ddb.web.gate.view import gate_of_view, note_limit, require_view
from ratelimit_ddb.web.gate.view_denials import give_back_of
from ratelimit_ddb.web.rules.rule import LimitsOfRequest

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

P = ParamSpec("P")


@shows_options(ViewOptions)
def limited(
    limits: LimitsLike | LimitsOfRequest | None = None,
    *,
    store: Store,
    **options: Unpack[ViewOptions],
) -> Callable[[Callable[P, Any]], Callable[P, ResponseReturnValue]]:
    """Put a limit before one view: ``@limited("5/minute", store=store)`` below ``@app.route``.

    It is for view functions, ``async def`` too where Flask has its ``async`` extra, for methods of
    a MethodView, for the ``decorators`` of a view class, and for whatever else can be called, such
    as a ``functools.partial``. The limits' fields are added to whatever response comes of it, that
    of an exception included. A denial is answered as by ``limit_app``.

    A view may have several, distinguished by ``methods=`` or ``name=``.

    Args:
        limits: as for ``ratelimit_ddb.web.Rule``; none for a view with an ``in_flight`` alone.
        store: a DynamoDBStore or a MemoryStore.
        options: see ``ratelimit_ddb.web.ViewOptions``. Functions must be plain, for ``async def``
            too: the limit is decided before Flask starts an event loop for the view.

    Raises:
        TypeError: an argument is invalid; what is decorated can't be called.
        ValueError: an argument is invalid; the view has a limit of that name already, or
            another view has that name.
    """
    require_options(options, ViewOptions)

    # Flask-RESTful and Flask-RESTX decorate a resource's method at each request, and what was
    # observed of a key has to last for longer.
    @functools.cache
    def gate_of(own_name: str) -> Gate:
        return gate_of_view(own_name, limits, store, options, blocking=True)

    def decorate(view: Callable[P, Any]) -> Callable[P, ResponseReturnValue]:
        require_view(view, of_a_class="put limited(...) in its ``decorators``, or on a method")
        own_name = _name_of(view)
        gate = gate_of(own_name)
        called = _called(view)

        @functools.wraps(view)
        def limited(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            denied = refusal(gate, is_final=False)
            if denied is not None:
                return denied
            if gate.holds_slots:
                end_with_request()
            call = functools.partial(flask.current_app.ensure_sync(called), *args, **kwargs)
            nested = gate.gives_back and is_nested(limited)
            response: ResponseReturnValue = _call_nested(gate, call) if nested else call()
            if isinstance(response, flask.Response):
                run_steps(give_back_of(gate, flask.request, response.status_code))
            gate.note_served(flask.request)
            return response

        if not hasattr(view, "__name__"):  # Flask calls the endpoint so, unless it has an endpoint=
            limited.__name__ = own_name.rpartition(".")[2]
        note_limit(view, limited, limits, gate, options, owner=view, own_name=own_name)
        return limited

    return decorate


def _call_nested(gate: Gate, call: Callable[[], Any]) -> Any:
    """Call a view for another view, and give back by its own response."""
    try:
        value = call()
    except Exception as error:
        respond_to_nested(gate, head_of_error(error))
        raise
    respond_to_nested(gate, head_of_value(value))
    return value


def _called(view: Any) -> Any:
    """What to call: of an object whose ``__call__`` is a coroutine function, that one.

    Flask knows only functions for coroutine functions.
    """
    by_object = not inspect.isroutine(view) and not isinstance(view, functools.partial)
    if by_object and return_kind(view) is ReturnKind.COROUTINE:
        return view.__call__
    return view


def _name_of(view: Callable[..., Any]) -> str:
    name = getattr(view, "__name__", None)
    if name is None:
        return name_of(view)
    # The functions that View.as_view() makes have one qualified name, and their own as __name__.
    qualified = getattr(view, "__qualname__", name)
    return f"{view.__module__}.{qualified if qualified.rpartition('.')[2] == name else name}"
