"""The decision if the store can't be reached: ``on_outage``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.local_buckets import local_buckets_of
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.store import Store

OnOutage = Literal["local", "allow", "deny", "raise"]
"""The decision in an outage: by this process's own buckets, an admission, a denial, or
StoreUnavailable."""

RETRY_AFTER_OUTAGE_NS = SECOND_NS
"""The ``retry_after`` of a denial in an outage, whose end is not known: one second."""


@dataclass(frozen=True, slots=True)
class OutagePolicy:
    """Decides if a store can't be reached.

    Attributes:
        store: the store.
        on_outage: as for RateLimiter.
    """

    store: Store
    on_outage: OnOutage

    def decide(
        self,
        outage: StoreUnavailable,
        bucket: Bucket,
        key: str,
        cost: int,
        wait_ns: int,
        *,
        takes: bool = True,
    ) -> Decision:
        """The decision on a request that the store did not decide.

        Under ``"raise"`` it is a denial, for events; the caller raises ``outage``.

        Args:
            outage: what was raised.
            bucket: the limits.
            key: the key as the table holds it.
            cost: tokens.
            wait_ns: how much later than now they may be due.
            takes: False to take nothing of this process's own buckets, since another limit denies
                the request.
        """
        limit = bucket.limits[0]
        if self.on_outage == "local":
            local = local_buckets_of(self.store)
            if not takes:
                return local.peek(bucket, key, cost)
            decision = local.acquire(bucket, key, cost, wait_ns)
        elif self.on_outage == "allow":
            decision = Decision(True, 0, 0, 0, limit, 0, "outage")
        else:
            retry_ns = RETRY_AFTER_OUTAGE_NS
            return Decision(False, 0, retry_ns, retry_ns, limit, 0, "outage")
        if decision.allowed:
            breaker_of(self.store).tell_admission(self.on_outage, outage)
        return decision

    def charge(self, bucket: Bucket, key: str, cost: int) -> Decision:
        """The result of a charge that got no answer.

        Under ``"local"`` this process's own buckets are charged; otherwise nothing is. Under
        ``"raise"`` it is a denial, for events; the caller raises the outage.
        """
        if self.on_outage == "local":
            return local_buckets_of(self.store).charge(bucket, key, cost)
        limit = bucket.limits[0]
        if self.on_outage == "allow":
            return Decision(True, 0, 0, 0, limit, 0, "outage")
        retry_ns = RETRY_AFTER_OUTAGE_NS
        return Decision(False, 0, retry_ns, retry_ns, limit, 0, "outage")

    def block(self, bucket: Bucket, key: str, blocks_ns: int) -> Decision:
        """Under ``"local"``, block a key in this process until the store answers again.

        The decision is for events; the caller raises the outage.
        """
        if self.on_outage == "local":
            return local_buckets_of(self.store).block(bucket, key, blocks_ns)
        retry_ns = RETRY_AFTER_OUTAGE_NS
        return Decision(False, 0, retry_ns, retry_ns, bucket.limits[0], 0, "outage")

    def reset(self, key: str) -> None:
        """Fill a key's bucket in this process."""
        if self.on_outage == "local":
            local_buckets_of(self.store).reset(key)

    def denies(self, bucket: Bucket, key: str, cost: int) -> bool:
        """Whether ``decide`` would deny, taking nothing."""
        if self.on_outage == "local":
            return not local_buckets_of(self.store).peek(bucket, key, cost).allowed
        return self.on_outage != "allow"
