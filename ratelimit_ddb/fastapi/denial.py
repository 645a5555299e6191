"""What a RateLimit raises for a request over its limits."""

from __future__ import annotations

from fastapi import HTTPException, WebSocket, WebSocketException
from fastapi.requests import HTTPConnection
from starlette.websockets import WebSocketState

from ratelimit_ddb.asgi.websocket import close_of
from ratelimit_ddb.web.response.denial import denial_of, sentence
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.rules.verdict import Verdict

_OF_THE_BODY = ("content-type", "content-length", "vary")


class RateLimitExceeded(HTTPException):
    """What RateLimit raises for a request over its limits.

    FastAPI answers it as any HTTPException, with ``{"detail": ...}`` and the fields of the denial;
    after ``install`` the answer itself is sent.

    Attributes:
        answer: the whole answer, in the form that the client's ``Accept`` prefers.
        verdict: what was decided.
    """

    def __init__(self, answer: DenialResponse, verdict: Verdict) -> None:
        fields = {name: value for name, value in answer.headers if name not in _OF_THE_BODY}
        super().__init__(answer.status, sentence(denial_of(verdict)), fields)
        self.answer = answer
        self.verdict = verdict


async def denial_exception(
    connection: HTTPConnection, answer: DenialResponse, verdict: Verdict
) -> Exception:
    """What a RateLimit raises for a denied request, or handshake of a websocket."""
    if not isinstance(connection, WebSocket):
        return RateLimitExceeded(answer, verdict)
    if connection.client_state is WebSocketState.CONNECTING:
        await connection.receive()  # until this was taken, servers may not take an answer
    accepted = connection.application_state is not WebSocketState.CONNECTING
    if accepted or "websocket.http.response" not in (connection.scope.get("extensions") or {}):
        close = close_of(verdict)
        return WebSocketException(close["code"], close["reason"])
    return RateLimitExceeded(answer, verdict)
