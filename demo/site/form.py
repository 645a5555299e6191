"""What a browser sends with a form: the body of a POST, read and taken apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

MOST_BYTES = 8_192
MOST_FIELDS = 16

_MOST_THROWN_AWAY_BYTES = 1_000_000
_TYPE = "application/x-www-form-urlencoded"
_LENGTH = re.compile("[0-9]{1,9}", re.ASCII)


class Unreadable(Exception):
    """The body is none of our forms'.

    Attributes:
        status: what to answer.
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def fields_of(environ: WSGIEnvironment) -> dict[str, str]:
    """The fields of a form; none where the body is of another type. Of two alike, the last.

    Raises:
        Unreadable: it is too long, its length is not told, or it has too many fields.
    """
    length = environ.get("CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length):
        raise Unreadable("400 Bad Request")
    if int(length) > MOST_BYTES:
        # A connection that is closed on bytes unread may take the answer with it (RFC 9112, 9.6).
        environ["wsgi.input"].read(min(int(length), _MOST_THROWN_AWAY_BYTES))
        raise Unreadable("413 Content Too Large")
    body = environ["wsgi.input"].read(int(length))
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != _TYPE:
        return {}
    try:
        fields = parse_qsl(
            body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise Unreadable("400 Bad Request") from error
    return dict(fields)
