"""A slot that this process holds, or may hold after a reply was lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from time import monotonic_ns

from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.slot_limit import SlotLimit

MARGIN = 10
"""A holder counts its slot as lost a tenth of the lifetime before others may take it: clocks that
differ by less than a tenth never make two holders."""
RENEWALS = 3
"""How many times in a lifetime a slot is renewed."""
_RETRY_NS = 1_000_000_000


class HeldSlot:
    """One slot, as its holder knows it.

    One thread may renew it while another one releases it. Each notes here, under the lock, the mark
    that it is about to write, so that neither takes the other's mark for another holder's.

    Attributes:
        key: the item.
        limit: the limit.
        slot: which slot of it.
        lost: whether another holder may have it.
        released: whether the holder has released it.
        due_ns: when the renewer writes to it next, by ``time.monotonic_ns()``.
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
        # Reentrant, since a collected Grant may release the slot in the middle of its renewal.
        self._lock = threading.RLock()

    @property
    def is_of_this_process(self) -> bool:
        """Whether this process took it; False in a fork of the process that did."""
        return self._process == os.getpid()

    def last_from(self, clock_monotonic_ns: int, clock_wall_ns: int) -> None:
        """Note that its mark was made at these readings of the store's clocks."""
        lasts_ns = self.limit.lifetime_ns - self.limit.lifetime_ns // MARGIN
        self._monotonic_end_ns = clock_monotonic_ns + lasts_ns
        self._wall_end_ns = clock_wall_ns + lasts_ns
        self.due_ns = monotonic_ns() + self.limit.lifetime_ns // RENEWALS

    def lives(self, clock: Clock) -> bool:
        """Whether no other holder can have it.

        Both clocks must say so: the monotonic one stands still while the host is suspended.
        """
        return clock.monotonic_ns() < self._monotonic_end_ns and clock.wall_ns() < self._wall_end_ns

    def retry(self) -> None:
        """Have the renewer try again soon."""
        self.due_ns = monotonic_ns() + min(_RETRY_NS, self.limit.lifetime_ns // MARGIN)

    def begin_renewal(self, mark: int) -> tuple[int, ...] | None:
        """Note a mark before it is written.

        Returns:
            the marks that the slot may have afterwards; None if it was released.
        """
        with self._lock:
            if self.released:
                return None
            self._marks = (*self._marks, mark)
            return self._marks

    def renewed(self, mark: int) -> None:
        """Note that the slot has this mark, and no other."""
        with self._lock:
            self._marks = (mark,)

    def begin_release(self) -> tuple[int, ...]:
        """Note that it is released. Returns: the marks that the slot may have."""
        with self._lock:
            self.released = True
            return self._marks

    def lose(self) -> None:
        """Note that another holder may have it, and call ``on_lost``, once."""
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
        except Exception:  # the holder's mistake must not stop the renewal of other slots
            logging.getLogger("ratelimit_ddb").exception("on_lost of %r raised", self.key)
