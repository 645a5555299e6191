"""Flash messages: left by one request for the next page that is shown."""

from __future__ import annotations

from typing import NamedTuple

FLASH = "sessions.flash"


class Flash(NamedTuple):
    """A message and its category.

    Attributes:
        message: such as ``"Your order was sent"``.
        category: such as ``"info"`` or ``"error"``.
    """

    message: str
    category: str
