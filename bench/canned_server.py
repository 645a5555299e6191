"""A server that answers every POST with a canned reply: only the client's cost shows.

It runs as a process of its own, on the last core; the client is pinned to the first. An UpdateItem
whose body has the word ``denied`` in it (in its key) is refused, as DynamoDB refuses a condition.
For clients with other requests, replies recorded from a real engine are played back
(metering_proxy.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import re
import time
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from multiprocessing.connection import Connection
from typing import Any

from bench.cores import SERVER, pin_to_core
from bench.recording import DENIED, Recording

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
NAMES = re.compile(rb'"(fullAt:[^"]+)"')
# A fullAt long past: the limiter takes the next decision to the table as well.
LONG_PAST_NS = 1_700_000_000_000_000_000
REFUSED_FOR_NS = 30_000_000_000
HEAD = (
    b"HTTP/1.1 %b\r\nServer: Server\r\nDate: %b\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\n"
    b"x-amzn-RequestId: 5E3L4PVDIRS9N2G6Q1T3AR8CFVVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
    b"x-amz-crc32: %d\r\n\r\n%b"
)
REFUSAL = (
    b'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",'
    b'"message":"The conditional request failed","Item":{%b}}'
)


class Replies:
    """Whole replies, ready to be sent; made anew as the second turns, for they tell the time."""

    def __init__(self, recording: Recording | None) -> None:
        self._recording = recording
        self._ready: dict[bytes | tuple[bool, tuple[bytes, ...]], bytes] = {}

    def forget(self) -> None:
        """Let the next replies tell the new time."""
        self._ready.clear()

    def reply_to(self, request: bytes) -> bytes:
        """What a head and a body are answered with."""
        if self._recording is not None:
            kind = self._recording.kind_of(request)
            if kind not in self._ready:
                status, body = self._recording.answer_to(kind)
                self._ready[kind] = _reply(b"200 OK" if status == 200 else b"400 Bad Request", body)
            return self._ready[kind]
        denied = DENIED in request
        names = tuple(NAMES.findall(request))
        if (denied, names) not in self._ready:
            self._ready[denied, names] = _update_item_reply(denied, names)
        return self._ready[denied, names]


def _update_item_reply(denied: bool, names: tuple[bytes, ...]) -> bytes:
    full_at_ns = time.time_ns() + REFUSED_FOR_NS if denied else LONG_PAST_NS
    item = b",".join(b'"%b":{"N":"%d"}' % (name, full_at_ns) for name in names)
    item = (item + b"," if item else b"") + b'"expiresAt":{"N":"1700003660"}'
    if denied:
        return _reply(b"400 Bad Request", REFUSAL % item)
    return _reply(b"200 OK", b'{"Attributes":{%b}}' % item)


def _reply(status: bytes, body: bytes) -> bytes:
    date = formatdate(usegmt=True).encode()
    return HEAD % (status, date, len(body), zlib.crc32(body), body)


class CannedReplies(asyncio.Protocol):
    """Answers once the head and as much body as it announces have arrived."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # No assertion of the class: uvloop's transports are not asyncio's.
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head_end := self._received.find(b"\r\n\r\n")) >= 0:
            announced = CONTENT_LENGTH.search(self._received, 0, head_end + 2)
            end = head_end + 4 + (int(announced[1]) if announced else 0)
            if len(self._received) < end:
                return
            request, self._received = self._received[:end], self._received[end:]
            self._transport.write(self._replies.reply_to(request))


def _serve(ready: Connection, recording: Recording | None) -> None:
    with contextlib.suppress(ImportError):
        import uvloop  # the faster the server, the higher the limit that it sets

        uvloop.install()
    asyncio.run(_listen(ready, Replies(recording)))


async def _listen(ready: Connection, replies: Replies) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: CannedReplies(replies), "127.0.0.1", 0, backlog=512)
    ready.send(server.sockets[0].getsockname()[1])
    async with server:
        while True:
            await asyncio.sleep(0.2)
            replies.forget()


@contextlib.contextmanager
def canned_server(recording: Recording | None = None) -> Iterator[str]:
    """The endpoint URL of a server that lives as long as the block."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there, recording), daemon=True)
    process.start()
    assert process.pid is not None
    pin_to_core(SERVER, process.pid)
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()
