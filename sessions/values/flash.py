"""Flash messages: left by one request for the next page.

Each has a key of its own, so that two concurrent requests that leave a message do not overwrite
each other's: a save writes only the keys that changed.
"""

from __future__ import annotations

import itertools
import secrets
import time
from typing import Any, NamedTuple

from sessions.values.values import Values

FLASH_PREFIX = "sessions.flash."
"""Begins the key of each message of ``Session.flash``."""

_COUNTER = itertools.count()


class Flash(NamedTuple):
    """A message and its category.

    Attributes:
        message: such as ``"Your order was sent"``.
        category: such as ``"info"`` or ``"error"``.
    """

    message: str
    category: str


def leave(values: Values, prefix: str, message: list[Any]) -> None:
    """Leave a message after those that were left before."""
    # In order of time, for messages of several processes; then of a counter, within an instant.
    order = f"{time.time_ns():016x}{next(_COUNTER) & 0xFFFFFFFF:08x}"
    values[f"{prefix}{order}{secrets.token_hex(4)}"] = message


def keys_of_messages(values: Values, prefix: str) -> list[str]:
    """The keys of the messages, the oldest first."""
    return sorted(key for key in values if key.startswith(prefix))


def take_all(values: Values, prefix: str) -> list[list[Any]]:
    """Remove and return the messages, the oldest first."""
    with values.lock:  # each message is returned to one thread
        return [values.pop(key) for key in keys_of_messages(values, prefix)]
