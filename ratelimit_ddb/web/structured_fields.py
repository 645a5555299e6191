"""Structured fields: strings and parameters as header text (RFC 9651).

A name may be any text, but a String holds printable ASCII only (RFC 9651, 3.3.3). Other characters
are percent-encoded as UTF-8, and so is every ``%``, in every name: else ``"é"`` and ``"%C3%A9"``
would be written alike. Display Strings (3.3.8) encode the same way, but are no Strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BareValue = int | str
"""What a parameter may be here: an Integer or a String."""

LARGEST_INTEGER = 999_999_999_999_999
"""Fifteen digits, either sign (RFC 9651, 3.3.1)."""

_PLAIN = re.compile(r"[ !#$&-\[\]-~]*")
_NOT_AS_IT_IS = re.compile(r"[^ -$&-~]")
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")


def string(text: str) -> str:
    """A String, between quotation marks and escaped. No two texts make the same one.

    Source: RFC 9651, 4.1.6.

    Raises:
        TypeError: it is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"string {text!r}: must be a str")
    if not _PLAIN.fullmatch(text):
        text = percent_encoded(text).replace("\\", "\\\\").replace('"', '\\"')
    # Not an f-string: an enumerated text would write its member's name there.
    return '"' + text + '"'


def percent_encoded(text: str) -> str:
    """The text in printable ASCII, as a client that reads a String sees it.

    To be read back, take ``%`` and two digits for a byte, and the bytes for UTF-8 (RFC 3986, 2.1).
    A lone surrogate, which UTF-8 can't write, gets the bytes it would have.
    """
    return _NOT_AS_IT_IS.sub(_bytes_of, text)


def parameters(pairs: Iterable[tuple[str, BareValue]]) -> str:
    """Parameters in their order: ``;q=100;w=60``; nothing for none.

    Source: RFC 9651, 4.1.1.2.

    Raises:
        TypeError: a value is neither an integer nor a text.
        ValueError: an integer has more than 15 digits, a key can't be one, or is there twice.
    """
    written: dict[str, str] = {}
    for key, value in pairs:
        if not _KEY.fullmatch(key):
            raise ValueError(
                f"parameter {key!r}: must begin with a lower-case letter or '*', "
                "then lower-case letters, digits, '_', '-', '.' or '*'"
            )
        if key in written:
            raise ValueError(f"parameter {key!r}: given twice; only one would be read")
        written[key] = f";{key}={_bare(key, value)}"
    return "".join(written.values())


def _bytes_of(character: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in character[0].encode("utf-8", "surrogatepass"))


def _bare(key: str, value: object) -> str:
    if isinstance(value, str):
        return string(value)
    # A bool is an int to Python and a type of its own to RFC 9651.
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"parameter {key}={value!r}: must be an int or a str")
    if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        raise ValueError(f"parameter {key}={value}: must have at most 15 digits")
    return str(int(value))
