"""What a store raises: it can't be reached now, or it will never work as it is set up."""

from __future__ import annotations


class StoreUnavailable(Exception):
    """The store gave no answer within the deadline, or answered that it can't serve just now.

    Covers unreachable endpoints, timeouts, HTTP 5xx and throttling that outlasted the retries.
    ``__cause__`` holds the failure itself. Raised by decisions only under ``on_outage="raise"``;
    by ``peek``, ``refund`` and ``reset`` always, since nothing could stand in for them.
    """


class TableNotFound(LookupError):
    """The table does not exist at this endpoint, in this region, for this account."""


class AccessDenied(PermissionError):
    """The credentials are valid but may not do what the limiter needs."""
