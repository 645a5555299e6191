"""CSRF tokens: a secret of the session, masked differently in each page.

The secret is derived from the cookie's token, so concurrent pages have the same one, and none of
them writes. It is stored if the token is going to change: in a session that begins, and at a
rotation, after which earlier forms are still valid.

The mask protects the secret from attacks that measure how well a page compresses (BREACH).
Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet, "Synchronizer Token Pattern".
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

CSRF = "sessions.csrf"

_SECRET_BYTES = 32
_TOKEN_CHARACTERS = 88  # of 64 bytes, in base64 with its padding


def new_secret() -> str:
    """A secret for a session, as text."""
    return secrets.token_hex(_SECRET_BYTES)


def secret_of(token: str) -> str:
    """The secret of a session whose cookie still has its first token."""
    return hmac.digest(token.encode(), b"csrf", "sha256").hex()


def masked(secret: str) -> str:
    """A token for a page, different each time."""
    mask = secrets.token_bytes(_SECRET_BYTES)
    return urlsafe_b64encode(mask + _xor(mask, bytes.fromhex(secret))).decode()


def is_of(secret: str, token: object) -> bool:
    """Whether a token was made of a secret; False for anything that is not a token."""
    if not isinstance(token, str) or len(token) != _TOKEN_CHARACTERS or not token.isascii():
        return False
    try:
        raw = urlsafe_b64decode(token)
    except ValueError:
        return False
    if len(raw) != 2 * _SECRET_BYTES or urlsafe_b64encode(raw).decode() != token:
        return False  # another encoding of the same bytes, which was never issued
    unmasked = _xor(raw[:_SECRET_BYTES], raw[_SECRET_BYTES:])
    return hmac.compare_digest(unmasked, bytes.fromhex(secret))


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))
