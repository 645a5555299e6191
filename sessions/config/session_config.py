"""What holds for every session of an application, checked once when it starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sessions.arguments import (
    require_bool,
    require_deadline_seconds,
    require_field_name,
    require_namespace,
)
from sessions.config.device_bound import DeviceBoundSessions
from sessions.config.max_sessions import MaxSessions
from sessions.config.options import COOKIE_OPTIONS, DEFAULTS, SessionOptions
from sessions.config.timeouts import Timeouts
from sessions.cookie.cookie import Cookie
from sessions.cookie.token import Tokens
from sessions.event import Events
from sessions.operations.store import Store, require_store
from sessions.previous import PreviousSessions
from sessions.values.cipher import Cipher

GRACE_SECONDS = 20
"""How long a rotated session's old id leads to the new one. After a login it does not."""


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """The store and the checked options.

    Attributes:
        store: keeps the sessions.
        cookie: the cookie's name and attributes.
        bearer: whether a token in the Authorization field is accepted if there is no cookie.
        timeouts: idle timeout and lifetime, and the most that a login may choose.
        max_sessions: the most sessions of a user; None for any number.
        namespace: separates the sessions of applications that share a store.
        tokens: makes tokens and reads them from cookies.
        cipher: encrypts values; None if values are stored in the clear.
        strict: whether a save that conflicts with another request's raises SessionConflict.
        raise_on_revoked: whether a commit of a session that was ended meanwhile raises
            SessionRevoked; otherwise its changes are dropped.
        empty_on_outage: whether a session that can't be read becomes an empty one; otherwise its
            use raises StoreUnavailable.
        deadline_seconds: how long one load, or one commit, may take.
        seconds_left_field: the name of the response field with the seconds that the session still
            lives; None for no field.
        events: called with what happens to sessions.
        previous: the sessions that the site had before; None if it had none.
        device_bound: binds sessions to keys of their browsers; None for no binding.
    """

    store: Store
    cookie: Cookie
    bearer: bool
    timeouts: Timeouts
    max_sessions: MaxSessions | None
    namespace: str
    tokens: Tokens
    cipher: Cipher | None
    strict: bool
    raise_on_revoked: bool
    empty_on_outage: bool
    deadline_seconds: float
    seconds_left_field: str | None
    events: Events
    previous: PreviousSessions | None
    device_bound: DeviceBoundSessions | None

    @classmethod
    def of(cls, store: Store, options: SessionOptions) -> SessionConfig:
        """The configuration of a store and options; see ``sessions.SessionOptions``.

        Raises:
            TypeError, ValueError: an argument is invalid; the message names it and the rule.
        """
        _require_known(options)
        chosen: dict[str, Any] = {**DEFAULTS, **options}
        keys, on_revoked = chosen["encryption"], chosen["on_revoked"]
        if on_revoked not in ("ignore", "raise"):
            raise ValueError(f"on_revoked must be 'ignore' or 'raise', not {on_revoked!r}")
        on_outage = chosen["on_outage"]
        if on_outage not in ("raise", "empty"):
            raise ValueError(f"on_outage must be 'raise' or 'empty', not {on_outage!r}")
        timeouts = Timeouts.of(
            *(chosen[name] for name in ("idle", "lifetime", "max_idle", "max_lifetime"))
        )
        if isinstance(chosen["cookie"], Cookie):
            raise TypeError(
                "cookie must be the cookie's name, a str; its attributes are options of their own: "
                + ", ".join(COOKIE_OPTIONS)
            )
        cookie = Cookie(name=chosen["cookie"], **{name: chosen[name] for name in COOKIE_OPTIONS})
        return cls(
            store=require_store(store),
            cookie=cookie,
            bearer=require_bool("bearer", chosen["bearer"]),
            timeouts=timeouts,
            max_sessions=MaxSessions.of(
                chosen["max_sessions_per_user"], chosen["on_max_sessions"], timeouts
            ),
            namespace=require_namespace(chosen["namespace"]),
            tokens=Tokens(chosen["secret"], chosen["namespace"]),
            cipher=None if keys is None else Cipher(keys),
            strict=require_bool("strict", chosen["strict"]),
            raise_on_revoked=on_revoked == "raise",
            empty_on_outage=on_outage == "empty",
            deadline_seconds=require_deadline_seconds(chosen["deadline"]),
            seconds_left_field=require_field_name(
                "seconds_left_field", chosen["seconds_left_field"]
            ),
            events=Events(chosen["on_event"], chosen["event_salt"]),
            previous=_previous(chosen["previous"]),
            device_bound=_device_bound(chosen["device_bound"], cookie),
        )


def _previous(given: object) -> PreviousSessions | None:
    if given is not None and not isinstance(given, PreviousSessions):
        raise TypeError(f"previous must be PreviousSessions or None, not {given!r}")
    return given


def _device_bound(given: object, cookie: Cookie) -> DeviceBoundSessions | None:
    if given is None:
        return None
    if not isinstance(given, DeviceBoundSessions):
        raise TypeError(
            f"device_bound must be a sessions.device_bound.DeviceBound or None, not {given!r}"
        )
    given.require_cookie(cookie)
    return given


def _require_known(options: Iterable[str]) -> None:
    for name in options:
        if name not in DEFAULTS:
            expected = ", ".join(sorted(DEFAULTS))
            raise TypeError(f"unknown option {name!r}; expected one of {expected}")
