"""One form for all spellings of a token that its decoder reads as the same octets.

Many tokens are compared by what they decode to, and not as text. Python's decoder of Base64 passes
over characters outside its alphabet, over the bits that are left at the end, and, before 3.13.5,
over what follows the padding. By it python-jose, Authlib and earlier versions of PyJWT read the
signature of a JWT, itsdangerous that of a session's cookie, and Fernet its whole token: one valid
token can be written in any number of ways. ``uuid.UUID()`` and ``bytes.fromhex()`` take letters of
either case, and UUIDs have hyphens and braces or not.

What is too short for such a token, or a name of several short parts, keeps every character.

Source: RFC 4648, 3.3 (characters outside the alphabet) and 3.5 (the bits that are left); RFC 7515,
7.1 (JWS); RFC 9562, 4 (UUIDs).
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, b2a_base64

_SHORTEST_PART = 22
"""Characters: the Base64 of 16 octets, than which no signature behind a dot is shorter."""
_SHORTEST_TOKEN = 40
"""Characters of a token without dots. Ids are shorter, and of those the last bits may count."""

_HEX = re.compile(r"(?:urn:)?(?:uuid:)?\{*([0-9A-Fa-f-]{32,})\}*")
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def token_form(value: str) -> str:
    """The form of a value; the value itself if it does not look like a token."""
    if len(value) < _SHORTEST_PART:
        return value
    digits = _HEX.fullmatch(value)
    if digits:
        return digits[1].replace("-", "").lower()
    *before, last = [_recoded(part) for part in value.split(".")]
    if len(last) < (_SHORTEST_PART if before else _SHORTEST_TOKEN):
        return value
    return ".".join([*before, last])


def _recoded(text: str) -> str:
    """The Base64 of what a Base64 text decodes to; the text itself if it decodes to nothing."""
    octets = text.encode("ascii", "ignore").translate(_FROM_URL_SAFE)
    try:
        return b2a_base64(a2b_base64(octets + b"=="), newline=False).decode()
    except Error:
        return text
