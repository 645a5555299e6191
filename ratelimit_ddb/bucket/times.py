"""The durations that a bucket goes by, beside those of its limits."""

from __future__ import annotations

from typing import NamedTuple


class BucketTimes(NamedTuple):
    """In nanoseconds each.

    Attributes:
        deny_cache_ns: for how long what was observed may deny; 0 for not at all.
        lease_ns: for how long a process may lease tokens of a hot key; 0 for never.
        deadline_ns: how long a decision may take.
    """

    deny_cache_ns: int
    lease_ns: int
    deadline_ns: int

    @property
    def most_age_ns(self) -> int:
        """How old what denies may be: with ``deny_cache_ns`` 0 not even of this very instant."""
        return self.deny_cache_ns or -1
