"""A circuit breaker: in a long outage, few requests wait for the table to read their session.

Without it, every request with a session's cookie would wait for its deadline, which occupies all
threads of a server.

    closed   sessions are read. The third request in a row without an answer opens the breaker.
    open     a session is read once a second, by a request that waits for its deadline; all others
             get StoreUnavailable at once. Any answer closes it.

Other operations are always sent: a login, a logout or a revocation must not fail because the table
was out of reach a second ago. Any reply closes it, also a refusal; a throttled key counts as one,
since the table serves other keys. A fork starts with its parent's state.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ddbwire.errors import KeyThrottled
from sessions.errors import StoreUnavailable

OUTAGES_TO_OPEN = 3
PROBE_INTERVAL_NS = 1_000_000_000


class Breaker:
    """Decides whether a session is read from the table.

    Args:
        monotonic_ns: the process's monotonic clock, or a test's.
    """

    # No lock: if threads count at the same time, it opens one request sooner or later.
    __slots__ = (
        "_is_open",
        "_last",
        "_monotonic_ns",
        "_next_probe_ns",
        "_opened_at_ns",
        "_outages",
    )

    def __init__(self, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._monotonic_ns = monotonic_ns
        self._is_open = False
        self._outages = 0
        self._last = ""
        self._opened_at_ns = self._next_probe_ns = 0

    def require_may_read(self, store: object) -> None:
        """Check that a session may be read now.

        Raises:
            StoreUnavailable: the last requests got no answer.
        """
        if not self._is_open:
            return
        now_ns = self._monotonic_ns()
        if now_ns < self._next_probe_ns:
            raise StoreUnavailable(
                f"{store!r}: not asked, as the last {self._outages} got no answer: {self._last}"
            )
        self._next_probe_ns = now_ns + PROBE_INTERVAL_NS

    def answered(self, store: object) -> None:
        """Note that the table gave an answer."""
        if not self._outages:
            return
        was_open, self._is_open, self._outages = self._is_open, False, 0
        if was_open:
            lasted_ns = self._monotonic_ns() - self._opened_at_ns
            _warn("%s: it answers again, after %.1f s; sessions are read", store, lasted_ns / 1e9)

    def failed(self, store: object, error: Exception) -> None:
        """Note a failed request: an outage, or an error that the table replied with."""
        if isinstance(error, KeyThrottled) or not isinstance(error, StoreUnavailable):
            self.answered(store)
            return
        self._outages += 1
        self._last = str(error)
        if self._is_open or self._outages < OUTAGES_TO_OPEN:
            return
        self._is_open, self._opened_at_ns = True, self._monotonic_ns()
        self._next_probe_ns = self._opened_at_ns + PROBE_INTERVAL_NS
        _warn(
            "%s: no answer to %d requests in a row; until it answers, sessions are read at most "
            "once a second, and otherwise unavailable at once. The last: %s",
            store,
            OUTAGES_TO_OPEN,
            self._last,
        )


def _warn(message: str, store: object, *facts: str | float) -> None:
    """Log a warning, without a reference to the store: handlers may keep records for long."""
    import logging  # importing this package does not need it

    logging.getLogger("sessions").warning(message, repr(store), *facts)
