"""Opens a blocking connection before a deadline: look up, connect, TLS handshake.

It is a generator, so that a thread can open several at the same time (``side_by_side.py``).
"""

import errno
import os
import selectors
import socket
import ssl
from collections.abc import Generator
from typing import TypeAlias

from ddbwire.connections.happy_eyeballs import HappyEyeballs
from ddbwire.connections.readiness import Awaited
from ddbwire.connections.resolver import Address, numeric_addresses, resolver
from ddbwire.endpoint import Endpoint

Connecting: TypeAlias = Generator[Awaited, socket.socket | None, socket.socket]
"""Yields what it waits for, and is sent a socket that is ready, or None when time has run out."""


def connect(endpoint: Endpoint, tls: ssl.SSLContext | None, deadline_ns: int) -> Connecting:
    """Open a connection, as a generator that yields what it waits for.

    Returns:
        a connected, non-blocking socket.

    Raises:
        TimeoutError: the deadline passed first.
        OSError: none of the endpoint's addresses could be connected to, or TLS failed.
    """
    addresses = numeric_addresses(endpoint) or (yield from _look_up(endpoint, deadline_ns))
    attempts = HappyEyeballs(endpoint.host, addresses, deadline_ns)
    connecting: list[socket.socket] = []
    try:
        while True:
            until_ns = attempts.wait_until_ns(len(connecting))
            address = attempts.due()
            try:
                if address is not None:
                    connecting.append(_start_connecting(address))
                    continue
                sock = yield Awaited(tuple(connecting), selectors.EVENT_WRITE, until_ns)
                if sock is not None:
                    connecting.remove(sock)
                    handshake_ns = attempts.handshake_deadline_ns(len(connecting))
                    return (yield from _finish_connecting(sock, endpoint, tls, handshake_ns))
            except OSError as error:
                attempts.failed(error)
    finally:
        for sock in connecting:
            sock.close()


def _look_up(
    endpoint: Endpoint, deadline_ns: int
) -> Generator[Awaited, socket.socket | None, list[Address]]:
    future = resolver.addresses(endpoint)
    yield Awaited((), selectors.EVENT_READ, deadline_ns, future)
    if not future.done():
        raise TimeoutError(f"the deadline passed while {endpoint.host} was looked up")
    return future.result()


def _start_connecting(address: Address) -> socket.socket:
    """A socket that is connecting to ``address``; it becomes writable when that is over."""
    family, kind, protocol, _name, sockaddr = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _require_success(sock.connect_ex(sockaddr))
    except BaseException:
        sock.close()
        raise
    return sock


def _finish_connecting(
    sock: socket.socket, endpoint: Endpoint, tls: ssl.SSLContext | None, deadline_ns: int
) -> Connecting:
    """``sock``, if it has connected, after the TLS handshake."""
    try:
        _require_success(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if tls is not None:
            # On success the wrapped socket owns the descriptor; on failure it has closed it.
            sock = tls.wrap_socket(
                sock, server_hostname=endpoint.tls_name, do_handshake_on_connect=False
            )
            yield from _do_handshake(sock, deadline_ns)
    except BaseException:
        sock.close()
        raise
    return sock


def _require_success(error: int) -> None:
    if error not in (0, errno.EINPROGRESS):
        raise OSError(error, os.strerror(error))


def _do_handshake(
    sock: ssl.SSLSocket, deadline_ns: int
) -> Generator[Awaited, socket.socket | None, None]:
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            ready = yield Awaited((sock,), selectors.EVENT_READ, deadline_ns)
        except ssl.SSLWantWriteError:
            ready = yield Awaited((sock,), selectors.EVENT_WRITE, deadline_ns)
        else:
            return
        if ready is None:
            raise TimeoutError("the deadline passed")
