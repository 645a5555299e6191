"""Opening a blocking connection before a deadline: look up, connect, TLS handshake."""

import errno
import os
import socket
import ssl
from concurrent.futures import wait
from time import monotonic_ns

from ddbwire.connections.blocking.readiness import await_readable, await_writable, first_writable
from ddbwire.connections.happy_eyeballs import HappyEyeballs
from ddbwire.connections.resolver import Address, numeric_addresses, resolver
from ddbwire.endpoint import Endpoint


def connect(endpoint: Endpoint, tls: ssl.SSLContext | None, deadline_ns: int) -> socket.socket:
    """A connected, non-blocking socket.

    Raises:
        TimeoutError: the deadline passed first.
        OSError: none of the endpoint's addresses could be connected to, or TLS failed.
    """
    addresses = numeric_addresses(endpoint) or _look_up(endpoint, deadline_ns)
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
                sock = first_writable(connecting, until_ns)
                if sock is not None:
                    connecting.remove(sock)
                    handshake_ns = attempts.handshake_deadline_ns(len(connecting))
                    return _finish_connecting(sock, endpoint.host, tls, handshake_ns)
            except OSError as error:
                attempts.failed(error)
    finally:
        for sock in connecting:
            sock.close()


def _look_up(endpoint: Endpoint, deadline_ns: int) -> list[Address]:
    future = resolver.addresses(endpoint)
    wait((future,), max(0, deadline_ns - monotonic_ns()) / 1e9)
    if not future.done():
        raise TimeoutError(f"the deadline passed while {endpoint.host} was looked up")
    return future.result()


def _start_connecting(address: Address) -> socket.socket:
    """A socket that is connecting to ``address``; it is writable once that has an outcome."""
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
    sock: socket.socket, host: str, tls: ssl.SSLContext | None, deadline_ns: int
) -> socket.socket:
    """``sock``, if it has connected, after the TLS handshake."""
    try:
        _require_success(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if tls is not None:
            # On success the wrapped socket owns the descriptor, on failure it has closed it.
            sock = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            _do_handshake(sock, deadline_ns)
    except BaseException:
        sock.close()
        raise
    return sock


def _require_success(error: int) -> None:
    if error not in (0, errno.EINPROGRESS):
        raise OSError(error, os.strerror(error))


def _do_handshake(sock: ssl.SSLSocket, deadline_ns: int) -> None:
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            await_readable(sock, deadline_ns)
        except ssl.SSLWantWriteError:
            await_writable(sock, deadline_ns)
        else:
            return
