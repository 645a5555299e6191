"""The session's token in the request's Authorization field: ``Bearer <token>``.

A field that can be read in more than one way is malformed: two fields, joined by a comma or not, a
second scheme, or a character that no token has.

Source: RFC 6750, 2.1 (the field and its b64token); RFC 9110, 11.4 (the scheme's case, 1*SP) and 5.3
(fields that are joined).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MALFORMED = ""
"""Returned instead of a token that can't be read."""

MAX_FIELD_CHARACTERS = 256
"""The longest value of the field that is read. With the longest token it has 94 characters."""

_SCHEME = re.compile("bearer(?![!#$%&'*+.^_`|~0-9a-z-])", re.ASCII | re.IGNORECASE)
_CREDENTIALS = re.compile("bearer +([A-Za-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)


def bearer_token_in(fields: Sequence[str]) -> str | None:
    """The token in a request's Authorization fields.

    Args:
        fields: the values of all of them.

    Returns:
        the token, whose form is not checked; MALFORMED if it can't be read, or there are several
        fields; None if no field has the scheme ``Bearer``.
    """
    values = [field.strip(" \t") for field in fields]
    if not any(_SCHEME.match(value) for value in values):
        return None
    if len(values) > 1 or len(values[0]) > MAX_FIELD_CHARACTERS:
        return MALFORMED
    found = _CREDENTIALS.fullmatch(values[0])
    return MALFORMED if found is None else found[1]


def authorization_in_scope(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """The values of the Authorization fields of an ASGI scope."""
    return [value.decode("latin-1") for name, value in headers if name.lower() == b"authorization"]


def authorization_in_environ(environ: Mapping[str, Any]) -> list[str]:
    """The value of a WSGI environ's Authorization field; servers join several by a comma."""
    value = environ.get("HTTP_AUTHORIZATION")
    return [] if value is None else [value]
