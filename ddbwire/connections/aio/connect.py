"""Opens an asyncio connection before a deadline: look up, connect, TLS handshake."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from time import monotonic_ns
from typing import TypeAlias, TypeVar

from ddbwire.concurrency.event_loop import wait_until_done
from ddbwire.connections.happy_eyeballs import HappyEyeballs
from ddbwire.connections.resolver import Address, numeric_addresses, resolver
from ddbwire.endpoint import Endpoint

P = TypeVar("P", bound=asyncio.Protocol)
_Connecting: TypeAlias = asyncio.Task[socket.socket]


async def connect(
    endpoint: Endpoint, tls: ssl.SSLContext | None, protocol: Callable[[], P], deadline_ns: int
) -> P:
    """A connected protocol, made by ``protocol``; ``HappyEyeballs`` says which address is next.

    Raises:
        TimeoutError: the deadline passed first.
        OSError: none of the endpoint's addresses could be connected to, or TLS failed.
    """
    addresses = numeric_addresses(endpoint) or await _look_up(endpoint, deadline_ns)
    attempts = HappyEyeballs(endpoint.host, addresses, deadline_ns)
    connecting: list[_Connecting] = []
    try:
        while True:
            until_ns = attempts.wait_until_ns(len(connecting))
            address = attempts.due()
            try:
                if address is not None:
                    connecting.append(asyncio.create_task(_connected(address)))
                    continue
                task = await _first_done(connecting, until_ns)
                if task is not None:
                    connecting.remove(task)
                    handshake_ns = attempts.handshake_deadline_ns(len(connecting))
                    async with asyncio.timeout(_seconds_until(handshake_ns)):
                        return await _attach_protocol(task.result(), endpoint, tls, protocol)
            except OSError as error:
                attempts.failed(error)
    finally:
        for task in connecting:
            task.cancel()
            task.add_done_callback(_close)


async def _look_up(endpoint: Endpoint, deadline_ns: int) -> list[Address]:
    future = resolver.addresses(endpoint)
    await wait_until_done(future, deadline_ns)
    if not future.done():
        raise TimeoutError(f"the deadline passed while {endpoint.host} was looked up")
    return future.result()


async def _connected(address: Address) -> socket.socket:
    """A socket that is connected to ``address``."""
    family, kind, number, _name, sockaddr = address
    sock = socket.socket(family, kind, number)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


async def _first_done(connecting: list[_Connecting], until_ns: int) -> _Connecting | None:
    """One that has connected or failed; None if there is none until then."""
    await asyncio.wait(
        connecting, timeout=_seconds_until(until_ns), return_when=asyncio.FIRST_COMPLETED
    )
    return next((task for task in connecting if task.done()), None)


async def _attach_protocol(
    sock: socket.socket, endpoint: Endpoint, tls: ssl.SSLContext | None, protocol: Callable[[], P]
) -> P:
    """The protocol on a connected socket, after the TLS handshake."""
    # The transport owns the socket, and closes it if TLS fails.
    _transport, connection = await asyncio.get_running_loop().create_connection(
        protocol, sock=sock, ssl=tls, server_hostname=None if tls is None else endpoint.tls_name
    )
    return connection


def _close(task: _Connecting) -> None:
    """Close the socket if it had connected before the task was cancelled."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _seconds_until(instant_ns: int) -> float:
    return max(0, instant_ns - monotonic_ns()) / 1e9
