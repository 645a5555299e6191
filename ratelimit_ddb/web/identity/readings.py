r"""What an application may read a header field or a cookie to be, where it is not certain.

A field or a cookie that is sent twice is read by its first value in one framework and by its last
in another; some join the fields by a comma; a cookie's value may be quoted, escaped or
percent-encoded. Which of these the application behind does can't be known here. So every value that
it could read is found, and an identity charges all of them: whichever is the valid credential, it
is charged as if it had come alone.

Spellings that some framework takes for one another (``"\163id"`` for ``sid`` in a cookie) are
brought to one form, which no framework needs to share: values that differ for an application may be
one here, and never the other way round.

At most ``MOST_VALUES`` values of a name are looked at, from both ends. Where there are more, the
request also draws on a bucket that all such requests share.

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
"""How many occurrences of one name are looked at: twice what browsers send with good reason."""

_AUTHORIZATION = ("authorization", "proxy-authorization")

_PLAIN = re.compile(r"[A-Za-z0-9_.~+/=:|-]+")
"""A cookie's value that has one spelling."""
_PERCENT = re.compile("%([0-9A-Fa-f]{2})")
_QUOTED = re.compile(r'\s*("(?:[^\\"]|\\.)*+")', re.DOTALL)
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_WITHOUT_QUOTING = {ord('"'): None, ord("\\"): None}

T = TypeVar("T")


class Readings(NamedTuple):
    """The values that an application may read; none where the request has none, or empty ones.

    Attributes:
        values: each once.
        more: whether there were more occurrences than are looked at.
    """

    values: tuple[str, ...]
    more: bool = False


ReadingsOf = Callable[[Request], Readings]

NONE = Readings(())


def of_header(name: str) -> ReadingsOf:
    """The readings of a header field.

    One field is one value, commas and all. Of several, each one is, and all of them joined: by
    itself, and with those whose names differ in ``-`` and ``_`` only, which are the same for an
    application behind a bridge from ASGI to WSGI.

    Of Authorization and Proxy-Authorization it is the credentials, whatever the scheme is called
    and however it is parted from them: many applications look for no more than these.
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
    """The readings of a cookie, wherever in the Cookie fields its name begins a pair.

    A pair begins after ``;`` and, as http.cookies has it, after white space. Its value ends at the
    next ``;``; or where its quotes end; or, as http.cookies has it again, at white space.
    """
    named = re.compile(rf"{re.escape(name)}\s*=")

    def readings(request: Request) -> Readings:
        fields = request.fields("cookie")
        text = "; ".join(fields)
        found = in_text(text)
        if text.isascii():
            return found
        # Django over WSGI takes the field for UTF-8, so its white space is another.
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

    It is looked for in each Authorization field and, where these are lists, in their elements. It
    is all the rest and, for those who split at white space, the first and the last word of it.
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
    """What may be read after the scheme of an Authorization field, in one form."""
    scheme, *words = authorization.split() or [""]
    if not words:
        return [scheme]
    if scheme.lower() == "basic":
        texts = {"".join(words), words[0], words[-1]}
        return [form for text in texts for form in _forms_of_base64(text)]
    return _rest_and_ends(words)


def _forms_of_base64(text: str) -> list[str]:
    """One form for all spellings that decode to the same.

    Python's decoder passes over what is not in its alphabet, over bits that are left, and over too
    much padding; some applications add what lacks of it, and some take the URL-safe alphabet.
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
    """The first and the last ones, and whether others are left out."""
    if len(found) <= MOST_VALUES:
        return found, False
    return [*found[: MOST_VALUES // 2], *found[-(MOST_VALUES // 2) :]], True


def _listed(value: str) -> str:
    """A field's value bare of white space around it and around its commas."""
    if "," not in value:
        return value.strip()
    return ",".join([element.strip() for element in value.split(",")])


def _up_to_semicolon(text: str, begin: int) -> str:
    end = text.find(";", begin)
    return (text[begin:] if end < 0 else text[begin:end]).strip()


def _cookie_values(text: str, begin: int) -> list[str]:
    whole = _up_to_semicolon(text, begin)
    values = [whole]
    words = whole.split(None, 1)
    if len(words) > 1:
        values.append(words[0])
    if whole.startswith('"') and (quoted := _QUOTED.match(text, begin)):
        values.append(quoted[1])
    return values


def _unescaped(value: str) -> str:
    """One form for all spellings of a cookie's value.

    It depends on nothing but what is read: by frameworks that unquote (most of them), and by those
    that decode percent signs then (Litestar). Quotes and backslashes that are left are dropped,
    since a quoted value that has them can be written in several ways.
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
