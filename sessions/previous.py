"""The sessions that a site had before: each is read once, and goes on as one of this package.

    app = SessionMiddleware(app, store, previous=starlette_cookies(SECRET_KEY))

``lifecycle/take_over.py`` is what becomes of them.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sessions.arguments import require_positive_int, require_str_or_none
from sessions.cookie.cookie import Cookie, without_leading_dot

if TYPE_CHECKING:
    from flask import Flask
    from starlette.datastructures import Secret

__all__ = ["PreviousSessions", "flask_cookies", "starlette_cookies"]

Values = Mapping[str, Any]

_TWO_WEEKS_SECONDS = 14 * 86_400
_LONGEST_SECONDS = 400 * 86_400
"""What browsers cap a cookie's age at (RFC 6265bis, 5.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousSessions:
    """How the sessions of before are found and read.

    A request without a session of this package, but with such a cookie, begins one with its values.
    The old cookie is removed, and is worth nothing once the new session has ended.

    Attributes:
        cookie: the old cookie: its name, and the path and domain by which it is removed.
        read: called with the old cookie's value; the session's values, or None if there is no such
            session. An async function in event loops, if it has to wait. It is called for each
            request with an old cookie alone, so it must leave the old session as it is. What it
            raises is raised in the request.
        max_age: seconds for which an old cookie may be valid yet, such as 1_209_600.
        user_key: the key of its values that names the user, as a str or a number, so that the new
            session is that user's, in ``sessions_of``; None for no such key.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    cookie: Cookie
    read: Callable[[str], Values | Awaitable[Values | None] | None]
    max_age: int
    user_key: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.cookie, Cookie):
            raise TypeError(f"cookie must be a sessions.Cookie, not {self.cookie!r}")
        if not callable(self.read):
            raise TypeError(f"read must be a function of the cookie's value, not {self.read!r}")
        require_positive_int("max_age", self.max_age)
        require_str_or_none("user_key", self.user_key)


def starlette_cookies(
    secret_key: str | Secret,
    *,
    session_cookie: str = "session",
    max_age: int | None = _TWO_WEEKS_SECONDS,
    path: str = "/",
    domain: str | None = None,
    user_key: str | None = None,
) -> PreviousSessions:
    """Those of Starlette's own SessionMiddleware, which keeps them in a signed cookie.

    Args:
        secret_key: as it was given it, a str or a ``starlette.datastructures.Secret``, and so were
            the next four.
        session_cookie: the cookie's name.
        max_age: seconds for which a cookie is valid; None for ever.
        path: the cookie's.
        domain: the cookie's.
        user_key: see PreviousSessions.

    Raises:
        TypeError, ValueError: an argument is invalid.
        ImportError: the package ``itsdangerous``, which Starlette's needs, is not installed.
    """
    import itsdangerous

    signer = itsdangerous.TimestampSigner(_secret_key(secret_key))

    def read(value: str) -> Values | None:
        try:
            values = json.loads(b64decode(signer.unsign(value.encode(), max_age=max_age)))
        except (itsdangerous.BadSignature, RecursionError, ValueError):
            return None
        return values if isinstance(values, dict) else None

    return PreviousSessions(
        cookie=Cookie(
            name=session_cookie, secure=False, path=path, domain=without_leading_dot(domain)
        ),
        read=read,
        max_age=_LONGEST_SECONDS if max_age is None else max_age,
        user_key=user_key,
    )


def _secret_key(given: object) -> str:
    """A key as Starlette takes one. An unset variable is none: whoever guesses that could forge."""
    module = sys.modules.get("starlette.datastructures")
    key = str(given) if isinstance(given, getattr(module, "Secret", ())) else given
    if not isinstance(key, str):
        raise TypeError(f"secret_key must be a str or a Secret, not {type(given).__name__}")
    if not key:
        raise ValueError("secret_key must not be empty: anybody could make such cookies")
    return key


def flask_cookies(app: Flask, *, user_key: str | None = "_user_id") -> PreviousSessions:
    """Those of Flask's own SecureCookieSessionInterface, as the application is configured.

    Values are as Flask's JSON has them: tuples become lists; a datetime, a UUID or Markup its text.
    Messages of ``flash`` that were not shown yet are left behind.

    Args:
        app: the application, with its ``secret_key``, SESSION_COOKIE_* and
            PERMANENT_SESSION_LIFETIME.
        user_key: see PreviousSessions; Flask-Login's by default.

    Raises:
        ValueError: the application has no ``secret_key``.
    """
    import itsdangerous
    from flask.sessions import SecureCookieSessionInterface

    interface = SecureCookieSessionInterface()
    serializer = interface.get_signing_serializer(app)
    if serializer is None:
        raise ValueError("flask_cookies: the application needs its secret_key, to read its cookies")
    max_age = int(app.permanent_session_lifetime.total_seconds())

    def read(value: str) -> Values | None:
        try:
            values = serializer.loads(value, max_age=max_age)
        except (itsdangerous.BadData, RecursionError, ValueError):
            return None
        if not isinstance(values, dict):
            return None
        values.pop("_flashes", None)
        return {key: _plain(app, value) for key, value in values.items()}

    return PreviousSessions(
        cookie=Cookie(
            name=interface.get_cookie_name(app),
            secure=False,
            path=interface.get_cookie_path(app),
            domain=without_leading_dot(interface.get_cookie_domain(app)),
        ),
        read=read,
        max_age=max_age,
        user_key=user_key,
    )


def _plain(app: Flask, value: object) -> object:
    """A value as JSON has it; as it is where it has none, for whoever stores it to refuse."""
    try:
        return app.json.loads(app.json.dumps(value))
    except (TypeError, ValueError):
        return value
