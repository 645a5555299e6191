"""Both protocols, and time that stands still."""

from __future__ import annotations

import pytest

from tests.fake_clock import FakeClock
from tests.web.exchange import Limited, limited_asgi, limited_wsgi


@pytest.fixture(params=[limited_asgi, limited_wsgi], ids=["asgi", "wsgi"])
def limited(request: pytest.FixtureRequest) -> Limited:
    """A middleware in front of a page, over each protocol."""
    made: Limited = request.param
    return made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
