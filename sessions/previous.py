"""The sessions that a site had before: each is read once, and continues as one of this package.

    app = SessionMiddleware(app, store, previous=starlette_cookies(SECRET_KEY))

``lifecycle/take_over.py`` takes them over.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ddbwire.shared.optional_package import optional_package
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
    """How the sessions that the site had before are found and read.

    A request with such a cookie and no session of this package begins one with the old values. The
    old cookie is removed, and gives access to nothing once the new session has ended.

    Attributes:
        cookie: the old cookie: its name, and the path and domain with which it is removed.
        read: a function of the old cookie's value that returns the session's values, or None if
            there is no such session. In event loops it may be an async function. It is called in
            each request that has only an old cookie, so it must not change the old session. Of a
            cookie that can be written in several ways, it must accept one: each would be taken over
            by itself. An exception that it raises is raised in the request.
        max_age: seconds for which an old cookie may still be valid, such as 1_209_600.
        user_key: the key of the values that names the user, as a str or a number. The new session
            belongs to that user, and ``sessions_of`` lists it; None for no such key.

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
    """The sessions of Starlette's own SessionMiddleware, which keeps them in a signed cookie.

    The first five arguments are those that Starlette's middleware had.

    Args:
        secret_key: a str or a ``starlette.datastructures.Secret``.
        session_cookie: the cookie's name.
        max_age: seconds for which a cookie is valid; None for no limit.
        path: the cookie's path.
        domain: the cookie's domain; None for the host alone.
        user_key: see PreviousSessions.

    Raises:
        TypeError, ValueError: an argument is invalid.
        ImportError: the package ``itsdangerous``, which Starlette's needs, is not installed.
    """
    with optional_package("starlette_cookies", "itsdangerous"):
        import itsdangerous

    signer = itsdangerous.TimestampSigner(_secret_key(secret_key))

    def read(value: str) -> Values | None:
        try:
            values = json.loads(b64decode(signer.unsign(value.encode(), max_age=max_age)))
        except (itsdangerous.BadSignature, RecursionError, ValueError):
            return None
        return values if isinstance(values, dict) and _is_as_signed(value) else None

    return PreviousSessions(
        cookie=Cookie(
            name=session_cookie, secure=False, path=path, domain=without_leading_dot(domain)
        ),
        read=read,
        max_age=_LONGEST_SECONDS if max_age is None else max_age,
        user_key=user_key,
    )


def _secret_key(given: object) -> str:
    """A key as Starlette takes one; an unset variable, "" or None, is refused: anyone knows it."""
    module = sys.modules.get("starlette.datastructures")
    key = str(given) if isinstance(given, getattr(module, "Secret", ())) else given
    if not isinstance(key, str):
        raise TypeError(f"secret_key must be a str or a Secret, not {type(given).__name__}")
    if not key:
        raise ValueError("secret_key must not be empty: anybody could make such cookies")
    return key


def flask_cookies(app: Flask, *, user_key: str | None = "_user_id") -> PreviousSessions:
    """The sessions of Flask's own SecureCookieSessionInterface, as the application is configured.

    Values become what Flask's JSON makes of them: a tuple becomes a list; a datetime, a UUID or
    Markup becomes its text. Messages of ``flash`` that were not shown yet are dropped.

    Args:
        app: the application, with its ``secret_key``, SESSION_COOKIE_* and
            PERMANENT_SESSION_LIFETIME.
        user_key: see PreviousSessions; Flask-Login's by default.

    Raises:
        ValueError: the application has no ``secret_key``.
    """
    with optional_package("flask_cookies", "flask"):
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
        if not (isinstance(values, dict) and _is_as_signed(value)):
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


def _is_as_signed(value: str) -> bool:
    """Whether a valid signature is written as it was made.

    Decoders of Base64 ignore some bits and characters. A cookie that is written in another way
    would be taken over a second time, after a logout for example.
    """
    from itsdangerous import base64_decode, base64_encode

    signature = value.rpartition(".")[2]
    return base64_encode(base64_decode(signature)).decode() == signature


def _plain(app: Flask, value: object) -> object:
    """A value as JSON has it; one without JSON stays as it is, and is refused when it is stored."""
    try:
        return app.json.loads(app.json.dumps(value))
    except (TypeError, ValueError):
        return value
