"""When TTL may delete an item: once every limit of it is certainly full again."""

from __future__ import annotations

from ratelimit_ddb.limit import SECOND_NS

EXPIRY_STEP_SECONDS = 3_600
"""``expiresAt`` is rounded up to a multiple of this, so that it moves once an hour and not once a
second, and processes whose clocks differ a little write the same."""

_EXPIRY_STEP_NS = EXPIRY_STEP_SECONDS * SECOND_NS


def expires_at_seconds(full_by_ns: int) -> int:
    """The ``expiresAt`` of an item whose limits are all full at this instant.

    Args:
        full_by_ns: nanoseconds since the epoch.
    """
    return -(-full_by_ns // _EXPIRY_STEP_NS) * EXPIRY_STEP_SECONDS
