"""The requests of one round: which limiter and which key each has. Standard library only."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.worker.contender import ROOMY, STRICT, Contender, Rate

CASES = ("allowed", "denied", "mixed")
DENIED_KEYS = 4
ONE_A_SECOND = Rate(1)


class RequestMix:
    """The limiters of a contender, and the keys that are requested of them.

    The keys that are denied have ``denied`` in their names, by which a canned server tells them.

    Args:
        contender: whose limiters they are.
        keys: how many keys there are of those that are admitted; drawn uniformly.
        prefix: of every key, so that contenders that share a table have keys of their own.
    """

    def __init__(self, contender: Contender, keys: int, prefix: str) -> None:
        self.roomy = contender.limiter(ROOMY)
        self._strict = contender.limiter(STRICT)
        self._one_a_second = contender.limiter(ONE_A_SECOND)
        self.keys = keys
        self._prefix = prefix
        self._random = random.Random(1)
        self._denied_keys = itertools.cycle([f"{prefix}denied-{n}" for n in range(DENIED_KEYS)])

    def key(self, number: int) -> str:
        """The name of a key that is admitted."""
        return f"{self._prefix}user-{number}"

    def first_requests(self, count: int) -> list[tuple[Any, str]]:
        """One request for each of ``count`` keys that were never used; they replace the keys."""
        self._prefix = f"{self._prefix}{time.time_ns()}."
        self.keys = count
        return [(self.roomy, self.key(number)) for number in range(count)]

    def small_bucket_requests(self, count: int) -> list[tuple[Any, str]]:
        """One request for each of ``count`` keys, under a limit of one a second."""
        return [(self._one_a_second, self.key(number)) for number in range(count)]

    def draining_requests(self) -> Iterator[tuple[Any, str]]:
        """The requests after which the keys that are to be denied have nothing left."""
        return ((self._strict, next(self._denied_keys)) for _ in range(DENIED_KEYS))

    def requests(self, case: str, count: int) -> list[tuple[Any, str]]:
        """So many requests of a case; mixed is one of either in turn."""
        allowed: Callable[[], tuple[Any, str]] = lambda: (  # noqa: E731 - one of two alike
            self.roomy,
            self.key(int(self._random.random() * self.keys)),
        )
        denied: Callable[[], tuple[Any, str]] = lambda: (self._strict, next(self._denied_keys))  # noqa: E731
        ways = {"allowed": [allowed], "denied": [denied], "mixed": [allowed, denied]}[case]
        return [ways[number % len(ways)]() for number in range(count)]
