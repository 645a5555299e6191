"""Tokens: what a cookie holds, and the digest that the table holds instead.

A token is 256 random bits, so it can't be guessed (OWASP Session Management Cheat Sheet, "Session
ID Entropy") and means nothing when decoded. The table's key is a digest of it, so whoever reads the
table or a log can't take over a session. With secrets, a cookie also carries a MAC of the token, so
that a made-up one is refused without a read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable

from sessions.arguments import require_secret, require_str

TOKEN_BYTES = 32

_ENCODED = "[A-Za-z0-9_-]{43}"
_TOKEN = re.compile(_ENCODED, re.ASCII)
_SIGNED = re.compile(rf"({_ENCODED})\.({_ENCODED})", re.ASCII)


class Tokens:
    """Makes tokens and reads them from cookies.

    Args:
        given: secrets, the first of which signs and all of which verify; none for tokens without a
            MAC. Rotate by putting the new one first, and remove the last when its cookies are old.
        namespace: a token of another namespace leads to no session here.

    Raises:
        TypeError, ValueError: a secret is not a str or bytes, or has less than 32 bytes.
    """

    __slots__ = ("_namespace", "_secrets")

    def __init__(self, given: str | bytes | Iterable[str | bytes] | None, namespace: str) -> None:
        several = [given] if isinstance(given, str | bytes) else list(given or ())
        self._secrets = tuple(require_secret(one) for one in several)
        if given is not None and not self._secrets:
            raise ValueError("secret must not be empty; use None for tokens without a MAC")
        self._namespace = require_str("namespace", namespace).encode()

    def new(self) -> str:
        """A token that nobody has."""
        return secrets.token_urlsafe(TOKEN_BYTES)

    def in_cookie(self, token: str) -> str:
        """The cookie's value: the token, and its MAC if there are secrets."""
        if not self._secrets:
            return token
        return f"{token}.{_encoded(self._mac(self._secrets[0], token))}"

    def of_cookie(self, value: str) -> str | None:
        """The token in a cookie's value; None if the value is malformed or its MAC is wrong."""
        if not self._secrets:
            return value if _TOKEN.fullmatch(value) else None
        parts = _SIGNED.fullmatch(value)
        if parts is None:
            return None
        token, claimed = parts[1], parts[2].encode()
        for secret in self._secrets:
            if hmac.compare_digest(_encoded(self._mac(secret, token)).encode(), claimed):
                return token
        return None

    def session_id(self, token: str) -> str:
        """The id of the token's session, its partition key: 43 characters that hide the token."""
        # The length keeps apart what would run together: "ab" + "c", "a" + "bc".
        head = b"session:%d:%b:" % (len(self._namespace), self._namespace)
        return _encoded(hashlib.sha256(head + token.encode()).digest())

    def _mac(self, secret: bytes, token: str) -> bytes:
        return hmac.digest(secret, b"cookie:" + self._namespace + b":" + token.encode(), "sha256")


def is_session_id(given: object) -> bool:
    """Whether a value has the form of a session's id."""
    return isinstance(given, str) and _TOKEN.fullmatch(given) is not None


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
