"""The durations of a bucket's options, beside those of its limits."""

from __future__ import annotations

from typing import NamedTuple


class BucketTimes(NamedTuple):
    """Each in nanoseconds.

    Attributes:
        deny_cache_ns: how long an observation may deny; 0 for not at all.
        lease_ns: how long a process may lease tokens of a hot key; 0 for never.
        deadline_ns: how long a decision may take.
    """

    deny_cache_ns: int
    lease_ns: int
    deadline_ns: int

    @property
    def most_age_ns(self) -> int:
        """The greatest age of an observation that denies; -1 if none may, not even a new one."""
        return self.deny_cache_ns or -1
