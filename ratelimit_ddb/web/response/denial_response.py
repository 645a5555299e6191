"""A whole response, which either protocol can send."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

Fields = tuple[tuple[str, str], ...]
"""Header fields: names in lower case, in the order sent."""


class DenialResponse(NamedTuple):
    """A response that is sent instead of the application's.

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
        """The status code and its phrase, for WSGI; ``Unknown`` for an unregistered code."""
        known = self.status in HTTPStatus._value2member_map_
        return f"{self.status} {HTTPStatus(self.status).phrase if known else 'Unknown'}"
