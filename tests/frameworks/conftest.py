"""What most tests of frameworks begin with."""

from __future__ import annotations

import pytest

from ratelimit_ddb import MemoryStore
from tests.fake_clock import FakeClock


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock=FakeClock())
