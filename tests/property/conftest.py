"""Waits take no time here: the clock is the test's own, and other callers come in meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def _waits_take_no_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ratelimit_ddb.limiter.time.sleep", lambda _seconds: None)
        yield
