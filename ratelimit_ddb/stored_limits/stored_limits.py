"""Writing, reading and deleting stored limits."""

from __future__ import annotations

from collections.abc import Iterable

from ratelimit_ddb.arguments import require_deadline_ns, require_store
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.key import namespace_prefix
from ratelimit_ddb.limit import SECOND_NS, AnyLimit, parse_limits
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import Delete, Flow, ReadClock, ReadLimits, WriteLimits
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.stored_limits.stored import key_of, require_name


class StoredLimits:
    """The limits that ``stored(...)`` looks up in a store, by name.

    ::

        plans = StoredLimits(store)
        plans.set("plan:pro", "1000/minute")

    Args:
        store: a DynamoDBStore or a MemoryStore.
        namespace: that of the limiters and middlewares that look them up.
        deadline: seconds that one call may take.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    __slots__ = ("_namespace", "_store", "_timeout_ns")

    def __init__(self, store: Store, *, namespace: str = "", deadline: float = 5.0) -> None:
        self._store = require_store(store)
        self._namespace = namespace_prefix(namespace)
        self._timeout_ns = require_deadline_ns(deadline)

    def set(self, name: str, limits: str | Iterable[str]) -> None:
        """Store limits under a name, replacing earlier ones.

        Args:
            name: 1 to 512 bytes, such as ``"plan:pro"``.
            limits: a notation, such as ``"1000/minute"``, or several.

        Raises:
            TypeError, ValueError: the name or a notation is invalid; nothing is stored.
            StoreUnavailable, StoreError: it may or may not be stored; setting it again is safe.
        """
        flow = self._set(name, limits)
        run(flow, self._store, self._timeout_ns, breaker_of(self._store))

    async def set_async(self, name: str, limits: str | Iterable[str]) -> None:
        """Store limits under a name; see ``set``."""
        flow = self._set(name, limits)
        await run_async(flow, self._store, self._timeout_ns, breaker_of(self._store))

    def get(self, name: str) -> tuple[AnyLimit, ...] | None:
        """The limits that are stored under a name; None where there are none.

        Raises:
            StoreError: what is stored is no limit.
        """
        return run(self._get(name), self._store, self._timeout_ns, breaker_of(self._store))

    async def get_async(self, name: str) -> tuple[AnyLimit, ...] | None:
        """The limits that are stored under a name; see ``get``."""
        flow = self._get(name)
        return await run_async(flow, self._store, self._timeout_ns, breaker_of(self._store))

    def delete(self, name: str) -> None:
        """Delete the limits under a name, so that the default is used."""
        run(self._delete(name), self._store, self._timeout_ns, breaker_of(self._store))

    async def delete_async(self, name: str) -> None:
        """Delete what is stored under a name; see ``delete``."""
        flow = self._delete(name)
        await run_async(flow, self._store, self._timeout_ns, breaker_of(self._store))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._store!r})"

    def _set(self, name: str, given: object) -> Flow[None]:
        if isinstance(given, bytes) or not isinstance(given, Iterable):
            raise TypeError(f"limits {given!r}: must be a str such as '100/minute', or several")
        notations = [given] if isinstance(given, str) else list(given)
        for notation in notations:
            if not isinstance(notation, str):
                raise TypeError(f"limit {notation!r}: must be a str such as '100/minute'")
        limits = parse_limits(notations)
        key, now_ns = self._key(name), (yield ReadClock())
        yield WriteLimits(key, tuple(str(limit) for limit in limits), now_ns // SECOND_NS)

    def _get(self, name: str) -> Flow[tuple[AnyLimit, ...] | None]:
        texts = (yield ReadLimits(self._key(name))).texts
        if texts is None:
            return None
        try:
            return parse_limits(texts)
        except (TypeError, ValueError) as refused:
            raise StoreError(f"stored limits {name!r}: {refused}") from refused

    def _delete(self, name: str) -> Flow[None]:
        yield Delete(self._key(name))

    def _key(self, name: str) -> str:
        return key_of(self._namespace, require_name(name))
