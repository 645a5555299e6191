"""A network that misbehaves: a proxy that drops, delays, repeats and cuts, by chance and a seed.

It knows where an HTTP/1.1 request and its response begin and end, so that it can repeat one, or
carry it to the engine long after its client has gone away, as a kernel does that goes on sending
what a closed socket had to send (RFC 9293, 3.8.1). It runs in a thread with an event loop of its
own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from random import Random
from typing import Any

Weather = Mapping[str, float]
"""How likely each fault is, for one request; see ``Proxy.FAULTS``. What is left is carried well."""

FAIR: Weather = {}
DROPS: Weather = {"drop request": 0.02, "drop reply": 0.02}
CUTS: Weather = {"cut request": 0.03, "cut reply": 0.03, "half a reply": 0.03}
DELAYS: Weather = {"delay request": 0.05, "delay reply": 0.05}
LATE: Weather = {"carry late": 0.03}
REPEATS: Weather = {"repeat": 0.05, "repeat late": 0.03}
FOUL: Weather = {**DROPS, **CUTS, **DELAYS, **LATE, **REPEATS}

_LATE_SECONDS = (0.3, 3.0)
_DELAY_SECONDS = (0.01, 0.4)
_LINGER = bytes((1, 0, 0, 0, 0, 0, 0, 0))
"""SO_LINGER, on, for no time: a close is a reset."""


class Proxy:
    """Between clients and an engine.

    Args:
        port: where the engine listens, on this machine.
        seed: of all its chances.

    Attributes:
        counts: how often each fault was made.
        requests: how many requests came.
        weather: the faults that single requests meet.
        url: the endpoint for clients.
    """

    def __init__(self, port: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.requests = 0
        self.weather: Weather = FAIR
        self._engine_port = port
        self._chance = Random(seed)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._do(self._listen())}"

    def part(self) -> None:
        """A partition: nothing is carried any more, either way, and nobody is told."""
        self.counts["partition"] += 1
        self._loop.call_soon_threadsafe(self._is_whole.clear)

    def heal(self) -> None:
        """The end of a partition. What was sent meanwhile arrives now, as TCP sends it again."""
        self._loop.call_soon_threadsafe(self._is_whole.set)

    def cut_all(self) -> None:
        """Reset every connection."""
        self.counts["cut all"] += 1
        self._loop.call_soon_threadsafe(self._reset_all)

    def close(self) -> None:
        """End, with every connection."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _listen(self) -> int:
        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._spawn(self._serve(reader, writer))

        self._server = await asyncio.start_server(begin, "127.0.0.1", 0, backlog=256)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        self._reset_all()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = Upstream(self._engine_port)
        self._writers.add(writer)
        try:
            while True:
                request = await message(reader)
                self.requests += 1
                # Long after its client went away, too: TCP has promised to deliver it.
                await self._is_whole.wait()
                fault = self._chosen()
                reply = await self.FAULTS[fault](self, upstream, request)
                await self._is_whole.wait()
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
                if fault == "half a reply":
                    break
        except (OSError, EOFError, ValueError):
            pass
        finally:
            self._writers.discard(writer)
            _reset(writer)
            upstream.close()

    def _chosen(self) -> str:
        left = self._chance.random()
        for fault, likely in self.weather.items():
            left -= likely
            if left < 0:
                self.counts[fault] += 1
                return fault
        return "none"

    async def _carry(self, upstream: Upstream, request: bytes) -> bytes | None:
        return await upstream.answer(request)

    async def _drop_request(self, upstream: Upstream, request: bytes) -> bytes | None:
        await self._silence()
        return None

    async def _drop_reply(self, upstream: Upstream, request: bytes) -> bytes | None:
        await upstream.answer(request)
        await self._silence()
        return None

    async def _silence(self) -> None:
        """Longer than any client waits: it hears nothing, and closes its connection."""
        await asyncio.sleep(10)

    async def _cut_request(self, upstream: Upstream, request: bytes) -> bytes | None:
        return None

    async def _cut_reply(self, upstream: Upstream, request: bytes) -> bytes | None:
        await upstream.answer(request)
        return None

    async def _half_a_reply(self, upstream: Upstream, request: bytes) -> bytes | None:
        reply = await upstream.answer(request)
        return reply[: len(reply) // 2]

    async def _delay_request(self, upstream: Upstream, request: bytes) -> bytes | None:
        await asyncio.sleep(self._chance.uniform(*_DELAY_SECONDS))
        return await upstream.answer(request)

    async def _delay_reply(self, upstream: Upstream, request: bytes) -> bytes | None:
        reply = await upstream.answer(request)
        await asyncio.sleep(self._chance.uniform(*_DELAY_SECONDS))
        return reply

    async def _carry_late(self, upstream: Upstream, request: bytes) -> bytes | None:
        self._spawn(self._send_late(request))
        return None

    async def _repeat(self, upstream: Upstream, request: bytes) -> bytes | None:
        await upstream.answer(request)
        return await upstream.answer(request)

    async def _repeat_late(self, upstream: Upstream, request: bytes) -> bytes | None:
        self._spawn(self._send_late(request))
        return await upstream.answer(request)

    async def _send_late(self, request: bytes) -> None:
        await asyncio.sleep(self._chance.uniform(*_LATE_SECONDS))
        upstream = Upstream(self._engine_port)
        with contextlib.suppress(OSError, EOFError):
            await upstream.answer(request)
        upstream.close()

    FAULTS: Mapping[str, Callable[[Proxy, Upstream, bytes], Awaitable[bytes | None]]] = {
        "none": _carry,
        "drop request": _drop_request,
        "drop reply": _drop_reply,
        "cut request": _cut_request,
        "cut reply": _cut_reply,
        "half a reply": _half_a_reply,
        "delay request": _delay_request,
        "delay reply": _delay_reply,
        "carry late": _carry_late,
        "repeat": _repeat,
        "repeat late": _repeat_late,
    }
    """What becomes of a request, by its name: the reply to hand on; None to reset the client.

    ``carry late`` resets the client at once and carries the request to the engine later;
    ``repeat`` carries it twice and hands on the second reply; ``repeat late`` carries it again
    after the reply, when others have written since.
    """


class Upstream:
    """One connection to the engine, opened when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def answer(self, request: bytes) -> bytes:
        """The engine's response.

        Raises:
            OSError, EOFError: there was none.
        """
        if self._connection is None:
            self._connection = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._connection
        writer.write(request)
        await writer.drain()
        return await message(reader)

    def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection[1].close()


async def message(reader: asyncio.StreamReader) -> bytes:
    """The next request or response: its head, and the body that its Content-Length tells.

    Raises:
        EOFError: the connection ended before or within it.
        ValueError: its length is told in another way.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"transfer-encoding":
            raise ValueError("a message in chunks")
    return head + await reader.readexactly(length)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    writer.close()


@contextlib.contextmanager
def proxy_to(port: int, seed: int) -> Iterator[Proxy]:
    """A proxy to an engine, while the block lasts."""
    proxy = Proxy(port, seed)
    try:
        yield proxy
    finally:
        proxy.close()
