"""Admits or answers a request, for the middleware and for the decorator."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from ratelimit_ddb.django.request import request_of
from ratelimit_ddb.django.response import head_of_error_page, response_of, with_fields
from ratelimit_ddb.django.response_end import holding, settle_at_end
from ratelimit_ddb.web.gate.gate import Admission, Gate
from ratelimit_ddb.web.gate.ledger import reserved_for
from ratelimit_ddb.web.gate.request_reservation import RequestReservation
from ratelimit_ddb.web.response_head import head_of


class _SessionUnread(Exception):
    """A rule reads a session that is not loaded, in an event loop, which loading would block."""


def _not_loaded() -> Any:
    raise _SessionUnread


async def _admit_async(gate: Gate, native: HttpRequest) -> Admission:
    request = request_of(native)
    if request.session is None:
        return await gate.admit_async(request)
    try:
        return await gate.admit_async(request._replace(session=SimpleLazyObject(_not_loaded)))
    except _SessionUnread:
        # No tokens were taken: rules read sessions before that, and on_denied after a denial.
        await sync_to_async(native.session.get)("")
        return await gate.admit_async(request)


def before(view: Callable[..., Any], gate: Gate, is_async: bool) -> Callable[..., Any]:
    """A view whose requests are first admitted by a gate, or answered."""
    called = holding(view, gate, is_async)
    return (_before_async if is_async else _before)(view, called, gate)


def _before(view: Callable[..., Any], called: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    @functools.wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        answer, ledger, _ = gate.admit(request_of(request))
        if answer is not None:
            return response_of(answer)
        reservation = _reservation_of(request)
        try:
            response = called(request, *args, **kwargs)
        except Exception as error:
            gate.respond(request, head_of_error_page(error))
            raise
        gate.note_served(request)
        if gate.gives_back and isinstance(response, HttpResponseBase):
            gate.respond(request, head_of(response.status_code, response.headers.items()))
        settle_at_end(request, response, reservation)
        return response if ledger is None else with_fields(ledger.fields(), response)

    return limited


def _before_async(
    view: Callable[..., Any], called: Callable[..., Any], gate: Gate
) -> Callable[..., Any]:
    @functools.wraps(view)
    async def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        answer, ledger, _ = await _admit_async(gate, request)
        if answer is not None:
            return response_of(answer)
        reservation = _reservation_of(request)
        try:
            response = await called(request, *args, **kwargs)
        except Exception as error:
            await gate.respond_async(request, head_of_error_page(error))
            raise
        except BaseException:  # the client disconnected: the view is cancelled, without a response
            if reservation is not None:
                await reservation.end_async(failed=False)
            raise
        gate.note_served(request)
        if gate.gives_back and isinstance(response, HttpResponseBase):
            head = head_of(response.status_code, response.headers.items())
            await gate.respond_async(request, head)
        settle_at_end(request, response, reservation)
        return response if ledger is None else with_fields(ledger.fields(), response)

    return limited


def _reservation_of(native: Any) -> RequestReservation | None:
    """The request's reservation, which is set as ``request.reservation`` for the view."""
    reservation = reserved_for(native)
    if reservation is not None:
        native.reservation = reservation
    return reservation
