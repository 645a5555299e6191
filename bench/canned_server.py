"""A server that answers every POST with one canned UpdateItem reply: only the client's cost shows.

It runs as a process of its own, on the last core; the client is kept to the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import re
import zlib
from collections.abc import Iterator
from multiprocessing.connection import Connection

# A fullAt long past: the limiter takes the next decision to the table as well.
BODY = (
    b'{"Attributes":{"fullAt:minute":{"N":"1700000000000000000"},"expiresAt":{"N":"1700003660"}}}'
)
REPLY = (
    b"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Fri, 01 Jan 2100 00:00:00 GMT\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
    b"x-amzn-RequestId: 5E3L4PVDIRS9N2G6Q1T3AR8CFVVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
    b"x-amz-crc32: %d\r\n\r\n%b"
) % (len(BODY), zlib.crc32(BODY), BODY)
DATE = re.compile(rb"Date: [^\r]+")
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class CannedReplies(asyncio.Protocol):
    """Answers once the head and as much body as it announces have arrived."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head_end := self._received.find(b"\r\n\r\n")) >= 0:
            announced = CONTENT_LENGTH.search(self._received, 0, head_end + 2)
            end = head_end + 4 + (int(announced[1]) if announced else 0)
            if len(self._received) < end:
                return
            self._received = self._received[end:]
            self._transport.write(REPLY_NOW)


REPLY_NOW = REPLY


def _serve(ready: Connection) -> None:
    keep_to_core(-1)
    asyncio.run(_listen(ready))


async def _listen(ready: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(CannedReplies, "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    async with server:
        while True:
            _tell_the_time()
            await asyncio.sleep(0.2)


def _tell_the_time() -> None:
    global REPLY_NOW  # noqa: PLW0603 - one server a process
    from email.utils import formatdate  # the server's process only

    REPLY_NOW = DATE.sub(b"Date: " + formatdate(usegmt=True).encode(), REPLY)


def keep_to_core(which: int) -> None:
    """Keep this process to one core, counted from the first or (negative) from the last."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[which]})


@contextlib.contextmanager
def canned_server() -> Iterator[str]:
    """The endpoint URL of a server that lives as long as the block."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()
