"""The stored limits of a limiter, which have one name for all keys."""

from __future__ import annotations

from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.stored_limits.limits_cache import LimitsCache
from ratelimit_ddb.stored_limits.stored import Stored, key_of


class StoredOfLimiter:
    """One name, and the limits that were read under it.

    Args:
        given: the limiter's argument.
        namespace: from ``namespace_prefix``.
        clock: the store's.

    Attributes:
        given: as given.
        name: the name.

    Raises:
        TypeError: its name is a function of a request.
        ValueError: its name and the namespace are too long together, or can't be encoded.
    """

    __slots__ = ("_cache", "given", "name")

    def __init__(self, given: Stored, namespace: str, clock: Clock) -> None:
        if callable(given.name):
            raise TypeError(
                f"limits {given!r}: a limiter has one name for all keys; a function of the request "
                "is for a Rule; where the limits depend on the call, keep a limiter for each plan"
            )
        self.given = given
        self.name = given.name
        key_of(namespace, self.name)  # raises now what would be raised at each call
        self._cache = LimitsCache(given, namespace, clock)

    def fresh(self) -> tuple[AnyLimit, ...] | None:
        """The limits; None if they must be read first."""
        return self._cache.fresh(self.name)

    def refresh(self) -> Flow[tuple[AnyLimit, ...]]:
        """Read them."""
        return self._cache.refresh(self.name)
