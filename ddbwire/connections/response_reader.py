"""Reads HTTP responses from a connection, with httptools.

httptools finds the beginning, the end and the body of a response. A callback for each header would
take longer than everything else, and most responses need two headers only, so these are searched
for in the head. If they are not there as DynamoDB writes them, and for all responses but 200,
httptools parses the head again, for all headers.

A proxy may send interim responses first, such as 100 Continue, even if the request did not ask for
them; they are skipped (RFC 9110, section 15.2).
"""

import re
import zlib
from collections.abc import Mapping

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ddbwire.steps import HTTPResponse, NoResponse
from ddbwire.tuple_new import tuple_new

MOST_HEADER_BYTES = 65_536
MOST_BYTES = 64 * 1_048_576
"""The largest response that is read. BatchGetItem has the largest of DynamoDB: 16 MB of items."""


class ResponseTooLarge(Exception):
    """A response is longer than any of DynamoDB's."""


PARSE_ERRORS = (HttpParserError, HttpParserUpgrade, ResponseTooLarge)
"""The exceptions of ``feed`` and ``require_bounded`` for bytes that are not such a response."""

_NO_HEADERS: Mapping[bytes, bytes] = {}
_HEAD_END = b"\r\n\r\n"
_DATE = re.compile(rb"\r\nDate: (\S.{27}\S)\r\n")
_CHECKSUM = re.compile(rb"\r\nx-amz-crc32: (\d+)\r\n")
_LENGTHS = {b"content-length", b"transfer-encoding"}


class ResponseReader:
    """Reads the responses of one connection, one after another.

    ``feed`` it with received bytes until ``complete`` is true, then ``take`` the response. After
    each ``feed`` that does not complete it, call ``require_bounded``.
    """

    __slots__ = (
        "_bodies",
        "_finals",
        "_interim",
        "_parser",
        "_pieces",
        "_received",
        "_status",
        "complete",
        "keep_alive",
        "on_body",
        "started",
    )
    _status: int

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bodies: list[bytes] = []
        self._received = 0
        self._interim = 0
        self._finals = 0
        self.on_body = self._bodies.append
        self.started = False
        """Whether the first byte of a response has arrived."""
        self.complete = False
        """Whether a complete response has arrived, and nothing after it."""
        self.keep_alive = False
        """Whether, once ``complete``, the connection may carry another request."""
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Read a part of a response, or a whole one.

        Raises:
            PARSE_ERRORS: it is not a response.
        """
        if not self._bodies:  # it may contain a part of the head
            self._pieces.append(data)
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Called by httptools at the first byte of a response."""
        self.started = True
        self.complete = False

    def on_message_complete(self) -> None:
        """Called by httptools at the last byte of a response."""
        # httptools knows it only here; later it always returns False.
        self.keep_alive = self._parser.should_keep_alive()
        self._status = status = self._parser.get_status_code()
        if status < 200 and not self._finals:
            self._interim += 1
        else:
            self._finals += 1
            self.complete = True

    def end(self) -> bool:
        """The other side has closed the connection; whether a response is complete by that.

        It is if it has no length, as a server of HTTP/1.0 may leave it out (RFC 9112, section 6.3).
        That it was cut off shows in its JSON, which must be whole.
        """
        final = b"".join(self._pieces).split(_HEAD_END, self._interim)[-1]
        if _HEAD_END not in final or self.complete or _LENGTHS & _headers_of(final).keys():
            return False
        self._status = self._parser.get_status_code()
        self._finals += 1
        self.complete = True
        self.keep_alive = False
        return True

    def require_bounded(self, received: int) -> None:
        """Check that an incomplete response is not larger than any of DynamoDB's.

        That limits the memory, and the time: httptools copies an incomplete header with each part.

        Args:
            received: the number of bytes that were fed last.

        Raises:
            ResponseTooLarge: it has more than 64 KiB without a body, or more than 64 MiB.
        """
        self._received += received
        if self._received > (MOST_BYTES if self._bodies else MOST_HEADER_BYTES):
            raise ResponseTooLarge(f"a response of more than {self._received} bytes")

    def take(self) -> HTTPResponse | NoResponse:
        """The response, checked; the reader is ready for the next one."""
        pieces, bodies = self._pieces, self._bodies
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._interim:
            data = data.split(_HEAD_END, self._interim)[-1]
        # The trailer section has no headers: its fields are not read.
        head = data[: data.find(_HEAD_END) + len(_HEAD_END)]
        body = bodies[0] if len(bodies) == 1 else b"".join(bodies)
        dates = _DATE.search(head)
        checksums = _CHECKSUM.search(head)
        headers = _NO_HEADERS
        date: bytes
        checksum: bytes | None
        if self._status == 200 and dates is not None and checksums is not None:
            date, checksum = dates[1], checksums[1]
        else:
            headers = _headers_of(head)
            date, checksum = headers.get(b"date", b""), headers.get(b"x-amz-crc32")
        fault = ""
        if self._finals != 1:
            fault = "more than one final response"
        elif checksum is not None and checksum != b"%d" % zlib.crc32(body):
            fault = "the body does not match x-amz-crc32"
        pieces.clear()
        bodies.clear()
        self._received = 0
        self._interim = 0
        self._finals = 0
        self.started = False
        self.complete = False
        if fault:
            self.keep_alive = False
            return NoResponse(fault, sent=True)
        return tuple_new(HTTPResponse, (self._status, body, date, headers))


class _Headers:
    """Collects headers as httptools reads them."""

    __slots__ = ("by_name", "on_header")

    def __init__(self) -> None:
        self.by_name: dict[bytes, bytes] = {}
        self.on_header = self.by_name.__setitem__


def _headers_of(head: bytes) -> dict[bytes, bytes]:
    """The headers of a response, by their names in lower case."""
    headers = _Headers()
    HttpResponseParser(headers).feed_data(head)
    return {name.lower(): value.strip() for name, value in headers.by_name.items()}
