"""Decisions on a websocket after its handshake, which are about a message."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketState

from ratelimit_ddb.web.gate.ledger import LedgerGate, begin_message


def begin_message_if_accepted(connection: HTTPConnection, gate: LedgerGate) -> None:
    """Note that a gate decides on a message, if the handshake is over."""
    if isinstance(connection, WebSocket) and not in_handshake(connection):
        begin_message(connection.scope, gate)


def in_handshake(websocket: WebSocket) -> bool:
    """Whether the handshake of a websocket is not answered yet."""
    return websocket.application_state is WebSocketState.CONNECTING
