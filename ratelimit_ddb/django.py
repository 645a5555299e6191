"""Rate limits for Django: middleware that is set up in the settings, and limits on one view."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar, Unpack, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.urls import ResolverMatch, resolve
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from ratelimit_ddb.arguments import require_store
from ratelimit_ddb.decorator.coroutine import ReturnKind, return_kind
from ratelimit_ddb.decorator.function_name import name_of
from ratelimit_ddb.limit import LimitsLike
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Admission, Gate
from ratelimit_ddb.web.gate.ledger import reserved_for
from ratelimit_ddb.web.gate.options import GateOptions, ViewOptions, require_options, shows_options
from ratelimit_ddb.web.gate.request_reservation import RequestReservation, has_failed
from ratelimit_ddb.web.gate.request_slots import RequestSlots
from ratelimit_ddb.web.gate.view import (
    gate_of_view,
    has_own_limits,
    method_of,
    note_limit,
    require_view,
)
from ratelimit_ddb.web.identity.function_of_request import makes_identities
from ratelimit_ddb.web.identity.identity import Identified, Identity, fallback_of, other_of
from ratelimit_ddb.web.identity.identity_source import IdentitySource, note_source
from ratelimit_ddb.web.request import Request, fields_of_environ
from ratelimit_ddb.web.response.answer import Answer, Fields
from ratelimit_ddb.web.response_head import ResponseHead, head_of, head_of_exception
from ratelimit_ddb.web.rules.rule import LimitsOfRequest, Rule
from ratelimit_ddb.web.rules.rule_set import EndpointOf, rules_of

__all__ = ["RateLimitMiddleware", "limited", "user"]

View = TypeVar("View", bound=Callable[..., Any])

_OF_A_CLASS = (
    'limit what its as_view() gives, or write @method_decorator(limited(...), name="dispatch")'
)
_STATUS_OF_EXCEPTION = (
    (Http404, 404),
    (PermissionDenied, 403),
    (MultiPartParserError, 400),
    (BadRequest, 400),
    (SuspiciousOperation, 400),
)
"""What Django answers where a view raises; 500 for all else (``response_for_exception``)."""
_MAY_BE_DOTTED = ("STORE", "RULES", "ENDPOINT_OF", "ON_DENIED", "ON_DECISION")


class RateLimitMiddleware:
    """Answers 429 to requests over a limit, and adds to the others what is left; sync and async.

    It is set up by a dict in the settings: STORE and RULES, which are needed, and the options of
    ``ratelimit_ddb.web.GateOptions`` in capitals. STORE, RULES, ENDPOINT_OF, ON_DENIED and
    ON_DECISION may be dotted paths to what is meant::

        RATELIMIT_DDB = {"STORE": "shop.limits.store", "RULES": "shop.limits.rules"}

    In MIDDLEWARE it stands below SessionMiddleware and AuthenticationMiddleware if rules go by
    sessions or users, otherwise as high as may be: what stands above it works for every request.
    Responses vary by cookie only where a rule reads the session. The limits' fields are added to
    every response of a request that passed, error pages included.

    Rules with ``scope="endpoint"`` go by the route, such as ``"/users/<int:id>"``. Those with
    ``default=True`` are left out for views that are ``@limited`` themselves.

    Raises:
        ImproperlyConfigured: a setting that is missing, unknown, or can't hold.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        is_async = iscoroutinefunction(get_response)
        if is_async:
            markcoroutinefunction(self)
        try:
            store, rules, options = _of_settings()
            gate = Gate(
                store,
                rules,
                options,
                blocking=not is_async,
                has_own_limits=_has_own_limits,
            )
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"RATELIMIT_DDB: {error}") from error
        self._limited = _before(get_response, gate, is_async)

    def __call__(self, request: HttpRequest) -> Any:
        """Decide, and have the request answered or answer in its place."""
        return self._limited(request)


@shows_options(ViewOptions)
def limited(
    limits: LimitsLike | LimitsOfRequest | None = None,
    *,
    store: Store,
    **options: Unpack[ViewOptions],
) -> Callable[[View], View]:
    """Put a limit before one view: ``@limited("5/minute", store=store)``.

    It is for view functions, ``def`` and ``async def``, for what ``as_view()`` gives, for whatever
    else can be called, such as a ``functools.partial``, and through ``method_decorator`` for the
    methods of class-based views. A view that raises has an error page without the limit's fields.

    A view may have several, distinguished by ``methods=`` or ``name=``.

    Args:
        limits: as for ``ratelimit_ddb.web.Rule``; none for a view with an ``in_flight`` alone.
        store: a DynamoDBStore or a MemoryStore.
        options: see ``ratelimit_ddb.web.ViewOptions``. The name of a method's limit has the class
            that is served.

    Raises:
        TypeError: an argument is invalid; what is decorated is a class, or can't be called.
        ValueError: an argument is invalid; the view has a limit of that name already, or
            another view has that name.
    """
    require_options(options, ViewOptions)

    @functools.cache
    def gate_of(name: str, blocking: bool) -> Gate:
        return gate_of_view(name, limits, store, options, blocking=blocking)

    def decorate(view: View) -> View:
        require_view(view, of_a_class=_OF_A_CLASS)
        name, is_async = _name_and_kind(view)
        # method_decorator decorates at each request, hence the cache; and once a plain dummy, be
        # the methods plain or not.
        is_dummy = view.__module__ == method_decorator.__module__
        gate = gate_of(name, not (is_async or is_dummy))
        limited = _before(view, gate, is_async)
        owner = None if is_dummy or _is_method(view) else view
        note_limit(view, limited, limits, gate, options, owner=owner, own_name=name)
        return cast("View", limited)

    return decorate


@makes_identities("user()")
def user(*, otherwise: Identity | None = None) -> Identity:
    """The primary key of the user who is logged in (``request.user``).

    Args:
        otherwise: the identity of requests without a user; the client's address unless given.

    Raises:
        TypeError: ``otherwise`` can't be one.
        ImproperlyConfigured: at the request, if no middleware before gave it a user.
    """
    fallback = fallback_of(otherwise)

    async def when_loaded(request: Request) -> Identified | None:
        found = await sync_to_async(_user_key)(request.native) or fallback(request)
        return await found if isinstance(found, Awaitable) else found

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        if _in_event_loop():
            return when_loaded(request)
        return _user_key(request.native) or fallback(request)

    what = "the primary key of a user"
    note_source(identity, IdentitySource(what, None, other_of(otherwise)))
    return identity


def _user_key(native: HttpRequest) -> str | None:
    found = getattr(native, "user", None)
    if found is None:
        raise ImproperlyConfigured(
            "user() needs AuthenticationMiddleware above RateLimitMiddleware"
        )
    return str(found.pk) if found.is_authenticated else None


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _of_settings() -> tuple[Store, Any, GateOptions]:
    """The store, the rules and the options that the settings have."""
    given = getattr(settings, "RATELIMIT_DDB", None)
    if not isinstance(given, Mapping):
        raise TypeError(f"{given!r}: must be a dict with STORE and RULES")
    known = sorted(["STORE", "RULES", *(name.upper() for name in GateOptions.__annotations__)])
    for name in given:
        if name not in known:
            raise ValueError(f"unknown option {name!r}; expected one of {', '.join(known)}")
    for name in ("STORE", "RULES"):
        if name not in given:
            raise ValueError(f"{name!r} is needed")
    options = {name.lower(): _meant(name, value) for name, value in given.items()}
    store, rules = options.pop("store"), options.pop("rules")
    require_store(store, "STORE")
    rules = rules_of(rules) if isinstance(rules, Rule | Iterable) else rules
    return store, rules, cast("GateOptions", {"endpoint_of": _endpoint_of(rules), **options})


def _meant(name: str, value: Any) -> Any:
    """A setting, or what it is a dotted path to."""
    if name == "ON_DECISION" and isinstance(value, list | tuple):
        return [_meant(name, one) for one in value]
    if name not in _MAY_BE_DOTTED or not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as error:
        of_a_file = "; of a file, give RulesFile(...) of it" if name == "RULES" else ""
        raise ValueError(f"{name} {value!r}: {error}{of_a_file}") from error


def _endpoint_of(rules: Any) -> EndpointOf:
    """An ``endpoint_of`` that has Django find routes, if rules go by them."""
    current = getattr(rules, "current", lambda: rules)

    def endpoint_of(request: Request) -> str | None:
        by_route = any(rule.scope == "endpoint" for rule in current())
        return _template(_match(request.native)) if by_route else None

    return endpoint_of


def _match(native: HttpRequest) -> ResolverMatch | None:
    """The view that Django will choose for a request; None for a 404."""
    try:
        return resolve(native.path_info, getattr(native, "urlconf", None))
    except Http404:
        return None


def _has_own_limits(request: Request) -> bool:
    match = _match(request.native)
    if match is None:
        return False
    view = match.func
    if has_own_limits(view, request.method):
        return True
    view_class = getattr(view, "view_class", None)
    if has_own_limits(method_of(view_class, request.method), request.method):
        return True
    return has_own_limits(getattr(view_class, "dispatch", None), request.method)


def _template(match: ResolverMatch | None) -> str | None:
    return None if match is None or match.route is None else f"/{match.route}"


def _request_of(native: HttpRequest) -> Request:
    if not hasattr(native, "META"):
        raise TypeError(f"{native!r} is no request; a method needs @method_decorator(limited(...))")
    return Request(
        native.method or "GET",
        native.path_info or "/",
        native.META.get("REMOTE_ADDR") or None,
        native,
        lambda native, name: fields_of_environ(native.META, name),
        _template(native.resolver_match),
        getattr(native, "session", None),  # lazy: it is loaded where a rule reads it
    )


class _SessionUnread(Exception):
    """A rule reads a session that is not loaded, where loading it would block the event loop."""


def _not_loaded() -> Any:
    raise _SessionUnread


async def _admit_async(gate: Gate, native: HttpRequest) -> Admission:
    request = _request_of(native)
    if request.session is None:
        return await gate.admit_async(request)
    try:
        return await gate.admit_async(request._replace(session=SimpleLazyObject(_not_loaded)))
    except _SessionUnread:
        # Nothing is taken by then: rules read sessions before that, on_denied after a denial.
        await sync_to_async(native.session.get)("")
        return await gate.admit_async(request)


def _before(view: Callable[..., Any], gate: Gate, is_async: bool) -> Callable[..., Any]:
    called = _holding(view, gate, is_async)

    @functools.wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        answer, ledger, _ = gate.admit(_request_of(request))
        if answer is not None:
            return _response(answer)
        reservation = _reservation_of(request)
        try:
            response = called(request, *args, **kwargs)
        except Exception as error:
            gate.respond(request, _head_of_exception(error))
            raise
        if gate.gives_back and isinstance(response, HttpResponseBase):
            gate.respond(request, head_of(response.status_code, response.headers.items()))
        _settle_at_end(request, response, reservation)
        return response if ledger is None else _with_fields(ledger.fields(), response)

    @functools.wraps(view)
    async def limited_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        answer, ledger, _ = await _admit_async(gate, request)
        if answer is not None:
            return _response(answer)
        reservation = _reservation_of(request)
        try:
            response = await called(request, *args, **kwargs)
        except Exception as error:
            await gate.respond_async(request, _head_of_exception(error))
            raise
        if gate.gives_back and isinstance(response, HttpResponseBase):
            head = head_of(response.status_code, response.headers.items())
            await gate.respond_async(request, head)
        _settle_at_end(request, response, reservation)
        return response if ledger is None else _with_fields(ledger.fields(), response)

    return limited_async if is_async else limited


def _head_of_exception(exception: Exception) -> ResponseHead:
    """The response that Django will make of it."""
    for kind, status in _STATUS_OF_EXCEPTION:
        if isinstance(exception, kind):
            return head_of_exception(exception, status)
    return head_of_exception(exception)


def _reservation_of(native: Any) -> RequestReservation | None:
    """What a request has reserved, which its view finds as ``request.reservation``."""
    reservation = reserved_for(native)
    if reservation is not None:
        native.reservation = reservation
    return reservation


def _holding(view: Callable[..., Any], gate: Gate, is_async: bool) -> Callable[..., Any]:
    """A view that is called, and whose response is made, while the request's slots are held."""

    def holding(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        slots = gate.slots_of(request)
        if slots is None:
            return view(request, *args, **kwargs)
        try:
            response = view(request, *args, **kwargs)
        except BaseException:
            slots.release()
            raise
        _release_at_end(request, response, slots)
        return response

    async def holding_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        slots = gate.slots_of(request)
        if slots is None:
            return await view(request, *args, **kwargs)
        try:
            response = await view(request, *args, **kwargs)
        except BaseException:  # a client that goes has its view cancelled
            await slots.release_async()
            raise
        _release_at_end(request, response, slots)
        return response

    return holding_async if is_async else holding


def _release_at_end(request: HttpRequest, response: Any, slots: RequestSlots) -> None:
    if isinstance(response, HttpResponseBase):
        _at_end(request, response, slots.release)
    else:
        slots.give_up()  # what is no response is a mistake of the view's, for Django to name


def _settle_at_end(
    request: HttpRequest, response: Any, reservation: RequestReservation | None
) -> None:
    if reservation is not None and isinstance(response, HttpResponseBase):
        failed = has_failed(response.status_code, raised=False)
        _at_end(request, response, functools.partial(reservation.end, failed=failed))


def _at_end(request: HttpRequest, response: Any, end: Callable[[], object]) -> None:
    """Call ``end`` once the response is sent, streamed or not; blocking, as Django closes it.

    A middleware further out may send another response in its place, and then nobody closes this
    one: ConditionalGetMiddleware does, for a 304. Whatever is sent, Django closes the request with
    it. A view that is called without Django's handler has its response closed alone.
    """
    for one in (response, request):
        one.close = _closing(one.close, end)  # there is no other hook


def _closing(close: Callable[[], object], end: Callable[[], object]) -> Callable[[], None]:
    def close_and_end() -> None:
        try:
            close()
        finally:
            end()

    return close_and_end


def _name_and_kind(view: Any) -> tuple[str, bool]:
    """What a view is called, and whether it is awaited."""
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
    """The class behind what as_view() gave, or behind a method in method_decorator's hands."""
    while view is not None:
        if hasattr(view, "view_class"):
            return cast("type", view.view_class)
        if isinstance(view, functools.partial):
            view = view.func
        if hasattr(view, "__self__"):
            return type(view.__self__)
        view = getattr(view, "__wrapped__", None)
    return None


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["content-type"]  # Django's default is not the answer's
    return _with_fields(answer.headers, response)


def _with_fields(fields: Fields, response: Any) -> Any:
    if not isinstance(response, HttpResponseBase):
        return response  # a mistake of the view's, for Django to name
    is_told = "x-ratelimit-limit" in response.headers
    for name, value in fields:
        there = response.headers.get(name)
        if name == "set-cookie":
            response.cookies.load(value)
        elif name.startswith("x-ratelimit-"):
            if not is_told:  # they can be there once: those nearest to the view are
                response.headers[name] = value
        else:  # the other fields of limits are lists, and add up
            response.headers[name] = value if there is None else f"{there}, {value}"
    return response
