"""What a partition takes."""

from __future__ import annotations

import pytest

from bench.hot_keys.write_budget import SECOND_NS, WriteBudget


def test_a_partition_takes_a_second_s_worth_at_once_and_then_its_rate() -> None:
    budget = WriteBudget(40, 0)
    served = [budget.spend(1, number * SECOND_NS // 400) for number in range(3 * 400)]
    assert sum(served) == pytest.approx(40 + 3 * 40, abs=1)
    assert all(served[:40])


def test_what_is_throttled_costs_nothing() -> None:
    budget = WriteBudget(2, 0)
    assert not budget.spend(3, 0)
    assert budget.spend(2, 0)
    assert not budget.spend(1, SECOND_NS // 4)
    assert budget.spend(1, SECOND_NS // 2)
