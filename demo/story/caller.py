"""A client of the API that asks by its key."""

from __future__ import annotations

import time
from http.client import HTTPConnection
from typing import NamedTuple

from demo.limits import SEARCH

_SECONDS_TO_ANSWER = 30


class Reply(NamedTuple):
    """What the client got for one request.

    Attributes:
        status: the status code.
        retry_after: the field of that name, as it stands; None where there was none.
        sent_ns: when it was sent, by ``time.monotonic_ns()``.
        received_ns: when the response was there.
    """

    status: int
    retry_after: str | None
    sent_ns: int
    received_ns: int

    @property
    def admitted(self) -> bool:
        """Whether the site itself answered."""
        return self.status == 200


class Caller:
    """A client of one server.

    Args:
        host, port: the server.
        key: its API key.
    """

    def __init__(self, host: str, port: int, key: str) -> None:
        self.key = key
        self._address = (host, port)

    def search(self) -> Reply:
        """Ask once, and read the whole response."""
        connection = HTTPConnection(*self._address, timeout=_SECONDS_TO_ANSWER)
        try:
            sent_ns = time.monotonic_ns()
            connection.request("GET", SEARCH, headers={"X-API-Key": self.key})
            response = connection.getresponse()
            response.read()
            received_ns = time.monotonic_ns()
        finally:
            connection.close()
        return Reply(response.status, response.getheader("Retry-After"), sent_ns, received_ns)
