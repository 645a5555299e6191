"""How the keys of a load are spread."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.load_keys import SPREADS, keys_of

DRAWS = 20_000


def shares(spread: str, keys: int) -> Counter[str]:
    draw = keys_of(spread, keys, seed=1)
    return Counter(draw() for _ in range(DRAWS))


def test_uniform_keys_are_alike() -> None:
    counts = shares("uniform", 10)
    assert len(counts) == 10
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_zipf_halves_at_the_second_key() -> None:
    counts = shares("zipf", 100)
    assert counts["user-0"] / counts["user-1"] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(("spread", "share"), [("hot", 0.5), ("attack", 0.9)])
def test_one_key_has_its_share(spread: str, share: float) -> None:
    assert shares(spread, 1_000)["user-0"] / DRAWS == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("spread", SPREADS)
def test_a_seed_repeats_the_keys(spread: str) -> None:
    one, other = keys_of(spread, 50, seed=7), keys_of(spread, 50, seed=7)
    assert [one() for _ in range(20)] == [other() for _ in range(20)]


@pytest.mark.parametrize(("spread", "keys"), [("gauss", 10), ("uniform", 0)])
def test_what_there_is_not_is_refused(spread: str, keys: int) -> None:
    with pytest.raises(ValueError, match="needed"):
        keys_of(spread, keys)
