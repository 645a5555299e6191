"""How much of its limits a key has used, computed from its item alone.

``fullAt`` is the whole state of a bucket, so this is exact at the instant of the read: of a limit
the tokens that were taken and are not refilled yet, of a quota the tokens taken in the window.

    share = (fullAt - base) / capacity      base: now, or the start of the window

At 1 the bucket is empty. More than 1 is a debt: of a charge, of a block, or of callers that wait.
Tokens that a process has leased count as used until the lease ends.

For a concurrency limit the item has the slots that are held, but not how many there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from ratelimit_ddb.bucket.arithmetic import BucketArithmetic, arithmetic_for
from ratelimit_ddb.cli.limit_of_name import limit_of_name
from ratelimit_ddb.limit import SECOND_NS, AnyLimit
from ratelimit_ddb.operations.scan_operation import ScannedItem
from ratelimit_ddb.quota import Quota
from ratelimit_ddb.slot_limit import MOST_SLOTS, SlotLimit
from ratelimit_ddb.slots.mark import free_below
from ratelimit_ddb.slots.slot_flows import decision_by_marks

_MOST_SLOTS = SlotLimit(MOST_SLOTS)
NAME_OF_SLOTS = _MOST_SLOTS.name


class LimitUsage(NamedTuple):
    """What is used of one limit.

    Attributes:
        name: the limit's name in the table.
        limit: the limit; None if it is not known which limit has the name.
        share: the used share of the capacity; None if the limit is not known.
        used: the tokens that are used, or the slots that are held.
        denied_for: seconds until a request of one token is admitted.
        full_after: seconds until the bucket is full again.
    """

    name: str
    limit: AnyLimit | SlotLimit | None
    share: float | None
    used: int | None
    denied_for: float
    full_after: float


class KeyUsage(NamedTuple):
    """What is used of a key's limits.

    Attributes:
        key: the key.
        limits: the limits of which something is used, the largest share first.
        writes: how many writes the item has counted; 0 for slots, which do not count them.
    """

    key: str
    limits: tuple[LimitUsage, ...]
    writes: int

    @property
    def share(self) -> float:
        """The largest share of a limit; 0 if no limit is known."""
        return self.limits[0].share or 0.0

    @property
    def slots(self) -> int:
        """How many slots are held; 0 for a key of a rate limiter."""
        return next((one.used or 0 for one in self.limits if one.name == NAME_OF_SLOTS), 0)


def usage_of(
    item: ScannedItem,
    now_ns: int,
    named: Mapping[str, AnyLimit],
    slot_limit: SlotLimit | None = None,
) -> KeyUsage | None:
    """What is used of a key; None if nothing is.

    Args:
        item: the key's item.
        now_ns: the table's time when the item was read.
        named: the limits that have a name of their own, by name.
        slot_limit: how many slots the key has; None if not known.
    """
    used = [
        usage
        for name, full_at_ns in item.full_at_ns.items()
        # The names of violations and blocks begin with a colon (bucket/violations.py).
        if name[:1] != ":"
        and (usage := _usage(name, named.get(name) or limit_of_name(name), full_at_ns, now_ns))
    ]
    if item.marks and (held := _usage_of_slots(item.marks, slot_limit, now_ns)):
        used.append(held)
    if not used:
        return None
    used.sort(key=lambda one: (-(one.share or 0.0), one.name))
    return KeyUsage(item.key, tuple(used), item.writes)


def _usage(name: str, limit: AnyLimit | None, full_at_ns: int, now_ns: int) -> LimitUsage | None:
    if limit is None:
        after = (full_at_ns - now_ns) / SECOND_NS
        return LimitUsage(name, None, None, None, 0.0, after) if after > 0 else None
    arithmetic = _arithmetic(limit)
    (base_ns,), (cost_ns,), rooms_ns = (
        arithmetic.bases_ns(now_ns),
        arithmetic.cost_ns(1),
        arithmetic.room_ns(1, 0),
    )
    used_ns = full_at_ns - base_ns
    if used_ns <= 0:
        return None
    decision = arithmetic.denial((full_at_ns,), now_ns, rooms_ns, "table")
    if decision is None:
        decision = arithmetic.admitted((full_at_ns,), now_ns, None)
    if isinstance(limit, Quota) and full_at_ns > arithmetic.latest_ns(now_ns)[0]:
        used_ns = rooms_ns[0] + cost_ns  # blocked: of a quota that is a number beyond its window
    return LimitUsage(
        name,
        limit,
        used_ns / (rooms_ns[0] + cost_ns),
        -(-used_ns // cost_ns),
        decision.retry_after,
        decision.reset_after,
    )


def _usage_of_slots(
    marks: Mapping[int, int], limit: SlotLimit | None, now_ns: int
) -> LimitUsage | None:
    held = sum(mark >= free_below(now_ns) for mark in marks.values())
    if not held:
        return None
    decision = decision_by_marks(limit or _MOST_SLOTS, marks, now_ns)
    return LimitUsage(
        NAME_OF_SLOTS,
        limit,
        None if limit is None else held / limit.slots,
        held,
        decision.retry_after,
        decision.reset_after,
    )


@lru_cache(maxsize=1_024)
def _arithmetic(limit: AnyLimit) -> BucketArithmetic:
    return arithmetic_for((limit,))
