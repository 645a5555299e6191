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
from ratelimit_ddb.web.gate.gate import Admission, Gate
from ratelimit_ddb.web.gate.ledger import reserved_for
from ratelimit_ddb.web.gate.request_reservation import RequestReservation
from ratelimit_ddb.web.gate.view_denials import (
    give_back_by_denial,
    give_back_by_denial_async,
    give_back_of,
    give_back_of_async,
)
from ratelimit_ddb.web.response_head import head_of, head_of_exception


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
            head = known_head(error)
            if head is None and not is_final and has_handler(request):
                uncaught = functools.partial(gate.respond, request, head_of_exception(error))
                when_uncaught(request, error, uncaught)
            else:
                gate.respond(request, head or head_of_exception(error))
            raise
        if ledger is not None and _status(response) in ledger.denied_with and is_final:
            give_back_by_denial(ledger)
        else:
            give_back_of(gate, request, _status(response))
        gate.note_served(request)
        if gate.gives_back and isinstance(response, HttpResponseBase):
            gate.respond(request, head_of(response.status_code, response.headers.items()))
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
            head = known_head(error)
            if head is None and not is_final and has_handler(request):
                uncaught = async_to_sync(gate.respond_async)
                when_uncaught(
                    request, error, functools.partial(uncaught, request, head_of_exception(error))
                )
            else:
                await gate.respond_async(request, head or head_of_exception(error))
            raise
        except BaseException:  # the client disconnected: the view is cancelled, without a response
            if reservation is not None:
                await reservation.end_async(failed=False)
            raise
        if ledger is not None and _status(response) in ledger.denied_with and is_final:
            await give_back_by_denial_async(ledger)
        else:
            await give_back_of_async(gate, request, _status(response))
        gate.note_served(request)
        if gate.gives_back and isinstance(response, HttpResponseBase):
            head = head_of(response.status_code, response.headers.items())
            await gate.respond_async(request, head)
        settle_at_end(request, response, reservation)
        return response if ledger is None else with_fields(ledger.fields(), response)

    return limited


def _status(response: Any) -> int:
    """The status of a response; 0 of a value of which a decorator makes one."""
    return response.status_code if isinstance(response, HttpResponseBase) else 0


def _reservation_of(native: Any) -> RequestReservation | None:
    """The request's reservation, which is set as ``request.reservation`` for the view."""
    reservation = reserved_for(native)
    if reservation is not None:
        native.reservation = reservation
    return reservation
