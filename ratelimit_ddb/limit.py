"""A limit: how many tokens a period, and how many at once; and its notation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ddbwire.arguments import shown
from ratelimit_ddb.arguments import require_int_from
from ratelimit_ddb.limit_name import require_limit_name
from ratelimit_ddb.notation_length import LONGEST_NOTATION, require_notation_length
from ratelimit_ddb.quota import Quota, is_quota_notation

SECOND_NS = 1_000_000_000
LONGEST_WINDOW_NS = 3_660 * 86_400 * SECOND_NS
"""About ten years: a bucket that takes longer to fill must be a mistake in the notation."""

MOST_LIMITS = 50
"""For one key. An expression has at most 4 KB and 300 operators (AWS: "Quotas and limits in
DynamoDB"), and a condition takes 60 bytes and four operators for each limit."""

_UNIT_NS = {
    "nanosecond": 1,
    "microsecond": 1_000,
    "millisecond": 1_000_000,
    "second": SECOND_NS,
    "minute": 60 * SECOND_NS,
    "hour": 3_600 * SECOND_NS,
    "day": 86_400 * SECOND_NS,
    "week": 7 * 86_400 * SECOND_NS,
}
_SHORT_UNIT = {
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "m": "minute",
    "min": "minute",
    "h": "hour",
    "hr": "hour",
    "d": "day",
    "w": "week",
}
_DURATION = re.compile(r"(?P<count>[0-9]+) \s* (?P<unit>[a-z]+)", re.VERBOSE | re.ASCII)
_NOTATION = re.compile(
    r"(?P<quantity>[0-9]+) \s* (?:/|per\b) \s* (?P<count>[0-9]+)? \s* (?P<unit>[a-z]+)"
    r"(?: \s+ burst \s+ (?P<burst>[0-9]+) )?",
    re.VERBOSE | re.ASCII,
)
_EXAMPLES = (
    "write '100/minute', '10/second burst 50' or '3 per 10 seconds', with a unit out of "
    f"{', '.join(_UNIT_NS)}"
)


@dataclass(frozen=True, slots=True, init=False)
class Limit:
    """``quantity`` tokens every ``period_seconds``, at most ``burst`` of them at once.

    The numbers are those of ``Limit.parse("10/second burst 50")``: 50 requests at once, then one
    every 0.1 s.

    Attributes:
        quantity: tokens refilled in one period, an int of at least 1: 10.
        period_seconds: the period, down to a nanosecond: 1.0.
        burst: the bucket's capacity, an int of at least 1: 50. Without it, ``quantity``.
        name: the name of the bucket's attribute in the table. Unless given, it is the whole limit,
            ``"10-per-second-burst-50"``: different limits have different buckets, and a changed
            limit starts with a full bucket. Limits with the same name share a bucket, to which each
            applies its own window. Limits that are computed from a request need a name, or their
            items grow by an attribute for each.
        unit_ns: the time in which one token is refilled: 100_000_000 (0.1 s). It is rounded up to
            a whole nanosecond, so that rounding never admits more.
        window_ns: the time in which an empty bucket is full again, ``burst * unit_ns``:
            5_000_000_000 (5 s).

    Raises:
        TypeError: the quantity, burst or period is not a number.
        ValueError: one of them is out of its bounds, or the name has other characters than letters,
            digits, '_', '.' and '-'; the message has the value and the rule.
    """

    quantity: int
    # Compared by the nanoseconds of a token and not as a float: 0.3 equals 0.1 + 0.2.
    period_seconds: float = field(compare=False)
    burst: int
    name: str
    unit_ns: int = field(init=False, repr=False)
    window_ns: int = field(init=False, repr=False)

    def __init__(
        self,
        quantity: int,
        period_seconds: float,
        burst: int | None = None,
        name: str | None = None,
    ) -> None:
        period_ns = _period_ns(period_seconds)
        quantity = require_int_from("quantity", quantity, 1)
        burst = quantity if burst is None else require_int_from("burst", burst, 1)
        unit_ns = -(-period_ns // quantity)
        for attribute, value in (
            ("quantity", quantity),
            ("period_seconds", float(period_seconds)),
            ("burst", burst),
            ("unit_ns", unit_ns),
            ("window_ns", burst * unit_ns),
        ):
            object.__setattr__(self, attribute, value)
        self._require_bounds(period_ns)
        if name is None:
            name = _notation_of(quantity, period_ns, burst).replace(" ", "-")
        else:
            name = require_limit_name(name)
        object.__setattr__(self, "name", name)

    def _require_bounds(self, period_ns: int) -> None:
        if 1_000 * (self.unit_ns * self.quantity - period_ns) > period_ns:
            raise ValueError(
                f"quantity {shown(self.quantity)} in {self.period_seconds} s: a token's time is "
                "counted in whole nanoseconds, and here rounding it up would lose more than 0.1 %"
            )
        if self.window_ns > LONGEST_WINDOW_NS:
            raise ValueError(
                f"burst {shown(self.burst)} at {self.quantity} per {self.period_seconds} s: the "
                "bucket would take more than ten years to fill"
            )

    @classmethod
    def parse(cls, notation: str, *, name: str | None = None) -> Limit:
        """Make a limit of its notation: ``"10/second burst 50"``, ``"3 per 10 seconds"``.

        Raises:
            TypeError: it is not a str.
            ValueError: it is not in the notation, or its limit is out of bounds.
        """
        if not isinstance(notation, str):
            raise TypeError(f"limit {shown(notation)}: must be a str such as '100/minute'")
        require_notation_length("limit", notation)
        match = _NOTATION.fullmatch(notation.strip().lower())
        unit_ns = _UNIT_NS.get(_unit_in_full(match["unit"])) if match else None
        if match is None or unit_ns is None:
            from ratelimit_ddb.notation_advice import advice  # it brings fractions, and decimals

            raise ValueError(
                f"limit {notation!r}: {advice(notation, _EXAMPLES, _UNIT_NS, _SHORT_UNIT)}"
            )
        period_ns = int(match["count"] or 1) * unit_ns
        burst = None if match["burst"] is None else int(match["burst"])
        return cls(int(match["quantity"]), period_ns / SECOND_NS, burst, name)

    def __str__(self) -> str:
        """The limit in its notation, which ``parse`` reads: ``"10 per second burst 50"``."""
        return _notation_of(self.quantity, _period_ns(self.period_seconds), self.burst)


AnyLimit = Limit | Quota
"""One limit of either kind."""

LimitsLike = str | AnyLimit | Iterable[str | AnyLimit]
"""What an argument for limits accepts: a notation, a Limit, a Quota, or several of them."""


def parse_limits(given: LimitsLike) -> tuple[AnyLimit, ...]:
    """Make limits of an argument, in its order.

    Raises:
        TypeError: one of them is neither a str nor a Limit nor a Quota.
        ValueError: there is none, one is out of bounds, two have the same name, or there are more
            than 50.
    """
    if isinstance(given, bytes) or not isinstance(given, str | Limit | Quota | Iterable):
        raise TypeError(
            f"limits {shown(given)}: must be a str such as '100/minute', a Limit, a Quota, or "
            "several of them"
        )
    several: Sequence[str | AnyLimit] = (
        [given] if isinstance(given, str | Limit | Quota) else list(given)
    )
    limits = tuple([_limit_of(one) for one in several])
    if not limits:
        raise ValueError("limits []: must have at least one")
    if len(limits) > MOST_LIMITS:
        raise ValueError(
            f"limits, {len(limits)} of them: must be at most {MOST_LIMITS} on a key, as one write "
            "decides on them all"
        )
    names = [limit.name for limit in limits]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"limits {[str(limit) for limit in limits]}: two are named {name!r}; the limits of "
                "a key must have different names, since each is an attribute of the same item"
            )
    return limits


def _limit_of(given: str | AnyLimit) -> AnyLimit:
    if isinstance(given, Limit | Quota):
        return given
    if isinstance(given, str):
        return Quota.parse(given) if is_quota_notation(given) else Limit.parse(given)
    raise TypeError(f"limit {shown(given)}: must be a str such as '100/minute', a Limit or a Quota")


def _period_ns(period_seconds: float) -> int:
    if isinstance(period_seconds, bool) or not isinstance(period_seconds, int | float):
        raise TypeError(f"period_seconds {shown(period_seconds)}: must be a number of seconds")
    if not 0 < period_seconds <= LONGEST_WINDOW_NS / SECOND_NS:
        raise ValueError(
            f"period_seconds {shown(period_seconds)}: must be more than 0, and at most ten years"
        )
    period_ns = round(period_seconds * SECOND_NS)
    if period_ns < 1:
        raise ValueError(f"period_seconds {shown(period_seconds)}: must be at least a nanosecond")
    return period_ns


def duration_ns(what: str, given: object) -> int:
    """A duration in nanoseconds, given in seconds or as text such as ``"10 minutes"``.

    Args:
        what: the argument's name, for messages.
        given: the duration.

    Raises:
        TypeError: it is neither a number nor a str.
        ValueError: it is in another notation.
    """
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise TypeError(f"{what} {shown(given)}: must be seconds, or a str such as '10 minutes'")
    if not isinstance(given, str):
        if not 0 <= given <= LONGEST_WINDOW_NS / SECOND_NS:
            raise ValueError(f"{what} {shown(given)}: must be from 0 to ten years, in seconds")
        return round(given * SECOND_NS)
    found = _DURATION.fullmatch(given.strip().lower()) if len(given) <= LONGEST_NOTATION else None
    unit = found and _unit_in_full(found["unit"])
    if found is None or unit not in _UNIT_NS:
        units = ", ".join(_UNIT_NS)
        raise ValueError(f"{what} {shown(given)}: write '10 minutes', with a unit out of {units}")
    return int(found["count"]) * _UNIT_NS[unit]


def _unit_in_full(unit: str) -> str:
    one = unit if unit in _SHORT_UNIT else unit.removesuffix("s")
    return _SHORT_UNIT.get(one, one)


def _notation_of(quantity: int, period_ns: int, burst: int) -> str:
    of_burst = "" if burst == quantity else f" burst {burst}"
    return f"{quantity} per {_period_in_words(period_ns)}{of_burst}"


def _period_in_words(period_ns: int) -> str:
    unit = next(unit for unit in reversed(_UNIT_NS) if not period_ns % _UNIT_NS[unit])
    count = period_ns // _UNIT_NS[unit]
    return unit if count == 1 else f"{count} {unit}s"
