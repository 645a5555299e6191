"""What ``set_expiry`` gives a session: timeouts of its own, kept on the server.

Django notes it in the session's data: seconds without use, a date and time in ISO 8601, or 0 for a
cookie that is gone with the browser's own session.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sessions.life import SHORTEST_IDLE_SECONDS, Life
from sessions.row import Row

EXPIRY = "_session_expiry"


def is_over(site: Life, expiry: Any, row: Row, now: int) -> bool:
    """Whether a session that was read is over by its own expiry, or by the site's idle timeout."""
    if isinstance(expiry, str):
        return now >= _epoch_seconds(expiry)
    return bool(now >= row.last_seen_at + (expiry or site.idle_seconds))


def life_of(site: Life, expiry: Any, now: int) -> Life:
    """What a session is written by, so that its row is over when it is, and no sooner.

    A row stays for at least the shortest idle timeout there is; ``is_over`` tells sooner.
    """
    if not expiry:
        return site
    seconds = _epoch_seconds(expiry) - now if isinstance(expiry, str) else int(expiry)
    idle_seconds = min(max(int(seconds), SHORTEST_IDLE_SECONDS), site.lifetime_seconds)
    return Life(idle_seconds, site.lifetime_seconds)


def require_within(site: Life, seconds: float) -> None:
    """Refuse an expiry that the site's lifetime would cut short.

    Raises:
        ValueError: with the seconds and the lifetime.
    """
    if seconds > site.lifetime_seconds:
        raise ValueError(
            f"set_expiry: {seconds:.0f} seconds from now, and a session lives for at most "
            f"{site.lifetime_seconds}: SESSIONS['LIFETIME'] may be more"
        )


def _epoch_seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
