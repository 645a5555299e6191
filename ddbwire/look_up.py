"""Finding an endpoint's addresses: one look-up at a time for a host, whoever waits for it.

A resolver that has stalled is asked once, by one thread, and not once by each call: calls come
and give up at their deadlines, while ``getaddrinfo`` has none. The thread is none of an event
loop's executor either, which is the application's.
"""

import socket
from concurrent.futures import Future
from typing import Any, TypeAlias

from ddbwire.background import start
from ddbwire.endpoint import Endpoint
from ddbwire.fork import at_fork

Address: TypeAlias = tuple[Any, ...]
"""Family, type, protocol, canonical name and socket address, as ``getaddrinfo`` gives them."""


def numeric_addresses(endpoint: Endpoint) -> list[Address]:
    """The address that the endpoint's host is; empty if it is a name."""
    try:
        return _look_up(endpoint, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return []


class _LookUps:
    """The look-ups that are under way in this process, by host and port."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, int], Future[list[Address]]] = {}
        at_fork(self)

    def addresses(self, endpoint: Endpoint) -> "Future[list[Address]]":
        """The addresses of the endpoint's host, from the look-up that is under way or a new one.

        The future fails with ``socket.gaierror``, or with ``Unreachable`` if there is no thread.
        """
        place = (endpoint.host, endpoint.port)
        ours: Future[list[Address]] = Future()
        started = False
        try:
            shared = self._under_way.setdefault(place, ours)
            if shared is ours:
                start(lambda: self._finish(endpoint), ours)
                started = not ours.done()
            else:
                started = True
            return shared
        finally:
            # Not started: an exception came, or there is no thread. The next call tries again.
            if not started and self._under_way.get(place) is ours:
                del self._under_way[place]

    def after_fork_in_child(self) -> None:
        """Forget the parent's: their threads do not exist here."""
        self._under_way = {}

    def _finish(self, endpoint: Endpoint) -> list[Address]:
        try:
            return _look_up(endpoint, 0)
        finally:
            self._under_way.pop((endpoint.host, endpoint.port), None)


look_ups = _LookUps()


def _look_up(endpoint: Endpoint, flags: int) -> list[Address]:
    found: list[Address] = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=flags
    )
    return found
