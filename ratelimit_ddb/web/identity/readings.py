r"""The values that an application may read of a header field or a cookie.

If a field or cookie is sent twice, one framework reads its first value and another its last; some
join the fields by a comma. A cookie's value may be quoted, escaped or percent-encoded. What the
application does can't be known here. So every value that it could read is found, and an identity
charges all of them: the valid credential, whichever it is, is charged as if it had come alone.

Spellings that some framework reads as the same value (``"\163id"`` and ``sid`` in a cookie) are
brought to one form. Two values that differ for an application may have the same form here; two
spellings of one value never have different forms.

At most ``MOST_VALUES`` values of a name are read, from both ends. If there are more, the request
also draws on a bucket that all such requests share.

Source: RFC 9110, 5.3 (repeated fields) and 5.5 (white space); RFC 6265, 4.2 and 5.4 (cookies);
RFC 9113, 8.2.3 (a split Cookie field); RFC 2109 (quoted values), which Python's http.cookies has.
"""

from __future__ import annotations

import contextlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from ratelimit_ddb.web.request import Request, unquoted

MOST_VALUES = 4
"""How many occurrences of a name are read: twice what browsers send with good reason."""

_AUTHORIZATION = ("authorization", "proxy-authorization")

_PLAIN = re.compile(r"[A-Za-z0-9_.~+/=:|-]+")
"""A cookie's value that has one spelling."""
_PERCENT = re.compile("%([0-9A-Fa-f]{2})")
_QUOTED = re.compile(r'\s*("(?:[^\\"]|\\.)*+")', re.DOTALL)
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_WITHOUT_QUOTING = {ord('"'): None, ord("\\"): None}

T = TypeVar("T")


class Readings(NamedTuple):
    """The values that an application may read; none if the request has none, or only empty ones.

    Attributes:
        values: each value once.
        more: whether there were more occurrences than are read.
    """

    values: tuple[str, ...]
    more: bool = False


ReadingsOf = Callable[[Request], Readings]

NONE = Readings(())


def of_header(name: str) -> ReadingsOf:
    """The readings of a header field.

    One field is one value, including its commas. Of several fields each is a value, and so are all
    of them joined: those of the exact name, and those whose names differ only in ``-`` and ``_``,
    which are the same for an application behind a bridge from ASGI to WSGI.

    Of Authorization and Proxy-Authorization the values are the credentials, whatever the scheme and
    the space after it: many applications read no more.
    """
    of_fields = _fields_and_joined(name)
    if name.lower() not in _AUTHORIZATION:
        return of_fields

    def credentials(request: Request) -> Readings:
        fields, more = of_fields(request)
        return _readings([one for field in fields for one in _credentials(field)], str, more)

    return credentials


def _fields_and_joined(name: str) -> ReadingsOf:
    def readings(request: Request) -> Readings:
        alike = request.fields_alike(name)
        if len(alike) < 2:
            value = _listed(alike[0]) if alike else ""
            return Readings((value,)) if value else NONE
        read, more = _ends(alike)
        joined = (",".join(request.fields(name)), ",".join(alike))
        return _readings([*read, *joined], _listed, more)

    return readings


def of_cookie(name: str) -> ReadingsOf:
    """The readings of a cookie, wherever its name begins a pair in the Cookie fields.

    A pair begins after ``;`` or, for http.cookies, after white space. Its value ends at the next
    ``;``, at its closing quote, or, for http.cookies, at white space.
    """
    named = re.compile(rf"{re.escape(name)}\s*=")

    def readings(request: Request) -> Readings:
        fields = request.fields("cookie")
        text = "; ".join(fields)
        found = in_text(text)
        if text.isascii():
            return found
        # Django over WSGI decodes the field as UTF-8, which has other white space.
        decoded = in_text(text.encode("latin-1", "replace").decode("utf-8", "replace"))
        return _readings([*found.values, *decoded.values], str, found.more or decoded.more)

    def in_text(text: str) -> Readings:
        # Not a look-behind, with which the search is six times slower.
        begins = [
            found.end()
            for found in named.finditer(text)
            if (before := text[found.start() - 1 : found.start()]) in ("", ";") or before.isspace()
        ]
        if not begins:
            return NONE
        if len(begins) == 1 and _PLAIN.fullmatch(whole := _up_to_semicolon(text, begins[0])):
            return Readings((whole,))  # what nearly all requests have
        read, more = _ends(begins)
        values = [value for begin in read for value in _cookie_values(text, begin)]
        return _readings(values, _unescaped, more)

    return readings


def of_bearer_token() -> ReadingsOf:
    """The readings of a bearer token: what follows ``Bearer``, in any case (RFC 6750, 2.1).

    It is read in each Authorization field and, if that is a list, in its elements. The readings are
    the whole rest and, for applications that split at white space, its first and last word.
    """
    of_authorization = _fields_and_joined("authorization")

    def readings(request: Request) -> Readings:
        values, more = of_authorization(request)
        tokens: list[str] = []
        for value in values:
            elements, further = _ends(value.split(",")) if "," in value else ([], False)
            more = more or further
            for element in (value, *elements):
                scheme, *words = element.split() or [""]
                if words and scheme.lower() == "bearer":
                    tokens += _rest_and_ends(words)
        return _readings(tokens, str, more)

    return readings


def _credentials(authorization: str) -> list[str]:
    """The readings of what follows the scheme of an Authorization field, each in one form."""
    scheme, *words = authorization.split()
    if not words:
        return [scheme]
    if scheme.lower() == "basic":
        texts = {"".join(words), words[0], words[-1]}
        return [form for text in texts for form in _forms_of_base64(text)]
    return _rest_and_ends(words)


def _forms_of_base64(text: str) -> list[str]:
    """One form for all spellings that decode to the same bytes.

    Python's decoder ignores characters outside its alphabet, left-over bits and excess padding;
    some applications add missing padding, and some decode the URL-safe alphabet.
    """
    octets = text.encode("ascii", "ignore") + b"=="
    forms: list[str] = []
    for one in (octets, octets.translate(_FROM_URL_SAFE)):
        with contextlib.suppress(ValueError):
            forms.append(b64encode(b64decode(one)).decode())
    return forms or [text]


def _rest_and_ends(words: list[str]) -> list[str]:
    return [" ".join(words), words[0], words[-1]]


def _readings(found: Sequence[str], form: Callable[[str], str], more: bool) -> Readings:
    values = dict.fromkeys(form(value) for value in found)
    values.pop("", None)
    return Readings(tuple(values), more) if values else NONE


def _ends(found: list[T]) -> tuple[list[T], bool]:
    """The first and the last elements, and whether others are left out."""
    if len(found) <= MOST_VALUES:
        return found, False
    return [*found[: MOST_VALUES // 2], *found[-(MOST_VALUES // 2) :]], True


def _listed(value: str) -> str:
    """A field's value without the white space around it and around its commas."""
    if "," not in value:
        return value.strip()
    return ",".join([element.strip() for element in value.split(",")])


def _up_to_semicolon(text: str, begin: int) -> str:
    end = text.find(";", begin)
    return (text[begin:] if end < 0 else text[begin:end]).strip()


def _cookie_values(text: str, begin: int) -> list[str]:
    whole = _up_to_semicolon(text, begin)
    values = [whole, *whole.split(None, 1)[:1]]
    if whole.startswith('"') and (quoted := _QUOTED.match(text, begin)):
        values.append(quoted[1])
    return values


def _unescaped(value: str) -> str:
    """One form for all spellings of a cookie's value.

    It undoes what frameworks undo: quotes and escapes (most of them), then percent-encoding
    (Litestar). Quotes and backslashes that are left are dropped, since a quoted value with them can
    be written in several ways.
    """
    value = unquoted(value)
    if "%" in value:
        value = _PERCENT.sub(lambda found: chr(int(found[1], 16)), value)
    if '"' in value or "\\" in value:
        value = value.translate(_WITHOUT_QUOTING)
    value = value.strip()
    if not value.isascii():
        with contextlib.suppress(UnicodeError):  # it is not UTF-8, or was decoded already
            return value.encode("latin-1").decode()
    return value
