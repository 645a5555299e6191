"""The options of every middleware and adapter for sessions: each with its default, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Literal, TypedDict, TypeVar

from ddbwire.signature import shows_options
from sessions.cookie import Cookie, SameSite
from sessions.event import SessionEvent

F = TypeVar("F", bound=Callable[..., Any])

OnRevoked = Literal["ignore", "raise"]


class SessionOptions(TypedDict, total=False):
    """What every middleware and adapter takes beside the store. For defaults see DEFAULTS.

    Keys:
        idle: seconds without a request after which a session is over.
        lifetime: seconds after its start when it is over in any case.
        cookie: the cookie's name.
        secure: as for ``sessions.Cookie``, and so are the next four.
        same_site: as for Cookie.
        path: as for Cookie.
        domain: as for Cookie.
        persistent: as for Cookie.
        secret: one secret or several (the first signs) for a MAC in the cookie, so that forged
            cookies cost no read; None for no MAC.
        namespace: keeps apart the sessions of applications that share a table.
        encryption: one key of 32 bytes or several (the first encrypts) for the values; None for
            none.
        strict: whether a save that meets another request's raises SessionConflict.
        on_revoked: what becomes of changes to a session that was ended meanwhile: ``"ignore"``
            drops them, ``"raise"`` raises SessionRevoked.
        deadline: seconds that a request's read, or write, may take.
        on_event: told of each SessionEvent.
        event_salt: the salt of what events call sessions; None for one of the process's own.
    """

    idle: int
    lifetime: int
    cookie: str
    secure: bool
    same_site: SameSite
    path: str
    domain: str | None
    persistent: bool
    secret: str | bytes | Iterable[str | bytes] | None
    namespace: str
    encryption: bytes | Iterable[bytes] | None
    strict: bool
    on_revoked: OnRevoked
    deadline: float
    on_event: Callable[[SessionEvent], None] | None
    event_salt: bytes | None


OF_THE_COOKIE = ("secure", "same_site", "path", "domain", "persistent")
"""Those that Cookie has by the same names."""

_COOKIE = {field.name: field.default for field in fields(Cookie)}

DEFAULTS: Mapping[str, Any] = {
    "idle": 3_600,
    "lifetime": 43_200,
    "cookie": _COOKIE["name"],
    **{name: _COOKIE[name] for name in OF_THE_COOKIE},
    "secret": None,
    "namespace": "",
    "encryption": None,
    "strict": False,
    "on_revoked": "ignore",
    "deadline": 1.0,
    "on_event": None,
    "event_salt": None,
}
"""What each option is unless given."""


def shows_session_options(function: F) -> F:
    """Write them into the signature of a function that takes them as ``**options``."""
    return shows_options(SessionOptions, DEFAULTS)(function)


def require_options(given: Iterable[str]) -> None:
    """Refuse options that do not exist.

    Raises:
        TypeError: with the name and those that there are.
    """
    for name in given:
        if name not in DEFAULTS:
            expected = ", ".join(sorted(DEFAULTS))
            raise TypeError(f"unknown option {name!r}; expected one of {expected}")
