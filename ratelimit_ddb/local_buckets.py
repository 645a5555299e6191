"""``on_outage="local"``: in an outage each process keeps the limits by itself.

The buckets are in memory, with the keys and limits that they have in the table, on the table's
time. In any interval a process admits at most ``burst + D / unit`` by them, so n processes admit at
most n times that. They start from what the process last saw of the table, so its admissions before
the outage count; its admissions during the outage are never written to the table.
"""

from __future__ import annotations

from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.observations import Observation, ObservationCache, cache_group_of
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.driver import run
from ratelimit_ddb.operations.operation import Delete, Flow, Take
from ratelimit_ddb.operations.per_store import PerStore
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.store.memory import MemoryStore

MAX_KEYS = 100_000
"""How many buckets are kept for a store; beyond that the least recently used one is dropped."""
_NEVER_LATE_NS = 1_000_000_000
_TIMES = BucketTimes(deny_cache_ns=0, lease_ns=0, deadline_ns=_NEVER_LATE_NS)


class LocalBuckets:
    """The buckets that replace a store's in an outage.

    Args:
        store: the store.
    """

    __slots__ = ("_breaker", "_cache", "_clock", "_memory")

    def __init__(self, store: Store) -> None:
        self._clock = store.clock
        self._memory = MemoryStore(max_keys=MAX_KEYS, clock=store.clock.now_ns)
        self._breaker = breaker_of(self._memory)
        # A cache of its own, since the bucket's has the table's observations.
        self._cache = ObservationCache[Observation](2, cache_group_of(self._memory))

    def acquire(self, bucket: Bucket, key: str, cost: int, wait_ns: int) -> Decision:
        """What ``bucket`` would decide if this process were the only one.

        Args:
            bucket: the limits, and the observations of the table.
            key: the key as the table holds it.
            cost: tokens, from 1 to the smallest burst.
            wait_ns: how much later than now they may be due. The caller sleeps.
        """
        now_ns = self._clock.now_ns()
        begun = self._local(bucket, key, now_ns).acquire(key, cost, wait_ns, now_ns)
        return self._decision(begun)

    def peek(self, bucket: Bucket, key: str, cost: int) -> Decision:
        """The same, taking nothing."""
        local = self._local(bucket, key, self._clock.now_ns())
        return self._decision(local.peek(key, cost))

    def charge(self, bucket: Bucket, key: str, cost: int) -> Decision:
        """Take tokens, even if there are fewer."""
        local = self._local(bucket, key, self._clock.now_ns())
        return self._decision(local.charge(key, cost))

    def block(self, bucket: Bucket, key: str, blocks_ns: int) -> Decision:
        """Deny the key for ``blocks_ns``."""
        return self._decision(self._local(bucket, key, self._clock.now_ns()).block(key, blocks_ns))

    def reset(self, key: str) -> None:
        """Fill the key's bucket."""
        self._memory.send(Delete(key), 0)

    def _local(self, bucket: Bucket, key: str, now_ns: int) -> Bucket:
        """The same limits in memory; the key's bucket is no fuller than it was last seen."""
        seen = bucket.observed(key)
        bases_ns = bucket.bases_ns(now_ns) if seen.names else ()
        for name, full_at_ns, base_ns in zip(seen.names, seen.full_at_ns, bases_ns, strict=True):
            if full_at_ns > base_ns:
                self._move_to(key, name, full_at_ns)
        return Bucket(bucket.limits, self._cache, _TIMES)

    def _decision(self, begun: Decision | Flow[Decision]) -> Decision:
        if not isinstance(begun, Decision):
            begun = run(begun, self._memory, _NEVER_LATE_NS, self._breaker)
        # Nothing was taken of the table, so nothing can be given back to it.
        return begun._replace(source="outage", taken=None)

    def _move_to(self, key: str, name: str, full_at_ns: int) -> None:
        """Move a limit's ``fullAt`` to where it was seen, unless it is later already."""
        # A take of no tokens, dated at that instant; it is refused if ``fullAt`` is later already.
        take = Take(key, (name,), (True,), full_at_ns, (full_at_ns,), (0,), (0,), 0, True)
        self._memory.send(take, 0)


_buckets = PerStore(LocalBuckets)


def local_buckets_of(store: Store) -> LocalBuckets:
    """The local buckets of a store, the same for all limiters and rules on it."""
    return _buckets.of(store)
