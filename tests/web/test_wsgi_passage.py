"""What passes a WSGI middleware unchanged: iterables, files, uploads, ``write``, and errors."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule
from ratelimit_ddb.wsgi import RateLimitMiddleware
from tests.web.exchange import Get, environ_of

OWN = ("content-type", "text/plain")
FIELDS = ["ratelimit-policy", "ratelimit"]
MEGABYTE = 1_000_000


class Server:
    """A server's start_response, which keeps what it was called with."""

    def __init__(self) -> None:
        self.starts: list[tuple[str, list[tuple[str, str]], Any]] = []
        self.written: list[bytes] = []

    def __call__(self, status: str, headers: Any, exc_info: Any = None, /) -> Any:
        self.starts.append((status, headers, exc_info))
        return self.written.append


def limited(app: Any) -> RateLimitMiddleware:
    return RateLimitMiddleware(app, store=MemoryStore(), rules=[Rule("/*", "1000/minute")])


def added(headers: list[tuple[str, str]]) -> list[str]:
    """The names of what was added behind the application's own fields."""
    assert headers[0] == OWN
    return [name for name, _ in headers[1:]]


@pytest.mark.parametrize(
    "chunks",
    [[b"one", b"two", b"three"], [b"data: 1\n\n", b"data: 2\n\n"]],
    ids=["chunks", "server-sent events"],
)
def test_a_stream_passes_chunk_by_chunk_and_lazily(chunks: list[bytes]) -> None:
    made: list[bytes] = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [OWN])
        for chunk in chunks:
            made.append(chunk)
            yield chunk

    server = Server()
    content = iter(limited(app)(environ_of(Get()), server))
    for index, chunk in enumerate(chunks):
        assert next(content) is chunk
        assert len(made) == index + 1, "nothing is made before it is asked for"
    assert list(content) == []
    ((status, headers, exc_info),) = server.starts
    assert (status, exc_info, added(headers)) == ("200 OK", None, FIELDS)


class Closing:
    """An iterable with a close of its own, as PEP 3333 has it."""

    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"content"])

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    "content",
    [FileWrapper(io.BytesIO(b"x" * 10)), Closing(), [b"a", b"b"], iter([b"a"]), (b"a",), []],
    ids=["file wrapper", "with close", "list", "iterator", "tuple", "empty"],
)
def test_the_server_gets_the_applications_own_iterable(content: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [OWN])
        return content

    server = Server()
    assert limited(app)(environ_of(Get()), server) is content
    assert added(server.starts[0][1]) == FIELDS
    assert getattr(content, "closed", 0) == 0, "to close it is the server's part"


def test_what_is_written_goes_to_the_server_at_once() -> None:
    server = Server()

    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [OWN])
        write(b"first")
        assert server.written == [b"first"]
        write(b"second")
        return []

    assert limited(app)(environ_of(Get()), server) == []
    assert server.written == [b"first", b"second"]


def test_a_second_start_after_an_error_has_the_fields_once_too() -> None:
    exc_info = (LookupError, LookupError("the application's own"), None)

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [OWN])
        start_response("500 Oh", [OWN, ("x-error", "1")], exc_info)
        return [b"an apology"]

    server = Server()
    limited(app)(environ_of(Get()), server)
    first, second = server.starts
    assert (first[0], added(first[1]), first[2]) == ("200 OK", FIELDS, None)
    assert (second[0], added(second[1])) == ("500 Oh", ["x-error", *FIELDS])
    assert second[2] is exc_info


def test_the_applications_list_of_headers_is_not_changed() -> None:
    own = [OWN]

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", own)
        return []

    limited(app)(environ_of(Get()), Server())
    assert own == [OWN]


def test_an_error_of_start_response_reaches_the_application() -> None:
    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        raise AssertionError("headers were sent already")

    def app(environ: Any, start_response: Any) -> Any:
        with pytest.raises(AssertionError, match="sent already"):
            start_response("200 OK", [OWN])
        return []

    assert limited(app)(environ_of(Get()), start_response) == []


@pytest.mark.parametrize("error", [LookupError, SystemExit, GeneratorExit])
@pytest.mark.parametrize("starts", [False, True])
def test_what_the_application_raises_is_not_touched(
    error: type[BaseException], starts: bool
) -> None:
    raised = error("the application's own")

    def app(environ: Any, start_response: Any) -> Any:
        if starts:
            start_response("200 OK", [OWN])
        raise raised

    server = Server()
    with pytest.raises(error) as caught:
        limited(app)(environ_of(Get()), server)
    assert caught.value is raised
    assert len(server.starts) == starts


def test_the_answer_to_head_passes_without_a_body() -> None:
    own = ("content-length", "5")

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [OWN, own])
        return []

    server = Server()
    assert limited(app)(environ_of(Get(method="HEAD")), server) == []
    assert server.starts[0][1][:2] == [OWN, own]


class Upload:
    """A request's body that is made as it is read."""

    def __init__(self, size_bytes: int) -> None:
        self.left_bytes = size_bytes

    def read(self, size_bytes: int) -> bytes:
        piece = bytes(min(size_bytes, self.left_bytes))
        self.left_bytes -= len(piece)
        return piece


def test_100_megabytes_of_upload_pass_without_being_kept() -> None:
    upload = Upload(100 * MEGABYTE)
    sizes: list[int] = []

    def app(environ: Any, start_response: Any) -> Any:
        assert environ["wsgi.input"] is upload
        sizes.append(sum(map(len, iter(lambda: environ["wsgi.input"].read(MEGABYTE), b""))))
        start_response("200 OK", [OWN])
        return []

    tracemalloc.start()
    try:
        limited(app)(environ_of(Get(method="POST")) | {"wsgi.input": upload}, Server())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sizes == [100 * MEGABYTE]
    assert peak_bytes < 4 * MEGABYTE


def test_a_denied_upload_is_not_read() -> None:
    rules = [Rule("/*", "1/minute", cost=lambda request: 2)]
    app = RateLimitMiddleware(lambda environ, start: [], store=MemoryStore(), rules=rules)
    upload = Upload(MEGABYTE)
    app(environ_of(Get(method="POST")) | {"wsgi.input": upload}, Server())
    assert upload.left_bytes == MEGABYTE


def test_the_environ_is_the_servers_own_and_what_was_in_it_stays() -> None:
    environ = environ_of(Get())
    before = dict(environ)

    def app(given: Any, start_response: Any) -> Any:
        assert given is environ
        return []

    limited(app)(environ, Server())
    # One thing is added, for applications that run after they returned (PEP 3333, "Specification
    # Details": an application may modify the environ as it likes).
    assert {name: environ[name] for name in before} == before
    assert [name for name in environ if name not in before] == ["ratelimit_ddb.ledger"]
