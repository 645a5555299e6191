"""How many sessions a user may have at once, and what happens to one too many."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.config.timeouts import Timeouts

MAX_SESSIONS_PER_USER = 100
"""A login reads and writes the ids of all counted sessions in one transaction."""


@dataclass(frozen=True, slots=True)
class MaxSessions:
    """The limit on a user's sessions.

    Attributes:
        most: how many a user may have at once, in one application.
        refuses: whether a login beyond the limit is refused; otherwise the oldest session ends.
        timeouts: the application's; a session that is over by them does not count.
    """

    most: int
    refuses: bool
    timeouts: Timeouts

    @classmethod
    def of(cls, most: object, on_max_sessions: object, timeouts: Timeouts) -> MaxSessions | None:
        """The limit that the options set; None for no limit.

        Raises:
            TypeError, ValueError: ``most`` is not None or an int from 1 to 100, or
                ``on_max_sessions`` is neither "end_oldest" nor "refuse", or "refuse" without
                ``most``.
        """
        if on_max_sessions not in ("end_oldest", "refuse"):
            raise ValueError(
                f"on_max_sessions must be 'end_oldest' or 'refuse', not {on_max_sessions!r}"
            )
        if most is None:
            if on_max_sessions == "refuse":
                raise ValueError("on_max_sessions='refuse' needs max_sessions_per_user")
            return None
        if type(most) is not int:
            raise TypeError(f"max_sessions_per_user must be an int or None, not {most!r}")
        if not 1 <= most <= MAX_SESSIONS_PER_USER:
            raise ValueError(
                f"max_sessions_per_user must be from 1 to {MAX_SESSIONS_PER_USER}, not {most}"
            )
        return cls(most, on_max_sessions == "refuse", timeouts)
