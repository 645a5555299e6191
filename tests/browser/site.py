"""The demo's site, served to browsers, with time that a test sets; and a site that means ill."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from demo.app import application
from demo.limits import SEARCH
from demo.server import serving
from ratelimit_ddb import MemoryStore
from sessions import MemorySessionStore, SessionEvent
from tests.fake_clock import FakeClock

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

IDLE_SECONDS = 3_600
LIFETIME_SECONDS = 10_800
OF_THE_LIVE_VIEW = ("/live", "/static/", SEARCH)


class Asked(NamedTuple):
    """A request, as it came in.

    Attributes:
        method, path: what was asked.
        cookies: the Cookie field; empty where there was none.
        origin_is: what the browser says of the page that asked: ``"same-origin"``,
            ``"same-site"``, ``"cross-site"``, or ``"none"`` for the user (Fetch Metadata).
    """

    method: str
    path: str
    cookies: str
    origin_is: str | None


@dataclass(frozen=True, slots=True)
class Served:
    """A site that runs.

    Attributes:
        url: where, without a slash at the end.
        host: its name.
        cookie: its cookie's name.
        tls: the certificate that it is served with; None for plain http.
        store, clock: its sessions, and their time.
        asked: all requests so far, but for the live view's.
        events: what happened to sessions so far.
    """

    url: str
    host: str
    cookie: str
    tls: ssl.SSLContext | None
    store: MemorySessionStore
    clock: FakeClock
    asked: list[Asked]
    events: list[SessionEvent] = field(default_factory=list)

    @property
    def is_secure(self) -> bool:
        return self.tls is not None


@contextlib.contextmanager
def served(tls: ssl.SSLContext | None, host: str = "localhost") -> Iterator[Served]:
    """The site over https with the cookie that is the default, or over http as the demo has it."""
    clock = FakeClock()
    store = MemorySessionStore(clock=clock)
    asked: list[Asked] = []
    events: list[SessionEvent] = []
    plain = {} if tls else {"cookie": "session", "secure": False}
    app = application(
        MemoryStore(),
        store,
        idle=IDLE_SECONDS,
        lifetime=LIFETIME_SECONDS,
        secret="a secret of at least 32 characters",
        on_event=events.append,
        **plain,  # type: ignore[arg-type]
    )
    with serving(_noting(app, asked), tls=tls) as server:
        cookie = "__Host-session" if tls else "session"
        url = server.url.replace("localhost", host)
        yield Served(url, host, cookie, tls, store, clock, asked, events)


@contextlib.contextmanager
def evil_site(
    site: Served, host: str, target: str = "/", *, plants: Iterable[str] = (), **fields: str
) -> Iterator[str]:
    """The URL of another site, with a button that sends a form to a path of the first, and a link.

    Args:
        site: the first.
        host: the name of the other one, which has another port too.
        target: the path that its form and its link lead to.
        plants: Set-Cookie fields of its page.
        fields: of the form.
    """
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    page = (
        "<!doctype html><title>Prizes</title><h1>You have won</h1>"
        f'<form method="post" action="{site.url}{target}">{hidden}<button>Claim</button></form>'
        f'<a href="{site.url}{target}">More</a>'
    ).encode()
    headers = [("Content-Type", "text/html"), ("Content-Length", str(len(page)))]
    headers += [("Set-Cookie", field) for field in plants]

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return [page]

    with serving(app, tls=site.tls) as server:
        yield server.url.replace("localhost", host)


def _noting(app: WSGIApplication, asked: list[Asked]) -> WSGIApplication:
    def noted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(OF_THE_LIVE_VIEW):
            asked.append(
                Asked(
                    environ["REQUEST_METHOD"],
                    environ["PATH_INFO"],
                    environ.get("HTTP_COOKIE", ""),
                    environ.get("HTTP_SEC_FETCH_SITE"),
                )
            )
        return app(environ, start_response)

    return noted
