"""One form for all spellings of a token that its decoder reads as the same octets.

Many tokens are compared by what they decode to, and not as text. Python's decoder of Base64 passes
over characters outside its alphabet, over the bits that are left at the end, and, before 3.13.5,
over what follows the padding. By it python-jose, Authlib and earlier versions of PyJWT read the
signature of a JWT, itsdangerous that of a session's cookie, and Fernet its whole token: one valid
token can be written in any number of ways. So can a UUID, of which ``uuid.UUID()`` removes every
``urn:``, brace and hyphen, and what ``bytes.fromhex()`` reads, with white space and capitals.

What is too short for such a token, a name of several short parts, and one without capitals or
without small letters keep every character.

Source: RFC 4648, 3.3 (characters outside the alphabet) and 3.5 (the bits that are left); RFC 7515,
7.1 (JWS) and RFC 7516, 7.1 (JWE).
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, b2a_base64
from contextlib import suppress
from uuid import UUID

_SHORTEST_PART = 22
"""Characters: the Base64 of 16 octets, than which no signature behind a dot is shorter."""
_SHORTEST_TOKEN = 40
"""Characters of a token without dots. Ids are shorter, and of those the last bits may count."""
_SHORTEST_HEX = 32
_DOTS_OF_JWE = 4

_OF_HEX = re.compile(r"[\da-fA-FxX\s_+:{}urni-]*")
"""Every character that ``uuid.UUID()`` and ``bytes.fromhex()`` accept: their exceptions take longer
than all that is done for other tokens."""
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def token_form(value: str) -> str:
    """The form of a value; the value itself if it does not look like a token."""
    if len(value) < _SHORTEST_PART:
        return value
    digits = _hex_digits(value)
    if digits is not None:
        return digits if len(digits) >= _SHORTEST_HEX else value
    before, dot, last = value.rpartition(".")
    form = _recoded(last)
    if len(form) < (_SHORTEST_PART if dot else _SHORTEST_TOKEN) or _has_one_case(form[:-1]):
        return value
    if value.count(".") == _DOTS_OF_JWE:
        # Of other tokens the signature is that of the text before it.
        before = ".".join(map(_recoded, before.split(".")))
    return before + dot + form


def _hex_digits(value: str) -> str | None:
    """What a UUID or a text of hexadecimal digits is read as; None if it is neither."""
    if not _OF_HEX.fullmatch(value):
        return None
    with suppress(ValueError):
        return UUID(value).hex
    with suppress(ValueError):
        return bytes.fromhex(value).hex()
    return None


def _has_one_case(text: str) -> bool:
    # Of 21 random characters of Base64, one in 30,000 texts has no capitals or no small letters.
    return text in (text.lower(), text.upper())


def _recoded(text: str) -> str:
    """The Base64 of what a Base64 text decodes to; the text itself if it decodes to nothing."""
    octets = text.encode("ascii", "ignore").translate(_FROM_URL_SAFE)
    try:
        return b2a_base64(a2b_base64(octets + b"=="), newline=False).rstrip(b"=").decode()
    except Error:
        return text
