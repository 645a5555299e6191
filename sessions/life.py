"""How long sessions live: idle timeout and lifetime, kept on reading whatever TTL has deleted yet.

Source: OWASP Session Management Cheat Sheet, "Session Expiration"; NIST SP 800-63B, 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass

SHORTEST_IDLE_SECONDS = 120
LONGEST_SECONDS = 400 * 86_400
"""What browsers cap a cookie's age at (RFC 6265bis, 5.5)."""

_LEAST_BETWEEN_TOUCHES_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Life:
    """The two timeouts.

    Attributes:
        idle_seconds: without a request for so long, a session is over. Its use is noted once in
            ``touch_seconds`` only, so it may be over by that much sooner, and never later.
        lifetime_seconds: so long after its start it is over, whatever was done in it.

    Raises:
        TypeError, ValueError: a timeout that can't hold, with the value and the rule.
    """

    idle_seconds: int
    lifetime_seconds: int

    def __post_init__(self) -> None:
        _require_seconds("idle", self.idle_seconds)
        _require_seconds("lifetime", self.lifetime_seconds)
        if self.idle_seconds > self.lifetime_seconds:
            raise ValueError(
                f"idle {self.idle_seconds}: at most the lifetime of {self.lifetime_seconds} seconds"
            )

    @property
    def touch_seconds(self) -> int:
        """Seconds between two notes of a session's use: 60, or a tenth of the idle timeout."""
        return max(_LEAST_BETWEEN_TOUCHES_SECONDS, self.idle_seconds // 10)

    def expires_at(self, created_at: int, last_seen_at: int) -> int:
        """The epoch second when a session is over; all arguments are epoch seconds too."""
        return min(last_seen_at + self.idle_seconds, self.ends_at(created_at))

    def ends_at(self, created_at: int) -> int:
        """The epoch second when a session is over whatever is done in it."""
        return created_at + self.lifetime_seconds

    def touch_is_due(self, last_seen_at: int, now: int) -> bool:
        """Whether its use is to be noted again."""
        return now - last_seen_at >= self.touch_seconds


def _require_seconds(what: str, seconds: object) -> None:
    if type(seconds) is not int:
        raise TypeError(f"{what} {seconds!r}: a whole number of seconds is needed")
    if not SHORTEST_IDLE_SECONDS <= seconds <= LONGEST_SECONDS:
        raise ValueError(
            f"{what} {seconds}: from {SHORTEST_IDLE_SECONDS} to {LONGEST_SECONDS} seconds is needed"
        )
