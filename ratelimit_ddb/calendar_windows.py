"""The windows of a calendar: days, weeks, months and years, hours and minutes, in a time zone.

A window begins at the first instant at which the clocks of the zone show its beginning or, where
they skip that, something later; it ends where the next one begins. So windows follow each other
without a gap, whatever the zone's clocks do:

- a day in which they are put forward has 23 hours, one in which they are put back has 25;
- a day that begins at 01:00, since midnight is skipped, begins at that instant;
- midnight that comes twice begins the day the first time;
- a day that a zone skips altogether, as Samoa did the 30th of December 2011, has no window;
- of hours and minutes, those that come twice are two windows, and where the clocks leave half an
  hour out, the hour before it ends half an hour later.

Source: the Python documentation, ``zoneinfo``, and PEP 495, by which ``fold=0`` is the first of two
readings, and of a skipped one the offset before.
"""

from __future__ import annotations

import calendar
import functools
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

SECOND_NS = 1_000_000_000
_STEP_SECONDS = {"minute": 60, "hour": 3_600}
_DAY = timedelta(days=1)
_OTHERWISE_ELSEWHERE = ("right/", "posix/", "localtime", "posixrules", "Factory")
"""Zones that are not the same on every machine, or count leap seconds."""

Anchor = int | tuple[int, int] | None
"""Where a window begins: a day of the month, of the week (1 is Monday), or (month, day)."""


class Window(NamedTuple):
    """One window, in nanoseconds since the epoch.

    Attributes:
        start_ns: its first instant.
        end_ns: the first instant of the next one.
    """

    start_ns: int
    end_ns: int


class Calendar:
    """The windows of one period in one zone.

    Args:
        period: "minute", "hour", "day", "week", "month" or "year".
        zone: whose clocks to go by.
        month, day: where weeks, months and years begin. A day that a month has not is its last.
    """

    __slots__ = ("_day", "_latest", "_month", "_period", "_zone")

    def __init__(self, period: str, zone: tzinfo, month: int, day: int) -> None:
        self._period = period
        self._zone = zone
        self._month = month
        self._day = day
        self._latest = Window(0, 0)

    def window_at(self, at_ns: int) -> Window:
        """The window that an instant is in. The latest one is remembered."""
        latest = self._latest
        if latest.start_ns <= at_ns < latest.end_ns:
            return latest
        step_seconds = _STEP_SECONDS.get(self._period)
        at_seconds = at_ns // SECOND_NS
        if step_seconds is None:
            start, end = self._dates_around(at_seconds)
        else:
            start = self._last_step(at_seconds, step_seconds)
            end = self._next_step(at_seconds, step_seconds)
        latest = self._latest = Window(start * SECOND_NS, end * SECOND_NS)
        return latest

    def _dates_around(self, at_seconds: int) -> tuple[int, int]:
        first = self._first_day(datetime.fromtimestamp(at_seconds, self._zone).date())
        while True:
            following = self._following(first)
            end = self._beginning_of(following)
            if end > at_seconds:
                return self._beginning_of(first), end
            first = following  # clocks were put back over midnight, or a day was skipped

    def _first_day(self, day: date) -> date:
        """The first day of the window that a day is in."""
        if self._period == "day":
            return day
        if self._period == "week":
            return day - timedelta(days=(day.isoweekday() - self._day) % 7)
        if self._period == "month":
            first = _in_month(day.year, day.month, self._day)
            return first if first <= day else self._month_from(first, -1)
        first = self._first_day_of_year(day.year)
        return first if first <= day else self._first_day_of_year(day.year - 1)

    def _following(self, first: date) -> date:
        """The first day of the window after the one that begins with a day."""
        if self._period == "day":
            return first + _DAY
        if self._period == "week":
            return first + 7 * _DAY
        if self._period == "month":
            return self._month_from(first, 1)
        return self._first_day_of_year(first.year + 1)

    def _month_from(self, first: date, months: int) -> date:
        year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
        return _in_month(year, month + 1, self._day)

    def _first_day_of_year(self, year: int) -> date:
        return _in_month(year, self._month, self._day)

    def _beginning_of(self, day: date) -> int:
        """The first instant at which the clocks show this day, or a later one."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        by_offset_before = int(midnight.timestamp())
        by_offset_after = int(midnight.replace(fold=1).timestamp())
        if by_offset_before <= by_offset_after:
            return by_offset_before
        return self._change_between(by_offset_after, by_offset_before)  # it is skipped

    def _last_step(self, at_seconds: int, step: int) -> int:
        """The last instant until now at which the clocks showed a whole step."""
        offset = self._offset(at_seconds)
        start = at_seconds - (at_seconds + offset) % step
        if self._offset(start) == offset:
            return start
        return self._last_step(self._change_between(start, at_seconds) - 1, step)

    def _next_step(self, at_seconds: int, step: int) -> int:
        """The next instant at which the clocks will show a whole step."""
        offset = self._offset(at_seconds)
        end = at_seconds + step - (at_seconds + offset) % step
        offset_at_end = self._offset(end)
        if offset_at_end == offset:
            return end
        change = self._change_between(at_seconds, end)
        return change + -(change + offset_at_end) % step

    def _change_between(self, before: int, after: int) -> int:
        """The first instant of the offset that holds at ``after``, and not at ``before``."""
        offset = self._offset(after)
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset(middle) == offset:
                after = middle
            else:
                before = middle
        return after

    def _offset(self, at_seconds: int) -> int:
        shown = datetime.fromtimestamp(at_seconds, self._zone)
        return calendar.timegm(shown.timetuple()) - at_seconds


@functools.lru_cache(maxsize=1_024)
def calendar_of(period: str, zone: str, anchor: Anchor) -> Calendar:
    """The calendar of a period in a zone, made once.

    Raises:
        ValueError: the zone is not known here, or would be another one elsewhere.
    """
    month, day = anchor if isinstance(anchor, tuple) else (1, anchor or 1)
    return Calendar(period, _zone(zone), month, day)


def days_of_month(month: int) -> int:
    """How many days a month has at most."""
    return calendar.monthrange(2000, month)[1]


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # where there is no database of zones, too
    if not name.startswith(_OTHERWISE_ELSEWHERE):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise ValueError(
        f"zone {name!r}: must be a name of the IANA time zone database, such as 'Europe/Berlin', "
        "that this machine knows; the package tzdata of PyPI has them all"
    )
