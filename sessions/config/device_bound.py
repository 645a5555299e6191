"""What the sessions know of device-bound ones: the seam to the optional ``sessions.device_bound``.

Where that is not installed, or not asked for, a session that is bound is nobody's all the same: an
application without the option must not be the way around it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, Protocol, runtime_checkable

from sessions.arguments import RESERVED_PREFIX
from sessions.cookie.cookie import Cookie

DEVICE_BINDING = RESERVED_PREFIX + "device_binding"
"""The key of a session's values that holds the public key of its device, in a session that is
bound. A rotation takes it along, a login does not."""


class DeviceProof(Enum):
    """What a request shows of the device that its session is bound to."""

    GIVEN = auto()
    """The cookie that only the device's key can renew."""
    NOT_DUE = auto()
    """None, and none is asked for: the session was bound a moment ago."""
    MISSING = auto()


@runtime_checkable
class DeviceBoundSessions(Protocol):
    """A ``sessions.device_bound.DeviceBound``, as the sessions use it.

    Attributes:
        offers: whether logins offer to bind their sessions.
    """

    @property
    def offers(self) -> bool:
        """Whether logins offer to bind their sessions."""

    def require_cookie(self, cookie: Cookie) -> None:
        """Check that browsers can bind a session with that cookie.

        Raises:
            ValueError: they can't.
        """

    def bound_cookie(self, cookie: Cookie) -> Cookie:
        """The short cookie that stands beside the session's own."""

    def endpoint_cookie(self, cookie: Cookie) -> Cookie:
        """The cookie by which the two endpoints know the session."""

    def proof(
        self, binding: str, cookie: Cookie, cookie_field: str | None, now: int
    ) -> DeviceProof:
        """What a request shows, by its Cookie field.

        Args:
            binding: the JSON that the session has under DEVICE_BINDING.
            cookie: the session's own.
            cookie_field: the field; None if it has none.
            now: epoch seconds, by the table's clock.
        """

    def offer(self, session_id: str, now: int) -> str:
        """The value of the response field that offers to bind a session."""

    def asgi_endpoints(self, config: Any) -> Any:
        """What answers requests for its endpoints in ASGI, for a SessionConfig."""

    def wsgi_endpoints(self, config: Any) -> Any:
        """The same in WSGI."""
