"""Flash messages: left by one request for the next page that is shown.

Each has a key of its own, so that of two requests that leave one at once neither takes the other's
away: a save names its keys, and these are two.
"""

from __future__ import annotations

import itertools
import secrets
import time
from typing import Any, NamedTuple

from sessions.values.changes import Values

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
    """Leave one message, behind those that were left before it."""
    # By time, for messages of several processes; then by number, for those of one instant.
    order = f"{time.time_ns():016x}{next(_COUNTER) & 0xFFFFFFFF:08x}"
    values[f"{prefix}{order}{secrets.token_hex(4)}"] = message


def keys_of_messages(values: Values, prefix: str) -> list[str]:
    """The keys of the messages that were left, the oldest first."""
    return sorted(key for key in values if key.startswith(prefix))


def take_all(values: Values, prefix: str) -> list[list[Any]]:
    """The messages that were left, the oldest first, which are no more then."""
    return [values.pop(key) for key in keys_of_messages(values, prefix)]
