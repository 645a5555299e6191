"""Reading HTTP responses off a connection, with httptools.

httptools calls the reader back for each header and each piece of the body. Those two callbacks
are the C methods of a dict and a list, so that a response costs two Python frames only.
"""

import zlib
from collections.abc import Mapping

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ddbwire.steps import HTTPResponse, NoResponse
from ddbwire.tuple_new import tuple_new

MOST_HEADER_BYTES = 65_536
MOST_BYTES = 64 * 1_048_576
"""Of a response. DynamoDB's largest, of BatchGetItem, has 16 MB of items, and JSON around them."""


class ResponseTooLarge(Exception):
    """What arrives is longer than any response of DynamoDB."""


PARSE_ERRORS = (HttpParserError, HttpParserUpgrade, ResponseTooLarge)
"""What ``feed`` and ``require_bounded`` raise when the bytes are no response of DynamoDB."""

_NO_HEADERS: Mapping[bytes, bytes] = {}


class ResponseReader:
    """Reads the responses of one connection, one after another.

    Feed it what was received until ``complete`` is true, then ``take`` the response. Each time that
    it is not complete yet, call ``require_bounded``.
    """

    __slots__ = (
        "_bodies",
        "_headers",
        "_parser",
        "_received",
        "_replies",
        "_status",
        "complete",
        "feed",
        "keep_alive",
        "on_body",
        "on_header",
    )

    def __init__(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._bodies: list[bytes] = []
        self._received = 0
        self._replies = 0
        self._status = 0
        self.on_header = self._headers.__setitem__
        self.on_body = self._bodies.append
        self.complete = False
        """Whether a complete response has arrived, and nothing after it."""
        self.keep_alive = False
        """Whether, once ``complete``, the connection may carry another request."""
        self._parser = HttpResponseParser(self)
        self.feed = self._parser.feed_data

    def on_message_begin(self) -> None:
        """Called by httptools at the first byte of a response."""
        self._replies += 1
        self.complete = False

    def on_message_complete(self) -> None:
        """Called by httptools at the last byte of a response."""
        # Only here does httptools know: asked later, it would always say no.
        self.keep_alive = self._parser.should_keep_alive()
        self._status = self._parser.get_status_code()
        self.complete = True

    def require_bounded(self, received: int) -> None:
        """Check that a response which is not complete may still become one of DynamoDB.

        Memory is bounded by that, and so is time: httptools copies a header that comes in pieces
        with each of them.

        Args:
            received: the number of bytes that were fed last.

        Raises:
            ResponseTooLarge: it has had more than 64 KiB without a body, or 64 MiB.
        """
        self._received += received
        if self._received > (MOST_BYTES if self._bodies else MOST_HEADER_BYTES):
            raise ResponseTooLarge(f"a response of more than {self._received} bytes")

    @property
    def started(self) -> bool:
        """Whether the first byte of a response has arrived."""
        return self._replies > 0

    def take(self) -> HTTPResponse | NoResponse:
        """The response, checked; the reader is ready for the next one."""
        headers = self._headers
        body = self._bodies[0] if len(self._bodies) == 1 else b"".join(self._bodies)
        date = headers.get(b"Date")
        checksum = headers.get(b"x-amz-crc32")
        lower_case = _NO_HEADERS
        if self._status != 200 or date is None or checksum is None:
            lower_case = {name.lower(): value for name, value in headers.items()}
            date = lower_case.get(b"date", b"")
            checksum = lower_case.get(b"x-amz-crc32")
        fault = ""
        if self._replies != 1 or self._status < 200:
            fault = "more or other than one final response"
        elif checksum is not None and checksum != b"%d" % zlib.crc32(body):
            fault = "the body does not match x-amz-crc32"
        headers.clear()
        self._bodies.clear()
        self._received = 0
        self._replies = 0
        self.complete = False
        if fault:
            self.keep_alive = False
            return NoResponse(fault, sent=True)
        return tuple_new(HTTPResponse, (self._status, body, date, lower_case))
