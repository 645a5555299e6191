"""A request's cookie of the sessions that the site had before (``sessions.previous``)."""

from __future__ import annotations

from collections.abc import Awaitable

from sessions.config.session_config import SessionConfig
from sessions.cookie.cookie import Cookie
from sessions.cookie.headers import Headers
from sessions.lifecycle.take_over import TakenOver, take_over
from sessions.operations.driver import run, run_async
from sessions.previous import PreviousSessions


class PreviousCookie:
    """The old cookie, read and taken over where the request has no session.

    Args:
        config: the application's.
        previous: its ``previous``.
        value: the cookie's.

    Attributes:
        value: the cookie's.
    """

    __slots__ = ("_config", "_is_removed", "_previous", "value")

    def __init__(self, config: SessionConfig, previous: PreviousSessions, value: str) -> None:
        self._config = config
        self._previous = previous
        self.value = value
        self._is_removed = False

    @classmethod
    def of(cls, config: SessionConfig, cookie_header: str | None) -> PreviousCookie | None:
        """The old cookie in a request's Cookie field, if the site had one and it is there."""
        if config.previous is None:
            return None
        values = config.previous.cookie.values_in(cookie_header)
        return cls(config, config.previous, values[0]) if values else None

    def take_over(self) -> TakenOver | None:
        """What became of it; None if it is worth nothing."""
        values = self._previous.read(self.value)
        if isinstance(values, Awaitable):
            raise TypeError("previous.read must not be an async function: there is no event loop")
        if values is None:
            return None
        flow = take_over(self._config, self._previous, self.value, values)
        taken = run(flow, self._config.store, self._config.deadline_seconds)
        self._is_removed = taken.cookie_is_due
        return taken

    async def take_over_async(self) -> TakenOver | None:
        """The same in an event loop."""
        values = self._previous.read(self.value)
        if isinstance(values, Awaitable):
            values = await values
        if values is None:
            return None
        flow = take_over(self._config, self._previous, self.value, values)
        taken = await run_async(flow, self._config.store, self._config.deadline_seconds)
        self._is_removed = taken.cookie_is_due
        return taken

    def headers(self, cookie: Cookie) -> Headers:
        """The field that removes it, if that is due, beside the session's own cookie."""
        old = self._previous.cookie
        # One in the place of the session's own is overwritten by it, and may be already.
        if not self._is_removed or _place(old) == _place(cookie):
            return []
        return [("set-cookie", old.cleared())]


def _place(cookie: Cookie) -> tuple[str, str, str | None]:
    """What a browser tells cookies apart by (RFC 6265bis, 5.7)."""
    return cookie.name, cookie.path, cookie.domain
