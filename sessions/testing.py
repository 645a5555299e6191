"""Sessions in an application's own tests: begin or change the session of a test client.

    with session_for(client, store) as session:
        session.login("ada")
    assert client.get("/account").status_code == 200

Flask's and Django's test clients have methods of their own for it.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any, NamedTuple, Protocol, Unpack, cast
from urllib.parse import urljoin, urlsplit
from urllib.request import Request

from sessions.config.options import SessionOptions
from sessions.config.session_config import SessionConfig
from sessions.cookie.cookie import Cookie
from sessions.lifecycle.commit import end_response, start_response
from sessions.lifecycle.open import load_at_first_use
from sessions.operations.store import Store
from sessions.request_session import RequestSession
from sessions.session import Session

__all__ = ["session_for"]


@contextmanager
def session_for(
    client: object, store: Store, **options: Unpack[SessionOptions]
) -> Iterator[Session]:
    """The session of a test client, to read and change as in a request.

    Changes are saved at the end of the block, and the client gets the cookie then. For Flask's and
    Django's sessions, use ``client.session_transaction()`` and ``client.session``.

    With ``bearer=True``, call ``session.issue_token()`` in the block: the client then sends
    ``Authorization: Bearer <token>`` with each request. Werkzeug's client has no default headers;
    pass the token that is returned in the headers of each request.

        with session_for(client, store, bearer=True) as session:
            session.login("ada")
            session.issue_token()

    Args:
        client: a TestClient of Starlette, FastAPI or Litestar, a Client of httpx or of Werkzeug.
        store: the application's.
        options: the same as for the application's SessionMiddleware.

    Raises:
        TypeError: it is not such a client.
        ValueError: its base URL is plain http and the cookie is Secure, or its host is not in the
            cookie's domain.
        SessionConflict, SessionTooLarge, StoreUnavailable: the session was not saved.
    """
    config = SessionConfig.of(store, options)
    kept = _cookies_of(client, config.cookie)
    fields = _fields_of(client)
    authorization = fields.get("Authorization")
    given = [] if authorization is None else [authorization]
    request = RequestSession(config, kept.field(), given)
    load_at_first_use(request)
    yield Session(request)
    for name, value in request.driver.run(start_response(request)):
        if name == "set-cookie":
            kept.set(value)
    issued = request.client_token.issued
    if issued is not None:
        fields["Authorization"] = f"Bearer {issued}"
    request.driver.run(end_response(request))


def _fields_of(client: Any) -> MutableMapping[str, str]:
    """The fields that a client sends with each request; for Werkzeug's client, an unused dict."""
    fields = getattr(client, "headers", None)
    return fields if isinstance(fields, MutableMapping) else {}


class _Cookies(Protocol):
    """The cookies of a client."""

    def field(self) -> str | None:
        """The Cookie field that the client would send."""

    def set(self, set_cookie: str) -> None:
        """Take a Set-Cookie field."""


def _cookies_of(client: Any, cookie: Cookie) -> _Cookies:
    jar = getattr(getattr(client, "cookies", None), "jar", None)
    if isinstance(jar, CookieJar):
        url = str(client.base_url) or "https://testserver/"
        if cookie.secure and not url.startswith("https:"):
            raise ValueError(
                f"the cookie is Secure, and {url} is not: the client would never send it; use "
                'base_url="https://testserver", or secure=False with a name without prefix'
            )
        host = urlsplit(url).hostname or ""
        if cookie.domain is not None and not f".{host}".endswith(f".{cookie.domain.lower()}"):
            raise ValueError(
                f"the cookie is for {cookie.domain}, and {url} is not there: the client would "
                f'never send it; use base_url="https://{cookie.domain}"'
            )
        return _OfJar(jar, urljoin(url, cookie.path))
    if callable(getattr(client, "get_cookie", None)) and hasattr(client, "set_cookie"):
        return _OfWerkzeug(client, cookie)
    raise TypeError(
        f"client must be one of httpx, Starlette, FastAPI, Litestar or Werkzeug, not {client!r}; "
        "Flask's has session_transaction(), and Django's has a session"
    )


class _OfJar(NamedTuple):
    """The cookies of httpx's client, and of the clients that are built on it.

    Attributes:
        jar: the client's.
        url: a URL that the cookie is sent to.
    """

    jar: CookieJar
    url: str

    def field(self) -> str | None:
        request = Request(self.url)  # noqa: S310 - nothing is sent
        self.jar.add_cookie_header(request)
        return request.get_header("Cookie")

    def set(self, set_cookie: str) -> None:
        reply = cast("Any", _Reply(set_cookie))
        self.jar.extract_cookies(reply, Request(self.url))  # noqa: S310 - nothing is sent


class _Reply(NamedTuple):
    """A response, as http.cookiejar needs it."""

    set_cookie: str

    def info(self) -> Message:
        message = Message()
        message["Set-Cookie"] = self.set_cookie
        return message


class _OfWerkzeug(NamedTuple):
    """The cookies of Werkzeug's client, which ignores Secure."""

    client: Any
    cookie: Cookie

    def field(self) -> str | None:
        found = self.client.get_cookie(self.cookie.name, path=self.cookie.path)
        return None if found is None else f"{self.cookie.name}={found.value}"

    def set(self, set_cookie: str) -> None:
        value = set_cookie.partition(";")[0].partition("=")[2]
        if value:
            self.client.set_cookie(self.cookie.name, value, path=self.cookie.path)
        else:
            self.client.delete_cookie(self.cookie.name, path=self.cookie.path)
