"""One asyncio connection: a protocol that carries one exchange at a time."""

import asyncio
from time import monotonic_ns
from typing import cast

from ddbwire.connections.keep_alive import AGE_NS, IDLE_NS
from ddbwire.connections.readiness import Wait, until_readable
from ddbwire.connections.response_reader import PARSE_ERRORS, ResponseReader
from ddbwire.steps import NOT_SENT_IN_TIME, TIMED_OUT, HTTPResponse, NoResponse


class AsyncConnection(asyncio.Protocol):
    """Carries one exchange at a time. It belongs to whoever took it from the pool.

    One timer serves all exchanges. It is set if it is not pending. When it goes off, it checks
    whether the current exchange is due, and is set again if not.
    """

    __slots__ = (
        "_deadline_ns",
        "_expires_ns",
        "_idle_until_ns",
        "_loop",
        "_readable",
        "_reader",
        "_response",
        "_timer",
        "_timer_ns",
        "_transport",
        "_used",
        "usable",
    )

    _readable: Wait

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader = ResponseReader()
        self._response: asyncio.Future[HTTPResponse | NoResponse] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._deadline_ns = 0
        now_ns = monotonic_ns()
        self._expires_ns = now_ns + AGE_NS
        self._idle_until_ns = now_ns + IDLE_NS
        self._used = False
        self.usable = False
        """Whether it may carry another exchange."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop once connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._readable = until_readable(transport.get_extra_info("socket"))
        self.usable = True

    def is_available(self, *, repeatable: bool) -> bool:
        """Whether it is still open, and neither old nor long idle.

        The loop tells when the other side closes it, but not between two runs of the loop, or while
        something blocks it. So the socket is checked before a request that may not be sent again.
        """
        return (
            self.usable
            and monotonic_ns() < self._idle_until_ns
            and (repeatable or not self._readable(0))
        )

    def exchange(
        self, request: bytes, deadline_ns: int
    ) -> "asyncio.Future[HTTPResponse | NoResponse]":
        """Send a request; its response, or a failure, is the future's result."""
        response = self._response = self._loop.create_future()
        if monotonic_ns() >= deadline_ns:
            self._end(NOT_SENT_IN_TIME)
        elif self.usable and self._transport is not None:
            self.usable = False
            self._deadline_ns = deadline_ns
            if self._timer is None or deadline_ns < self._timer_ns:
                self._set_timer(deadline_ns)
            self._transport.write(request)
        else:
            self._end(NoResponse("the connection was closed", sent=False))
        return response

    def data_received(self, data: bytes) -> None:
        """Called by the loop with what has arrived."""
        if self._response is None:
            # No request is under way: these bytes could be taken for the next response.
            self.abort()
            return
        reader = self._reader
        try:
            reader.feed(data)
            if not reader.complete:
                reader.require_bounded(len(data))
        except PARSE_ERRORS as error:
            self._end(NoResponse(repr(error), sent=True))
            return
        if reader.complete:
            received = reader.take()
            self.usable = reader.keep_alive
            self._used = True
            self._idle_until_ns = min(monotonic_ns() + IDLE_NS, self._expires_ns)
            self._end(received)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop once the connection is closed."""
        self.usable = False
        if exc is None and self._response is not None and self._reader.end():
            self._end(self._reader.take())
        else:
            cause = "the connection was closed" if exc is None else repr(exc)
            self._end(NoResponse(cause, sent=True, stale=self._used and not self._reader.started))
        self._stop_timer()

    def abort(self) -> None:
        """Close at once, without sending what is not sent yet."""
        self.usable = False
        self._response = None
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    def _end(self, result: HTTPResponse | NoResponse) -> None:
        response = self._response
        # It is done already if it was cancelled, and ``abort`` was not called yet.
        if response is not None and not response.done():
            response.set_result(result)
        # Only now: after an exception above, the next call can still end the exchange.
        self._response = None

    def _set_timer(self, when_ns: int) -> None:
        self._stop_timer()
        self._timer_ns = when_ns
        self._timer = self._loop.call_later(
            max(0, when_ns - monotonic_ns()) / 1e9, self._timer_went_off
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _timer_went_off(self) -> None:
        self._timer = None
        try:
            if self._response is not None and monotonic_ns() < self._deadline_ns:
                self._set_timer(self._deadline_ns)
        finally:
            if self._timer is None:
                self._end(TIMED_OUT)
