"""Opening a blocking connection before a deadline: look up, connect, TLS handshake."""

import errno
import os
import socket
import ssl
from concurrent.futures import wait
from time import monotonic_ns
from typing import Any

from ddbwire.endpoint import Endpoint
from ddbwire.look_up import Address, attempts, look_ups, numeric_addresses
from ddbwire.readiness import await_readable, await_writable


def dial(endpoint: Endpoint, tls: ssl.SSLContext | None, deadline_ns: int) -> socket.socket:
    """A connected, non-blocking socket.

    Raises:
        TimeoutError: the deadline passed first.
        OSError: none of the endpoint's addresses could be connected to, or TLS failed.
    """
    addresses = numeric_addresses(endpoint) or _look_up(endpoint, deadline_ns)
    failure: OSError = OSError(f"no address for {endpoint.host}")
    for address, share_ns in attempts(addresses, deadline_ns):
        try:
            return _connect(address, endpoint.host, tls, share_ns)
        except OSError as error:
            failure = error
    raise failure


def _look_up(endpoint: Endpoint, deadline_ns: int) -> list[Address]:
    future = look_ups.addresses(endpoint)
    wait((future,), max(0, deadline_ns - monotonic_ns()) / 1e9)
    if not future.done():
        raise TimeoutError(f"the deadline passed while {endpoint.host} was looked up")
    return future.result()


def _connect(
    address: Address, host: str, tls: ssl.SSLContext | None, deadline_ns: int
) -> socket.socket:
    family, kind, protocol, _name, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _await_connected(sock, place, deadline_ns)
        if tls is not None:
            # On success the wrapped socket owns the descriptor, on failure it has closed it.
            sock = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            _shake_hands(sock, deadline_ns)
    except BaseException:
        sock.close()
        raise
    return sock


def _await_connected(sock: socket.socket, place: Any, deadline_ns: int) -> None:
    error = sock.connect_ex(place)
    if error == errno.EINPROGRESS:
        await_writable(sock, deadline_ns)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _shake_hands(sock: ssl.SSLSocket, deadline_ns: int) -> None:
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            await_readable(sock, deadline_ns)
        except ssl.SSLWantWriteError:
            await_writable(sock, deadline_ns)
        else:
            return
