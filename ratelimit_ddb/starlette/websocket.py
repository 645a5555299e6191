"""Websockets that were accepted: what is decided then is about a message."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketState

from ratelimit_ddb.web.gate.ledger import LedgerGate, begin_message


def begin_message_if_accepted(connection: HTTPConnection, gate: LedgerGate) -> None:
    """Note it where a gate decides on a websocket whose handshake is over."""
    if not isinstance(connection, WebSocket):
        return
    if connection.application_state is not WebSocketState.CONNECTING:
        begin_message(connection.scope, gate)
