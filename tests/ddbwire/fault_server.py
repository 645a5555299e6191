"""An endpoint that misbehaves as told: real sockets, one thread a connection."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self

ITEM = {"Attributes": {"fullAt": {"N": "1"}}}


@dataclass(frozen=True)
class Request:
    """What arrived, and on which connection (the first is 0)."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    target: str = "/"

    @property
    def operation(self) -> str:
        return self.headers.get("x-amz-target", "").rpartition(".")[2]


Act = Callable[["FaultServer", socket.socket, Request], bool]
"""Answers one request; tells whether the connection stays open."""


def reply(
    document: object = ITEM,
    status: int = 200,
    *,
    date: str | None = None,
    raw: bytes | None = None,
    crc: int | None = None,
    close: bool = False,
    hang_up: bool = False,
    chunked: bool = False,
    piece_bytes: int | None = None,
) -> Act:
    """A response; ``hang_up`` closes after it without having said so."""
    body = json.dumps(document).encode() if raw is None else raw
    lines = [
        f"HTTP/1.1 {status} Whatever",
        f"x-amz-crc32: {zlib.crc32(body) if crc is None else crc}",
        "x-amzn-RequestId: REQUEST1",
    ]
    if close:
        lines.append("Connection: close")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        framed = _in_chunks(body)
    else:
        lines.append(f"Content-Length: {len(body)}")
        framed = body

    def act(server: FaultServer, sock: socket.socket, _request: Request) -> bool:
        stamp = date if date is not None else formatdate(server.now(), usegmt=True)
        dated = [*lines, f"Date: {stamp}"] if stamp else lines
        data = "\r\n".join([*dated, "", ""]).encode() + framed
        step = piece_bytes or len(data)
        for start in range(0, len(data), step):
            sock.sendall(data[start : start + step])
            if piece_bytes:
                time.sleep(0.001)
        return not (close or hang_up)

    return act


def _in_chunks(body: bytes) -> bytes:
    middle = len(body) // 2
    parts = (body[:middle], body[middle:])
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def error(code: str, status: int = 400, message: str = "", **more: Any) -> Act:
    """An error in DynamoDB's JSON."""
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return reply({"__type": kind, "message": message, **more}, status)


def garbage(server: FaultServer, sock: socket.socket, request: Request) -> bool:
    """Bytes that are no HTTP response."""
    sock.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    return False


def hang(server: FaultServer, sock: socket.socket, request: Request) -> bool:
    """No answer, for as long as the server lives."""
    server.closing.wait(10)
    return False


def half(server: FaultServer, sock: socket.socket, request: Request) -> bool:
    """The first half of an answer, then the end."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    return False


def drop(server: FaultServer, sock: socket.socket, request: Request) -> bool:
    """The end, without an answer."""
    return False


def reset(server: FaultServer, sock: socket.socket, request: Request) -> bool:
    """A reset, without an answer."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


class FaultServer:
    """Does the next act of its script for each request; once that is empty, replies."""

    def __init__(self, *acts: Act, tls: ssl.SSLContext | None = None) -> None:
        self.script = deque(acts)
        self.default = reply()
        self.now: Callable[[], float] = time.time
        self.requests: list[Request] = []
        self.accepts = 0
        self.closing = threading.Event()
        self.before_handshake: Callable[[], object] = bool
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._threads: list[threading.Thread] = []
        self._sockets: set[socket.socket] = set()
        scheme = "http" if tls is None else "https"
        self.port = self._listener.getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    @property
    def operations(self) -> list[str]:
        return [request.operation or request.method for request in self.requests]

    def wait_for_requests(self, count: int) -> None:
        """Return once so many requests have arrived."""
        end = time.monotonic() + 5
        while len(self.requests) < count:
            assert time.monotonic() < end, f"{len(self.requests)} of {count} requests came"
            time.sleep(0.001)

    def wait_for_hang_ups(self) -> None:
        """Return once all connections are closed on this side."""
        end = time.monotonic() + 5
        while self._sockets:
            assert time.monotonic() < end, f"{len(self._sockets)} connections are open"
            time.sleep(0.001)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _address = self._listener.accept()
                self.accepts += 1
                self._start(self._serve, sock, self.accepts - 1)

    def _serve(self, sock: socket.socket, number: int) -> None:
        self._sockets.add(sock)
        try:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    self._sockets.discard(sock)
                    self.before_handshake()
                    sock = self._tls.wrap_socket(sock, server_side=True)
                    self._sockets.add(sock)
                self._converse(sock, number)
        finally:
            self._sockets.discard(sock)
            sock.close()

    def _converse(self, sock: socket.socket, number: int) -> None:
        with sock.makefile("rb") as stream:
            while request := _read(stream, number):
                self.requests.append(request)
                act = self.script.popleft() if self.script else self.default
                if not act(self, sock, request):
                    return


def _read(stream: Any, number: int) -> Request | None:
    first = stream.readline()
    if not first:
        return None
    headers = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    method, target, *_version = first.decode().split()
    return Request(method, headers, body, number, target)
