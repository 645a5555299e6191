"""What a login chose of how long its session lives; kept in the row, over rotations too."""

from __future__ import annotations

from typing import NamedTuple


class LoginLifetime(NamedTuple):
    """What a login chose for its session; None where the application's options hold.

    Attributes:
        idle_seconds: its idle timeout, such as 2_592_000.
        lifetime_seconds: its lifetime.
        persistent: whether its cookie outlives the browser's own session.
    """

    idle_seconds: int | None = None
    lifetime_seconds: int | None = None
    persistent: bool | None = None


AS_CONFIGURED = LoginLifetime()
"""Of a session whose login chose nothing."""
