"""The options of every middleware and adapter for sessions: each with its default, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Literal, TypedDict, TypeVar

from ddbwire.shared.options_signature import shows_options
from sessions.config.device_bound import DeviceBoundSessions
from sessions.cookie.cookie import Cookie, SameSite
from sessions.cookie.token import Secret
from sessions.event import SessionEvent
from sessions.previous import PreviousSessions
from sessions.values.cipher import Key

F = TypeVar("F", bound=Callable[..., Any])

OnRevoked = Literal["ignore", "raise"]
OnOutage = Literal["raise", "empty"]
OnMaxSessions = Literal["end_oldest", "refuse"]


class SessionOptions(TypedDict, total=False):
    """The options of every middleware and adapter. For defaults see DEFAULTS.

    Keys:
        idle: seconds without a request after which a session is over; 120 to 34,560,000.
        lifetime: seconds after its creation when it is over in any case; at least ``idle``.
        max_idle: the longest ``idle`` that a login may choose for its session; None for ``idle``.
        max_lifetime: the longest ``lifetime`` that a login may choose; None for ``lifetime``.
        max_sessions_per_user: how many sessions a user may have at once, from 1 to 100; None for
            any number. Each ``namespace`` is counted separately.
        on_max_sessions: what a login beyond the limit does: ``"end_oldest"`` ends the session with
            the oldest login, ``"refuse"`` raises TooManySessions.
        cookie: the cookie's name.
        secure: as for ``sessions.Cookie``, as are the next five.
        same_site: as for Cookie.
        path: as for Cookie.
        domain: as for Cookie.
        persistent: as for Cookie.
        partitioned: as for Cookie.
        bearer: whether a request without a session cookie may send its token in a header,
            ``Authorization: Bearer ...``, as mobile and single-page apps do. The token is what
            ``session.issue_token()`` returned.
        secret: one secret of at least 32 bytes, or several (the first signs), for a MAC in the
            cookie, so that forged cookies cost no read; None for no MAC. With UNSIGNED among
            several, cookies without a MAC are accepted too.
        namespace: separates the sessions of applications that share a table; at most 256 bytes.
        encryption: one key of 32 bytes or several (the first encrypts) for the values; None for no
            encryption. With UNENCRYPTED among several, values in the clear are read too.
        strict: whether a save that conflicts with another request's raises SessionConflict.
        on_revoked: what happens to a request whose session was ended meanwhile: ``"ignore"`` drops
            its changes, ``"raise"`` raises SessionRevoked when the response starts, even if nothing
            was changed. That costs a read in requests that write nothing.
        on_outage: what a request gets if the table is out of reach and its session can't be read:
            ``"raise"``: StoreUnavailable where it uses the session; ``"empty"``: an empty session,
            whose changes are dropped and which sets no cookie. Logins and logouts raise.
        deadline: seconds that a request's load, or its commit, may take; 0.001 to 60.
        seconds_left_field: the name of a response field, such as ``"Session-Seconds-Left"``, with
            the seconds until the session is over if it is not used again; None for no field.
        on_event: called with each SessionEvent. An exception that it raises is logged.
        event_salt: bytes that salt the digests of sessions in events. With the same bytes, several
            processes name a session by the same digest; None for random bytes of this process.
        previous: the sessions that the site had before, which continue here: see
            ``sessions.previous``; None if it had none.
        device_bound: a ``sessions.device_bound.DeviceBound``, which lets browsers bind sessions to
            keys of theirs; None for no binding. A bound session then gives access to nothing.
    """

    idle: int
    lifetime: int
    max_idle: int | None
    max_lifetime: int | None
    max_sessions_per_user: int | None
    on_max_sessions: OnMaxSessions
    cookie: str
    secure: bool
    same_site: SameSite
    path: str
    domain: str | None
    persistent: bool
    partitioned: bool
    bearer: bool
    secret: Secret | Iterable[Secret] | None
    namespace: str
    encryption: Key | Iterable[Key] | None
    strict: bool
    on_revoked: OnRevoked
    on_outage: OnOutage
    deadline: float
    seconds_left_field: str | None
    on_event: Callable[[SessionEvent], None] | None
    event_salt: bytes | None
    previous: PreviousSessions | None
    device_bound: DeviceBoundSessions | None


COOKIE_OPTIONS = ("secure", "same_site", "path", "domain", "persistent", "partitioned")
"""Options that Cookie has too, by the same names."""

_COOKIE = {field.name: field.default for field in fields(Cookie)}

DEFAULTS: Mapping[str, Any] = {
    "idle": 3_600,
    "lifetime": 43_200,
    "max_idle": None,
    "max_lifetime": None,
    "max_sessions_per_user": None,
    "on_max_sessions": "end_oldest",
    "cookie": _COOKIE["name"],
    **{name: _COOKIE[name] for name in COOKIE_OPTIONS},
    "bearer": False,
    "secret": None,
    "namespace": "",
    "encryption": None,
    "strict": False,
    "on_revoked": "ignore",
    "on_outage": "raise",
    "deadline": 1.0,
    "seconds_left_field": None,
    "on_event": None,
    "event_salt": None,
    "previous": None,
    "device_bound": None,
}
"""The default of each option."""


def shows_session_options(function: F) -> F:
    """Write them into the signature of a function that takes them as ``**options``."""
    return shows_options(SessionOptions, DEFAULTS)(function)
