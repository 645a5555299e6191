"""Tells a test whose client will never send the cookie back: it is Secure, and the URL plain http.

A browser behind a proxy that ends TLS comes by plain http too, so only hosts that no site has are
told: those that the documentation of Starlette, FastAPI, Litestar and httpx has in tests.
"""

from __future__ import annotations

import warnings

from sessions.cookie.cookie import Cookie
from sessions.cookie.headers import Headers


def warn_if_never_sent(cookie: Cookie, added: Headers, scheme: str | None, host: object) -> None:
    """Warn where a test client throws the session's cookie away.

    Args:
        cookie: the session's.
        added: the fields that are added to the response.
        scheme: of the request's URL.
        host: of it.
    """
    if not added or not cookie.secure or scheme not in ("http", "ws") or not isinstance(host, str):
        return
    is_of_tests = host == "test" or host.startswith("testserver")
    if is_of_tests and any(name == "set-cookie" for name, _ in added):
        warnings.warn(
            f"the session's cookie is Secure, so a test client never sends it to http://{host}: "
            f'make the client with base_url="https://{host}"',
            stacklevel=2,
        )
