"""A site that binds sessions, over each protocol, and a browser that has DBSC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sessions.device_bound import DeviceBound
from tests.device_bound.device_browser import SECRET, DeviceBrowser
from tests.sessions_web.site import Site, site_over

MakeSite = Callable[..., Site]


@pytest.fixture(params=["asgi", "wsgi"])
def make_site(request: pytest.FixtureRequest) -> MakeSite:
    """Makes a site; ``device`` are options of DeviceBound, the others those of the middleware."""

    def made(device: dict[str, Any] | None = None, **options: Any) -> Site:
        bound = DeviceBound(SECRET, **(device or {}))
        return site_over(request.param, **{"device_bound": bound, **options})

    return made


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture
def browser(site: Site) -> DeviceBrowser:
    """A browser that was never at the site."""
    return DeviceBrowser(site)


@pytest.fixture
def bound(browser: DeviceBrowser) -> DeviceBrowser:
    """A browser whose user is logged in, in a session that is bound, and since a while."""
    browser.visit(lambda session: session.login("ada"))
    browser.clock.advance(30)
    assert browser.user() == "ada"
    assert browser.sessions
    return browser
