"""A browser, as far as one cookie goes."""

from __future__ import annotations

from http.cookies import SimpleCookie

from tests.fake_clock import FakeClock


class Browser:
    """Takes each Set-Cookie field as it is given, in whatever order the responses arrive."""

    def __init__(self, clock: FakeClock, name: str) -> None:
        self._clock = clock
        self._name = name
        self._value: str | None = None
        self._until_ns: int | None = None

    @property
    def value(self) -> str | None:
        """What the cookie holds now; None while there is none."""
        if self._until_ns is not None and self._clock.now_ns >= self._until_ns:
            self._value = None
        return self._value

    def take(self, set_cookie: str) -> None:
        """Keep the cookie of a response, or drop it where its age is none."""
        value, age_seconds = parsed(set_cookie, self._name)
        self._value, self._until_ns = value, None
        if age_seconds is not None:
            self._until_ns = self._clock.now_ns + age_seconds * 1_000_000_000


def parsed(set_cookie: str, name: str) -> tuple[str, int | None]:
    """The value that a Set-Cookie field gives the cookie, and its Max-Age where it has one."""
    morsel = SimpleCookie(set_cookie)[name]
    return morsel.value, int(morsel["max-age"]) if morsel["max-age"] else None
