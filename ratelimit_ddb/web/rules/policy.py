"""A limit as a quota policy: its name, and its item in RateLimit-Policy.

Source: draft-ietf-httpapi-ratelimit-headers-10, "RateLimit-Policy".
"""

from __future__ import annotations

from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.web.structured_fields import parameters, string


def policy_name(rule: str, limit: Limit, limits: tuple[Limit, ...]) -> str:
    """What a limit is called towards clients: the rule's name, and its own where others are."""
    return rule if len(limits) == 1 else f"{rule}:{limit.name}"


def item_name(policy: str) -> str:
    """A policy's name as the fields have it."""
    return string(policy)


def policy_item(policy: str, limit: Limit) -> str:
    """A limit in RateLimit-Policy. A window of no whole number of seconds has no ``w``."""
    window_seconds = round(limit.window_ns / SECOND_NS)
    # A token's time is rounded up to a nanosecond, so a window may be a little over its seconds.
    whole = abs(limit.window_ns - window_seconds * SECOND_NS) <= limit.window_ns // 1_000
    window = [("w", window_seconds)] if whole and window_seconds > 0 else []
    return item_name(policy) + parameters([("q", limit.burst), *window])
