"""The demo's client: one connection, kept open, one request after the other."""

from __future__ import annotations

import time
from http.client import HTTPConnection
from types import TracebackType
from typing import NamedTuple, Self

_SECONDS_TO_ANSWER = 30


class Reply(NamedTuple):
    """What the client got for one request.

    Attributes:
        status: the status code.
        retry_after: the field of that name, as it stands; None where there was none.
        sent_ns: when it was sent, by ``time.monotonic_ns()``.
        received_ns: when the answer was there.
    """

    status: int
    retry_after: str | None
    sent_ns: int
    received_ns: int

    @property
    def admitted(self) -> bool:
        """Whether the app itself answered."""
        return self.status == 200


class Visitor:
    """A client of one server, to be used as a context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = HTTPConnection(host, port, timeout=_SECONDS_TO_ANSWER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self) -> Reply:
        """Ask for ``/`` and read the whole answer."""
        sent_ns = time.monotonic_ns()
        self._connection.request("GET", "/")
        response = self._connection.getresponse()
        response.read()
        received_ns = time.monotonic_ns()
        return Reply(response.status, response.getheader("Retry-After"), sent_ns, received_ns)
