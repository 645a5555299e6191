"""Answers as Starlette's responses, and the fields of the limits in an endpoint's own."""

from __future__ import annotations

import copy
from typing import Any

from starlette.responses import Response

from ratelimit_ddb.asgi.application import App, Receive, Scope, Send
from ratelimit_ddb.asgi.middleware import adding_fields, encoded_headers
from ratelimit_ddb.asgi.request_slots import call_while_held
from ratelimit_ddb.asgi.response_refund import call_and_respond
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.ledger import Ledger
from ratelimit_ddb.web.gate.request_slots import RequestSlots
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.response_head import ResponseHead, head_of_bytes


def response_of(answer: DenialResponse) -> Response:
    """An answer as Starlette sends it."""
    response = Response(answer.body, answer.status)
    response.raw_headers = encoded_headers(answer.headers)
    return response


def head_of_response(response: Response) -> ResponseHead:
    """What ``give_back`` is called with."""
    return head_of_bytes(response.status_code, response.raw_headers)


def responding(response: Any, gate: Gate) -> Any:
    """What an endpoint gave, telling the gate of its response where that is not known yet."""
    if response is None or isinstance(response, Response) or not gate.gives_back:
        return response

    async def responding_app(scope: Scope, receive: Receive, send: Send) -> None:
        await call_and_respond(response, scope, receive, send, gate.respond_async)

    return responding_app


def with_fields(response: Any, ledger: Ledger | None) -> Any:
    """What an endpoint gave, with the fields of all limits; the same where there are none."""
    if ledger is None or response is None:
        return response
    if not isinstance(response, Response):
        return _adding(response, ledger)
    # An endpoint may give the same response to all: each request needs fields of its own.
    copied = copy.copy(response)
    copied.raw_headers = [*response.raw_headers, *encoded_headers(ledger.fields())]
    vars(copied).pop("_headers", None)  # else the copy's ``headers`` would be the other's
    return copied


_OWN = ("_response", "_slots")
"""What a HeldResponse has besides the attributes of the response that it stands for."""


class HeldResponse(Response):
    """An endpoint's response, which holds slots until it is sent.

    It has the other's attributes, which decorators further out may read and change.
    """

    def __init__(self, response: Response, slots: RequestSlots) -> None:
        vars(self).update(vars(response))
        self._response = response
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and release the slots."""
        # An endpoint may give the same response to all, so that one stays as it is.
        response = copy.copy(self._response)
        # The other may hold slots of its own, of a further limit.
        changed = {name: value for name, value in vars(self).items() if name not in _OWN}
        vars(response).update(changed)
        await call_while_held(response, scope, receive, send, lambda: (self._slots,))


def while_held(response: Any, slots: RequestSlots) -> Any:
    """What an endpoint gave, holding slots until it is sent."""
    if isinstance(response, Response):
        return HeldResponse(response, slots)

    async def held_app(scope: Scope, receive: Receive, send: Send) -> None:
        await call_while_held(response, scope, receive, send, lambda: (slots,))

    return held_app


def _adding(app: App, ledger: Ledger) -> App:
    """Whatever else an endpoint gave: Starlette calls it, as it calls a response."""

    async def adding(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, adding_fields(ledger, send))

    return adding
