"""Whose bucket a request draws on: by a header, a cookie, a session, a verified claim, or nobody's.

A request that lacks what an identity goes by is counted ``otherwise``, by its address unless told:
never unlimited because it left something out. Such a bucket's key has one part more, so that nobody
gets into it by calling themselves what somebody's address is.

Header and cookie values are often credentials, so a key holds their digest, unless told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Generator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ratelimit_ddb.key import KeyGiven
from ratelimit_ddb.web.client_address import client_address
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rule import Identified, Identity

Claims = Callable[[str], Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None]
"""The app's own check of a bearer token: the verified claims, or None for one that is not valid."""

_APART = "otherwise"


def everyone() -> Identity:
    """One bucket for all requests together."""
    return lambda _request: "everyone"


def header(name: str, *, digest: bool = True, otherwise: Identity | None = None) -> Identity:
    """The value of a header, such as an API key.

    Whoever can invent values gets a new bucket with each: have the app refuse unknown ones, or put
    a rule by address beside it.

    Args:
        name: the header's name, in any case.
        digest: whether keys hold a digest of the value; False for what is no secret.
        otherwise: the identity of requests without it; the client's address unless given.

    Raises:
        TypeError, ValueError: the name can't be one.
    """
    _require_name("header", name)
    return _by_text(lambda request: request.header(name), digest, otherwise)


def cookie(name: str, *, digest: bool = True, otherwise: Identity | None = None) -> Identity:
    """The value of a cookie. Arguments and warning as for ``header``."""
    _require_name("cookie", name)
    return _by_text(lambda request: request.cookie(name), digest, otherwise)


def session_user(field: str = "user_id", *, otherwise: Identity | None = None) -> Identity:
    """The user who is logged in, from the session that a middleware outside this one opened.

    Args:
        field: the session's attribute or, if it has none of that name, its key.
        otherwise: the identity of requests without a user; the client's address unless given.
    """
    _require_name("field", field)

    def user(request: Request) -> str | None:
        session = request.session
        found = getattr(session, field, None)
        if found is None and callable(get := getattr(session, "get", None)):
            found = get(field)
        return None if found is None else str(found)

    return _by_text(user, False, otherwise)


def bearer_claim(name: str, *, claims: Claims, otherwise: Identity | None = None) -> Identity:
    """A claim of the request's bearer token (RFC 6750, 2.1), as the app verified it.

    Args:
        name: the claim, such as ``"sub"``.
        claims: the app's own function of the token; a claim that nobody verified would let callers
            choose their bucket, so nothing is decoded here.
        otherwise: the identity of requests without a valid token or without the claim; the client's
            address unless given.
    """
    _require_name("claim", name)
    if not callable(claims):
        raise TypeError(f"claims {claims!r}: a function of the token is needed")
    fallback = fallback_of(otherwise)

    def of_claims(found: Mapping[str, Any] | None, request: Request) -> Any:
        value = None if found is None else found.get(name)
        return fallback(request) if value is None or value == "" else str(value)

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        token = _bearer_token(request)
        found = None if token is None else claims(token)
        if isinstance(found, Awaitable):
            return _Then(found, lambda claimed: of_claims(claimed, request))
        return of_claims(found, request)  # type: ignore[no-any-return]

    return identity


def digest_of(credential: str) -> str:
    """A text that tells credentials apart and gives none away: half of its SHA-256, in hex."""
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _bearer_token(request: Request) -> str | None:
    scheme, _, token = (request.header("authorization") or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _by_text(
    found_in: Callable[[Request], str | None], digest: bool, otherwise: Identity | None
) -> Identity:
    fallback = fallback_of(otherwise)

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        found = found_in(request)
        if not found:
            return fallback(request)
        return digest_of(found) if digest else found

    return identity


def fallback_of(otherwise: Identity | None) -> Identity:
    """The other identity, in keys that no value of the first one can make."""
    if otherwise is not None and not callable(otherwise):
        raise TypeError(f"otherwise {otherwise!r}: a function of the request is needed")
    other = client_address() if otherwise is None else otherwise

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        found = other(request)
        return _Then(found, _apart) if isinstance(found, Awaitable) else _apart(found)

    return identity


def _apart(found: Identified | None) -> Identified | None:
    if found is None:
        return None
    if isinstance(found, AbstractSet):
        return {_apart_key(one) for one in found}
    return _apart_key(found)


def _apart_key(key: KeyGiven) -> KeyGiven:
    return (_APART, *key) if isinstance(key, tuple) else (_APART, key)


class _Then:
    """What a function makes of something that is awaited first, and awaited again if it must be.

    No coroutine of our own, for one that nobody awaits could not close the user's.
    """

    __slots__ = ("_coming", "_make")

    def __init__(self, coming: Awaitable[Any], make: Callable[[Any], Any]) -> None:
        self._coming = coming
        self._make = make

    def __await__(self) -> Generator[Any, Any, Any]:
        made = self._make((yield from self._coming.__await__()))
        return (yield from made.__await__()) if isinstance(made, Awaitable) else made

    def close(self) -> None:
        """Give up what is not awaited."""
        if hasattr(self._coming, "close"):
            self._coming.close()


def _require_name(what: str, name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{what} {name!r}: a text is needed")
    if not name or not name.isascii() or any(sign in name for sign in " \t\r\n:;,="):
        raise ValueError(
            f"{what} {name!r}: a name in ASCII without spaces and separators is needed"
        )
