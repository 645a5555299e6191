"""Rate limits for Flask: before an app or blueprint, where rules see routes, and before one view.

``RateLimitMiddleware`` is ``ratelimit_ddb.wsgi``'s, for what is to be denied before Flask has any
work with it: ``app.wsgi_app = RateLimitMiddleware(app.wsgi_app, store=store, rules=rules)``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Unpack

import flask

from ratelimit_ddb.limit import LimitsGiven
from ratelimit_ddb.web.answer import Answer, Fields
from ratelimit_ddb.web.gate import Gate, GateOptions
from ratelimit_ddb.web.request import Request, fields_of_environ
from ratelimit_ddb.web.rule import LimitsOfRequest
from ratelimit_ddb.web.view import ViewOptions, gate_of_view
from ratelimit_ddb.wsgi import RateLimitMiddleware

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

__all__ = ["RateLimitMiddleware", "limit_app", "limited"]

P = ParamSpec("P")

_WAITING = "ratelimit_ddb.fields"
"""Where a request's environ keeps the fields of its response, those of the outermost gate first."""


def limit_app(app: flask.Flask | flask.Blueprint, **options: Unpack[GateOptions]) -> None:
    """Put rules before an app, or before a blueprint's views.

    Rules see the route (``Request.endpoint`` is ``"/users/<int:id>"``; None for a 404 or 405) and
    Flask's session; responses vary by cookie only where a rule reads it. The limits' fields are
    added to the response whoever makes it, error handlers included.

    It is a ``before_request`` function, called in the order in which those were registered: what an
    earlier one answers itself is not limited. An app may have several; each decides by itself.

    Args:
        app: the app or blueprint, before its first request.
        options: ``store=``, ``rules=`` and more: see ``ratelimit_ddb.web.gate.GateOptions``.

    Raises:
        TypeError, ValueError: something given can't hold.
    """
    gate = Gate(options, blocking=True)
    app.before_request(functools.partial(_refusal, gate))


def limited(
    limits: LimitsGiven | LimitsOfRequest, **options: Unpack[ViewOptions]
) -> Callable[[Callable[P, Any]], Callable[P, ResponseReturnValue]]:
    """Put a limit before one view: ``@limited("5/minute", store=store)`` below ``@app.route``.

    It is for view functions, ``async def`` too where Flask has its ``async`` extra, for methods of
    a MethodView, and for the ``decorators`` of a view class. The limits' fields are added to
    whatever response comes of it, that of an exception included.

    Args:
        limits: as for ``ratelimit_ddb.web.Rule``.
        options: ``store=`` and more: see ``ratelimit_ddb.web.view.ViewOptions``. ``name`` is the
            view's, with its module, unless given. Functions must be plain, for ``async def`` too:
            the limit is decided before Flask starts an event loop for the view.

    Raises:
        TypeError, ValueError: something given can't hold.
    """

    def decorate(view: Callable[P, Any]) -> Callable[P, ResponseReturnValue]:
        gate = gate_of_view(_name_of(view), limits, options, blocking=True)

        @functools.wraps(view)
        def limited(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            refusal = _refusal(gate)
            if refusal is not None:
                return refusal
            made: ResponseReturnValue = flask.current_app.ensure_sync(view)(*args, **kwargs)
            return made

        return limited

    return decorate


def _refusal(gate: Gate) -> flask.Response | None:
    """The response to a request that is denied; to any other, fields are added once it is there."""
    answer, fields, _ = gate.admit(_request())
    if answer is not None:
        return _response(answer)
    if fields:
        waiting = flask.request.environ.setdefault(_WAITING, [])
        if not waiting:
            flask.after_this_request(_with_fields)
        waiting.append(fields)
    return None


def _request() -> Request:
    native = flask.request
    rule = native.url_rule
    return Request(
        native.method,
        native.path,
        native.remote_addr or None,
        native,
        _fields_of,
        None if rule is None else rule.rule,
        flask.session,  # a proxy: the session itself is touched where a rule reads it
    )


def _fields_of(native: flask.Request, name: str) -> list[str]:
    return fields_of_environ(native.environ, name)


def _response(answer: Answer) -> flask.Response:
    response = flask.current_app.response_class([answer.body], answer.status)
    response.headers.clear()  # Flask's default type is not the answer's
    response.headers.extend(answer.headers)
    return response


def _with_fields(response: flask.Response) -> flask.Response:
    waiting: list[Fields] = flask.request.environ[_WAITING]
    for fields in reversed(waiting):
        is_told = "x-ratelimit-limit" in response.headers
        for name, value in fields:
            # Lists add up. The others can be there once: those nearest to the view are.
            if not (is_told and name.startswith("x-")):
                response.headers.add(name, value)
    return response


def _name_of(view: Callable[..., Any]) -> str:
    name = getattr(view, "__name__", None)
    if name is None:
        raise TypeError(f"@limited on {view!r}: a view function is needed")
    # The functions that View.as_view() makes have one qualified name, and their own as __name__.
    qualified = getattr(view, "__qualname__", name)
    return f"{view.__module__}.{qualified if qualified.rpartition('.')[2] == name else name}"
