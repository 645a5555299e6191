"""How long sessions live: idle timeout and lifetime, enforced on reading, whatever TTL deleted.

Source: OWASP Session Management Cheat Sheet, "Session Expiration"; NIST SP 800-63B, 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from sessions.arguments import require_timeout_seconds

_MIN_TOUCH_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The idle timeout and the lifetime.

    ``Timeouts.of(3_600, 43_200)``: a session is over after an hour without a request, and in any
    case 12 hours after it was created.

    Attributes:
        idle_seconds: a session is over after so long without a request. Its use is noted once in
            ``touch_seconds`` only, so it may be over by that much sooner, and never later.
        lifetime_seconds: so long after its creation it is over, whatever was done in it.
        touch_seconds: between two notes of a session's use.
    """

    idle_seconds: int
    lifetime_seconds: int
    touch_seconds: int

    @classmethod
    def of(cls, idle_seconds: object, lifetime_seconds: object) -> Timeouts:
        """Those of an application; use is noted in a tenth of the idle time, at least 60 seconds.

        Raises:
            TypeError, ValueError: a timeout is not an int from 120 to 34,560,000, or the idle
                timeout is more than the lifetime.
        """
        idle = require_timeout_seconds("idle", idle_seconds)
        lifetime = require_timeout_seconds("lifetime", lifetime_seconds)
        if idle > lifetime:
            raise ValueError(f"idle must be at most the lifetime of {lifetime} seconds, not {idle}")
        return cls(idle, lifetime, max(_MIN_TOUCH_SECONDS, idle // 10))

    def expires_at(self, created_at: int, last_seen_at: int) -> int:
        """The epoch second when a session is over; all arguments are epoch seconds too."""
        return min(last_seen_at + self.idle_seconds, self.ends_at(created_at))

    def ends_at(self, created_at: int) -> int:
        """The epoch second when a session is over whatever is done in it."""
        return created_at + self.lifetime_seconds

    def touch_is_due(self, last_seen_at: int, now: int) -> bool:
        """Whether its use is to be noted again."""
        return now - last_seen_at >= self.touch_seconds
