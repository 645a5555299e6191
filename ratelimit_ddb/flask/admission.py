"""The admission of a request, for the app's rules and for a view's limit."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import flask

from ratelimit_ddb.flask.request import current_request
from ratelimit_ddb.flask.response import handled_by_app, response_of, with_fields
from ratelimit_ddb.flask.response_end import at_end
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.ledger import Ledger, reserved_for
from ratelimit_ddb.web.gate.request_slots import RequestSlots
from ratelimit_ddb.web.gate.view_denials import note_denial
from ratelimit_ddb.web.response_head import ResponseHead, head_of, head_of_exception

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_LEDGER = "_ratelimit_ddb_ledger"
"""In ``flask.g``: the ledger whose fields are added to the response."""


def refusal(gate: Gate, *, is_final: bool = True) -> ResponseReturnValue | None:
    """The response to a denied request; otherwise None, and fields are added to the response.

    ``is_final`` is as for ``Gate.admit``.
    """
    answer, ledger, verdict = gate.admit(current_request(), is_final=is_final)
    if answer is None:
        if gate.gives_back:
            flask.after_this_request(functools.partial(_respond, gate))
        if ledger is not None:
            _add_fields_of(ledger)
        slots = gate.slots_of(flask.request)
        if slots is not None:
            at_end(functools.partial(_release, slots))
        reservation = reserved_for(flask.request.environ)
        if reservation is not None:
            flask.g.reservation = reservation
            at_end(reservation.end)
        return None
    response = response_of(answer)
    if gate.answers_itself:
        return response
    handled = handled_by_app(response, answer, verdict)
    if ledger is not None and not is_final:
        note_denial(ledger, handled.status_code)
    return handled


def _add_fields_of(ledger: Ledger) -> None:
    """Have the fields added to the response, once; a view that is called again has a new ledger."""
    is_first = _LEDGER not in flask.g
    setattr(flask.g, _LEDGER, ledger)
    if is_first:
        flask.after_this_request(_with_fields)


def _with_fields(response: flask.Response) -> flask.Response:
    return with_fields(flask.g.get(_LEDGER), response)


def _respond(gate: Gate, response: flask.Response) -> flask.Response:
    """Give tokens back by the response, before the fields are added."""
    gate.respond(flask.request, head_of(response.status_code, response.headers.items()))
    return response


def respond_to_exception(gate: Gate, exception: BaseException | None) -> None:
    """The same without a response: Flask propagates exceptions in debug mode."""
    if isinstance(exception, Exception) and gate.gives_back:
        gate.respond(flask.request, head_of_exception(exception))


def respond_to_nested(gate: Gate, head: ResponseHead | None) -> None:
    """Give tokens back by the response of a view that another view called.

    Nothing is given back if nobody knows it, as for an exception that the caller may handle.
    """
    if head is None:
        gate.keep(flask.request)
    else:
        gate.respond(flask.request, head)


def _release(slots: RequestSlots, *, failed: bool) -> None:  # noqa: ARG001 - whatever has ended it
    slots.release()
