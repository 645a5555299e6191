"""Seeded histories of several processes, hosts with wrong clocks, and a network that loses."""

from __future__ import annotations

import pytest

from tests.simulation.history import play
from tests.simulation.narrator import Broken, require_promises

HISTORIES = 20_000
BLOCK = 500


@pytest.mark.parametrize("first_seed", range(0, HISTORIES, BLOCK))
def test_p1_p3_p4_p6_p7_p11_hold_over_every_history(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + BLOCK):
        require_promises(play(seed))


def test_a_seed_always_tells_the_same_story() -> None:
    first, second = play(7), play(7)
    assert [str(event) for event in first.story] == [str(event) for event in second.story]


def test_a_broken_promise_is_told_with_its_seed_and_story() -> None:
    history = play(18)
    history.changes.append(next(one for one in history.changes if one.request.what == "acquire"))
    with pytest.raises(Broken) as broken:
        require_promises(history)
    told = str(broken.value)
    assert "P3" in told
    assert "python -m tests.simulation 18" in told
    assert "applied" in told
