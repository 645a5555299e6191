"""How long sessions live: the idle timeout and the lifetime, enforced on reading, without the TTL.

An application configures two of each: the timeouts of a session whose login chose none, and the
longest that a login may choose ("remember me"). The row keeps what its login chose, also when its
id is rotated. A session never lives longer than the maximum that is configured now.

Source: OWASP Session Management Cheat Sheet, "Session Expiration"; NIST SP 800-63B, 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from sessions.arguments import require_bool, require_timeout_seconds
from sessions.operations.login_lifetime import LoginLifetime
from sessions.operations.row import Row

_MIN_TOUCH_SECONDS = 60


class Use(NamedTuple):
    """A use of a row's session.

    Attributes:
        is_due: whether it must be noted in the row.
        expires_at: the epoch second when the session is over, if it is not used again.
        alive_at: the epoch second at which the row must have been alive for it.
    """

    is_due: bool
    expires_at: int
    alive_at: int


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The idle timeout and the lifetime.

    ``Timeouts.of(3_600, 43_200)``: a session is over after an hour without a request, and in any
    case 12 hours after it was created.

    Attributes:
        idle_seconds: a session is over after this time without a request. Its use is noted only
            once in ``touch_seconds``, so it may end that much sooner, and never later.
        lifetime_seconds: a session is over this long after its creation, used or not.
        touch_seconds: the shortest time between two notes of a session's use.
        max_idle_seconds: the longest idle timeout that a login may choose.
        max_lifetime_seconds: the longest lifetime that a login may choose.
    """

    idle_seconds: int
    lifetime_seconds: int
    touch_seconds: int
    max_idle_seconds: int
    max_lifetime_seconds: int

    @classmethod
    def of(
        cls,
        idle_seconds: object,
        lifetime_seconds: object,
        max_idle_seconds: object = None,
        max_lifetime_seconds: object = None,
    ) -> Timeouts:
        """An application's timeouts. ``touch_seconds`` is a tenth of the idle time, at least 60.

        Args:
            idle_seconds: the idle timeout of a session whose login chose none.
            lifetime_seconds: the lifetime of a session whose login chose none.
            max_idle_seconds: the longest that a login may choose; None for ``idle_seconds``.
            max_lifetime_seconds: likewise; None for ``lifetime_seconds``.

        Raises:
            TypeError, ValueError: a timeout is not an int from 120 to 34,560,000, an idle timeout
                is above its lifetime, or a maximum is below the timeout without a choice.
        """
        idle = require_timeout_seconds("idle", idle_seconds)
        lifetime = require_timeout_seconds("lifetime", lifetime_seconds)
        if idle > lifetime:
            raise ValueError(f"idle must be at most the lifetime of {lifetime} seconds, not {idle}")
        max_idle = _most("idle", max_idle_seconds, idle)
        max_lifetime = _most("lifetime", max_lifetime_seconds, lifetime)
        if max_idle > max_lifetime:
            raise ValueError(
                f"max_idle must be at most {max_lifetime} seconds, the longest lifetime "
                f"(max_lifetime), not {max_idle}"
            )
        return cls(idle, lifetime, _touch_seconds(idle), max_idle, max_lifetime)

    def chosen(self, idle: object, lifetime: object, persistent: object) -> LoginLifetime:
        """What a login chooses, checked.

        Args:
            idle: its idle timeout in seconds; None for the application's, or for the chosen
                lifetime if that is shorter.
            lifetime: its lifetime in seconds; None for the application's.
            persistent: whether its cookie outlives the browser's own session; None for the
                application's.

        Raises:
            TypeError, ValueError: a timeout is not an int from 120 to the configured maximum, the
                idle timeout is above the lifetime, or ``persistent`` is not a bool.
        """
        if lifetime is not None:
            lifetime = _within("lifetime", lifetime, self.max_lifetime_seconds)
        if idle is not None:
            idle = _within("idle", idle, self.max_idle_seconds)
            longest = self.lifetime_seconds if lifetime is None else lifetime
            if idle > longest:
                raise ValueError(
                    f"login: idle must be at most the lifetime of {longest} seconds, not {idle}; "
                    "choose a longer lifetime too"
                )
        if persistent is not None:
            persistent = require_bool("persistent", persistent)
        return LoginLifetime(idle, lifetime, persistent)

    def of_login(self, chosen: LoginLifetime) -> Timeouts:
        """The timeouts of a session whose login chose these; at most the maximum of now."""
        if chosen.idle_seconds is None and chosen.lifetime_seconds is None:
            return self
        lifetime = min(chosen.lifetime_seconds or self.lifetime_seconds, self.max_lifetime_seconds)
        idle, touch = self.idle_seconds, self.touch_seconds
        if chosen.idle_seconds is not None:
            idle = min(chosen.idle_seconds, self.max_idle_seconds)
            touch = _touch_seconds(idle)
        if idle > lifetime:
            idle, touch = lifetime, _touch_seconds(lifetime)
        return replace(self, idle_seconds=idle, lifetime_seconds=lifetime, touch_seconds=touch)

    def end_of(self, row: Row) -> int:
        """The epoch second when a row's session is over.

        By the expiry in the row, or by the timeouts of now if they have become shorter since.
        """
        now = self.of_login(row.lifetime)
        return min(row.expires_at, now.expires_at(row.created_at, row.last_seen_at))

    def end_after_use(self, row: Row, now: int) -> int:
        """The epoch second when a row's session is over, if it is used now and never again."""
        return min(self.of_login(row.lifetime).expires_at(row.created_at, now), row.ends_at)

    def touch_is_due(self, row: Row, now: int) -> bool:
        """Whether a use of a row's session now must be noted in the row."""
        return now - row.last_seen_at >= self.of_login(row.lifetime).touch_seconds

    def alive_at(self, row: Row, loaded_at: int, now: int) -> int:
        """The epoch second at which a row must have been alive, for a request to go on with it.

        A request that came before the idle timeout was a use of the session, though it is noted
        only now: the idle time starts again from there. The lifetime ends the session in any case.

        Args:
            row: the row.
            loaded_at: the epoch second when the request read it.
            now: in epoch seconds.
        """
        idle_seconds = self.of_login(row.lifetime).idle_seconds
        in_time_until = min(loaded_at + idle_seconds, row.ends_at)
        if loaded_at < row.expires_at <= now < in_time_until:
            return row.expires_at - 1
        return now

    def use(self, row: Row, loaded_at: int, now: int) -> Use:
        """The use of a row's session by a request that read it at ``loaded_at``."""
        return Use(
            self.touch_is_due(row, now),
            self.end_after_use(row, now),
            self.alive_at(row, loaded_at, now),
        )

    def expires_at(self, created_at: int, last_seen_at: int) -> int:
        """The epoch second when a session is over; all arguments are epoch seconds too."""
        return min(last_seen_at + self.idle_seconds, self.ends_at(created_at))

    def ends_at(self, created_at: int) -> int:
        """The epoch second when a session is over, used or not."""
        return created_at + self.lifetime_seconds


def _touch_seconds(idle_seconds: int) -> int:
    return max(_MIN_TOUCH_SECONDS, idle_seconds // 10)


def _most(name: str, given: object, configured: int) -> int:
    if given is None:
        return configured
    most = require_timeout_seconds(f"max_{name}", given)
    if most < configured:
        raise ValueError(f"max_{name} must be at least {name}, {configured} seconds, not {most}")
    return most


def _within(name: str, value: object, most: int) -> int:
    seconds = require_timeout_seconds(f"login: {name}", value)
    if seconds > most:
        raise ValueError(
            f"login: {name} must be at most {most} seconds, the option max_{name}, not {seconds}"
        )
    return seconds
