"""What one write takes for all who wait for it, and whom of them it serves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from ratelimit_ddb.bucket.arithmetic import BucketArithmetic
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.hot_keys.ticket import Ticket


class Batch(NamedTuple):
    """What one write takes.

    Attributes:
        served: the requests that it serves, each with the tokens of all up to and with it.
        tokens: those of all of them, and those that are leased ahead.
        lease_ns: for how long it leases; 0 for a take to be spent at once.
        room_ns: how far beyond the take's date ``fullAt`` may lie.
        wait_ns: the longest wait among those that it serves.
    """

    served: list[tuple[Ticket[Decision], int]]
    tokens: int
    lease_ns: int
    room_ns: tuple[int, ...]
    wait_ns: int


def leased_batch(
    arithmetic: BucketArithmetic,
    tickets: Sequence[Ticket[Decision]],
    full_at_ns: tuple[int, ...],
    now_ns: int,
    ahead: int,
    longest_lease_ns: int,
) -> Batch | None:
    """The lease of as many tokens ahead as there are; None where none are left to lease.

    Args:
        arithmetic: the bucket's.
        tickets: all who wait.
        full_at_ns: what the bucket holds, or less time than that.
        now_ns: the table's time.
        ahead: how many tokens to lease beside those that are waited for.
        longest_lease_ns: for how long a lease may last.
    """
    wanted = sum(ticket.cost for ticket in tickets)
    lease_ns = arithmetic.lease_ns(now_ns, longest_lease_ns)
    base_ns = now_ns + lease_ns
    tokens = min(wanted + ahead, arithmetic.tokens(full_at_ns, base_ns, lease_ns))
    if tokens <= wanted or not lease_ns:
        return None
    served = zip(tickets, accumulate(ticket.cost for ticket in tickets), strict=True)
    return Batch(list(served), tokens, lease_ns, arithmetic.room_ns(tokens, -lease_ns), 0)


def exact_batch(
    arithmetic: BucketArithmetic,
    tickets: Sequence[Ticket[Decision]],
    full_at_ns: tuple[int, ...],
    now_ns: int,
) -> Batch | None:
    """Exactly what those want who can be served, in their order; None where nobody can.

    Args: as of ``leased_batch``.
    """
    served: list[tuple[Ticket[Decision], int]] = []
    tokens = longest_wait_ns = 0
    least_ns: tuple[int, ...] | None = None
    for ticket in tickets:
        room_ns = arithmetic.room_ns(tokens + ticket.cost, ticket.wait_ns)
        if arithmetic.fits(full_at_ns, now_ns, room_ns):
            tokens += ticket.cost
            served.append((ticket, tokens))
            least_ns = room_ns if least_ns is None else tuple(map(min, least_ns, room_ns))
            longest_wait_ns = max(longest_wait_ns, ticket.wait_ns)
    return None if least_ns is None else Batch(served, tokens, 0, least_ns, longest_wait_ns)
