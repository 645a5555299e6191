"""Rate limits for Flask: before an app or blueprint, where rules see routes, and before one view.

``RateLimitMiddleware`` is ``ratelimit_ddb.wsgi``'s, for what is to be denied before Flask has any
work with it: ``app.wsgi_app = RateLimitMiddleware(app.wsgi_app, store=store, rules=rules)``.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, Unpack, cast

import flask
from werkzeug.exceptions import Forbidden, HTTPException, ServiceUnavailable, TooManyRequests
from werkzeug.local import LocalProxy

from ratelimit_ddb.decorator.coroutine import ReturnKind, return_kind
from ratelimit_ddb.decorator.function_name import name_of
from ratelimit_ddb.limit import LimitsLike
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Gate, denial_of
from ratelimit_ddb.web.gate.ledger import Ledger, reserved_for
from ratelimit_ddb.web.gate.options import GateOptions, ViewOptions, require_options, shows_options
from ratelimit_ddb.web.gate.request_reservation import has_failed
from ratelimit_ddb.web.gate.request_slots import RequestSlots
from ratelimit_ddb.web.gate.view import (
    gate_of_view,
    has_own_limits,
    method_of,
    note_limit,
    require_view,
)
from ratelimit_ddb.web.request import Request, fields_of_environ
from ratelimit_ddb.web.response.answer import Answer
from ratelimit_ddb.web.response.denial import sentence
from ratelimit_ddb.web.response_head import head_of, head_of_exception
from ratelimit_ddb.web.rules.rule import LimitsOfRequest
from ratelimit_ddb.web.rules.rule_set import RulesLike
from ratelimit_ddb.web.rules.verdict import Verdict
from ratelimit_ddb.wsgi import RateLimitMiddleware

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

__all__ = ["RateLimitMiddleware", "limit_app", "limited"]

P = ParamSpec("P")

_End = Callable[..., None]
"""Called with ``failed=`` when a response is over; of several calls the first one counts."""

_AWAITED = "_ratelimit_ddb_awaited"

_NO_SESSION = (
    "a rule reads the session, and Flask could open none: set the app's secret_key, or a "
    "session_interface that needs none, such as sessions.flask's"
)


@shows_options(GateOptions)
def limit_app(
    app: flask.Flask | flask.Blueprint,
    store: Store,
    rules: RulesLike,
    **options: Unpack[GateOptions],
) -> None:
    """Put rules before an app, or before a blueprint's views.

    Rules see the route (``Request.endpoint`` is ``"/users/<int:id>"``; None for a 404 or 405) and
    Flask's session; responses vary by cookie only where a rule reads it. The limits' fields are
    added to the response whoever makes it, error handlers included. A denial is answered by the
    app's ``errorhandler(429)`` if it has one, or 503 in an outage; ``on_denied`` goes before that.

    It is a ``before_request`` function, called in the order in which those were registered: what an
    earlier one answers itself is not limited. An app may have several: what one of them took is
    given back if another denies the request. Rules with ``default=True`` are left out for views
    that are ``@limited`` themselves.

    Args:
        app: the app or blueprint, before its first request.
        store: a DynamoDBStore or a MemoryStore.
        rules: a Rule, several, or a RulesFile.
        options: see ``ratelimit_ddb.web.GateOptions``.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """
    if not isinstance(app, flask.Flask | flask.Blueprint):
        raise TypeError(f"app {app!r}: must be a Flask or a Blueprint, not its wsgi_app")
    gate = Gate(store, rules, options, blocking=True, has_own_limits=_has_own_limits)
    app.before_request(functools.partial(_refusal, gate))
    app.teardown_request(functools.partial(_respond_to_exception, gate))
    app.teardown_request(_end_without_response)


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

    def decorate(view: Callable[P, Any]) -> Callable[P, ResponseReturnValue]:
        require_view(view, of_a_class="put limited(...) in its ``decorators``, or on a method")
        own_name = _name_of(view)
        gate = gate_of_view(own_name, limits, store, options, blocking=True)
        called = _called(view)

        @functools.wraps(view)
        def limited(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            refusal = _refusal(gate)
            if refusal is not None:
                return refusal
            if gate.holds_slots:
                _end_with_request()
            response: ResponseReturnValue = flask.current_app.ensure_sync(called)(*args, **kwargs)
            return response

        if not hasattr(view, "__name__"):  # Flask calls the endpoint so, unless it has an endpoint=
            limited.__name__ = own_name.rpartition(".")[2]
        note_limit(view, limited, limits, gate, options, owner=view, own_name=own_name)
        return limited

    return decorate


def _called(view: Any) -> Any:
    """What to call: of an object whose ``__call__`` is a coroutine function, that one.

    Flask knows only functions for coroutine functions.
    """
    by_object = not inspect.isroutine(view) and not isinstance(view, functools.partial)
    if by_object and return_kind(view) is ReturnKind.COROUTINE:
        return view.__call__
    return view


def _refusal(gate: Gate) -> ResponseReturnValue | None:
    """The response to a request that is denied; to any other, fields are added once it is there."""
    answer, ledger, verdict = gate.admit(_request())
    if answer is None:
        if gate.gives_back:
            flask.after_this_request(functools.partial(_respond, gate))
        if ledger is not None:
            flask.after_this_request(functools.partial(_with_fields, ledger))
        slots = gate.slots_of(flask.request)
        if slots is not None:
            _at_end(functools.partial(_release, slots))
        reservation = reserved_for(flask.request.environ)
        if reservation is not None:
            flask.g.reservation = reservation
            _at_end(reservation.end)
        return None
    response = _response(answer)
    return response if gate.answers_itself else _handled(response, answer, verdict)


def _respond(gate: Gate, response: flask.Response) -> flask.Response:
    """Give back what the response gives back, before the fields tell what is left."""
    gate.respond(flask.request, head_of(response.status_code, response.headers.items()))
    return response


def _respond_to_exception(gate: Gate, exception: BaseException | None) -> None:
    """The same where nobody makes a response: Flask propagates exceptions while it is debugged."""
    if isinstance(exception, Exception) and gate.gives_back:
        gate.respond(flask.request, head_of_exception(exception))


def _handled(response: flask.Response, answer: Answer, verdict: Verdict) -> ResponseReturnValue:
    """What the app's error handler makes of a denial; the response itself where it has none."""
    denial = denial_of(verdict)
    # The response is that of the exception too, for handlers that pass it on.
    error: HTTPException
    if denial.status == 403:
        error = Forbidden(sentence(denial), response)
    else:
        kind = TooManyRequests if denial.status == 429 else ServiceUnavailable
        error = kind(sentence(denial), response, denial.retry_after_seconds)
    handled: Any = flask.current_app.handle_http_exception(error)
    if handled is error:
        return response
    if handled is None:  # to Flask, nothing was answered, and the view would be called
        raise TypeError(
            f"the error handler for {denial.status} returned None: it must return a response, such "
            "as error.get_response()"
        )
    flask.after_this_request(functools.partial(_with_missing, answer))
    return cast("ResponseReturnValue", handled)


def _has_own_limits(request: Request) -> bool:
    native: flask.Request = request.native
    view = flask.current_app.view_functions.get(native.endpoint or "")
    if view is None:
        return False
    if has_own_limits(view, request.method):
        return True
    view_class = getattr(view, "view_class", None)
    return has_own_limits(method_of(view_class, request.method), request.method)


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
        _SESSION,  # a proxy: the session itself is touched where a rule reads it
    )


def _opened_session() -> Any:
    """The session; a null session knows no user, and would have all counted by address."""
    session = cast("LocalProxy[Any]", flask.session)._get_current_object()
    if flask.current_app.session_interface.is_null_session(session):
        raise RuntimeError(_NO_SESSION)
    return session


_SESSION: Any = LocalProxy(_opened_session)


def _fields_of(native: flask.Request, name: str) -> list[str]:
    return fields_of_environ(native.environ, name)


def _response(answer: Answer) -> flask.Response:
    response = flask.current_app.response_class([answer.body], answer.status)
    response.headers.clear()  # Flask's default type is not the answer's
    response.headers.extend(answer.headers)
    return response


def _with_fields(ledger: Ledger, response: flask.Response) -> flask.Response:
    is_told = "x-ratelimit-limit" in response.headers
    for name, value in ledger.fields():
        # Lists add up. The others can be there once: those that the view set itself are.
        if not (is_told and name.startswith("x-")):
            response.headers.add(name, value)
    return response


class _Response(NamedTuple):
    """The response whose end is waited for.

    Attributes:
        found: it itself, as long as somebody has it.
        failed: whether its status says that the request failed.
    """

    found: weakref.ref[flask.Response]
    failed: bool


def _awaited() -> dict[_End, _Response | None]:
    """What is to be done at the end of the request's response, and which one that is."""
    awaited: dict[_End, _Response | None] = flask.g.setdefault(_AWAITED, {})
    return awaited


def _at_end(end: _End) -> None:
    """Have ``end`` called when the server closes the response, streamed or not."""
    _awaited()[end] = None
    flask.after_this_request(functools.partial(_ending, end))


def _ending(end: _End, response: flask.Response) -> flask.Response:
    """A response that calls ``end``; of several that are made of a request, the last one counts."""
    failed = has_failed(response.status_code, raised=False)
    _awaited()[end] = _Response(weakref.ref(response), failed)
    response.call_on_close(functools.partial(end, failed=failed))
    return response


def _end_without_response(exception: BaseException | None) -> None:
    """Call what nobody else will: there is no response, or another one took its place.

    One that is being sent is left alone, though what it streams may have raised: then this is
    called before the server closes the response.
    """
    for end, response in _awaited().items():
        if response is None:
            end(failed=exception is not None)
        elif response.found() is None:
            end(failed=response.failed)


def _end_with_request() -> None:
    """The same of a view's limit, which has no app to give a teardown function to.

    Flask closes the request where it calls those.
    """
    native: Any = cast("LocalProxy[Any]", flask.request)._get_current_object()
    close = native.close

    def close_and_end() -> None:
        try:
            close()
        finally:
            _end_without_response(None)

    native.close = close_and_end


def _release(slots: RequestSlots, *, failed: bool) -> None:  # noqa: ARG001 - whatever has ended it
    slots.release()


def _with_missing(answer: Answer, response: flask.Response) -> flask.Response:
    """A handler's response with what it must tell of the denial, if it does not yet."""
    for name, value in answer.headers:
        if name == "retry-after" or "ratelimit" in name:
            response.headers.setdefault(name, value)
    return response


def _name_of(view: Callable[..., Any]) -> str:
    name = getattr(view, "__name__", None)
    if name is None:
        return name_of(view)
    # The functions that View.as_view() makes have one qualified name, and their own as __name__.
    qualified = getattr(view, "__qualname__", name)
    return f"{view.__module__}.{qualified if qualified.rpartition('.')[2] == name else name}"
