"""Sessions that a real browser binds to a key of its own, and renews, and others can't."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from demo.server import serving
from sessions import MemorySessionStore, Session, SessionEvent, session_of
from sessions.device_bound import DeviceBound
from sessions.wsgi import SessionMiddleware
from tests.browser import chromium
from tests.browser.browser import Browser
from tests.fake_clock import FakeClock

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser

MAIN, BOUND, DEVICE = "__Host-session", "__Host-session-bound", "__Secure-session-device"
REGISTER, REFRESH = "/device-bound-session/register", "/device-bound-session/refresh"


@dataclass(frozen=True, slots=True)
class BindingSite:
    """A site that binds sessions.

    Attributes:
        url: where, without a slash at the end.
        clock: its time.
        calls: what browsers called by themselves, and what they were answered.
        events: what happened to sessions.
    """

    url: str
    clock: FakeClock
    calls: list[tuple[str, int]]
    events: list[SessionEvent]


def _pages(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Says who is logged in; two pages log in, and lead on, and out."""
    session: Session = session_of(environ)
    if environ["PATH_INFO"] == "/in":
        session.login("ada")
        start_response("303 See Other", [("Location", "/"), ("Content-Length", "0")])
        return [b""]
    if environ["PATH_INFO"] == "/out":
        session.logout()
    who = f"<title>Who</title><h1>{session.user_id or 'nobody'}</h1>".encode()
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(who)))])
    return [who]


def _noting(app: WSGIApplication, calls: list[tuple[str, int]]) -> WSGIApplication:
    def noted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: object) -> object:
            if environ["REQUEST_METHOD"] == "POST":
                calls.append((environ["PATH_INFO"], int(status[:3])))
            return start_response(status, headers, *exc_info)  # type: ignore[arg-type]

        return app(environ, start)  # type: ignore[arg-type]

    return noted


@contextlib.contextmanager
def _linking(tls: ssl.SSLContext, url: str) -> Iterator[str]:
    """The URL of another site, with a link to the first."""
    page = f'<title>Mail</title><h1>Mail</h1><a href="{url}/">More</a>'.encode()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        del environ
        start_response("200 OK", [("Content-Type", "text/html")])
        return [page]

    with serving(app, tls=tls) as server:
        yield server.url.replace("localhost", "127.0.0.1")


@pytest.fixture
def binding(tls: ssl.SSLContext) -> Iterator[BindingSite]:
    clock, calls, events = FakeClock(), list[tuple[str, int]](), list[SessionEvent]()
    app = SessionMiddleware(
        _pages,
        MemorySessionStore(clock=clock),
        device_bound=DeviceBound("a secret of at least 32 characters"),
        on_event=events.append,
    )
    with serving(_noting(app, calls), tls=tls) as server:
        yield BindingSite(server.url.replace("localhost", chromium.HOST), clock, calls, events)


def _at(driver: Chrome, site: BindingSite) -> Browser:
    browser = Browser(driver, site.url, MAIN)
    browser.forget_everything()
    return browser


def _lose_bound_cookie(browser: Browser) -> None:
    """As if its minutes were over."""
    browser.driver.execute_cdp_cmd("Network.deleteCookies", {"name": BOUND, "url": browser.url})


def _who(browser: Browser) -> str:
    browser.open("/")
    return browser.heading


def test_a_browser_keeps_its_session_by_its_key_and_a_thief_does_not(
    drivers: tuple[Chrome, Chrome], binding: BindingSite, tls: ssl.SSLContext
) -> None:
    browser = _at(drivers[0], binding)
    browser.open("/in")
    browser.until(lambda: len(browser.cookies()) == 2)  # the third is for the endpoints' path
    assert binding.calls[0] == (REGISTER, 200)
    assert [event.what for event in binding.events] == ["created", "bound"]
    stolen = browser.cookies()
    assert {cookie["name"] for cookie in stolen} == {MAIN, BOUND}

    binding.clock.advance(700)  # by the site's time its bound cookie is over
    _lose_bound_cookie(browser)  # and by the browser's too
    del binding.calls[:]
    assert _who(browser) == "ada"
    assert binding.calls[:2] == [(REFRESH, 403), (REFRESH, 200)]

    binding.clock.advance(700)
    _lose_bound_cookie(browser)
    with _linking(tls, binding.url) as elsewhere:
        browser.driver.get(elsewhere)
        browser.follow("More")
    assert browser.heading == "ada", "a link of another site leads to the session too"

    thief = _at(drivers[1], binding)
    for cookie in stolen:
        given = {name: cookie[name] for name in ("name", "value", "path", "secure", "httpOnly")}
        parameters = {**given, "url": f"{binding.url}/", "sameSite": "Lax"}
        assert thief.driver.execute_cdp_cmd("Network.setCookie", parameters)["success"]
    assert _who(thief) == "nobody"
    assert _who(browser) == "ada"

    browser.open("/out")
    assert browser.cookies() == []
    assert _who(browser) == "nobody"
