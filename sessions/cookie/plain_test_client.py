"""Warns a test whose client never sends the cookie back: it is Secure, and the URL is plain http.

Requests from a proxy that ends TLS are plain http too, so only hosts that no site has get the
warning: those that the documentation of Starlette, FastAPI, Litestar and httpx uses in tests.
"""

from __future__ import annotations

import warnings

from sessions.cookie.cookie import Cookie
from sessions.cookie.headers import Headers


def warn_if_never_sent(cookie: Cookie, added: Headers, scheme: str | None, host: object) -> None:
    """Warn if a test client will drop the session's cookie.

    Args:
        cookie: the session's cookie.
        added: the fields that are added to the response.
        scheme: the scheme of the request's URL.
        host: its host.
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
