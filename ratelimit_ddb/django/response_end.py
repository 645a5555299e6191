"""Releases slots and settles a reservation at the end of the response."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.request_reservation import RequestReservation, has_failed
from ratelimit_ddb.web.gate.request_slots import RequestSlots


def holding(view: Callable[..., Any], gate: Gate, is_async: bool) -> Callable[..., Any]:
    """A view with the request's slots held until its response is sent."""

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
        except BaseException:  # the client disconnected: the view is cancelled
            await slots.release_async()
            raise
        _release_at_end(request, response, slots)
        return response

    return holding_async if is_async else holding


def _release_at_end(request: HttpRequest, response: Any, slots: RequestSlots) -> None:
    _at_end(request, response, slots.release)


def settle_at_end(
    request: HttpRequest, response: Any, reservation: RequestReservation | None
) -> None:
    """Settle the request's reservation after its response is sent."""
    if reservation is not None and isinstance(response, HttpResponseBase):
        failed = has_failed(response.status_code, raised=False)
        _at_end(request, response, functools.partial(reservation.end, failed=failed))


def _at_end(request: HttpRequest, response: Any, end: Callable[[], object]) -> None:
    """Call ``end`` after the response is sent, streamed or not. It may block, as close() may.

    An outer middleware may send another response instead, as ConditionalGetMiddleware does for a
    304; then this one is not closed, but Django closes the request with the response that it sends.
    If the view is called without Django's handler, only its response is closed. A value that is not
    a response is one of which an outer decorator makes a response, as Django Ninja does.
    """
    for one in (response, request):
        if one is request or isinstance(one, HttpResponseBase):
            one.close = _closing(one.close, end)  # there is no other hook


def _closing(close: Callable[[], object], end: Callable[[], object]) -> Callable[[], None]:
    def close_and_end() -> None:
        try:
            close()
        finally:
            end()

    return close_and_end
