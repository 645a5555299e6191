"""Guards of quotas: what belongs to one window stays in it."""

from __future__ import annotations

from tests.guards.guard import Guard

QUOTAS = (
    Guard(
        "a lease of a quota ends with its window",
        "ratelimit_ddb/bucket/quota_arithmetic.py",
        "to_edge_ns = self._edge_ns(now_ns) - 1 - now_ns\n",
        "to_edge_ns = 2 * (self._edge_ns(now_ns) - 1 - now_ns)\n",
        "tests/ratelimit_ddb/test_quota.py::"
        "test_p1_a_lease_of_a_quota_lasts_until_the_edge_and_not_over_it",
    ),
    Guard(
        "nothing of an older window is given back to the next",
        "ratelimit_ddb/bucket/quota_arithmetic.py",
        "cost * (full_at_ns[index] > bases_ns[index])",
        "cost",
        "tests/ratelimit_ddb/test_quota.py::"
        "test_a_refund_gives_back_within_the_window_and_nothing_to_the_next",
    ),
)
