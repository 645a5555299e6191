"""The stored limits that a process has read, and the flow that reads them again.

- A name is read again after ``cache_seconds``, by one flow at a time. The others use the limits
  that were read last, and wait only if there are none. If the one that reads is cancelled, or meets
  a mistake of set-up, the next of those reads.
- If the read fails, the limits that were read last, or the default, stay in force for a second;
  then it is tried again. The same holds if the stored text is no limit, which is logged as an error
  each time: a mistake in the table never lifts a limit.
- Beyond ``MOST_NAMES`` names the oldest is removed (P9).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS, AnyLimit, parse_limits
from ratelimit_ddb.operations.operation import Flow, ReadLimits, Wait
from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.stored_limits.stored import Stored, key_of, require_name

MOST_NAMES = 10_000
RETRY_NS = SECOND_NS
LONGEST_REFRESH_NS = 60 * SECOND_NS
"""After this time a refresh counts as abandoned: its flow may have been dropped."""


class _Known(NamedTuple):
    limits: tuple[AnyLimit, ...]
    until_ns: int


class _Refresh:
    """A read that is under way, for which other flows may wait."""

    __slots__ = ("_wakes", "begun_ns", "served")

    def __init__(self) -> None:
        self.begun_ns = 0
        self.served = False
        self._wakes: list[Callable[[], None]] = []

    def attach(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)
        if self.served:
            wake()

    def end(self) -> None:
        self.served = True
        for wake in list(self._wakes):
            wake()


class LimitsCache:
    """The stored limits of one limiter or rule.

    Args:
        stored: its option.
        namespace: what the names in the table begin with, from ``namespace_prefix``.
        clock: the store's.
    """

    def __init__(self, stored: Stored, namespace: str, clock: Clock) -> None:
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        self._stored = stored
        self._namespace = namespace
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._refreshes: dict[str, _Refresh] = {}
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another.
        self._lock = threading.RLock()
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Give up the parent's reads, and renew the lock that one of its threads may have held."""
        self._lock = threading.RLock()
        self._refreshes = {}

    def fresh(self, name: str) -> tuple[AnyLimit, ...] | None:
        """The limits if they were read within ``cache_seconds``, or are being read; or None."""
        known = self._known.get(name)
        if known is None:
            return None
        now_ns = self._clock.monotonic_ns()
        if now_ns < known.until_ns or self._is_under_way(name, now_ns):
            return known.limits
        return None

    def refresh(self, name: str) -> Flow[tuple[AnyLimit, ...]]:
        """Read the limits, or wait for the flow that reads them.

        In an outage it returns the last limits or the default: ``on_outage`` is about decisions.

        Raises:
            TypeError, ValueError: the name is invalid.
            StoreError: a mistake of set-up.
        """
        key = key_of(self._namespace, require_name(name))
        mine = _Refresh()
        while (present := self._begin(name, mine)) is not mine:
            in_time = name in self._known or (yield Wait(present, None))
            if name in self._known or not in_time:
                return self.last(name)
        try:
            return self._learn(name, (yield ReadLimits(key)).texts)
        except StoreUnavailable:
            return self._keep(name)
        finally:
            with self._lock:
                if self._refreshes.get(name) is mine:
                    del self._refreshes[name]
            mine.end()

    def last(self, name: str) -> tuple[AnyLimit, ...]:
        """The limits that were read last; the default if none were."""
        known = self._known.get(name)
        return self._stored.default if known is None else known.limits

    def _is_under_way(self, name: str, now_ns: int) -> bool:
        refresh = self._refreshes.get(name)
        return refresh is not None and now_ns - refresh.begun_ns < LONGEST_REFRESH_NS

    def _begin(self, name: str, mine: _Refresh) -> _Refresh:
        """Begin to read a name, unless another flow does. Returns: the read that is under way."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            if not self._is_under_way(name, now_ns):
                mine.begun_ns = now_ns
                self._refreshes[name] = mine
            return self._refreshes[name]

    def _learn(self, name: str, texts: tuple[str, ...] | None) -> tuple[AnyLimit, ...]:
        if texts is None:
            return self._remember(name, self._stored.default, self._stored.cache_ns)
        try:
            limits = parse_limits(texts)
        except (TypeError, ValueError) as refused:
            logging.getLogger("ratelimit_ddb").error(  # noqa: TRY400 - its message says all
                "stored limits %r: %s; what was read before stays in force, or the default",
                name,
                refused,
            )
            return self._keep(name)
        return self._remember(name, limits, self._stored.cache_ns)

    def _keep(self, name: str) -> tuple[AnyLimit, ...]:
        return self._remember(name, self.last(name), min(RETRY_NS, self._stored.cache_ns))

    def _remember(
        self, name: str, limits: tuple[AnyLimit, ...], for_ns: int
    ) -> tuple[AnyLimit, ...]:
        known = _Known(limits, self._clock.monotonic_ns() + for_ns)
        with self._lock:
            self._known.pop(name, None)
            if len(self._known) >= MOST_NAMES:
                del self._known[next(iter(self._known))]
            self._known[name] = known
        return limits
