"""From what happens in one request to the pages that are open: publish and subscribe."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_MOST_WAITING = 2_000
"""Messages that a page may be behind by. One that reads no more loses what is beyond."""


class Decided(NamedTuple):
    """The limits decided on a request; ``content`` tells how, as JSON's types."""

    content: dict[str, Any]


class SessionsChanged(NamedTuple):
    """A session of a user began, was renewed, or ended."""

    user_id: str


Message = Decided | SessionsChanged
Subscription = queue.Queue[Message]


class Feed:
    """Hands each message to every subscription that there is at the time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []

    def publish(self, message: Message) -> None:
        """Hand a message to all subscriptions; never waits."""
        with self._lock:
            for subscription in self._subscriptions:
                if not subscription.full():
                    subscription.put_nowait(message)

    @contextmanager
    def subscribed(self) -> Iterator[Subscription]:
        """A subscription that lasts as long as the block."""
        subscription: Subscription = queue.Queue(_MOST_WAITING)
        with self._lock:
            self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions.remove(subscription)
