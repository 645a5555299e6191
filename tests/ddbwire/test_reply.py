"""Reading responses, however they are cut up."""

from __future__ import annotations

import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddbwire.connections.response_reader import (
    MOST_BYTES,
    MOST_HEADER_BYTES,
    PARSE_ERRORS,
    ResponseReader,
    ResponseTooLarge,
)
from ddbwire.steps import HTTPResponse, NoResponse

DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
BODY = b'{"a":1,\r\nDate: then\r\nx-amz-crc32: 7\r\n\r\n}'


def response(body: bytes, status: bytes = b"200 OK", extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nDate: %b\r\nx-amz-crc32: %d\r\nContent-Length: %d\r\n%b\r\n%b" % (
        status,
        DATE,
        zlib.crc32(body),
        len(body),
        extra,
        body,
    )


@given(
    bodies=st.lists(st.binary(max_size=200), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_replies_may_be_cut_anywhere(bodies: list[bytes], cuts: list[int]) -> None:
    reader = ResponseReader()
    for body in bodies:
        data = response(body)
        edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        for start, end in pairwise(edges):
            assert not reader.complete
            reader.feed(data[start:end])
        assert reader.complete
        assert reader.take() == HTTPResponse(200, body, DATE, {})
        assert reader.keep_alive


def test_a_body_in_several_parts_is_put_together() -> None:
    reader = ResponseReader()
    data = response(BODY)
    for part in (data[:-9], data[-9:-2], data[-2:]):
        assert not reader.complete
        reader.feed(part)
    assert reader.take() == HTTPResponse(200, BODY, DATE, {})


def test_header_names_may_be_in_any_case() -> None:
    reader = ResponseReader()
    reader.feed(b"HTTP/1.1 200 OK\r\nDATE: x\r\nX-AMZ-CRC32: 1\r\nContent-Length: 2\r\n\r\n{}")
    assert reader.take() == NoResponse("the body does not match x-amz-crc32", sent=True)
    reader.feed(b"HTTP/1.1 200 OK\r\ndate: x\r\nContent-Length: 2\r\n\r\n{}")
    reply = reader.take()
    assert isinstance(reply, HTTPResponse)
    assert reply.date == b"x"


def test_headers_are_kept_for_errors() -> None:
    reader = ResponseReader()
    reader.feed(response(b"{}", b"400 Bad Request", b"x-amzn-RequestId: R\r\n"))
    reply = reader.take()
    assert isinstance(reply, HTTPResponse)
    assert reply.headers[b"x-amzn-requestid"] == b"R"


def test_a_reply_without_a_date_has_an_empty_one() -> None:
    reader = ResponseReader()
    reader.feed(b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}")
    assert reader.take() == HTTPResponse(503, b"{}", b"", {b"content-length": b"2"})


@pytest.mark.parametrize(
    ("header", "date"), [(b"Date: x", b"x"), (b"x-amz-crc32: %d" % zlib.crc32(BODY), b"")]
)
def test_what_a_body_says_is_no_header(header: bytes, date: bytes) -> None:
    reader = ResponseReader()
    head = b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: %d\r\n\r\n" % (header, len(BODY))
    reader.feed(head + BODY)
    reply = reader.take()
    assert isinstance(reply, HTTPResponse)
    assert (reply.body, reply.date) == (BODY, date)


@pytest.mark.parametrize("cut", [0, 20, -1])
def test_the_fields_of_a_trailer_section_are_no_headers(cut: int) -> None:
    reader = ResponseReader()
    data = (
        b"HTTP/1.1 200 OK\r\ndate: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\ndate: y\r\nx-amz-crc32: 7\r\n\r\n"
    )
    for part in filter(None, (data[:cut], data[cut:])):
        assert not reader.complete
        reader.feed(part)
    reply = reader.take()
    assert isinstance(reply, HTTPResponse)
    assert (reply.body, reply.date) == (b"{}", b"x")


def test_white_space_around_a_header_is_not_part_of_it() -> None:
    reader = ResponseReader()
    padded = response(b"{}").replace(DATE, b"  %b \t" % DATE)
    reader.feed(
        padded.replace(b"x-amz-crc32: ", b"x-amz-crc32:\t").replace(b"\r\nCon", b" \r\nCon")
    )
    reply = reader.take()
    assert isinstance(reply, HTTPResponse)
    assert (reply.body, reply.date) == (b"{}", DATE)


UNBOUNDED = b"HTTP/1.0 200 OK\r\nDate: %b\r\n\r\n" % DATE


def test_a_response_without_a_length_ends_with_the_connection() -> None:
    reader = ResponseReader()
    for part in (UNBOUNDED[:9], UNBOUNDED[9:] + b'{"a"', b":1}"):
        assert not reader.complete
        reader.feed(part)
    assert reader.end()
    reply = reader.take()
    assert isinstance(reply, HTTPResponse)
    assert (reply.status, reply.body, reply.date) == (200, b'{"a":1}', DATE)
    assert not reader.keep_alive


@pytest.mark.parametrize(
    "data",
    [
        b"",
        UNBOUNDED[:-1],
        b"HTTP/1.1 100 Continue\r\n\r\n",
        response(b"{}")[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ],
    ids=["nothing", "half a head", "an interim one", "half a body", "chunks without the last"],
)
def test_a_response_that_was_cut_off_does_not_end_with_the_connection(data: bytes) -> None:
    reader = ResponseReader()
    reader.feed(data)
    assert not reader.end()
    assert not reader.complete


def test_connection_close_is_seen() -> None:
    reader = ResponseReader()
    reader.feed(response(b"{}", extra=b"Connection: close\r\n"))
    reader.take()
    assert not reader.keep_alive


@pytest.mark.parametrize(
    "data",
    [
        response(b"{}") * 2,
        b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"{}") * 2,
        response(b"{}") + b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ids=["two", "two after an interim one", "an interim one after it"],
)
def test_more_than_one_response_is_a_failure(data: bytes) -> None:
    reader = ResponseReader()
    reader.feed(data)
    assert reader.take() == NoResponse("more than one final response", sent=True)
    assert not reader.keep_alive
    assert not reader.started


INTERIM = [
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nx-amz-crc32: 7\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\nContent-Length: 0\r\n\r\n" * 3,
]
INTERIM.append(INTERIM[0] + INTERIM[1])


@pytest.mark.parametrize("interim", INTERIM, ids=["100", "103", "102 three times", "100, 103"])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"])
def test_interim_responses_are_passed_over(interim: bytes, together: bool, status: bytes) -> None:
    reader = ResponseReader()
    for _ in range(2):
        final = response(b'{"a":1}', status)
        for part in [interim + final] if together else [interim, final]:
            assert not reader.complete
            reader.feed(part)
        assert reader.started
        assert reader.complete
        found = reader.take()
        assert isinstance(found, HTTPResponse)
        assert (found.status, found.body) == (int(status[:3]), b'{"a":1}')
        assert found.date == DATE
        assert reader.keep_alive


def test_an_interim_response_alone_is_none_but_a_beginning() -> None:
    reader = ResponseReader()
    assert (reader.complete, reader.started, reader.keep_alive) == (False, False, False)
    reader.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert (reader.complete, reader.started) == (False, True)


def test_interim_responses_without_end_are_refused() -> None:
    reader = ResponseReader()
    data = (b"HTTP/1.1 100 Continue\r\nx: " + b"y" * 100 + b"\r\n\r\n") * 1_000
    reader.feed(data)
    with pytest.raises(ResponseTooLarge):
        reader.require_bounded(len(data))


def test_a_head_has_64_kib_and_a_body_64_mib_each_time() -> None:
    reader = ResponseReader()
    for _ in range(2):
        reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        reader.require_bounded(MOST_HEADER_BYTES)
        reader.feed(b"{")
        reader.require_bounded(MOST_BYTES - MOST_HEADER_BYTES)
        with pytest.raises(ResponseTooLarge, match=f"of more than {MOST_BYTES + 1} bytes"):
            reader.require_bounded(1)
        reader.feed(b"}")
        assert isinstance(reader.take(), HTTPResponse)
    with pytest.raises(ResponseTooLarge):
        reader.require_bounded(MOST_HEADER_BYTES + 1)


def test_the_beginning_of_another_response_is_not_a_whole_one() -> None:
    reader = ResponseReader()
    reader.feed(response(b"{}") + b"HTTP")
    assert not reader.complete


@given(st.binary(min_size=20, max_size=300))
def test_garbage_is_no_reply(data: bytes) -> None:
    reader = ResponseReader()
    try:
        reader.feed(data)
    except PARSE_ERRORS:
        return
    assert not reader.complete
