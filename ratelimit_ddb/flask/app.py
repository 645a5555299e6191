"""Rules before an app or a blueprint."""

from __future__ import annotations

import functools
from typing import Unpack

import flask

from ratelimit_ddb.flask.admission import refusal, respond_to_exception
from ratelimit_ddb.flask.response_end import end_without_response
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.options import GateOptions, shows_options
from ratelimit_ddb.web.gate.view import has_own_limits, method_of
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rules.rule_set import RulesLike


@shows_options(GateOptions)
def limit_app(
    app: flask.Flask | flask.Blueprint,
    store: Store,
    rules: RulesLike,
    **options: Unpack[GateOptions],
) -> None:
    """Put rules before an app, or before a blueprint's views.

    Rules see the route (``Request.endpoint`` is ``"/users/<int:id>"``; None for a 404 or 405) and
    Flask's session; responses vary by cookie only if a rule reads it. The limits' fields are added
    to every response, those of error handlers included. A denial is answered by the app's
    ``errorhandler(429)`` if it has one, or 503 in an outage; ``on_denied`` takes precedence.

    It is a ``before_request`` function, called in the order in which those were registered: what an
    earlier one answers itself is not limited, nor is what a ``url_value_preprocessor`` aborts. An
    app may have several: what one of them took is given back if another denies the request. Rules
    with ``default=True`` are left out for views that are ``@limited`` themselves.

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
    app.before_request(functools.partial(refusal, gate))
    app.teardown_request(functools.partial(respond_to_exception, gate))
    app.teardown_request(end_without_response)


def _has_own_limits(request: Request) -> bool:
    native: flask.Request = request.native
    view = flask.current_app.view_functions.get(native.endpoint or "")
    if view is None or _answered_by_flask(native):
        return False
    if has_own_limits(view, request.method):
        return True
    view_class = getattr(view, "view_class", None)
    return has_own_limits(method_of(view_class, request.method), request.method)


def _answered_by_flask(native: flask.Request) -> bool:
    """Whether Flask answers an OPTIONS itself, and calls no view."""
    return native.method == "OPTIONS" and bool(
        getattr(native.url_rule, "provide_automatic_options", False)
    )
