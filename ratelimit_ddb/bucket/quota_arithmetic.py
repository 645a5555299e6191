"""What each ``fullAt`` means if one of the limits is a calendar quota.

A quota's ``fullAt`` is the start of the window of its last take, plus a nanosecond for each token:

    taking n:  f' = max(f, start) + n,  allowed iff f' - start <= quantity

This is a bucket's addition with ``start`` in the place of ``now`` and a unit of 1. A quantity is
smaller than the number of nanoseconds in a window, so a number identifies its window, and nothing
is reset at an edge: every older number lies before the new ``start``. So each window admits at most
``quantity``, exactly, whatever the clocks: a process whose clock is behind at an edge finds a
number beyond its window, as soon as another one took in the next window, and denies until its own
clock gets there.

- No wait crosses an edge: a caller that waits for a bucket beside a quota must be due in the window
  that counted it. So a take's room ends at the edge, and ``retry_after`` is the first instant from
  which the wait would fit into one window.
- A lease ends at the edge at the latest. A lease of quotas alone lasts until the edge, since their
  tokens don't flow back: tokens that lapse are lost to the window. For the same reason at most a
  thousandth of what is left is leased at once.
- Tokens are given back in the window that they were taken in, all of them, and not later.
- A block of quotas alone ends with the window that its end lies in: it is a number beyond that one.
"""

from __future__ import annotations

from ratelimit_ddb.bucket.decision import Decision, Source, Taken
from ratelimit_ddb.calendar_windows import Calendar
from ratelimit_ddb.limit import AnyLimit, Limit
from ratelimit_ddb.quota import Quota

Instants = tuple[int, ...]
Spans = tuple[int, ...]

_KEPT_BEYOND_WINDOW_NS = 3_600_000_000_000
"""How long a quota's number is kept after its window, for processes whose clocks are behind."""
_LEASED_AT_MOST = 1_000
"""The divisor of what is left of a quota: so much of it may be leased at once."""
_MANY = 1 << 62


class QuotaArithmetic:
    """The arithmetic of limits of which one is a quota, at least."""

    __slots__ = (
        "_calendars",
        "_first_quota",
        "_indexes",
        "_limits",
        "_longest_window_ns",
        "_units_ns",
    )

    def __init__(self, limits: tuple[AnyLimit, ...]) -> None:
        self._limits = limits
        self._indexes = tuple(range(len(limits)))
        self._calendars: tuple[Calendar | None, ...] = tuple(
            limit.calendar if isinstance(limit, Quota) else None for limit in limits
        )
        self._first_quota = next(
            (index, limit.quantity)
            for index, limit in enumerate(limits)
            if isinstance(limit, Quota)
        )
        self._units_ns = tuple(limit.unit_ns if isinstance(limit, Limit) else 1 for limit in limits)
        buckets = [limit for limit in limits if isinstance(limit, Limit)]
        self._longest_window_ns = max((limit.window_ns for limit in buckets), default=0)

    def bases_ns(self, date_ns: int) -> Instants:
        """See BucketArithmetic. For a quota, the start of the window."""
        return tuple(
            [
                date_ns if calendar is None else calendar.window_at(date_ns).start_ns
                for calendar in self._calendars
            ]
        )

    def full_by_ns(self, now_ns: int, wait_ns: int) -> int:
        """See BucketArithmetic. For a quota, somewhat after the end of the window."""
        ends_ns = [calendar.window_at(now_ns).end_ns for calendar in self._calendars if calendar]
        return max(
            now_ns + self._longest_window_ns + wait_ns, max(ends_ns) + _KEPT_BEYOND_WINDOW_NS
        )

    def latest_ns(self, now_ns: int) -> Instants:
        """See BucketArithmetic. For a quota, the end of the window."""
        return tuple(
            [
                now_ns + limit.window_ns
                if isinstance(limit, Limit)
                else limit.calendar.window_at(now_ns).end_ns - 1
                for limit in self._limits
            ]
        )

    def idle(self, full_at_ns: Instants, now_ns: int) -> tuple[bool, ...]:
        """See BucketArithmetic."""
        bases_ns = self.bases_ns(now_ns)
        return tuple([full_at_ns[index] < bases_ns[index] for index in self._indexes])

    def cost_ns(self, cost: int) -> Spans:
        """See BucketArithmetic."""
        return tuple([cost * unit_ns for unit_ns in self._units_ns])

    def room_ns(self, cost: int, wait_ns: int) -> Spans:
        """See BucketArithmetic. Waiting gives a quota no room."""
        return tuple(
            [
                limit.window_ns - cost * limit.unit_ns + wait_ns
                if isinstance(limit, Limit)
                else limit.quantity - cost
                for limit in self._limits
            ]
        )

    def room_within_ns(self, room_ns: Spans, now_ns: int) -> Spans:
        """See BucketArithmetic."""
        most_wait_ns = self._edge_ns(now_ns) - 1 - now_ns
        cost = self._cost_of(room_ns)
        rooms_ns = list(room_ns)
        for index in self._indexes:
            limit = self._limits[index]
            if isinstance(limit, Limit):
                without_wait_ns = limit.window_ns - cost * limit.unit_ns
                rooms_ns[index] = min(rooms_ns[index], without_wait_ns + most_wait_ns)
        return tuple(rooms_ns)

    def fits(self, full_at_ns: Instants, now_ns: int, room_ns: Spans) -> bool:
        """See BucketArithmetic."""
        bases_ns, rooms_ns = self.bases_ns(now_ns), self.room_within_ns(room_ns, now_ns)
        for index in self._indexes:
            if rooms_ns[index] < 0 or full_at_ns[index] - bases_ns[index] > rooms_ns[index]:
                return False
        return True

    def tokens(self, full_at_ns: Instants, base_ns: int, window_less_ns: int) -> int:
        """See BucketArithmetic."""
        bases_ns, least = self.bases_ns(base_ns), _MANY
        for index in self._indexes:
            limit = self._limits[index]
            ahead_ns = max(0, full_at_ns[index] - bases_ns[index])
            if isinstance(limit, Limit):
                left_ns = limit.window_ns - window_less_ns - ahead_ns
            else:
                left_ns = limit.quantity - ahead_ns
            least = min(least, max(0, left_ns) // self._units_ns[index])
        return least

    def most_leased(self, ahead: int, full_at_ns: Instants, now_ns: int) -> int:
        """See BucketArithmetic. A thousandth of what is left of a quota."""
        bases_ns = self.bases_ns(now_ns)
        for index in self._indexes:
            limit = self._limits[index]
            if isinstance(limit, Quota):
                left = limit.quantity - max(0, full_at_ns[index] - bases_ns[index])
                ahead = min(ahead, max(0, left) // _LEASED_AT_MOST)
        return ahead

    def lease_ns(self, now_ns: int, lease_ns: int) -> int:
        """See BucketArithmetic. Until the edge at most, and until then for quotas alone."""
        to_edge_ns = self._edge_ns(now_ns) - 1 - now_ns
        return min(lease_ns, to_edge_ns) if self._longest_window_ns else to_edge_ns

    def blocked_ns(self, until_ns: int) -> Instants:
        """See BucketArithmetic. A window's end; beside a bucket, only the bucket denies."""
        if self._longest_window_ns:
            return tuple(
                [
                    until_ns + limit.window_ns - limit.unit_ns if isinstance(limit, Limit) else -1
                    for limit in self._limits
                ]
            )
        return tuple(
            [_first_start_ns(calendar, until_ns) for calendar in self._calendars if calendar]
        )

    def unspent_ns(self, cost: int, since_ns: int, full_at_ns: Instants, now_ns: int) -> Spans:
        """See BucketArithmetic. Of a quota, all, until its window ends."""
        bases_ns = self.bases_ns(now_ns)
        return tuple(
            [
                max(0, cost * limit.unit_ns - since_ns)
                if isinstance(limit, Limit)
                else cost * (full_at_ns[index] > bases_ns[index])
                for index, limit in enumerate(self._limits)
            ]
        )

    def less(self, full_at_ns: Instants, tokens: int) -> Instants:
        """See BucketArithmetic."""
        return tuple(
            [full_at_ns[index] - tokens * self._units_ns[index] for index in self._indexes]
        )

    def admitted(
        self, full_at_ns: Instants, now_ns: int, taken: Taken | None, source: Source = "table"
    ) -> Decision:
        """See BucketArithmetic. The limit with least left binds."""
        binding, remaining, waited_ns = self._limits[0], _MANY, 0
        for index in self._indexes:
            limit = self._limits[index]
            left = self._left(index, full_at_ns[index], now_ns)
            if left < remaining:
                binding, remaining = limit, left
            if isinstance(limit, Limit):
                waited_ns = max(waited_ns, full_at_ns[index] - now_ns - limit.window_ns)
        reset_ns = self._reset_after_ns(full_at_ns, now_ns)
        return Decision(True, remaining, 0, reset_ns, binding, waited_ns, source, taken)

    def denial(
        self, full_at_ns: Instants, now_ns: int, room_ns: Spans, source: Source
    ) -> Decision | None:
        """See BucketArithmetic. The limit that denies longest binds."""
        binding, retry_at_ns = -1, now_ns
        cost = self._cost_of(room_ns)
        for index in self._indexes:
            limit = self._limits[index]
            at_ns = full_at_ns[index] - room_ns[index]
            if isinstance(limit, Limit):
                due_ns = full_at_ns[index] - limit.window_ns + cost * limit.unit_ns
                if due_ns > max(at_ns, now_ns):
                    at_ns = max(at_ns, self._start_ns(due_ns))  # the wait stays in one window
            elif at_ns > limit.calendar.window_at(now_ns).start_ns:
                at_ns = _first_start_ns(limit.calendar, at_ns)
            if at_ns > retry_at_ns:
                binding, retry_at_ns = index, at_ns
        if binding < 0:
            return None
        remaining = self._left(binding, full_at_ns[binding], now_ns)
        reset_ns = self._reset_after_ns(full_at_ns, now_ns)
        retry_ns = retry_at_ns - now_ns
        return Decision(False, remaining, retry_ns, reset_ns, self._limits[binding], 0, source)

    def _left(self, index: int, full_at_ns: int, now_ns: int) -> int:
        """Whole tokens that are left of a limit."""
        limit = self._limits[index]
        if isinstance(limit, Limit):
            left_ns = limit.window_ns - max(0, full_at_ns - now_ns)
            return max(0, left_ns) // limit.unit_ns
        start_ns = limit.calendar.window_at(now_ns).start_ns
        return max(0, limit.quantity - max(0, full_at_ns - start_ns))

    def _reset_after_ns(self, full_at_ns: Instants, now_ns: int) -> int:
        """How long until every limit is full again."""
        latest_ns = now_ns
        for index in self._indexes:
            calendar, at_ns = self._calendars[index], full_at_ns[index]
            if calendar is not None and at_ns > calendar.window_at(now_ns).start_ns:
                at_ns = _first_start_ns(calendar, at_ns)
            latest_ns = max(latest_ns, at_ns)
        return latest_ns - now_ns

    def _cost_of(self, room_ns: Spans) -> int:
        """The tokens that a room is for: a quota's room tells it."""
        index, quantity = self._first_quota
        return quantity - room_ns[index]

    def _edge_ns(self, now_ns: int) -> int:
        """The nearest end of a window."""
        return min(calendar.window_at(now_ns).end_ns for calendar in self._calendars if calendar)

    def _start_ns(self, at_ns: int) -> int:
        """The latest start of a window at an instant or before it."""
        return max(calendar.window_at(at_ns).start_ns for calendar in self._calendars if calendar)


def _first_start_ns(calendar: Calendar, at_ns: int) -> int:
    """The first start of a window at an instant or later."""
    window = calendar.window_at(at_ns)
    return window.start_ns if window.start_ns == at_ns else window.end_ns
