"""How long a session lives, as its login chose; kept in the row, also when its id is rotated."""

from __future__ import annotations

from typing import NamedTuple


class LoginLifetime(NamedTuple):
    """The choices of a login for its session; None stands for the application's option.

    Attributes:
        idle_seconds: its idle timeout, such as 2_592_000.
        lifetime_seconds: its lifetime.
        persistent: whether its cookie outlives the browser's own session.
    """

    idle_seconds: int | None = None
    lifetime_seconds: int | None = None
    persistent: bool | None = None


AS_CONFIGURED = LoginLifetime()
"""The choices of a login that chose nothing."""
