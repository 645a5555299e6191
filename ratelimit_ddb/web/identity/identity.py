"""Identities: whose bucket a request draws on, by a header, a cookie, a session or a claim.

A request without the header, cookie, session or claim is counted by ``otherwise``, which is the
client's address by default: leaving it out does not lift the limit. Such a key has one part more,
so that a client can't get into an address's bucket by sending the address as its API key.

Header and cookie values are often credentials, so a key holds their digest by default.

If a field or cookie can be read in several ways, all of them are charged, or none: see
``ratelimit_ddb.web.identity.readings`` and decision 008.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ratelimit_ddb.key import KeyLike
from ratelimit_ddb.web.identity.client_address import client_address, whole_address_of
from ratelimit_ddb.web.identity.function_of_request import (
    makes_identities,
    require_function_of_request,
)
from ratelimit_ddb.web.identity.id_text import id_text
from ratelimit_ddb.web.identity.identity_source import (
    IdentitySource,
    note_source,
    request_with_cookie,
    request_with_header,
    request_with_session,
    source_of,
)
from ratelimit_ddb.web.identity.readings import ReadingsOf, of_bearer_token, of_cookie, of_header
from ratelimit_ddb.web.identity.token_form import token_form
from ratelimit_ddb.web.request import Request

Identified = KeyLike | AbstractSet[KeyLike]
"""The key of a request's bucket; or a set of keys, all of which are charged or none."""

Identity = Callable[[Request], Identified | Awaitable[Identified | None] | None]
"""Returns whose bucket a request draws on; None if the rule does not apply to the request."""

Claims = Callable[[str], Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None]
"""The application's check of a bearer token: its verified claims, or None if it is not valid."""

_NO_SESSION = (
    "session_user() found no session in the request: the session middleware must be outside the "
    "rate limits. With app.add_middleware() the last one added is the outermost, so add the "
    "session middleware after RateLimitMiddleware; in Starlette's middleware=[...] and in Django's "
    "MIDDLEWARE put it before; in Flask use limit_app(), which sees Flask's own session"
)

_FALLBACK = "otherwise"

_TOO_MANY_VALUES: KeyLike = ("otherwise", "too many values", "")
"""The bucket of all requests with more values of a name than are read."""


@makes_identities("everyone()")
def everyone() -> Identity:
    """One bucket for all requests."""

    def identity(_request: Request) -> str:
        return "everyone"

    note_source(identity, IdentitySource(None, None, None))
    return identity


@makes_identities('header("x-api-key")')
def header(name: str, *, digest: bool = True, otherwise: Identity | None = None) -> Identity:
    """The value of a header, such as an API key.

    If the field is repeated, each value is charged, and so is the joined value.

    A client that invents values gets a new bucket with each: have the application refuse unknown
    values, or add a rule by address.

    Args:
        name: the header's name, in any case.
        digest: whether keys hold a digest of the value, the same for all spellings of a token
            (``ratelimit_ddb.web.identity.token_form``); False for values that are no secret.
        otherwise: the identity of requests without the header; the client's address unless given.

    Raises:
        TypeError, ValueError: the name is invalid.
    """
    _require_name("header", name)
    source = (f"a value of the header {name!r}", request_with_header(name))
    return _by_readings(of_header(name), digest, otherwise, *source)


@makes_identities('cookie("sid")')
def cookie(name: str, *, digest: bool = True, otherwise: Identity | None = None) -> Identity:
    """The value of a cookie, without quotes, escapes and percent-encoding.

    Of several cookies with the name each value is charged. The arguments and the warning are those
    of ``header``.
    """
    _require_name("cookie", name)
    source = (f"a value of the cookie {name!r}", request_with_cookie(name))
    return _by_readings(of_cookie(name), digest, otherwise, *source)


@makes_identities("session_user()")
def session_user(field: str = "user_id", *, otherwise: Identity | None = None) -> Identity:
    """The user who is logged in, by the session that a middleware outside this one opened.

    Args:
        field: an attribute of the session or, if it has none of that name, a key.
        otherwise: the identity of requests without a user; the client's address unless given.

    Raises:
        RuntimeError: at a request, if no session middleware is outside the limiter: all users would
            silently be counted by address.
        TypeError: at a request, the field has no id (a str, an int, a UUID), but an object.
    """
    _require_name("field", field)

    def user(request: Request) -> str | None:
        session = request.session
        if session is None and not request.has_session:
            raise RuntimeError(_NO_SESSION)
        found = getattr(session, field, None)
        if found is None and callable(get := getattr(session, "get", None)):
            found = get(field)
        return None if found is None else id_text(f"session field {field!r}", found)

    fallback = fallback_of(otherwise)

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        return user(request) or fallback(request)

    what = f"the {field!r} of a session"
    note_source(identity, IdentitySource(what, request_with_session(field), other_of(otherwise)))
    return identity


@makes_identities('bearer_claim("sub", claims=...)')
def bearer_claim(name: str, *, claims: Claims, otherwise: Identity | None = None) -> Identity:
    """A claim of the request's bearer token (RFC 6750, 2.1), as the application verified it.

    Args:
        name: the claim, such as ``"sub"``.
        claims: the application's function of a token that returns its verified claims; it is called
            with each of several tokens. Nothing is decoded here: clients could choose their bucket
            by a claim that is not verified.
        otherwise: the identity of requests without a valid token or without the claim; the client's
            address unless given.
    """
    _require_name("claim", name)
    if not callable(claims):
        raise TypeError(f"claims {claims!r}: must be a function of the token")
    fallback = fallback_of(otherwise)

    tokens_of = of_bearer_token()

    def of_tokens(tokens: Iterator[str], keys: set[KeyLike], request: Request) -> Any:
        for token in tokens:
            found = claims(token)
            if isinstance(found, Awaitable):
                return _MappedAwaitable(
                    found, lambda claimed: further(claimed, tokens, keys, request)
                )
            _add_claim(name, found, keys)
        return _one_or_all(keys) if keys else fallback(request)

    def further(
        claimed: Mapping[str, Any] | None,
        tokens: Iterator[str],
        keys: set[KeyLike],
        request: Request,
    ) -> Any:
        _add_claim(name, claimed, keys)
        return of_tokens(tokens, keys, request)

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        tokens, more = tokens_of(request)
        keys: set[KeyLike] = {_TOO_MANY_VALUES} if more else set()
        return of_tokens(iter(tokens), keys, request)  # type: ignore[no-any-return]

    what = f"the claim {name!r} of a token"
    note_source(identity, IdentitySource(what, None, other_of(otherwise)))
    return identity


def digest_of(text: str) -> str:
    """The first half of a text's SHA-256, in hex, which stands for the text in keys and records.

    Keys hold the digest of a header's or a cookie's value. Log records and spans hold the digest
    of a bucket's key:

        >>> digest_of("login:192.0.2.7")
        '95b9cf4a15e45e251516ad18d35d820b'
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _add_claim(name: str, claims: Mapping[str, Any] | None, keys: set[KeyLike]) -> None:
    if claims is None:
        return
    if not callable(getattr(claims, "get", None)):
        raise TypeError(
            f"claims gave a {type(claims).__name__}: must be a mapping of claims, or None for a "
            "token that is not valid"
        )
    value = claims.get(name)
    if value is not None and value != "":
        keys.add(id_text(f"claim {name!r}", value))


def _by_readings(
    readings: ReadingsOf,
    digest: bool,
    otherwise: Identity | None,
    what: str,
    request_with: Callable[[str], Request],
) -> Identity:
    fallback = fallback_of(otherwise)

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        values, more = readings(request)
        if not values:
            return fallback(request)
        keys: set[KeyLike] = {digest_of(token_form(value)) if digest else value for value in values}
        if more:
            keys.add(_TOO_MANY_VALUES)
        return _one_or_all(keys)

    note_source(identity, IdentitySource(what, request_with, other_of(otherwise)))
    return identity


def require_no_identity(what: str, function: object, gives: str) -> None:
    """Refuse an identity for an option that takes another kind of function.

    A key is true: ``exempt=header("x-internal")`` would exempt every request.

    Args:
        what: the option.
        function: its value.
        gives: what a function for this option returns, for the message.

    Raises:
        TypeError: it is one of this package's identities.
    """
    if source_of(function) is not None or whole_address_of(function) is not None:
        raise TypeError(
            f"{what} {function!r}: must be a function that gives {gives}; it is an identity, which "
            "gives a key for every request and is for by="
        )


def _one_or_all(keys: set[KeyLike]) -> Identified:
    return next(iter(keys)) if len(keys) == 1 else keys


def fallback_of(otherwise: Identity | None) -> Identity:
    """The ``otherwise`` identity, with keys that no value of the first one can have."""
    other = other_of(otherwise)
    require_function_of_request("otherwise", other)

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        found = other(request)
        return (
            _MappedAwaitable(found, _as_fallback)
            if isinstance(found, Awaitable)
            else _as_fallback(found)
        )

    return identity


def as_fallback(found: Identified) -> Identified:
    """A key of the ``otherwise`` identity, which no value of the first one can have."""
    if isinstance(found, AbstractSet):
        return {_fallback_key(one) for one in found}
    return _fallback_key(found)


def is_fallback(found: Identified | None) -> bool:
    """Whether a key is of the ``otherwise`` identity, or None."""
    return found is None or (isinstance(found, tuple) and found[:1] == (_FALLBACK,))


def other_of(otherwise: Identity | None) -> Identity:
    """The ``otherwise`` identity: the client's address unless given."""
    return client_address() if otherwise is None else otherwise


def _as_fallback(found: Identified | None) -> Identified | None:
    return None if found is None else as_fallback(found)


def _fallback_key(key: KeyLike) -> KeyLike:
    return (_FALLBACK, *key) if isinstance(key, tuple) else (_FALLBACK, key)


class _MappedAwaitable:
    """An awaitable that maps the result of another one, and awaits the mapped result if need be.

    It is no coroutine, since one that is never awaited could not close the user's coroutine.
    """

    __slots__ = ("_coming", "_make")

    def __init__(self, coming: Awaitable[Any], make: Callable[[Any], Any]) -> None:
        self._coming = coming
        self._make = make

    def __await__(self) -> Generator[Any, Any, Any]:
        result = self._make((yield from self._coming.__await__()))
        return (yield from result.__await__()) if isinstance(result, Awaitable) else result

    def close(self) -> None:
        """Close the inner coroutine, if nothing awaits it."""
        if hasattr(self._coming, "close"):
            self._coming.close()


def _require_name(what: str, name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{what} {name!r}: must be a str")
    if not name or not name.isascii() or any(sign in name for sign in " \t\r\n:;,="):
        raise ValueError(f"{what} {name!r}: must be a name in ASCII without spaces and separators")
