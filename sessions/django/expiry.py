"""Django's ``set_expiry``: a session's own timeouts, enforced on the server.

Django stores it in the session's data: seconds without use, a date and time in ISO 8601, or 0 for a
cookie that ends with the browser's own session.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sessions.config.timeouts import Timeouts
from sessions.operations.row import Row

EXPIRY = "_session_expiry"


def is_over(site: Timeouts, expiry: Any, row: Row, now: int) -> bool:
    """Whether a session that was read is over by its own expiry, or by the site's idle timeout."""
    if isinstance(expiry, str):
        return now >= _epoch_seconds(expiry)
    return bool(now >= row.last_seen_at + (expiry or site.idle_seconds))


def timeouts_of(site: Timeouts, expiry: Any, now: int) -> Timeouts:
    """The timeouts for saving a session, so that its row lasts as long as its expiry.

    Its use is noted once in a tenth of its own seconds, so it ends at most that much too soon.
    """
    if not expiry:
        return site
    if isinstance(expiry, str):
        # It is over at that time, used or not.
        return replace(site, idle_seconds=int(_epoch_seconds(expiry)) - now)
    seconds = int(expiry)
    return replace(site, idle_seconds=seconds, touch_seconds=max(1, seconds // 10))


def cookie_end(expiry: Any, *, at_browser_close: bool) -> str:
    """Until when the cookie is kept: the browser's end, a date, or the end of the lifetime.

    Args:
        expiry: the session's own expiry.
        at_browser_close: the setting SESSION_EXPIRE_AT_BROWSER_CLOSE.
    """
    if expiry == 0 or (expiry is None and at_browser_close):
        return "the browser's end"
    return expiry if isinstance(expiry, str) else "the end of the lifetime"


def require_within(site: Timeouts, lifetime_seconds: int, seconds: float) -> None:
    """Refuse an expiry that the session's lifetime would cut short.

    Args:
        site: the site's timeouts.
        lifetime_seconds: the session's lifetime.
        seconds: the expiry, from now.

    Raises:
        ValueError: it is later than the lifetime; the message has both.
    """
    if seconds > lifetime_seconds:
        if seconds > site.max_lifetime_seconds:
            way_out = "raise SESSIONS['LIFETIME'] or SESSIONS['MAX_LIFETIME']"
        else:
            way_out = f"set request.session.lifetime = {seconds:.0f} before, at the login"
        raise ValueError(
            f"set_expiry must be at most {lifetime_seconds} seconds from now, not "
            f"{seconds:.0f}; {way_out}"
        )


def _epoch_seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
