"""Requests of one browser at once: pairs in every order there is, 100,000 triples in any."""

from __future__ import annotations

from itertools import combinations_with_replacement
from random import Random

import pytest

from tests.sessions_interleavings.acts import NAMES, begun
from tests.sessions_interleavings.play import (
    Play,
    every_schedule,
    memory_store,
    random_schedule,
    run,
)
from tests.sessions_interleavings.rules import require_rules

USERS = ("ada", "bob")
PAIRS = list(combinations_with_replacement(NAMES, 2))
TRIPLES_OF_A_TEST = 5_000
TRIPLES = 100_000


@pytest.mark.parametrize("owner", [None, "ada"])
@pytest.mark.parametrize("names", PAIRS, ids="+".join)
def test_two_at_once_in_every_order(names: tuple[str, ...], owner: str | None) -> None:
    for choose in every_schedule():
        play = Play(memory_store(), owner, USERS)
        order = run(begun(play, names), play, choose)
        require_rules(play, names, order)


@pytest.mark.parametrize("seed", range(TRIPLES // TRIPLES_OF_A_TEST))
def test_three_at_once_in_any_order(seed: int) -> None:
    random = Random(seed)
    for _ in range(TRIPLES_OF_A_TEST):
        names = tuple(random.choices(NAMES, k=3))
        play = Play(memory_store(), random.choice([None, "ada"]), USERS)
        order = run(begun(play, names), play, random_schedule(random))
        require_rules(play, names, order)
