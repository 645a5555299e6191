"""The demo's site over HTTP: what it refuses, what it ends, and what it calls a device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from demo.app import application
from demo.limits import LOGINS, SEARCH
from demo.server import HOST, Server, serving
from demo.site.device import device_of
from demo.site.static_files import FILES
from demo.story.browser import Browser
from ratelimit_ddb import MemoryStore
from sessions import MemorySessionStore

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def store() -> MemorySessionStore:
    return MemorySessionStore()


@pytest.fixture
def server(store: MemorySessionStore) -> Iterator[Server]:
    app = application(MemoryStore(), store, cookie="session", secure=False, deadline=5)
    with serving(app) as running:
        yield running


@pytest.fixture
def browser(server: Server) -> Browser:
    return Browser(HOST, server.server_port, FIREFOX)


def asked(
    server: Server, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection(HOST, server.server_port, timeout=10)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers=fields)
    response = connection.getresponse()
    page = response.read().decode()
    connection.close()
    return response, page


def test_that_who_only_looks_leaves_no_trace(browser: Browser, store: MemorySessionStore) -> None:
    for path in ("/", SEARCH, "/nothing", "/devices/end"):
        browser.get(path)
    assert not browser.cookies
    assert len(store) == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nothing", 404, None),
        ("POST", "/nothing", 404, None),
        ("GET", "/logout", 405, "POST"),
        ("POST", "/devices", 405, "GET, HEAD"),
        ("DELETE", "/login", 405, "GET, POST, HEAD"),
        ("POST", "/login", 403, None),
        ("GET", "/static/../command.py", 404, None),
        ("GET", "/static/", 404, None),
        ("POST", SEARCH, 404, None),
    ],
)
def test_what_is_refused(
    server: Server, method: str, path: str, status: int, allow: str | None
) -> None:
    response, page = asked(server, method, path)
    assert (response.status, response.getheader("Allow")) == (status, allow)
    assert response.getheader("Set-Cookie") is None
    assert "<h1>" in page


def test_that_a_request_line_that_is_too_long_is_refused(server: Server) -> None:
    response, _ = asked(server, "GET", f"/{'x' * 70_000}")
    assert response.status == 414


def test_that_head_has_the_headers_alone(server: Server) -> None:
    response, page = asked(server, "HEAD", "/")
    assert response.status == 200
    assert int(response.getheader("Content-Length") or 0) > 1_000
    assert page == ""


def test_that_no_page_is_stored_and_each_runs_its_own_files_alone(server: Server) -> None:
    for path in ("/", "/login", "/nothing"):
        response, _ = asked(server, "GET", path)
        assert response.headers.get_all("Cache-Control") == ["private, no-store"]
        policy = response.getheader("Content-Security-Policy") or ""
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


def test_that_what_a_page_needs_is_served_here(server: Server) -> None:
    _, page = asked(server, "GET", "/")
    needed = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    imported = [
        f"/static/{name}"
        for path, file in FILES.items()
        for name in re.findall(r"from '\./([^']+)'", file.content.decode())
        if path.endswith(".js")
    ]
    assert "/static/live.js" in needed
    for path in {*needed, *imported}:
        response, content = asked(server, "GET", path)
        assert response.status == 200, path
        assert response.getheader("X-Content-Type-Options") == "nosniff"
        assert "http" not in content.replace("http://www.w3.org/2000/svg", ""), "nothing elsewhere"


def test_that_a_search_is_admitted_then_denied_with_its_wait(server: Server) -> None:
    answers = [asked(server, "GET", SEARCH, X_API_Key="ada")[0] for _ in range(10)]
    assert [answer.status for answer in answers[:8]] == [200] * 8
    assert answers[-1].status == 429
    assert answers[-1].getheader("Retry-After") == "1"
    assert asked(server, "GET", SEARCH, X_API_Key="grace")[0].status == 200


def test_that_attempts_to_log_in_are_limited_and_pages_go_on(server: Server) -> None:
    attempts = [asked(server, "POST", "/login")[0].status for _ in range(LOGINS.burst + 2)]
    assert attempts == [403] * LOGINS.burst + [429] * 2
    response, page = asked(server, "GET", "/login")
    assert response.status == 200
    assert "<h1>Log in</h1>" in page


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"csrf=" + b"x" * 8_192, FORM, 413),
        (b"a=1&" * 17, FORM, 400),
        (b"csrf=%ff%00", FORM, 403),
        (b"csrf=x", {"Content-Type": "text/plain"}, 403),
        (None, {**FORM, "Content-Length": "-1"}, 400),
    ],
)
def test_that_a_form_that_is_none_of_ours_is_refused(
    server: Server, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    response, _ = asked(server, "POST", "/login", body, **headers)
    assert response.status == status


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\x00b", "a\nb", "anonymous~x"])
def test_that_a_name_that_can_not_be_is_asked_again(browser: Browser, name: str) -> None:
    browser.get("/login")
    answer = browser.post("/login", user_name=name)
    assert (answer.status, answer.heading) == (422, "Log in")
    assert browser.get("/").heading == "Nobody is logged in"


def test_that_ending_the_session_itself_is_a_logout(
    browser: Browser, store: MemorySessionStore
) -> None:
    browser.get("/login")
    browser.post("/login", user_name="ada")
    browser.get("/")
    (info,) = store.sessions_of("ada")
    done = browser.post("/devices/end", session=info.id)
    assert (done.status, done.location, done.cookie) == (303, "/", "cleared")
    assert len(store) == 0


@pytest.mark.parametrize("session_id", ["", "x" * 3_000, "A" * 43, "../", "\n"])
def test_that_an_id_of_nothing_ends_nothing(
    browser: Browser, store: MemorySessionStore, session_id: str
) -> None:
    browser.get("/login")
    browser.post("/login", user_name="ada")
    browser.get("/")
    assert browser.post("/devices/end", session=session_id).location == "/devices"
    assert browser.get("/devices").note == "That session was over already."
    assert len(store.sessions_of("ada")) == 1


def test_that_another_users_session_can_not_be_ended_by_its_id(
    server: Server, browser: Browser, store: MemorySessionStore
) -> None:
    other = Browser(HOST, server.server_port, FIREFOX)
    for one, name in ((browser, "ada"), (other, "grace")):
        one.get("/login")
        one.post("/login", user_name=name)
        one.get("/")
    (info,) = store.sessions_of("grace")
    browser.post("/devices/end", session=info.id)
    assert browser.get("/devices").note == "That session was over already."
    assert other.get("/").heading == "Hello, grace"


@pytest.mark.parametrize("path", ["/devices/end", "/logout-everywhere"])
def test_that_nobodys_form_leads_to_the_login(browser: Browser, path: str) -> None:
    browser.get("/login")
    assert browser.post(path).location == "/login"
    assert browser.get("/login").note == "Log in first."


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0"
            ),
            "Edge on Windows",
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/138.0.0.0 Mobile Safari/537.36"
            ),
            "Chrome on Android",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone",
        ),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/18.5 Safari/605.1.15"
            ),
            "Safari on macOS",
        ),
        ("curl/8.14.1", "curl"),
        ("x" * 10_000, "Unknown browser"),
        ("", "Unknown browser"),
        (None, "Unknown browser"),
    ],
)
def test_devices_in_words(user_agent: str | None, device: str) -> None:
    assert device_of(user_agent) == device
