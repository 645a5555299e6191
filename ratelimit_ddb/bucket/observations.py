"""What this process last observed of each bucket: a lower bound of what the table holds now.

Only a refund and a reset move ``fullAt`` back, so an old observation still tells two things: which
branch of the write to try, and that a request would be refused. The cache is bounded (P9) by two
generations: when the younger one is full it becomes the older, and the older one is dropped. Each
step is a single dict operation, so threads need no lock; a race while the generations change loses
an observation, which costs one write.

Each limiter and each rule has a cache of its own. Those on one store are in one CacheGroup, so that
a reset or a refund invalidates the key in all of them. A reply that is under way at that moment may
show the bucket as it was before, so it is not stored.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import ref

from ratelimit_ddb.arguments import require_max_keys
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.hot_keys.hot_keys import HotKeys
from ratelimit_ddb.operations.per_store import PerStore, reference_to
from ratelimit_ddb.operations.store import Clock, Store

_MOST_INVALIDATED = 64
"""How many invalidations, the latest, are kept; an older one is assumed to concern every key."""


class Observation(NamedTuple):
    """What a reply showed of a key.

    Attributes:
        observed_at_ns: the table's time when the request was made.
        full_at_ns: the ``fullAt`` of each limit, in their order.
        expires_at_seconds: the item's ``expiresAt``; 0 if it is not known.
        names: the limits' names, the same tuple object as the bucket's. Buckets with other limits
            share the cache if a rule's limits depend on the request; they ignore the observation.
    """

    observed_at_ns: int
    full_at_ns: tuple[int, ...]
    expires_at_seconds: int
    names: tuple[str, ...]


T = TypeVar("T")


class ObservationCache(Generic[T]):
    """The last observation of up to ``max_keys`` keys; at least of the latest half of them.

    ``T`` is what is observed of a key: an Observation, or the numbers of its blocks.

    Attributes:
        group: the caches of the same store, this one included.
    """

    __slots__ = ("__weakref__", "_generation_size", "_older", "_younger", "group")

    def __init__(self, max_keys: int, group: CacheGroup | None = None) -> None:
        self._generation_size = (require_max_keys("seen_keys", max_keys, 2) + 1) // 2
        self._younger: dict[str, T] = {}
        self._older: dict[str, T] = {}
        self.group = CacheGroup() if group is None else group
        self.group.add(self)

    def get(self, key: str) -> T | None:
        """The last observation of a key, or None."""
        observation = self._younger.get(key)
        if observation is None and self._older:
            since = self.group.invalidations
            observation = self._older.get(key)
            if observation is not None:
                self.put(key, observation, since)
        return observation

    def put(self, key: str, observation: T, since: int) -> None:
        """Store what a reply showed of a key.

        Args:
            key: the key.
            observation: what was shown.
            since: the group's ``invalidations`` before the request was sent. If the key was
                invalidated meanwhile, the observation is not stored.
        """
        younger = self._younger
        younger[key] = observation
        if len(younger) >= self._generation_size:
            self._older = younger
            self._younger = {}
        # Checked after it was stored: an invalidation is noted before the key is removed.
        if self.group.invalidations != since and self.group.may_be_stale(key, since):
            self.invalidate(key)

    def invalidate(self, key: str) -> None:
        """Remove the observation of a key."""
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
        clock: the store's; None without a store.
        invalidations: the number of the latest invalidation.
        hot_keys: the states of the keys that are written just now; None for a store in this
            process, whose calls never wait.
        may_deny: whether an observation may deny. False if the table is a stub such as moto's,
            which a test may have replaced by an empty one.
    """

    __slots__ = (
        "_invalidated",
        "_members",
        "_number",
        "_store",
        "clock",
        "hot_keys",
        "invalidations",
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
        self.invalidations = 0
        self._number = count(1)
        self._invalidated: deque[tuple[int, str | None]] = deque(maxlen=_MOST_INVALIDATED)
        self._members: list[ref[ObservationCache[Any]]] = []

    def add(self, cache: ObservationCache[Any]) -> None:
        """Add a cache; it is removed when nothing refers to it any more."""
        self._members.append(ref(cache, self._members.remove))

    def invalidate(self, key: str) -> None:
        """Remove a key from all caches: it was reset, or tokens were given back."""
        self._note(key)
        for member in self._members.copy():
            cache = member()
            if cache is not None:
                cache.invalidate(key)

    def clear(self) -> None:
        """Remove everything from all caches."""
        self._note(None)
        for member in self._members.copy():
            cache = member()
            if cache is not None:
                cache.clear()
        if self.hot_keys is not None:
            self.hot_keys.clear()

    def may_be_stale(self, key: str, since: int) -> bool:
        """Whether a key may have been invalidated after the invalidation number ``since``."""
        invalidated = self._invalidated.copy()  # for other threads append to it
        if len(invalidated) == _MOST_INVALIDATED and invalidated[0][0] > since:
            return True  # it may be among the older ones, which are not kept
        return any(number > since and one in (key, None) for number, one in invalidated)

    def refused_without_reason(self, key: str, shown: object) -> StoreError:
        """The error for a write that was refused although the item satisfies its condition."""
        return StoreError(
            f"{self._store()!r}: a write of key {key!r} was refused, and the item that was shown "
            f"({shown}) is no reason for it; the endpoint must answer a refused condition with the "
            "item (ReturnValuesOnConditionCheckFailure)"
        )

    def _note(self, key: str | None) -> None:
        number = next(self._number)
        self._invalidated.append((number, key))
        self.invalidations = number


def _new_group(store: Store) -> CacheGroup:
    return CacheGroup(None if store.in_process else HotKeys(store.clock), store.clock, store)


_groups = PerStore(_new_group)


def cache_group_of(store: Store) -> CacheGroup:
    """The caches of all limiters and rules on a store."""
    return _groups.of(store)
