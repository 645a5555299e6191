"""Time is the tests' own: waits take none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def _waits_take_no_time() -> Iterator[None]:
    # Nor does the clock move: other callers come in while one waits.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ratelimit_ddb.limiter.time.sleep", lambda _seconds: None)
        yield
