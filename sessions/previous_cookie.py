"""A request's cookie of the sessions that the site had before (``sessions.previous``)."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from itertools import islice

from sessions.config.session_config import SessionConfig
from sessions.cookie.cookie import Cookie
from sessions.cookie.headers import Headers
from sessions.cookie.token import MAX_COOKIES
from sessions.lifecycle.take_over import TakenOver, end_untaken, take_over
from sessions.operations.driver import run, run_async
from sessions.operations.operation import Flow
from sessions.operations.row import Row
from sessions.previous import PreviousSessions


class PreviousCookie:
    """The old cookie, read and taken over where the request has no session.

    There may be several of its name, as of the session's own: of another path, or set by another
    host of the domain. The first that leads to a session counts.

    Args:
        config: the application's.
        previous: its ``previous``.
        values: the cookies', in their order.

    Attributes:
        values: the same; the first three.
    """

    __slots__ = ("_config", "_is_removed", "_previous", "values")

    def __init__(
        self, config: SessionConfig, previous: PreviousSessions, values: Iterable[str]
    ) -> None:
        self._config = config
        self._previous = previous
        self.values = list(islice(dict.fromkeys(values), MAX_COOKIES))
        self._is_removed = False

    @classmethod
    def of(cls, config: SessionConfig, cookie_field: str | None) -> PreviousCookie | None:
        """The old cookie in a request's Cookie field, if the site had one and it is there."""
        if config.previous is None:
            return None
        values = [value for value in config.previous.cookie.values_in(cookie_field) if value]
        return cls(config, config.previous, values) if values else None

    def take_over(self) -> TakenOver | None:
        """What became of it; None if it is worth nothing."""
        taken = None
        for value in self.values:
            read = self._previous.read(value)
            if isinstance(read, Awaitable):
                raise TypeError(
                    "previous.read must not be an async function: there is no event loop"
                )
            if read is not None:
                flow = take_over(self._config, self._previous, value, read)
                taken = run(flow, self._config.store, self._config.deadline_seconds)
                if self._is_found(taken):
                    break
        return taken

    async def take_over_async(self) -> TakenOver | None:
        """The same in an event loop."""
        taken = None
        for value in self.values:
            read = self._previous.read(value)
            if isinstance(read, Awaitable):
                read = await read
            if read is not None:
                flow = take_over(self._config, self._previous, value, read)
                taken = await run_async(flow, self._config.store, self._config.deadline_seconds)
                if self._is_found(taken):
                    break
        return taken

    def end(self, own: Row) -> Flow[None]:
        """Let it be worth nothing, since the session that the request had was logged out.

        Args:
            own: that session's row.
        """
        for value in self.values:
            yield from end_untaken(self._config, self._previous, value, own)
        self._is_removed = True

    def _is_found(self, taken: TakenOver) -> bool:
        """Whether a cookie led to a session, or to what took its place."""
        self._is_removed = taken.cookie_is_due
        return taken.loaded.row is not None or taken.loaded.replaced is not None

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
