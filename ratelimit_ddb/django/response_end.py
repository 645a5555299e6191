"""What ends with the response: slots are released, and a reservation is settled."""

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
    _at_end(request, response, slots.release)


def settle_at_end(
    request: HttpRequest, response: Any, reservation: RequestReservation | None
) -> None:
    """Have what a request reserved settled once its response is sent."""
    if reservation is not None and isinstance(response, HttpResponseBase):
        failed = has_failed(response.status_code, raised=False)
        _at_end(request, response, functools.partial(reservation.end, failed=failed))


def _at_end(request: HttpRequest, response: Any, end: Callable[[], object]) -> None:
    """Call ``end`` once the response is sent, streamed or not; blocking, as Django closes it.

    A middleware further out may send another response in its place, and then nobody closes this
    one: ConditionalGetMiddleware does, for a 304. Whatever is sent, Django closes the request with
    it. A view that is called without Django's handler has its response closed alone. What is no
    response yet is a value of which a decorator further out makes one, as Django Ninja does.
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
