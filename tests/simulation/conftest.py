"""Histories make objects by the thousand, and drop them all at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def _rubbish_is_looked_for_seldom() -> Iterator[None]:
    # After a history or two: later, what was dropped has left the processor's cache.
    # Here alone: what other tests leave behind may log when it is found, in whichever runs then.
    before = gc.get_threshold()
    gc.set_threshold(10_000)
    yield
    gc.set_threshold(*before)
