"""Admits or answers a request, for the middleware and for the decorator."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from ratelimit_ddb.django.request import request_of
from ratelimit_ddb.django.response import known_head, response_of, with_fields
from ratelimit_ddb.django.response_end import holding, settle_at_end
from ratelimit_ddb.django.uncaught import has_handler, when_uncaught
from ratelimit_ddb.operations.steps import run_steps, run_steps_async
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow
from ratelimit_ddb.web.gate.gate import Admission, Gate
from ratelimit_ddb.web.gate.ledger import Ledger, reserved_for
from ratelimit_ddb.web.gate.request_reservation import RequestReservation
from ratelimit_ddb.web.gate.view_denials import give_back_by_denial, give_back_of
from ratelimit_ddb.web.response_head import ResponseHead, head_of, head_of_exception


class _SessionUnread(Exception):
    """A rule reads a session that is not loaded, in an event loop, which loading would block."""


def _not_loaded() -> Any:
    raise _SessionUnread


async def _admit_async(gate: Gate, native: HttpRequest, is_final: bool) -> Admission:
    request = request_of(native)
    if request.session is None:
        return await gate.admit_async(request, is_final=is_final)
    unread = request._replace(session=SimpleLazyObject(_not_loaded))
    try:
        return await gate.admit_async(unread, is_final=is_final)
    except _SessionUnread:
        # No tokens were taken: rules read sessions before that, and on_denied after a denial.
        await sync_to_async(native.session.get)("")
        return await gate.admit_async(request, is_final=is_final)


def before(
    view: Callable[..., Any], gate: Gate, is_async: bool, *, is_final: bool
) -> Callable[..., Any]:
    """A view whose requests are first admitted by a gate, or answered.

    ``is_final`` is as for ``Gate.admit``.
    """
    called = holding(view, gate, is_async)
    return (_before_async if is_async else _before)(view, called, gate, is_final)


def _before(
    view: Callable[..., Any], called: Callable[..., Any], gate: Gate, is_final: bool
) -> Callable[..., Any]:
    @functools.wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        answer, ledger, _ = gate.admit(request_of(request), is_final=is_final)
        if answer is not None:
            return response_of(answer)
        reservation = _reservation_of(request)
        try:
            response = called(request, *args, **kwargs)
        except Exception as error:
            run_steps(_after_error(gate, request, error, gate.respond, is_final))
            raise
        run_steps(_after(gate, request, response, ledger, is_final))
        settle_at_end(request, response, reservation)
        return response if ledger is None else with_fields(ledger.fields(), response)

    return limited


def _before_async(
    view: Callable[..., Any], called: Callable[..., Any], gate: Gate, is_final: bool
) -> Callable[..., Any]:
    @functools.wraps(view)
    async def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        answer, ledger, _ = await _admit_async(gate, request, is_final)
        if answer is not None:
            return response_of(answer)
        reservation = _reservation_of(request)
        try:
            response = await called(request, *args, **kwargs)
        except Exception as error:
            respond = async_to_sync(gate.respond_async)
            await run_steps_async(_after_error(gate, request, error, respond, is_final))
            raise
        except BaseException:  # the client disconnected: the view is cancelled, without a response
            if reservation is not None:
                await reservation.end_async(failed=False)
            raise
        await run_steps_async(_after(gate, request, response, ledger, is_final))
        settle_at_end(request, response, reservation)
        return response if ledger is None else with_fields(ledger.fields(), response)

    return limited


def _after(
    gate: Gate, request: HttpRequest, response: Any, ledger: Ledger | None, is_final: bool
) -> AwaitableFlow[None]:
    """Give back what the response gives back."""
    is_response = isinstance(response, HttpResponseBase)  # of other values a decorator makes one
    status = response.status_code if is_response else 0
    if ledger is not None and status in ledger.denied_with and is_final:
        yield from give_back_by_denial(ledger)
    else:
        yield from give_back_of(gate, request, status)
    gate.note_served(request)
    if gate.gives_back and is_response:
        yield from gate.responding(request, head_of(status, response.headers.items()))


def _after_error(
    gate: Gate,
    request: HttpRequest,
    error: Exception,
    respond: Callable[[HttpRequest, ResponseHead], None],
    is_final: bool,
) -> AwaitableFlow[None]:
    """Give back what the response to an exception gives back.

    If a handler may answer the exception, that is for later: then ``respond`` is called, blocking.
    """
    head = known_head(error)
    if head is None and not is_final and has_handler(request):
        when_uncaught(request, error, functools.partial(respond, request, head_of_exception(error)))
    else:
        yield from gate.responding(request, head or head_of_exception(error))


def _reservation_of(native: Any) -> RequestReservation | None:
    """The request's reservation, which is set as ``request.reservation`` for the view."""
    reservation = reserved_for(native)
    if reservation is not None:
        native.reservation = reservation
    return reservation
