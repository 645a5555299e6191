"""The option ``device_bound=`` of the middlewares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

from sessions.arguments import require_bool, require_str
from sessions.config.device_bound import DeviceProof
from sessions.config.session_config import SessionConfig
from sessions.cookie.cookie import Cookie
from sessions.device_bound import fields
from sessions.device_bound.binding import GRACE_SECONDS, Binding
from sessions.device_bound.bound_cookie import BoundCookies
from sessions.device_bound.challenge import Challenges
from sessions.device_bound.mac import Macs
from sessions.device_bound.settings import DeviceSettings

if TYPE_CHECKING:
    from sessions.device_bound.asgi import ASGIEndpoints
    from sessions.device_bound.wsgi import WSGIEndpoints

MIN_COOKIE_SECONDS = 60
MAX_COOKIE_SECONDS = 86_400

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)


class DeviceBound:
    """Binds the sessions of users to keys that their browsers can use and nobody can copy.

        SessionMiddleware(app, store, device_bound=DeviceBound(secrets_of_the_site))

    The response of each login offers it, and a browser with DBSC accepts by itself. From then on,
    its requests get the session only with a second cookie. That cookie lasts some minutes, and the
    browser renews it by a proof of its key. The sessions of other browsers do not change.

    Args:
        secret: one secret of at least 32 bytes, or several (the first signs), for the challenges
            and the bound cookie; the same in all processes. It may be that of ``secret=``.
        path: the path of the endpoints, ``/register`` and ``/refresh`` below it, as browsers
            request it: with the path at which the application is mounted.
        cookie_seconds: for how long a bound cookie is valid, and so for how long stolen cookies
            are; 60 to 86,400. A browser in use renews it about as often.
        offers: whether logins offer it. With False, bound sessions are checked, and no further
            session is bound.

    Attributes:
        offers: as given.
        settings: the paths, cookies and secrets.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    __slots__ = ("offers", "settings")

    def __init__(
        self,
        secret: str | bytes | Iterable[str | bytes],
        *,
        path: str = "/device-bound-session",
        cookie_seconds: int = 600,
        offers: bool = True,
    ) -> None:
        macs = Macs(secret)
        if not _PATH.fullmatch(require_str("path", path)):
            raise ValueError(
                "path must start with '/', not end with it, and have letters, digits and -._~ "
                f"between, not {path!r}"
            )
        if type(cookie_seconds) is not int:
            raise TypeError(f"cookie_seconds must be an int, not {cookie_seconds!r}")
        if not MIN_COOKIE_SECONDS <= cookie_seconds <= MAX_COOKIE_SECONDS:
            raise ValueError(
                f"cookie_seconds must be from {MIN_COOKIE_SECONDS} to {MAX_COOKIE_SECONDS}, "
                f"not {cookie_seconds}"
            )
        self.settings = DeviceSettings(path, Challenges(macs), BoundCookies(macs, cookie_seconds))
        self.offers = require_bool("offers", offers)

    def __repr__(self) -> str:
        return f"<DeviceBound at {self.settings.path}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a DeviceBound can't be pickled: it holds the site's secret")

    def require_cookie(self, cookie: Cookie) -> None:
        """Check that browsers can bind a session that has that cookie.

        Raises:
            ValueError: they can't.
        """
        if not cookie.secure:
            raise ValueError("device_bound needs secure=True: browsers bind sessions over TLS only")
        if cookie.domain is not None:
            raise ValueError(
                f"device_bound needs a cookie of one host, not domain={cookie.domain!r}: on the "
                "other hosts nothing would refresh the sessions"
            )
        if cookie.path != "/":
            raise ValueError(f"device_bound needs path='/', not {cookie.path!r}")
        if cookie.partitioned:
            raise ValueError("device_bound can't have partitioned=True: browsers refuse it")

    def bound_cookie(self, cookie: Cookie) -> Cookie:
        """The bound cookie of a session."""
        return self.settings.bound_cookie(cookie)

    def endpoint_cookie(self, cookie: Cookie) -> Cookie:
        """The endpoints' cookie of a session."""
        return self.settings.endpoint_cookie(cookie)

    def offer(self, session_id: str, now: int) -> str:
        """The value of Secure-Session-Registration for a session."""
        challenge = self.settings.challenges.to_register(session_id, now)
        return fields.registration(self.settings.register_path, challenge)

    def proof(
        self, binding: str, cookie: Cookie, cookie_field: str | None, now: int
    ) -> DeviceProof:
        """Whether a request comes from the device that its session is bound to."""
        bound = Binding.of_json(binding)
        if bound is None:
            return DeviceProof.MISSING
        values = self.bound_cookie(cookie).values_in(cookie_field)
        if self.settings.bound_cookies.is_live(values, bound, now):
            return DeviceProof.GIVEN
        return DeviceProof.NOT_DUE if now < bound.bound_at + GRACE_SECONDS else DeviceProof.MISSING

    def asgi_endpoints(self, config: SessionConfig) -> ASGIEndpoints:
        """The endpoints in ASGI."""
        from sessions.device_bound.asgi import ASGIEndpoints

        return ASGIEndpoints(config, self.settings)

    def wsgi_endpoints(self, config: SessionConfig) -> WSGIEndpoints:
        """The endpoints in WSGI."""
        from sessions.device_bound.wsgi import WSGIEndpoints

        return WSGIEndpoints(config, self.settings)
