"""A limit as a quota policy: its name, its item in RateLimit-Policy and its item in RateLimit.

The names of their parameters are here and nowhere else: a later draft may have others.

Source: draft-ietf-httpapi-ratelimit-headers-11, "Quota Policy Item" and "Service Limit Item".
"""

from __future__ import annotations

from ratelimit_ddb.limit import SECOND_NS, AnyLimit, Limit
from ratelimit_ddb.web.structured_fields import LARGEST_INTEGER, parameters, string

QUOTA = "q"
"""What a policy allows: the most that the bucket holds."""
WINDOW = "w"
"""In how many seconds an empty bucket fills; of a quota, how long its window is."""
UNIT = "qu"
"""What is counted, where it is not requests."""
CONCURRENT_REQUESTS = "concurrent-requests"
REMAINING = "r"
"""What is left of a policy."""
RESET = "t"
"""In how many seconds there is more of it."""


def policy_name(rule: str, limit: AnyLimit, limits: tuple[AnyLimit, ...]) -> str:
    """What a limit is called towards clients: the rule's name, and its own where others are."""
    return rule if len(limits) == 1 else f"{rule}:{limit.name}"


def item_name(policy: str) -> str:
    """A policy's name as the fields have it."""
    return string(policy)


def policy_item(policy: str, limit: AnyLimit, now_ns: int) -> str:
    """A limit in RateLimit-Policy. A window of no whole number of seconds has no ``w``.

    A quota with more digits than an Integer has is written as the largest Integer.

    Args:
        policy: its name.
        limit: the limit.
        now_ns: the table's time, since a quota's windows are not all as long.
    """
    if isinstance(limit, Limit):
        window_ns = limit.window_ns
    else:
        window = limit.calendar.window_at(now_ns)
        window_ns = window.end_ns - window.start_ns
    window_seconds = round(window_ns / SECOND_NS)
    # A token's time is rounded up to a nanosecond, so a window may be a little over its seconds.
    whole = abs(window_ns - window_seconds * SECOND_NS) <= window_ns // 1_000
    in_seconds = [(WINDOW, window_seconds)] if whole and window_seconds > 0 else []
    return item_name(policy) + parameters([(QUOTA, min(limit.burst, LARGEST_INTEGER)), *in_seconds])


def concurrency_policy_item(policy: str, slots: int) -> str:
    """A concurrency limit in RateLimit-Policy: it has no window (draft 11, "Quota Unit")."""
    unit = string(CONCURRENT_REQUESTS)
    return f"{item_name(policy)}{parameters([(QUOTA, slots)])};{UNIT}={unit}"


def service_limit_item(item: str, remaining: int, reset_seconds: int | None) -> str:
    """A limit in RateLimit.

    Args:
        item: its policy's name, from ``item_name``.
        remaining: tokens that are left.
        reset_seconds: whole seconds until there are more; None where nobody knows.
    """
    remaining = min(remaining, LARGEST_INTEGER)
    if reset_seconds is None:
        return f"{item};{REMAINING}={remaining}"
    return f"{item};{REMAINING}={remaining};{RESET}={reset_seconds}"
