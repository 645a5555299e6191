"""Starlette responses: of a denial, and with the fields of limits."""

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
from ratelimit_ddb.web.response.fields import fields_beside
from ratelimit_ddb.web.response_head import ResponseHead, head_of_bytes


def response_of(answer: DenialResponse) -> Response:
    """The response to a denied request, as a Starlette response."""
    response = Response(answer.body, answer.status)
    response.raw_headers = encoded_headers(answer.headers)
    return response


def head_of_response(response: Response) -> ResponseHead:
    """The status and headers of a response, for ``give_back``."""
    return head_of_bytes(response.status_code, response.raw_headers)


def responding(response: Any, gate: Gate) -> Any:
    """The result of an endpoint; an application reports its response to the gate when called."""
    if response is None or isinstance(response, Response) or not gate.gives_back:
        return response

    async def responding_app(scope: Scope, receive: Receive, send: Send) -> None:
        await call_and_respond(response, scope, receive, send, gate.respond_async)

    return responding_app


def with_fields(response: Any, ledger: Ledger | None) -> Any:
    """The result of an endpoint, with the fields of all limits."""
    if ledger is None or response is None:
        return response
    if not isinstance(response, Response):
        return _adding(response, ledger)
    # An endpoint may return one response for all requests, but each has fields of its own.
    copied = copy.copy(response)
    fields = fields_beside(response.headers, ledger.fields())
    copied.raw_headers = [*response.raw_headers, *encoded_headers(fields)]
    vars(copied).pop("_headers", None)  # made of raw_headers when it is first read
    return copied


_OWN = ("_response", "_slots")
"""The attributes of a HeldResponse that the wrapped response does not have."""


class HeldResponse(Response):
    """Wraps an endpoint's response, and holds slots until it is sent.

    It has the attributes of that response, which outer decorators may read and change.
    """

    def __init__(self, response: Response, slots: RequestSlots) -> None:
        vars(self).update(vars(response))
        self._response = response
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and release the slots."""
        # Copied, since an endpoint may return one response for all requests.
        response = copy.copy(self._response)
        # The wrapped response may be a HeldResponse of another limit.
        changed = {name: value for name, value in vars(self).items() if name not in _OWN}
        vars(response).update(changed)
        await call_while_held(response, scope, receive, send, lambda: (self._slots,))


def while_held(response: Any, slots: RequestSlots) -> Any:
    """The result of an endpoint, holding slots until it is sent."""
    if isinstance(response, Response):
        return HeldResponse(response, slots)

    async def held_app(scope: Scope, receive: Receive, send: Send) -> None:
        await call_while_held(response, scope, receive, send, lambda: (slots,))

    return held_app


def _adding(app: App, ledger: Ledger) -> App:
    """An application that an endpoint returned: Starlette calls it as it calls a response."""

    async def adding(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, adding_fields(ledger, send))

    return adding
