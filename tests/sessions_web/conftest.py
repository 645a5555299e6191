"""A site over each protocol, and its visitor."""

from __future__ import annotations

from functools import partial

import pytest

from tests.sessions_web.site import MakeSite, Site, Visitor, site_over


@pytest.fixture(params=["asgi", "wsgi"])
def make_site(request: pytest.FixtureRequest) -> MakeSite:
    """Makes a site of the middleware's options, over each protocol."""
    return partial(site_over, request.param)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return site.visitor()
