"""The protocol of the optional package ``sessions.device_bound``, as the other modules use it.

Without that option, a bound session gives access to nothing: an application without it must not be
a way around the binding.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, Protocol, runtime_checkable

from sessions.arguments import RESERVED_PREFIX
from sessions.cookie.cookie import Cookie

DEVICE_BINDING = RESERVED_PREFIX + "device_binding"
"""The key under which the values of a bound session hold the public key of its device. A rotation
keeps it, a login removes it."""


class DeviceProof(Enum):
    """Whether a request comes from the device that its session is bound to."""

    GIVEN = auto()
    """It has the cookie that only the device's key can renew."""
    NOT_DUE = auto()
    """It has no such cookie and needs none yet: the session was bound a moment ago."""
    MISSING = auto()
    """It has no such cookie, and needs one."""


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
        """Check that browsers can bind a session that has this cookie.

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
        """Whether a request comes from the device, by its Cookie field.

        Args:
            binding: the JSON that the session has under DEVICE_BINDING.
            cookie: the session's own.
            cookie_field: the field; None if it has none.
            now: epoch seconds, by the table's clock.
        """

    def offer(self, session_id: str, now: int) -> str:
        """The value of the response field that offers to bind a session."""

    def asgi_endpoints(self, config: Any) -> Any:
        """The ASGI function that answers requests for its endpoints, for a SessionConfig."""

    def wsgi_endpoints(self, config: Any) -> Any:
        """The same in WSGI."""
