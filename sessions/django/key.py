"""Django's session keys: the cookie's value, of at most 40 characters.

Columns for keys have 40 characters in Django's own model and in packages that follow it (allauth's
``UserSession``), and some databases ignore case when they compare. So a key is in lower-case
base32, which are characters of Django's own keys:

    token                26 characters, 130 random bits; 128 are enough (OWASP Session Management
                         Cheat Sheet asks for 64), and the table holds only its digest
    MAC, with a SECRET   14 more, 70 bits of it: a key that is forged without the secret passes once
                         in 2^70, and then costs a read that finds nothing
"""

from __future__ import annotations

from base64 import b32encode

from sessions.cookie.token import TokenForm


def _base32(digest: bytes) -> str:
    return b32encode(digest).rstrip(b"=").decode().lower()


KEY = TokenForm(_base32, "a-z2-7", token_characters=26, mac_characters=14, separator="")
