"""Time is the tests' own: waits take none, and a pause of the machine is no failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("unhurried", settings.default, deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="package", autouse=True)
def _waits_take_no_time() -> Iterator[None]:
    # Nor does the clock move: other callers come in while one waits.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ratelimit_ddb.limiter.time.sleep", lambda _seconds: None)
        yield
