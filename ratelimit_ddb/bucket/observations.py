"""What this process last observed of each bucket: a lower bound of what the table holds now.

``fullAt`` never moves back but for a refund and a reset, so an old observation still tells two
things: which branch of the write to try, and that a request would be refused. The cache is bounded
(P9) by two generations: when the younger one is full it becomes the older, and the older one is
dropped. Reading and writing are single dict operations, so threads need no lock; a race where the
generations change drops an observation, which costs one write.

Each limiter and each rule has a cache of its own. Those on one store are in one CacheGroup, so that
a reset or a refund by any of them reaches all of them at once. A reply that is still under way then
may tell what was before: what it shows is not remembered.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import NamedTuple
from weakref import ref

from ratelimit_ddb.arguments import require_max_keys
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.hot_keys.hot_keys import HotKeys
from ratelimit_ddb.operations.per_store import PerStore, reference_to
from ratelimit_ddb.operations.store import Clock, Store

_MOST_FORGOTTEN = 64
"""So many keys, the latest, are known to have been forgotten; of older ones it is assumed."""


class Observation(NamedTuple):
    """What a reply showed of a key.

    Attributes:
        observed_at_ns: when, by the table's clock.
        full_at_ns: the ``fullAt`` of each limit, in their order.
        expires_at_seconds: the item's ``expiresAt``; 0 where it is not known.
        names: the limits' names, the same tuple object as the bucket's. A bucket with other limits,
            which shares a cache where the limits depend on the request, ignores the observation.
    """

    observed_at_ns: int
    full_at_ns: tuple[int, ...]
    expires_at_seconds: int
    names: tuple[str, ...]


class ObservationCache:
    """The last observation of up to ``max_keys`` keys; at least of the latest half of them.

    Attributes:
        group: the caches of the same store, this one included.
    """

    __slots__ = ("__weakref__", "_generation_size", "_older", "_younger", "group")

    def __init__(self, max_keys: int, group: CacheGroup | None = None) -> None:
        self._generation_size = require_max_keys("seen_keys", max_keys, 2) // 2
        self._younger: dict[str, Observation] = {}
        self._older: dict[str, Observation] = {}
        self.group = CacheGroup() if group is None else group
        self.group.add(self)

    def get(self, key: str) -> Observation | None:
        """The last observation of a key, or None."""
        observation = self._younger.get(key)
        if observation is None and self._older:
            since = self.group.forgettings
            observation = self._older.get(key)
            if observation is not None:
                self.put(key, observation, since)
        return observation

    def put(self, key: str, observation: Observation, since: int) -> None:
        """Store what a reply showed of a key.

        Args:
            key: the key.
            observation: what was shown.
            since: the group's ``forgettings`` before the request was sent. If the key was forgotten
                meanwhile, the reply may tell what was before, and nothing is remembered.
        """
        younger = self._younger
        younger[key] = observation
        if len(younger) >= self._generation_size:
            self._older = younger
            self._younger = {}
        # After it was stored: who forgets a key notes it before he removes it.
        if self.group.forgettings != since and self.group.has_forgotten(key, since):
            self.forget(key)

    def forget(self, key: str) -> None:
        """Remove what was observed of a key."""
        self._younger.pop(key, None)
        self._older.pop(key, None)

    def clear(self) -> None:
        """Remove everything."""
        self._younger = {}
        self._older = {}

    def __len__(self) -> int:
        return len(self._younger.keys() | self._older.keys())


class CacheGroup:
    """The caches of all limiters and rules on one store, in this process.

    Each step is a single operation of a list or dict, so neither threads nor forks need a lock.

    Args:
        hot_keys, clock: see below.
        store: for messages; it is not kept alive.

    Attributes:
        clock: the store's; None where there is no store.
        forgettings: changes whenever anything is forgotten.
        hot_keys: what they know of the keys that are written just now; None for a store in this
            process, whose calls never wait.
        may_deny: whether an observation may deny. False where something stands in for the table,
            such as moto: it may have been replaced by an empty one since.
    """

    __slots__ = (
        "_forgotten",
        "_members",
        "_number",
        "_store",
        "clock",
        "forgettings",
        "hot_keys",
        "may_deny",
    )

    def __init__(
        self,
        hot_keys: HotKeys | None = None,
        clock: Clock | None = None,
        store: Store | None = None,
    ) -> None:
        self.clock = clock
        self._store = reference_to(store)
        self.may_deny = True
        self.hot_keys = hot_keys
        self.forgettings = 0
        self._number = count(1)
        self._forgotten: deque[tuple[int, str | None]] = deque(maxlen=_MOST_FORGOTTEN)
        self._members: list[ref[ObservationCache]] = []

    def add(self, cache: ObservationCache) -> None:
        """Add a cache; it is removed when nothing refers to it any more."""
        self._members.append(ref(cache, self._members.remove))

    def forget(self, key: str) -> None:
        """Remove a key from all of them: it was reset, or tokens were given back."""
        self._note(key)
        for member in self._members.copy():
            cache = member()
            if cache is not None:
                cache.forget(key)

    def clear(self) -> None:
        """Remove everything from all of them."""
        self._note(None)
        for member in self._members.copy():
            cache = member()
            if cache is not None:
                cache.clear()
        if self.hot_keys is not None:
            self.hot_keys.clear()

    def has_forgotten(self, key: str, since: int) -> bool:
        """Whether a key may have been forgotten since ``forgettings`` was so many."""
        forgotten = self._forgotten.copy()  # for other threads append to it
        if len(forgotten) == _MOST_FORGOTTEN and forgotten[0][0] > since:
            return True  # nobody knows: older ones are not in it any more
        return any(number > since and one in (key, None) for number, one in forgotten)

    def refused_without_reason(self, key: str, shown: object) -> StoreError:
        """The error for a write that is refused though what is shown is no reason for it."""
        return StoreError(
            f"{self._store()!r}: a write of key {key!r} was refused, and the item that was shown "
            f"({shown}) is no reason for it; the endpoint must answer a refused condition with the "
            "item (ReturnValuesOnConditionCheckFailure)"
        )

    def _note(self, key: str | None) -> None:
        number = next(self._number)
        self._forgotten.append((number, key))
        self.forgettings = number


def _new_group(store: Store) -> CacheGroup:
    return CacheGroup(None if store.in_process else HotKeys(store.clock), store.clock, store)


_groups = PerStore(_new_group)


def cache_group_of(store: Store) -> CacheGroup:
    """The caches of all limiters and rules on a store."""
    return _groups.of(store)
