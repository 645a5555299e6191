"""A whole response, for either protocol to send."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

Fields = tuple[tuple[str, str], ...]
"""Header fields: names in lower case, in the order sent."""


class Answer(NamedTuple):
    """What a client is sent in the application's place.

    Attributes:
        status: the status code.
        headers: names in lower case, in the order sent.
        body: the content; empty for HEAD, whose ``content-length`` still tells its size.
    """

    status: int
    headers: Fields
    body: bytes

    @property
    def status_line(self) -> str:
        """The status with its phrase, as WSGI wants it; a code that nobody registered has none."""
        known = self.status in HTTPStatus._value2member_map_
        return f"{self.status} {HTTPStatus(self.status).phrase if known else 'Unknown'}"
