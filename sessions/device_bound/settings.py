"""The paths, cookies and secrets of an application's device-bound sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sessions.cookie.cookie import Cookie
from sessions.device_bound.bound_cookie import BoundCookies
from sessions.device_bound.challenge import Challenges


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """The settings of an application.

    Attributes:
        path: the path below which the endpoints are, such as ``"/device-bound-session"``.
        challenges: makes and checks challenges.
        bound_cookies: makes and checks the values of bound cookies.
    """

    path: str
    challenges: Challenges
    bound_cookies: BoundCookies

    @property
    def register_path(self) -> str:
        """The path to which a browser sends its key."""
        return f"{self.path}/register"

    @property
    def refresh_path(self) -> str:
        """The path from which a browser gets the next bound cookie."""
        return f"{self.path}/refresh"

    def is_endpoint(self, path: str) -> bool:
        """Whether a request's path is one of the two."""
        return path.startswith(self.path) and path in (self.register_path, self.refresh_path)

    def bound_cookie(self, cookie: Cookie) -> Cookie:
        """The bound cookie of a session: ``__Host-session-bound`` for ``__Host-session``."""
        return replace(cookie, name=f"__Host-{_without_prefix(cookie.name)}-bound", persistent=True)

    def endpoint_cookie(self, cookie: Cookie) -> Cookie:
        """The endpoints' cookie, with the session's value: ``__Secure-session-device``."""
        name = f"__Secure-{_without_prefix(cookie.name)}-device"
        return replace(cookie, name=name, path=self.path, same_site="None")


def _without_prefix(name: str) -> str:
    lower = name.lower()
    for prefix in ("__host-", "__secure-"):
        if lower.startswith(prefix):
            return name[len(prefix) :]
    return name
