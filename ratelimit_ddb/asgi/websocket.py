"""Websockets: handshakes that are refused, and connections whose messages are limited.

Source: the ASGI specification, "WebSocket" and "WebSocket Denial Response"; RFC 6455, 5.5 (frames)
and 7.4.1 (close codes); close code 1013 is "Try Again Later" in IANA's registry of close codes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from ratelimit_ddb.asgi.application import Message, Receive, Send
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.ledger import KEY_OF_MESSAGES, Ledger
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.response.fields import retry_after_seconds
from ratelimit_ddb.web.rules.verdict import FOR_GOOD, Charge, Verdict

_NORMAL_CLOSURE = 1000
"""The code of a close without one."""
_POLICY_VIOLATION = 1008
"""The code of a denial for good: clients come again after 1013."""
_TRY_AGAIN_LATER = 1013
_LONGEST_REASON = 123
"""Bytes: a control frame has 125 at most, two of which are the code. Servers raise at more."""
_DISCONNECT = "websocket.disconnect"
_DENIAL = "websocket.http.response"


class Channel(NamedTuple):
    """The callables that an application is called with instead of the server's."""

    receive: Receive
    send: Send


async def refuse_handshake(
    answer: DenialResponse, verdict: Verdict, scope: Message, receive: Receive, send: Send
) -> None:
    """Answer a handshake that is over a limit.

    With the whole answer where the server can send one, else by a close, which servers turn into a
    403 of their own before the connection is accepted.
    """
    await receive()  # websocket.connect: until it was taken, servers may not take an answer
    if _DENIAL not in (scope.get("extensions") or {}):
        await send(close_of(verdict))
        return
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    await send({"type": f"{_DENIAL}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{_DENIAL}.body", "body": answer.body})


def admitted_websocket(
    gate: Gate, charges: list[Charge], scope: Message, receive: Receive, send: Send
) -> Channel:
    """The callables of a connection whose messages take ``charges`` each.

    At the first message over a limit the connection is closed with code 1013. Instead of the
    message the application receives a disconnect; sending after that raises OSError, as for a
    client that has disconnected. What an outer middleware took for the message is given back.

    While the message is decided on, another task of the application may close the connection, and
    the client may go. Neither of them is closed once more.
    """
    if not charges:
        return Channel(receive, send)
    ledger: Ledger = scope.setdefault(KEY_OF_MESSAGES, Ledger(gate))
    closed = False
    closed_by_application: Message | None = None

    async def limited_receive() -> Message:
        nonlocal closed
        message = await receive()
        if closed or message["type"] != "websocket.receive":
            return message
        if ledger.creator is gate:  # the outermost one: it is another message
            ledger.entries.clear()
        verdict = await gate.admit_message(charges, ledger)
        if verdict.allowed:
            return message
        if closed_by_application is not None:
            return {"code": _NORMAL_CLOSURE, **closed_by_application, "type": _DISCONNECT}
        closed = True
        close = close_of(verdict)
        with suppress(OSError):  # the client has gone
            await send(close)
        return {**close, "type": _DISCONNECT}

    async def open_send(message: Message) -> None:
        nonlocal closed_by_application
        if closed:
            raise ConnectionAbortedError("the websocket was closed: over the limit on messages")
        if message["type"] == "websocket.close":
            closed_by_application = message
        await send(message)

    return Channel(limited_receive, open_send)


def close_of(verdict: Verdict) -> dict[str, Any]:
    """The close of a connection that is denied, with the reason."""
    decision = verdict.longest.decision
    if decision.source == "outage":
        why = "rate limits can't be checked just now"
    elif decision.source == "throttled":
        why = "too many requests at once"
    elif decision.source == "listed":
        why = "this client is not let through"
    elif decision.source == "blocked":
        why = "blocked after too many requests over a limit"
    else:
        why = f"over the limit of {decision.limit}"
    code = _POLICY_VIOLATION
    if decision.source not in FOR_GOOD:
        why = f"{why}; retry after {retry_after_seconds(decision)} s"
        code = _TRY_AGAIN_LATER
    return {"type": "websocket.close", "code": code, "reason": why[:_LONGEST_REASON]}
