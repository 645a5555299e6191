"""The option itself: what it refuses, where it works, and that it is optional."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

from sessions import MemorySessionStore, asgi, wsgi
from sessions.device_bound import DeviceBound
from sessions.flask import SessionInterface
from tests.device_bound.device_browser import SECRET, DeviceBrowser
from tests.sessions_web.site import site_over


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"secret": "short"}, "at least 32 bytes"),
        ({"secret": []}, "must not be empty"),
        ({"secret": 1}, "secret must be a str or bytes, or a list of several, not an int"),
        ({"secret": None}, "or a list of several, not None"),
        ({"path": "device"}, "path must start with '/'"),
        ({"path": "/device/"}, "path must start with '/'"),
        ({"path": "/a b"}, "path must start with '/'"),
        ({"path": '/a";x="'}, "path must start with '/'"),
        ({"path": 1}, "path must be a str"),
        ({"cookie_seconds": 59}, "from 60 to 86400"),
        ({"cookie_seconds": 86_401}, "from 60 to 86400"),
        ({"cookie_seconds": 600.0}, "must be an int"),
        ({"cookie_seconds": True}, "must be an int"),
        ({"offers": "yes"}, "True or False"),
    ],
)
def test_what_is_misused_is_refused(options: dict[str, Any], message: str) -> None:
    given = {"secret": SECRET, **options}
    with pytest.raises((TypeError, ValueError), match=message):
        DeviceBound(given.pop("secret"), **given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cookie": "id", "secure": False}, "needs secure=True"),
        ({"cookie": "id", "domain": "example.com"}, "one host"),
        ({"cookie": "id", "path": "/shop"}, "needs path='/'"),
        ({"partitioned": True, "same_site": "None"}, "partitioned"),
        ({"device_bound": SECRET}, "must be a sessions.device_bound.DeviceBound"),
        ({"device_bound": True}, "must be a sessions.device_bound.DeviceBound"),
    ],
)
@pytest.mark.parametrize("middleware", [asgi.SessionMiddleware, wsgi.SessionMiddleware])
def test_what_browsers_would_refuse_is_refused(
    middleware: Any, options: dict[str, Any], message: str
) -> None:
    given = {"device_bound": DeviceBound(SECRET), **options}
    with pytest.raises((TypeError, ValueError), match=message):
        middleware(lambda *_: None, MemorySessionStore(), **given)


def test_flasks_own_interface_refuses_it() -> None:
    with pytest.raises(ValueError, match=r"works with sessions\.asgi and sessions\.wsgi"):
        SessionInterface(MemorySessionStore(), device_bound=DeviceBound(SECRET))


def test_the_secret_is_not_shown_nor_pickled() -> None:
    bound = DeviceBound(SECRET)
    assert repr(bound) == "<DeviceBound at /device-bound-session>"
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(bound)
    with pytest.raises(TypeError, match="secret"):
        copy.deepcopy(bound)


def test_importing_sessions_imports_nothing_of_it() -> None:
    program = (
        "import sys, sessions, sessions.asgi, sessions.wsgi;"
        "assert not {'sessions.device_bound', 'joserfc', 'cryptography'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_joserfc_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("sessions.device_bound")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "joserfc", None)
    with pytest.raises(ImportError, match=r'pip install "ratelimit-ddb\[dbsc\]"'):
        import sessions.device_bound  # noqa: F401


@pytest.mark.parametrize("protocol", ["asgi", "wsgi"])
def test_the_cookies_are_named_after_the_sessions(protocol: str) -> None:
    site = site_over(protocol, cookie="shop", device_bound=DeviceBound(SECRET, path="/a/b"))
    browser = DeviceBrowser(site)
    browser.visit(lambda session: session.login("ada"))
    assert set(browser.cookies) == {"shop", "__Host-shop-bound", "__Secure-shop-device"}
    assert browser.asked[-1] == ("POST", "/a/b/register", 200)


def test_a_lazy_session_is_checked_when_it_is_loaded() -> None:
    site = site_over("asgi", device_bound=DeviceBound(SECRET))
    browser = DeviceBrowser(site)
    browser.visit(lambda session: session.login("ada"))
    browser.clock.advance(60)
    seen: list[object] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        del receive
        seen.append((await scope["session"].load_async()).user_id)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    bound = DeviceBound(SECRET)
    site.app = site_over("asgi", page, site.store, lazy=True, device_bound=bound).app
    browser.visit()
    del browser.cookies["__Host-session-bound"]
    browser.sessions.clear()
    browser.visit()
    assert seen == ["ada", None]
