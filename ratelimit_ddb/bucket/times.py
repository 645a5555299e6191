"""The durations that a bucket goes by, beside those of its limits."""

from __future__ import annotations

from typing import NamedTuple


class BucketTimes(NamedTuple):
    """In nanoseconds each.

    Attributes:
        deny_cache_ns: for how long what was observed may deny.
        lease_ns: for how long a process may lease tokens of a hot key; 0 for never.
        deadline_ns: how long a decision may take.
    """

    deny_cache_ns: int
    lease_ns: int
    deadline_ns: int
