"""A quota: how many tokens in each calendar window, such as a month; and its notation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddbwire.arguments import plain_text, shown
from ratelimit_ddb.arguments import require_int_from
from ratelimit_ddb.limit_name import require_limit_name
from ratelimit_ddb.notation_length import require_notation_length

if TYPE_CHECKING:
    from ratelimit_ddb.calendar_windows import Anchor, Calendar

PERIODS = ("minute", "hour", "day", "week", "month", "year")

_SECOND_NS = 1_000_000_000
_SHORTEST_SECONDS = {
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 28 * 86_400,
    "year": 365 * 86_400,
}
_WEEKDAYS = 7
_DAYS = 31
_MONTHS = 12
_FIRST: dict[str, Anchor] = {"week": 1, "month": 1, "year": (1, 1)}
_NOTATION = re.compile(
    r"(?P<quantity>[0-9]+) \s* (?:/|per\b) \s* calendar \s+ (?P<period>[a-z]+)"
    r"(?: \s+ in \s+ (?P<zone>\S+) )?"
    r"(?: \s+ anchor \s+ (?P<anchor>[0-9]+ (?:-[0-9]+)? ) )?",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_EXAMPLES = (
    "write '10000 per calendar month', '500 per calendar day in Europe/Berlin' or "
    "'10000 per calendar month in Europe/Berlin anchor 15', with a period out of "
    f"{', '.join(PERIODS)}"
)


@dataclass(frozen=True, slots=True, init=False)
class Quota:
    """``quantity`` tokens in each calendar window, all of which may be taken at once.

    A ``Limit`` refills token by token; a quota is refilled at the start of each window: at
    midnight, on the first of the month, on a customer's billing day. Windows follow the clocks of
    ``zone``, so a day in which these are changed has 23 or 25 hours.

    The numbers are those of ``Quota(10_000, "month", zone="Europe/Berlin", anchor=15)``.

    Attributes:
        quantity: tokens in one window, an int of at least 1: 10_000. At most 30,000,000,000 a
            minute, and in proportion for the longer ones.
        period: "minute", "hour", "day", "week" (ISO 8601: from Monday), "month" or "year".
        zone: a name of the IANA time zone database: "Europe/Berlin". Without it, "UTC".
        anchor: where the window begins: 15, the day of the month, from 1 to 31; in a shorter month
            it is the last day. For a week, the day from 1 (Monday) to 7; for a year,
            ``(month, day)``. Unless given, the first day.
        name: the name of the attribute in the table. Unless given, it is the whole quota,
            ``"10000-per-calendar-month-in-Europe/Berlin-anchor-15"``, so a changed quota starts
            unused. If a quota has a name of its own and its quantity is changed, what was used of
            the window still counts; if its zone or anchor is changed, it may deny everything until
            the window ends.

    Raises:
        TypeError: an argument is of another type.
        ValueError: the quantity is out of its bounds, there is no such period, zone or anchor, or
            the name has other characters than letters, digits, '_', '.' and '-'; the message has
            the value and the rule.
    """

    quantity: int
    period: str
    zone: str
    anchor: Anchor
    name: str

    def __init__(
        self,
        quantity: int,
        period: str,
        *,
        zone: str = "UTC",
        anchor: Anchor = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(period, str):
            raise TypeError(f"period {shown(period)}: must be a str such as 'month'")
        if period not in PERIODS:
            raise ValueError(f"period {shown(period)}: must be one of {', '.join(PERIODS)}")
        quantity = require_int_from("quantity", quantity, 1)
        most = most_of_quota(period)
        if quantity > most:
            raise ValueError(f"quantity {shown(quantity)}: must be at most {most} in a {period}")
        if not isinstance(zone, str):
            raise TypeError(f"zone {shown(zone)}: must be a str such as 'Europe/Berlin'")
        anchor = _anchor(period, anchor)
        object.__setattr__(self, "quantity", quantity)
        object.__setattr__(self, "period", plain_text(period))
        object.__setattr__(self, "zone", plain_text(zone))
        object.__setattr__(self, "anchor", anchor)
        name = str(self).replace(" ", "-") if name is None else require_limit_name(name)
        object.__setattr__(self, "name", name)
        _ = self.calendar  # it raises where there is no such zone

    @classmethod
    def parse(cls, notation: str, *, name: str | None = None) -> Quota:
        """Make a quota of its notation: ``"10000 per calendar month"``.

        A zone and an anchor may follow: ``"10000 per calendar month in Europe/Berlin anchor 15"``;
        that of a year is ``anchor 04-06``, for the 6th of April.

        Raises:
            TypeError: it is not a str.
            ValueError: it is not in the notation, or its quota is out of bounds.
        """
        if not isinstance(notation, str):
            raise TypeError(
                f"quota {shown(notation)}: must be a str such as '10000 per calendar month'"
            )
        require_notation_length("quota", notation)
        match = _NOTATION.fullmatch(notation.strip())
        if match is None or match["period"].lower() not in PERIODS:
            raise ValueError(f"quota {notation!r}: {_EXAMPLES}")
        anchor: Anchor = None
        if match["anchor"] is not None:
            first, _, second = match["anchor"].partition("-")
            anchor = (int(first), int(second)) if second else int(first)
        return cls(
            int(match["quantity"]),
            match["period"].lower(),
            zone=match["zone"] or "UTC",
            anchor=anchor,
            name=name,
        )

    @property
    def burst(self) -> int:
        """How many tokens one request may take at most: all of a window's."""
        return self.quantity

    @property
    def calendar(self) -> Calendar:
        """Its windows."""
        # Here, since only who has quotas needs dates and zones.
        from ratelimit_ddb.calendar_windows import calendar_of

        return calendar_of(self.period, self.zone, self.anchor)

    def __str__(self) -> str:
        """The quota in its notation: ``"10000 per calendar month in Europe/Berlin anchor 15"``."""
        zone = "" if self.zone == "UTC" else f" in {self.zone}"
        anchor = self.anchor
        if anchor == _FIRST.get(self.period):
            return f"{self.quantity} per calendar {self.period}{zone}"
        day = "{:02}-{:02}".format(*anchor) if isinstance(anchor, tuple) else anchor
        return f"{self.quantity} per calendar {self.period}{zone} anchor {day}"


def most_of_quota(period: str) -> int:
    """The largest quantity of a quota with this period.

    A ``fullAt`` that reached the next window's start would be read as one of that window. The limit
    is half of the window, since a window in which clocks are changed may be shorter.
    """
    return _SHORTEST_SECONDS[period] * _SECOND_NS // 2


def is_quota_notation(notation: str) -> bool:
    """Whether a text is a quota's notation and not a limit's."""
    return "calendar" in notation.lower()


def _anchor(period: str, anchor: object) -> Anchor:
    """The anchor, checked; the first day if none is given."""
    if anchor is None:
        return _FIRST.get(period)
    if period == "year":
        if not isinstance(anchor, tuple | list) or len(anchor) != 2:
            raise TypeError(
                f"anchor {shown(anchor)}: of a year must be (month, day), such as (4, 6) for the "
                "6th of April"
            )
        from ratelimit_ddb.calendar_windows import days_of_month

        month = _require_day("month", anchor[0], _MONTHS)
        return month, _require_day("day", anchor[1], days_of_month(month))
    if period == "month":
        return _require_day("day of the month", anchor, _DAYS)
    if period == "week":
        return _require_day("day of the week (1 is Monday)", anchor, _WEEKDAYS)
    raise ValueError(f"anchor {shown(anchor)}: a {period} has none; weeks, months and years have")


def _require_day(what: str, day: object, most: int) -> int:
    if isinstance(day, bool) or not isinstance(day, int):
        raise TypeError(f"anchor {shown(day)}: the {what} must be an int")
    if not 1 <= day <= most:
        raise ValueError(f"anchor {shown(day)}: the {what} must be from 1 to {most}")
    return int(day)
