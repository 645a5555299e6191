"""A request's cookie of the sessions that the site had before (``sessions.previous``)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from sessions.cookie.cookie import Cookie
from sessions.cookie.headers import Headers
from sessions.cookie.token import MAX_COOKIES
from sessions.previous import PreviousSessions


@dataclass(slots=True)
class PreviousCookie:
    """The old cookie, taken over where the request has no session (``lifecycle/take_over.py``).

    There may be several of its name, as of the session's own: of another path, or set by another
    host of the domain. The first that leads to a session counts.

    Attributes:
        sessions: the sessions that the site had before.
        values: the cookies', in their order; the first three.
        is_removed: whether the response removes it.
    """

    sessions: PreviousSessions
    values: list[str]
    is_removed: bool = False

    @classmethod
    def of(cls, sessions: PreviousSessions, cookie_field: str | None) -> PreviousCookie | None:
        """The old cookie in a request's Cookie field; None if it is not there."""
        values = [value for value in sessions.cookie.values_in(cookie_field) if value]
        first = list(islice(dict.fromkeys(values), MAX_COOKIES))
        return cls(sessions, first) if first else None

    def headers(self, cookie: Cookie) -> Headers:
        """The field that removes it, if that is due, beside the session's own cookie."""
        old = self.sessions.cookie
        # One in the place of the session's own is overwritten by it, and may be already.
        if not self.is_removed or old.place == cookie.place:
            return []
        return [("set-cookie", old.cleared())]
