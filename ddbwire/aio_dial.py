"""Opening an asyncio connection before a deadline: look up, connect, TLS handshake."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from time import monotonic_ns
from typing import TypeVar

from ddbwire.aio_wait import until_done
from ddbwire.endpoint import Endpoint
from ddbwire.look_up import Address, attempts, look_ups, numeric_addresses

P = TypeVar("P", bound=asyncio.Protocol)


async def aio_dial(
    endpoint: Endpoint, tls: ssl.SSLContext | None, protocol: Callable[[], P], deadline_ns: int
) -> P:
    """A connected protocol, made by ``protocol``; addresses are tried as ``dial`` tries them.

    Raises:
        TimeoutError: the deadline passed first.
        OSError: none of the endpoint's addresses could be connected to, or TLS failed.
    """
    addresses = numeric_addresses(endpoint) or await _look_up(endpoint, deadline_ns)
    failure: OSError = OSError(f"no address for {endpoint.host}")
    for address, share_ns in attempts(addresses, deadline_ns):
        try:
            async with asyncio.timeout(max(0, share_ns - monotonic_ns()) / 1e9):
                return await _connect(address, endpoint.host, tls, protocol)
        except OSError as error:
            failure = error
    raise failure


async def _look_up(endpoint: Endpoint, deadline_ns: int) -> list[Address]:
    future = look_ups.addresses(endpoint)
    await until_done(future, deadline_ns)
    if not future.done():
        raise TimeoutError(f"the deadline passed while {endpoint.host} was looked up")
    return future.result()


async def _connect(
    address: Address, host: str, tls: ssl.SSLContext | None, protocol: Callable[[], P]
) -> P:
    loop = asyncio.get_running_loop()
    family, kind, number, _name, place = address
    sock = socket.socket(family, kind, number)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    # From here on the transport owns the socket, and closes it if TLS fails.
    _transport, connection = await loop.create_connection(
        protocol, sock=sock, ssl=tls, server_hostname=None if tls is None else host
    )
    return connection
