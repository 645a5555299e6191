"""What one write takes for the requests of a queue, and which of them it serves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from ratelimit_ddb.bucket.arithmetic import BucketArithmetic
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.hot_keys.waiter import Waiter


class Batch(NamedTuple):
    """What one write takes.

    Attributes:
        served: the requests that it serves, each with the sum of the costs up to and including it.
        tokens: the costs of all of them, and the tokens that are leased ahead.
        lease_ns: how long the lease lasts; 0 for tokens that are spent at once.
        room_ns: how far beyond the take's date each ``fullAt`` may lie.
        wait_ns: the longest wait of the requests that it serves.
    """

    served: list[tuple[Waiter[Decision], int]]
    tokens: int
    lease_ns: int
    room_ns: tuple[int, ...]
    wait_ns: int


def leased_batch(
    arithmetic: BucketArithmetic,
    waiters: Sequence[Waiter[Decision]],
    full_at_ns: tuple[int, ...],
    now_ns: int,
    ahead: int,
    longest_lease_ns: int,
) -> Batch | None:
    """What the queue wants, and up to ``ahead`` tokens more; None if none are left to lease.

    Args:
        arithmetic: the bucket's.
        waiters: the queue.
        full_at_ns: each ``fullAt``, or a lower bound of it.
        now_ns: the table's time.
        ahead: how many tokens to lease beyond what the queue wants.
        longest_lease_ns: for how long a lease may last.
    """
    wanted = sum(waiter.cost for waiter in waiters)
    lease_ns = arithmetic.lease_ns(now_ns, longest_lease_ns)
    base_ns = now_ns + lease_ns
    tokens = min(wanted + ahead, arithmetic.tokens(full_at_ns, base_ns, lease_ns))
    if tokens <= wanted or not lease_ns:
        return None
    served = zip(waiters, accumulate(waiter.cost for waiter in waiters), strict=True)
    return Batch(list(served), tokens, lease_ns, arithmetic.room_ns(tokens, -lease_ns), 0)


def exact_batch(
    arithmetic: BucketArithmetic,
    waiters: Sequence[Waiter[Decision]],
    full_at_ns: tuple[int, ...],
    now_ns: int,
) -> Batch | None:
    """Exactly the costs of the requests that can be served; None if none can.

    The arguments are those of ``leased_batch``.
    """
    served: list[tuple[Waiter[Decision], int]] = []
    tokens = longest_wait_ns = 0
    least_ns: tuple[int, ...] | None = None
    for waiter in waiters:
        room_ns = arithmetic.room_ns(tokens + waiter.cost, waiter.wait_ns)
        if arithmetic.fits(full_at_ns, now_ns, room_ns):
            tokens += waiter.cost
            served.append((waiter, tokens))
            least_ns = room_ns if least_ns is None else tuple(map(min, least_ns, room_ns))
            longest_wait_ns = max(longest_wait_ns, waiter.wait_ns)
    return None if least_ns is None else Batch(served, tokens, 0, least_ns, longest_wait_ns)
