"""Which key a request is of: how the keys of a load are spread.

uniform   every key as often as any other
zipf      the second as often as half the first, the third a third, ...: how users are
hot       every second request of one key, the others uniform
attack    nine of ten requests of one key whose limit is long spent: mostly denied
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

KEY_FIELD = "x-api-key"
"""The field of a request that has the key."""
SPREADS = ("uniform", "zipf", "hot", "attack")
HOT_SHARE = 0.5
ATTACK_SHARE = 0.9


def keys_of(spread: str, keys: int, seed: int | None = None) -> Callable[[], str]:
    """A function that draws the key of the next request.

    Args:
        spread: one of SPREADS.
        keys: how many there are.
        seed: the same keys in the same order for the same seed.

    Raises:
        ValueError: there is no such spread, or no key.
    """
    if spread not in SPREADS:
        raise ValueError(f"spread {spread!r}: one of {', '.join(SPREADS)} is needed")
    if keys < 1:
        raise ValueError(f"keys {keys}: at least 1 is needed")
    chance = random.Random(seed)
    names = [f"user-{number}" for number in range(keys)]
    if spread == "zipf":
        weights = list(itertools.accumulate(1 / rank for rank in range(1, keys + 1)))
        return lambda: chance.choices(names, cum_weights=weights)[0]
    share = {"uniform": 0.0, "hot": HOT_SHARE, "attack": ATTACK_SHARE}[spread]
    return lambda: names[0] if chance.random() < share else names[int(chance.random() * keys)]
