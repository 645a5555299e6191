"""The middleware, which applies the rules of the settings to every view."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from ratelimit_ddb.django.admission import before
from ratelimit_ddb.django.request import match_of
from ratelimit_ddb.django.settings import read_settings
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.view import has_own_limits, method_of
from ratelimit_ddb.web.request import Request


class RateLimitMiddleware:
    """Answers 429 to requests over a limit, and adds ``RateLimit`` fields to other responses.

    It is sync and async. It is configured by a dict in the settings: STORE and RULES, which are
    required, and the options of ``ratelimit_ddb.web.GateOptions`` in upper case. STORE, RULES,
    ENDPOINT_OF, ON_DENIED and ON_DECISION may be dotted paths::

        RATELIMIT_DDB = {"STORE": "shop.limits.store", "RULES": "shop.limits.rules"}

    In MIDDLEWARE put it below SessionMiddleware and AuthenticationMiddleware if rules use sessions
    or users, otherwise as high as possible: the middleware above it runs for denied requests too.
    Responses vary by cookie only if a rule reads the session. The fields are added to every
    response, including error pages.

    Rules with ``scope="endpoint"`` have a bucket for each route, such as ``"/users/<int:id>"``.
    Those with ``default=True`` do not apply to views that are ``@limited``.

    Raises:
        ImproperlyConfigured: a setting is missing, unknown or invalid.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        is_async = iscoroutinefunction(get_response)
        if is_async:
            markcoroutinefunction(self)
        try:
            store, rules, options = read_settings()
            gate = Gate(
                store,
                rules,
                options,
                blocking=not is_async,
                has_own_limits=_has_own_limits,
            )
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"RATELIMIT_DDB: {error}") from error
        self._limited = before(get_response, gate, is_async, is_final=True)

    def __call__(self, request: HttpRequest) -> Any:
        """The view's response, or the response to a denied request."""
        return self._limited(request)


def _has_own_limits(request: Request) -> bool:
    match = match_of(request.native)
    if match is None:
        return False
    view = match.func
    if has_own_limits(view, request.method):
        return True
    view_class = getattr(view, "view_class", None)
    if has_own_limits(method_of(view_class, request.method), request.method):
        return True
    return has_own_limits(getattr(view_class, "dispatch", None), request.method)
