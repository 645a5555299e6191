"""A slot that somebody in this process holds, or may hold after a reply was lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from time import monotonic_ns

from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.slot_limit import SlotLimit

MARGIN = 10
"""A holder counts its slot as lost when all but this part of the lifetime has passed, and others
take it when all of it has: clocks that differ by less than that never make two holders."""
BEATS = 3
"""How many times in a lifetime a slot is renewed."""
_RETRY_NS = 1_000_000_000


class HeldSlot:
    """One slot and its holder's knowledge of it.

    The keeper may renew it in one thread while another one releases it: what either will write is
    noted here first, under the lock, so that neither takes the other's mark for somebody else's.

    Attributes:
        key: the item.
        limit: the limit.
        slot: which slot of it.
        lost: whether somebody else may hold it.
        released: whether the holder needs it no more.
        due_ns: when the keeper is to write to it, by ``time.monotonic_ns()``.
    """

    __slots__ = (
        "_lock",
        "_marks",
        "_monotonic_end_ns",
        "_on_lost",
        "_process",
        "_wall_end_ns",
        "due_ns",
        "key",
        "limit",
        "lost",
        "released",
        "slot",
    )

    def __init__(
        self,
        key: str,
        limit: SlotLimit,
        slot: int,
        marks: tuple[int, ...],
        on_lost: Callable[[], object] | None,
    ) -> None:
        self.key = key
        self.limit = limit
        self.slot = slot
        self.lost = False
        self.released = False
        self.due_ns = 0
        self._marks = marks
        self._on_lost = on_lost
        self._process = os.getpid()
        self._monotonic_end_ns = self._wall_end_ns = 0
        self._lock = threading.Lock()

    @property
    def is_of_this_process(self) -> bool:
        """False in a fork of the holder's: there the slot is the parent's alone."""
        return self._process == os.getpid()

    def last_from(self, clock_monotonic_ns: int, clock_wall_ns: int) -> None:
        """Note that its mark was made at these readings of the store's two clocks."""
        lasts_ns = self.limit.lifetime_ns - self.limit.lifetime_ns // MARGIN
        self._monotonic_end_ns = clock_monotonic_ns + lasts_ns
        self._wall_end_ns = clock_wall_ns + lasts_ns
        self.due_ns = monotonic_ns() + self.limit.lifetime_ns // BEATS

    def lives(self, clock: Clock) -> bool:
        """Whether nobody else can hold it, by both clocks: one stands still in a suspended host."""
        return clock.monotonic_ns() < self._monotonic_end_ns and clock.wall_ns() < self._wall_end_ns

    def retry(self) -> None:
        """Have the keeper write to it again soon."""
        self.due_ns = monotonic_ns() + min(_RETRY_NS, self.limit.lifetime_ns // MARGIN)

    def begin_keeping(self, mark: int) -> tuple[int, ...] | None:
        """The marks that may be in the slot once this one is written; None if it was released."""
        with self._lock:
            if self.released:
                return None
            self._marks = (*self._marks, mark)
            return self._marks

    def kept(self, mark: int) -> None:
        """Note that this mark is there, and no other."""
        with self._lock:
            self._marks = (mark,)

    def begin_release(self) -> tuple[int, ...]:
        """Note that it is needed no more. Returns: the marks that may be in the slot."""
        with self._lock:
            self.released = True
            return self._marks

    def lose(self) -> None:
        """Note that somebody else may hold it, and tell the holder, once."""
        with self._lock:
            told, self.lost = self.lost or self.released, True
        if told:
            return
        import logging  # importing this package does not need it

        logging.getLogger("ratelimit_ddb").warning(
            "slot of %r: lost, as it was not renewed within %g s; another holder may have it",
            self.key,
            self.limit.lifetime,
        )
        if self._on_lost is None:
            return
        try:
            self._on_lost()
        except Exception:  # it is the holder's, and other slots are to be renewed all the same
            logging.getLogger("ratelimit_ddb").exception("on_lost of %r raised", self.key)
