"""A site of each test's own."""

from __future__ import annotations

import pytest

from tests.sessions.browser import Site, memory_site


@pytest.fixture
def site() -> Site:
    return memory_site()
