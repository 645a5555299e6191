"""A site of each test's own."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.sessions.browser import Site, memory_site

settings.register_profile("unhurried", settings.default, deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def site() -> Site:
    return memory_site()
