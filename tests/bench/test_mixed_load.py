"""The calls that a mixed load takes: counted, not timed, so a test may hold them."""

from __future__ import annotations

import pytest

from bench.mixed_load import mixed_load


@pytest.mark.parametrize("processes", [1, 4])
def test_p7_a_mixed_load_takes_about_a_call_a_decision(processes: int) -> None:
    per_decision, kinds = mixed_load(processes)
    assert per_decision <= 1.05
    assert kinds["admitted"] > 0
    assert kinds["denied by seen"] > 0
