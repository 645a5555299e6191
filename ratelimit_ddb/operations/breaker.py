"""The breaker of a store: after three outages in a row, decisions do not ask it any more.

Without it, every request in an outage waits for its deadline. With it, three do:

    closed   decisions ask the store. The third in a row without an answer opens the breaker.
    open     decisions do not ask: ``on_outage`` decides at once. Any answer closes it.

While it is open, a decision starts a probe, at most one a second and one at a time: a write that
the table must refuse, in a thread. The decision that starts it waits 20 ms for its answer, which is
more than a table takes: it may be the first decision after the outage. No other decision waits.

- An answer is anything that shows that the table serves: a write, a refusal, a throttled key, a
  mistake of set-up. It counts for whoever gets it: a probe, ``peek``, ``check``, or a decision that
  was sent before the breaker opened.
- A flow without an answer counts once, however many operations it sends. Of flows side by side, one
  answer is enough.
- There is one for each store in each process; a fork starts with its parent's state.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ratelimit_ddb.errors import KeyThrottled, StoreUnavailable
from ratelimit_ddb.key import KEY_OF_NO_BUCKET
from ratelimit_ddb.operations.operation import ClockMoved, GiveBack, NotAsked
from ratelimit_ddb.operations.per_store import PerStore, reference_to
from ratelimit_ddb.operations.store import Store

if TYPE_CHECKING:
    from concurrent.futures import Future

OUTAGES_TO_OPEN = 3
PROBE_INTERVAL_NS = 1_000_000_000
PROBE_DEADLINE_NS = 1_000_000_000
PATIENCE_NS = 20_000_000
"""How long a decision waits for the probe that it has started."""
_TELLING_INTERVAL_NS = 1_000_000_000


class Breaker:
    """Whether decisions ask a store.

    Args:
        store: the store. It is not kept alive.
        monotonic_ns: the process's monotonic clock, or a test's.

    Attributes:
        is_open: whether decisions don't ask the store.
        outages: how many flows in a row got no answer.
    """

    __slots__ = (
        "__weakref__",
        "_admission_is_told",
        "_last",
        "_lock",
        "_monotonic_ns",
        "_next_probe_ns",
        "_next_telling_ns",
        "_opened_at_ns",
        "_probe",
        "_store",
        "is_open",
        "outages",
    )

    def __init__(self, store: Store, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        self._store = reference_to(store)
        self._monotonic_ns = monotonic_ns
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another.
        self._lock = threading.RLock()
        self._probe: Future[None] | None = None
        self._last = ""
        self._admission_is_told = False
        self._opened_at_ns = self._next_probe_ns = self._next_telling_ns = 0
        self.is_open = False
        self.outages = 0
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Renew the lock, and give up the probe: the threads of the parent do not exist here."""
        self._lock = threading.RLock()
        self._probe = None

    def may_ask(self) -> bool:
        """Whether a decision may ask the store; it may wait for a probe, blocking."""
        probe = self._start_probe()
        if probe is not None:
            from concurrent.futures import wait

            wait((probe,), PATIENCE_NS / 1e9)
        return not self.is_open

    async def may_ask_async(self) -> bool:
        """The same without blocking the event loop."""
        probe = self._start_probe()
        if probe is not None:
            from ddbwire.concurrency.event_loop import wait_until_done

            await wait_until_done(probe, time.monotonic_ns() + PATIENCE_NS)
        return not self.is_open

    def failed(self, outage: StoreUnavailable) -> bool:
        """Count a flow without an answer. Returns: whether ``outage`` was an outage."""
        if isinstance(outage, KeyThrottled):
            self.answered()
            return False
        if isinstance(outage, ClockMoved):
            return False  # it was not sent
        with self._lock:
            self.outages += 1
            self._last = str(outage)
            if self.is_open or self.outages < OUTAGES_TO_OPEN:
                return True
            self.is_open = True
            self._opened_at_ns = self._monotonic_ns()
            self._next_probe_ns = self._opened_at_ns + PROBE_INTERVAL_NS
        _warn(
            "%s: %d outages in a row; until it answers, decisions do not ask it and follow "
            "on_outage at once. The last: %s",
            repr(self._store()),
            OUTAGES_TO_OPEN,
            str(outage),
        )
        return True

    def answered(self) -> None:
        """Note that the store gave an answer."""
        if not self.outages:
            return
        with self._lock:
            was_open, self.is_open = self.is_open, False
            self.outages = 0
            self._admission_is_told = False
            lasted_ns = self._monotonic_ns() - self._opened_at_ns
        if was_open:
            _warn(
                "%s: it answers again, after %.1f s; decisions ask it",
                repr(self._store()),
                lasted_ns / 1e9,
            )

    def not_asked(self) -> NotAsked:
        """The exception for a decision that did not ask."""
        return NotAsked(
            f"{self._store()!r}: not asked, as the last {self.outages} got no answer: {self._last}"
        )

    def tell_admission(self, on_outage: str, outage: StoreUnavailable) -> None:
        """Log that ``on_outage`` admitted a request, at the first one of an outage."""
        if self._admission_is_told:
            return
        now_ns = self._monotonic_ns()
        with self._lock:
            # A table that answers now and then would otherwise fill the log.
            if self._admission_is_told or now_ns < self._next_telling_ns:
                return
            self._admission_is_told = True
            self._next_telling_ns = now_ns + _TELLING_INTERVAL_NS
        _warn(
            "%s: out of reach, and on_outage=%r admits: %s. %s",
            repr(self._store()),
            on_outage,
            _BOUNDS[on_outage],
            str(outage),
        )

    def _start_probe(self) -> Future[None] | None:
        """Start a probe if one is due."""
        with self._lock:
            now_ns = self._monotonic_ns()
            store = self._store()
            under_way = self._probe is not None and not self._probe.done()
            if store is None or not self.is_open or under_way or now_ns < self._next_probe_ns:
                return None
            from ddbwire.concurrency.threads import run_in_thread

            self._next_probe_ns = now_ns + PROBE_INTERVAL_NS
            self._probe = run_in_thread(lambda: self._ask(store))
            return self._probe

    def _ask(self, store: Store) -> None:
        try:
            if not store.ready:
                store.prepare()
            # No bucket has this key, so the table refuses it, which shows that it accepts writes.
            now_ns = store.clock.now_ns()
            probe = GiveBack(
                KEY_OF_NO_BUCKET, ("probe",), (0,), (0,), (0,), (0,), (0,), now_ns, None
            )
            store.send(probe, time.monotonic_ns() + PROBE_DEADLINE_NS)
        except StoreUnavailable as outage:
            self.failed(outage)
        except BaseException:
            self.answered()  # a mistake of set-up, which the next decision raises
            raise
        else:
            self.answered()


_BOUNDS = {
    "local": "each process keeps the whole limit by itself, so n of them admit up to n times it",
    "allow": "no limit holds",
}

_breakers = PerStore(Breaker)


def breaker_of(store: Store) -> Breaker:
    """The breaker of a store, the same for all limiters and rules on it."""
    return _breakers.of(store)


def _warn(message: str, *facts: str | float) -> None:
    """Log facts that keep no object alive: handlers may keep records for long."""
    import logging  # importing this package does not need it

    logging.getLogger("ratelimit_ddb").warning(message, *facts)
