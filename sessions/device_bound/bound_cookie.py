"""The bound cookie: a date and a MAC, valid for one session and key until that date.

It is not stored. For the browser it ends a little sooner, so that the browser renews it while the
site still accepts it: responses take time, and clocks differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from sessions.cookie.token import MAX_COOKIES
from sessions.device_bound.binding import Binding
from sessions.device_bound.mac import Macs

EARLY_SECONDS = 30
"""How much sooner it ends for the browser than for the site."""

_VALUE = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


class BoundCookies:
    """Makes and checks the values of bound cookies.

    Args:
        macs: makes MACs with the site's secret.
        seconds: how long a cookie is valid.
    """

    __slots__ = ("_macs", "_seconds")

    def __init__(self, macs: Macs, seconds: int) -> None:
        self._macs = macs
        self._seconds = seconds

    @property
    def max_age_seconds(self) -> int:
        """The Max-Age for the browser."""
        return self._seconds - EARLY_SECONDS

    def new(self, binding: Binding, now: int) -> str:
        """A value for a device that has just proved its key."""
        ends_at = now + self._seconds
        return f"{ends_at}.{self._macs.of(*_whose(binding), ends_at)}"

    def is_live(self, values: Iterable[str], binding: Binding, now: int) -> bool:
        """Whether one of a request's first three values is the device's, and still valid."""
        return any(self._is_one(value, binding, now) for value in islice(values, MAX_COOKIES))

    def _is_one(self, value: str, binding: Binding, now: int) -> bool:
        parts = _VALUE.fullmatch(value)
        if parts is None or int(parts[1]) <= now:
            return False
        return self._macs.is_of(parts[2], *_whose(binding), int(parts[1]))


def _whose(binding: Binding) -> tuple[str, ...]:
    return "cookie", binding.identifier, binding.key.thumbprint
