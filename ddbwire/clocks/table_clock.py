"""The table's clock, derived from the ``Date`` of its responses.

A response with ``Date: d`` (whole seconds, truncated) whose request was sent at local time ``sent``
and which had arrived at ``received`` was made between the two, at a table time in [d, d + 1 s). So
the offset of the table's clock from the local one lies in (d - received, d + 1 s - sent), and in
the intersection of these intervals over all responses.

A response that contradicts the earlier ones, or the first one the host's clock, changes nothing
until the next one agrees with it. So a single wrong Date is ignored, if it is wrong by more than a
second, which is how exact a Date is, and a wrong clock is corrected by the second response. A Date
more than a day from the host's clock is always ignored.

The offset in use is 0 if the intersection holds 0: a host whose clock is right is never corrected.
Otherwise it is the lowest in it, so that the remaining error makes the host late. An early host
would be the first to take every token (docs/decisions/003). Only a clock that is fast by less than
_CAUTION_NS is set back at most _CAUTION_NS further than the responses require.
"""

import threading
import time
from collections.abc import Callable

_SECOND_NS = 1_000_000_000
_UNBOUNDED_NS = 1 << 80
_UNBOUNDED = (-_UNBOUNDED_NS, _UNBOUNDED_NS)
_GENERATION_NS = 120 * _SECOND_NS
_SLIGHT_NS = 100_000_000
_DRIFT_PPM = 500
"""How far one response may move the offset without a second one: no drifting clock moves more.

It is how much the kernel's clock discipline may slew a clock. Source: adjtimex(2).
"""
_CAUTION_NS = 100_000_000
_DAY_NS = 86_400 * _SECOND_NS
"""A Date that differs more from the host's clock is ignored, even if others confirm it."""
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class TableClock:
    """Nanoseconds since the epoch, by the clock of the table's endpoint.

    Local time is the wall clock as it stood at construction, carried on by the monotonic clock:
    a step of the host's clock changes nothing. Safe to use from several threads.

    Bounds on the offset are kept in two generations of two minutes; as a generation ends, the
    one before it is forgotten. So what is known is two to four minutes old at most, and a slow
    drift of either clock is followed.
    """

    __slots__ = (
        "_base_ns",
        "_believed",
        "_doubt_ns",
        "_earlier",
        "_generation_ends_ns",
        "_high_ns",
        "_lock",
        "_low_ns",
        "_parsed",
        "_suspect",
        "known",
        "local_base_ns",
        "monotonic_ns",
        "wall_ns",
    )

    def __init__(self, local_ns: Callable[[], int] | None = None) -> None:
        """Take local time from ``local_ns``; by default, the host's clock, read once, now."""
        # The functions themselves, as a decision reads the time several times.
        self.monotonic_ns = time.monotonic_ns if local_ns is None else local_ns
        """Reads the host's monotonic clock, in nanoseconds from any origin."""
        self.wall_ns = time.time_ns if local_ns is None else local_ns
        """Reads the host's wall clock as it is: it steps, and it goes on in a suspension."""
        self.local_base_ns = time.time_ns() - time.monotonic_ns() if local_ns is None else 0
        """What makes local time of a reading of the monotonic clock."""
        self.known = False
        """Whether the offset comes from a response of the table."""
        self._base_ns = self.local_base_ns
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another.
        self._lock = threading.RLock()
        self._parsed: tuple[bytes, int | None] = (b"", None)
        self._doubt_ns = 0
        self._believed = (0, 0)
        self._suspect: tuple[int, int] | None = None
        self._earlier = _UNBOUNDED
        self._low_ns, self._high_ns = self._earlier
        self._generation_ends_ns = self.local_ns() + _GENERATION_NS

    def now_ns(self) -> int:
        """The table's time."""
        return self.monotonic_ns() + self._base_ns

    def local_ns(self) -> int:
        """The host's time, uncorrected, as for ``observe``."""
        return self.monotonic_ns() + self.local_base_ns

    @property
    def doubted(self) -> bool:
        """Whether the last response contradicts what is known, and the next one decides."""
        return self._suspect is not None

    @property
    def offset_ns(self) -> int:
        """How far the table's clock is ahead of the local one, as far as it is known."""
        return self._base_ns - self.local_base_ns

    @property
    def uncertainty_ns(self) -> int | None:
        """How wide the interval is in which the true offset lies; None when no Date was seen."""
        low_ns, high_ns = self._bounds()
        if high_ns >= _UNBOUNDED_NS:
            return None
        return high_ns - low_ns + self._doubt_ns

    def observe(self, date: bytes, sent_ns: int, received_ns: int) -> None:
        """Learn from a response's ``Date`` header (IMF-fixdate, RFC 9110 section 5.6.7).

        ``sent_ns`` and ``received_ns`` are readings of ``local_ns()`` from before the request was
        sent and after the response had arrived. A date that can't be read is ignored, and so is one
        more than a day from the host's clock.
        """
        parsed = self._parsed
        if parsed[0] != date:
            # One tuple, so that another thread never pairs this date with that time.
            self._parsed = parsed = (date, _parse(date))
        date_ns = parsed[1]
        if date_ns is None:
            return
        low_ns = date_ns - received_ns
        high_ns = date_ns + _SECOND_NS - sent_ns
        if (
            low_ns > self._low_ns
            or high_ns < self._high_ns
            or received_ns >= self._generation_ends_ns
            or self._suspect is not None
        ) and abs(date_ns - self.wall_ns()) <= _DAY_NS:
            with self._lock:
                self._learn(low_ns, high_ns, received_ns)

    def trust_local(self) -> None:
        """Count the clock as known though the endpoint sends no Date: it is the local time then."""
        self.known = True

    def renew_lock(self) -> None:
        """Replace the lock in a forked child: a thread of the parent may have held it."""
        self._lock = threading.RLock()

    def _bounds(self) -> tuple[int, int]:
        earlier_low_ns, earlier_high_ns = self._earlier
        return max(earlier_low_ns, self._low_ns), min(earlier_high_ns, self._high_ns)

    def _learn(self, low_ns: int, high_ns: int, received_ns: int) -> None:
        slight_ns = _SLIGHT_NS
        if self.known:
            silence_ns = received_ns - self._generation_ends_ns + _GENERATION_NS
            slight_ns += silence_ns * _DRIFT_PPM // 1_000_000
        if received_ns >= self._generation_ends_ns:
            recent = received_ns < self._generation_ends_ns + _GENERATION_NS
            self._earlier = (self._low_ns, self._high_ns) if recent else _UNBOUNDED
            self._low_ns, self._high_ns = _UNBOUNDED
            self._generation_ends_ns = received_ns + _GENERATION_NS
        suspect, confirmed = self._suspect, False
        if suspect is not None and _apart_ns((low_ns, high_ns), suspect) < _SLIGHT_NS:
            confirmed = True
            if _apart_ns((low_ns, high_ns), suspect) <= 0:
                low_ns, high_ns = max(low_ns, suspect[0]), min(high_ns, suspect[1])
        said = (low_ns, high_ns)
        if not confirmed and _apart_ns(said, self._believed) >= slight_ns:
            self._suspect = said
            return
        gap_ns = _apart_ns(said, self._bounds())
        if gap_ns <= 0:
            self._low_ns = max(self._low_ns, low_ns)
            self._high_ns = min(self._high_ns, high_ns)
        else:
            self._earlier = _UNBOUNDED
            self._low_ns, self._high_ns = said
            self._doubt_ns = 0
            if gap_ns < slight_ns:
                # A drift is followed by the smallest correction.
                self._low_ns = self._high_ns = min(max(self.offset_ns, low_ns), high_ns)
                self._doubt_ns = gap_ns
        self._suspect = None
        self._believed = low_ns, high_ns = self._bounds()
        self._base_ns = self.local_base_ns + _offset_ns(low_ns, high_ns)
        self.known = True


def _apart_ns(one: tuple[int, int], other: tuple[int, int]) -> int:
    """How far two intervals lie apart; below 0 where they overlap."""
    return max(one[0] - other[1], other[0] - one[1])


def _offset_ns(low_ns: int, high_ns: int) -> int:
    """The offset to use, of those from ``low_ns`` to ``high_ns``."""
    if low_ns <= 0 <= high_ns:
        return 0
    hardly_fast = -_CAUTION_NS <= high_ns < 0
    return max(low_ns, high_ns - _CAUTION_NS) if hardly_fast else low_ns


def _parse(date: bytes) -> int | None:
    """``Sun, 06 Nov 1994 08:49:37 GMT`` as nanoseconds since the epoch; None if it is not that."""
    from datetime import UTC, datetime  # 5 ms that an import need not spend

    fields = date.replace(b":", b" ").split(b" ")
    if len(date) != 29 or fields[7:] != [b"GMT"]:
        return None
    try:
        year, day, hour, minute, second = (int(fields[index]) for index in (3, 1, 4, 5, 6))
        instant = datetime(
            year, _MONTHS.index(fields[2]) + 1, day, hour, minute, second, tzinfo=UTC
        )
    except ValueError:
        return None
    return int(instant.timestamp()) * _SECOND_NS
