"""Finds an endpoint's addresses, with one look-up at a time for a host, which all callers share.

So a stalled resolver blocks one thread, not one for each call: calls give up at their deadlines,
but ``getaddrinfo`` has none. The thread is not of an event loop's executor, which belongs to the
application.
"""

import socket
from concurrent.futures import Future
from time import monotonic_ns
from typing import Any, TypeAlias

from ddbwire.concurrency.fork import at_fork
from ddbwire.concurrency.threads import running_future, start_work
from ddbwire.endpoint import Endpoint

_MAX_WAIT_NS = 100_000_000
"""If a look-up takes longer, its callers may have given up. If it fails, the next call gets the
error: otherwise no call would ever get it from a resolver that is slow to find no such name."""
_ERROR_TTL_NS = 10_000_000_000

Address: TypeAlias = tuple[Any, ...]
"""Family, type, protocol, canonical name and socket address, as ``getaddrinfo`` gives them."""


def numeric_addresses(endpoint: Endpoint) -> list[Address]:
    """The address, if the endpoint's host is one; empty if it is a name."""
    try:
        return _look_up(endpoint, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return []


class _Resolver:
    """The look-ups that are under way in this process, by host and port."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, int], Future[list[Address]]] = {}
        self._failed: dict[tuple[str, int], tuple[socket.gaierror, int]] = {}
        at_fork(self)

    def addresses(self, endpoint: Endpoint) -> "Future[list[Address]]":
        """The addresses of the endpoint's host, from the look-up under way or a new one.

        The future fails with ``socket.gaierror``, or with ``Unreachable`` if no thread starts.
        """
        host_and_port = (endpoint.host, endpoint.port)
        ours: Future[list[Address]] = running_future()
        error, failed_ns = self._failed.pop(host_and_port, (None, 0))
        if error is not None and monotonic_ns() - failed_ns < _ERROR_TTL_NS:
            ours.set_exception(error)
            return ours
        started = False
        try:
            shared = self._under_way.setdefault(host_and_port, ours)
            if shared is ours:
                start_work(lambda: self._finish(endpoint), ours)
                started = not ours.done()
            else:
                started = True
            return shared
        finally:
            # Not started: an exception was raised, or no thread starts. The next call tries again.
            if not started and self._under_way.get(host_and_port) is ours:
                del self._under_way[host_and_port]

    def after_fork_in_child(self) -> None:
        """Forget the parent's look-ups, whose threads do not exist here."""
        self._under_way = {}
        self._failed = {}

    def _finish(self, endpoint: Endpoint) -> list[Address]:
        host_and_port, began_ns = (endpoint.host, endpoint.port), monotonic_ns()
        try:
            return _look_up(endpoint, 0)
        except socket.gaierror as error:
            ended_ns = monotonic_ns()
            if ended_ns - began_ns > _MAX_WAIT_NS:
                self._failed[host_and_port] = (error, ended_ns)
            raise
        finally:
            self._under_way.pop(host_and_port, None)


resolver = _Resolver()


def _look_up(endpoint: Endpoint, flags: int) -> list[Address]:
    found: list[Address] = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=flags
    )
    return found
