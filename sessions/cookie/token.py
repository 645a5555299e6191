"""Tokens: what a cookie holds, and the digest that the table holds instead.

A token is 256 random bits, so it can't be guessed (OWASP Session Management Cheat Sheet, "Session
ID Entropy"), and it has no meaning. The table's key is a digest of it, so nobody who reads the
table or a log can take over a session. With secrets, a cookie also has a MAC of the token, so that
a forged one is refused without a read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Final

from sessions.arguments import require_namespace, require_secret, require_several

TOKEN_BYTES = 32

MAX_COOKIES = 3
"""How many cookies with the same name are tried in a request; each costs a read."""

_SESSION_ID = re.compile("[A-Za-z0-9_-]{43}", re.ASCII)


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class TokenForm:
    """How a token and its MAC are written in a cookie.

    Attributes:
        encode: 32 bytes as a text that needs no quoting.
        alphabet: the characters of such texts, as in a regular expression's ``[]``.
        token_characters: the length of a token, such as 43.
        mac_characters: the length of its MAC, such as 43.
        separator: the text between the two, such as ``"."``.
    """

    encode: Callable[[bytes], str]
    alphabet: str
    token_characters: int
    mac_characters: int
    separator: str

    def pattern(self, *, signed: bool) -> re.Pattern[str]:
        """The pattern of a cookie's value; its groups are the token, and the MAC if signed."""
        token = f"([{self.alphabet}]{{{self.token_characters}}})"
        mac = f"([{self.alphabet}]{{{self.mac_characters}}})"
        return re.compile(token + re.escape(self.separator) + mac if signed else token, re.ASCII)


BASE64 = TokenForm(_encoded, "A-Za-z0-9_-", 43, 43, ".")
"""Base64 for URLs (RFC 4648, 5), with 256 bits of both."""


class Unsigned(Enum):
    """The type of UNSIGNED."""

    UNSIGNED = "UNSIGNED"


UNSIGNED: Final = Unsigned.UNSIGNED
"""Stands for "no MAC" among the secrets. If it is last, cookies without a MAC are still accepted,
while a site begins to sign its cookies; if it is first, new cookies have no MAC."""

Secret = str | bytes | Unsigned


class Tokens:
    """Makes tokens and reads them from cookies.

    Args:
        given: the secrets: the first signs, and all verify; None for tokens without a MAC. To
            rotate, put the new one first, and remove the last when its cookies have expired.
            UNSIGNED among them stands for no MAC.
        namespace: the application's. A token of another namespace leads to no session here.
        form: how tokens are written.

    Raises:
        TypeError, ValueError: a secret is not a str or bytes, or has less than 32 bytes.
    """

    __slots__ = (
        "_accepts_unsigned",
        "_form",
        "_namespace",
        "_secrets",
        "_signed",
        "_signs",
        "_unsigned",
    )

    def __init__(
        self,
        given: Secret | Iterable[Secret] | None,
        namespace: str,
        form: TokenForm = BASE64,
    ) -> None:
        several = _several(given)
        self._secrets = tuple(require_secret(one) for one in several if one is not UNSIGNED)
        if given is not None and not self._secrets:
            which = "have a secret beside UNSIGNED" if several else "not be empty"
            raise ValueError(f"secret must {which}; use None for tokens without a MAC")
        self._signs = bool(several) and several[0] is not UNSIGNED
        self._accepts_unsigned = not self._secrets or UNSIGNED in several
        self._namespace = require_namespace(namespace).encode()
        self._form = form
        self._signed, self._unsigned = form.pattern(signed=True), form.pattern(signed=False)

    def new(self) -> str:
        """A new random token."""
        random_text = self._form.encode(secrets.token_bytes(TOKEN_BYTES))
        return random_text[: self._form.token_characters]

    def derived_from(self, text: str) -> str:
        """The token of another credential: always the same, and as hard to guess as that one."""
        digest = hashlib.sha256(b"derived:" + self._namespace + b":" + text.encode()).digest()
        return self._form.encode(digest)[: self._form.token_characters]

    def in_cookie(self, token: str) -> str:
        """The cookie's value: the token, and its MAC if there are secrets."""
        if not self._signs:
            return token
        return f"{token}{self._form.separator}{self._mac(self._secrets[0], token)}"

    def of_cookie(self, value: str) -> str | None:
        """The token in a cookie's value; None if the value is malformed or its MAC is wrong."""
        if self._accepts_unsigned and self._unsigned.fullmatch(value):
            return value
        parts = self._signed.fullmatch(value)
        if parts is None:
            return None
        token, claimed = parts[1], parts[2]
        for secret in self._secrets:
            if hmac.compare_digest(self._mac(secret, token), claimed):
                return token
        return None

    def of_cookies(self, values: Iterable[str]) -> dict[str, str]:
        """The first three well-formed values of cookies, each with its token."""
        found = ((value, self.of_cookie(value)) for value in dict.fromkeys(values))
        well_formed = ((value, token) for value, token in found if token is not None)
        return dict(islice(well_formed, MAX_COOKIES))

    def session_id(self, token: str) -> str:
        """The id of the token's session, its partition key: 43 characters that hide the token."""
        # The length keeps apart what would run together: "ab" + "c", "a" + "bc".
        head = b"session:%d:%b:" % (len(self._namespace), self._namespace)
        return _encoded(hashlib.sha256(head + token.encode()).digest())

    def _mac(self, secret: bytes, token: str) -> str:
        head = b"cookie:" + self._namespace + b":"
        digest = hmac.digest(secret, head + token.encode(), "sha256")
        return self._form.encode(digest)[: self._form.mac_characters]


def _several(given: Secret | Iterable[Secret] | None) -> list[Secret]:
    if isinstance(given, Secret):
        return [given]
    return [] if given is None else require_several("secret", "a str or bytes", given)


def is_session_id(given: object) -> bool:
    """Whether a value has the form of a session's id."""
    return isinstance(given, str) and _SESSION_ID.fullmatch(given) is not None
