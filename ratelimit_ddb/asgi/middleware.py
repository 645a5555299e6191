"""Rate limits in front of an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Unpack

from ddbwire.shared.web_application import Interface, require_application
from ratelimit_ddb.asgi.application import App, Message, Receive, Scope, Send
from ratelimit_ddb.asgi.request_slots import call_while_held
from ratelimit_ddb.asgi.response_refund import call_and_respond
from ratelimit_ddb.asgi.websocket import admitted_websocket, refuse_handshake
from ratelimit_ddb.operations.steps import run_steps_async
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.ledger import Ledger, reserved_for
from ratelimit_ddb.web.gate.options import GateOptions, shows_options
from ratelimit_ddb.web.gate.request_reservation import has_failed
from ratelimit_ddb.web.gate.view_denials import give_back_by_denial
from ratelimit_ddb.web.mounting import MountingOf
from ratelimit_ddb.web.request import of_scope
from ratelimit_ddb.web.response.denial_response import DenialResponse, Fields
from ratelimit_ddb.web.response.fields import fields_beside
from ratelimit_ddb.web.rules.rule_set import RulesLike

_BEGINS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class RateLimitMiddleware:
    """Answers 429 to requests over a limit, and adds to the others what is left.

    An admitted http request sees the server's own ``receive``; the limits' fields are added to its
    ``http.response.start``, and every other message passes as it is. A websocket's handshake is
    limited like a request, its incoming messages by the rules' ``messages``. Lifespan and whatever
    else there is pass untouched.

    Args:
        app: the application.
        store: a DynamoDBStore or a MemoryStore.
        rules: a Rule, several, or a RulesFile.
        root_path: where the application takes itself to be mounted, if it neither has that from the
            server nor shows it, as ``FastAPI(root_path=...)`` does: rules mean the paths below it
            too. See ``ratelimit_ddb.web.mounting``.
        options: see ``ratelimit_ddb.web.GateOptions``.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    @shows_options(GateOptions)
    def __init__(
        self,
        app: App,
        store: Store,
        rules: RulesLike,
        *,
        root_path: str | None = None,
        **options: Unpack[GateOptions],
    ) -> None:
        if root_path is not None and not isinstance(root_path, str):
            raise TypeError(f"root_path {root_path!r}: must be a str such as '/api'")
        require_application(app, Interface.ASGI, "ratelimit_ddb")
        self._app = app
        self._mounting = MountingOf(app, [root_path] if root_path else ())
        # That of an adapter's route_of() sees more of the routes than their templates.
        has_own_limits = getattr(options.get("endpoint_of"), "has_own_limits", None)
        self._gate = Gate(store, rules, options, has_own_limits=has_own_limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decide, and call the application or answer in its place."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            if scope["type"] == "websocket":
                await self._websocket(scope, receive, send)
                return
            answer, ledger, _ = await self._gate.admit_async(
                of_scope(scope, self._mounting.current())
            )
            if answer is not None:
                await _send(answer, send)
                return
            if ledger is not None:
                send = adding_fields(ledger, send)
            await self._call(scope, receive, send)
        finally:
            # What is noted in the scope is not to be seen by the server (ASGI, "Middleware").
            self._gate.forget(scope)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = of_scope(scope, self._mounting.current())
        answer, ledger, verdict = await self._gate.admit_async(request)
        if answer is not None:
            await refuse_handshake(answer, verdict, scope, receive, send)
            return
        charges = await self._gate.message_charges(request)
        channel = admitted_websocket(self._gate, charges, scope, receive, send)
        send = channel.send if ledger is None else adding_fields(ledger, channel.send)
        await self._call(scope, channel.receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and release what is held for the request at its response's end."""
        slots = self._gate.slots_of(scope)
        if slots is None:
            await self._call_and_settle(scope, receive, send)
            return
        await call_while_held(self._call_and_settle, scope, receive, send, lambda: (slots,))

    async def _call_and_settle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and settle when it is done what it reserved."""
        reservation = reserved_for(scope)
        if reservation is None:
            await self._respond(scope, receive, send)
            return
        statuses: list[int] = []
        state = scope.setdefault("state", {})
        state["reservation"] = reservation
        raised = False
        try:
            await self._respond(scope, receive, _noting(statuses, send))
        except Exception:  # not where it is cancelled, as the client may have gone
            raised = True
            raise
        finally:
            state.pop("reservation", None)
            status = statuses[0] if statuses else None
            await reservation.end_async(failed=has_failed(status, raised=raised))

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._gate.gives_back:
            await call_and_respond(self._app, scope, receive, send, self._gate.respond_async)
        else:
            await self._app(scope, receive, send)


def encoded_headers(fields: Fields) -> list[tuple[bytes, bytes]]:
    """Header fields as ASGI has them."""
    return [(name.encode(), value.encode()) for name, value in fields]


def adding_fields(ledger: Ledger, send: Send) -> Send:
    """``send``, with the fields of all limits added where the response starts.

    If the response is a denial by the limit of a view, what was taken for the request is given back
    first.
    """

    # No coroutine of its own, for which every message would pay: the caller awaits the server's.
    def send_with_fields(message: Message) -> Awaitable[None]:
        if message["type"] in _BEGINS:
            if ledger.denied_with and message.get("status") in ledger.denied_with:
                return _give_back_and_send(ledger, send, message)
            message = _with_fields(message, ledger)
        return send(message)

    return send_with_fields


async def _give_back_and_send(ledger: Ledger, send: Send, message: Message) -> None:
    """Give back what was taken for a denied request, then start its response."""
    await run_steps_async(give_back_by_denial(ledger))
    await send(_with_fields(message, ledger))


def _with_fields(message: Message, ledger: Ledger) -> Message:
    headers = [*map(tuple, message.get("headers", ()))]  # to be read twice
    # Neither a generator of names nor encoded_headers(), for both cost calls at each response.
    for name, value in fields_beside(map(_name, headers), ledger.fields()):
        headers.append((name.encode(), value.encode()))
    return {**message, "headers": headers}


def _name(field: tuple[bytes, bytes]) -> str:
    return field[0].decode("latin-1")


def _noting(statuses: list[int], send: Send) -> Send:
    """``send``, which notes the status of the response; of a websocket's, 101."""

    def noting(message: Message) -> Awaitable[None]:
        if message["type"] in _BEGINS:
            statuses.append(message.get("status", 101))
        return send(message)

    return noting


async def _send(answer: DenialResponse, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": encoded_headers(answer.headers),
        }
    )
    await send({"type": "http.response.body", "body": answer.body})
