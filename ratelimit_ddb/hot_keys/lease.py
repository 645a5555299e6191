"""A lease: tokens taken by one write, to be spent by this process without calls.

The rule. A lease of n tokens for a time T is the take

    fullAt' = max(fullAt, now + T) + n * unit,  allowed iff fullAt' <= now + window

dated at the end of its life, not at its beginning. It may be spent until now + T, by this process
alone, and what is left then lapses: it is not given back.

The theorem. By the instants of spending, any interval of length D admits at most
``burst + D / unit`` tokens, whatever T each take has (0 is an ordinary take), however many
processes there are and whatever crashes.

The proof. Let i be the first take, in the table's order, that has a token spent in [a, a + D], and
j the last. Each take from i to j raises ``fullAt`` by its n * unit at least, and the first one
starts at ``now_i + T_i`` or later; after j it is ``now_j + window`` at most. A token of i is spent
at a or later, so ``now_i + T_i >= a``. One of j is spent at a + D or before, so ``now_j <= a + D``.
Hence the tokens from i to j are worth ``window + D`` at most.

What the proof needs, and how it is ensured:
- No token is spent after the end. Both the monotonic clock and the wall clock must say that T has
  not passed: the first stands still while a machine is suspended, the second can be set back.
- No token is spent twice. A fork drops the leases in the child, and so does ``close()``.
- No token is given back to the table. A token that was not used goes back to its lease while that
  lives (docs/decisions/014 has the details).

Worked number: ``"1000/second"`` has units of 1 ms and a window of 1 s. A lease of 100 tokens for
250 ms, of a full bucket at noon, leaves ``fullAt`` at noon and 350 ms: 650 tokens are left to
others at once, and 750 after 100 ms.
"""

from __future__ import annotations

from collections.abc import Callable


class Lease:
    """Tokens that this process holds of one key. Guarded by the lock of the key's state.

    Attributes:
        left: tokens that are neither spent nor lapsed.
        full_at_ns: each limit's ``fullAt`` as the take left it.
        refunded_ns: each limit's ``refunded`` as the take found it.
        monotonic_end_ns, wall_end_ns: the last instant at which they may be spent, by each clock.
    """

    __slots__ = ("full_at_ns", "left", "monotonic_end_ns", "refunded_ns", "wall_end_ns")

    def __init__(
        self,
        left: int,
        full_at_ns: tuple[int, ...],
        refunded_ns: tuple[int, ...],
        monotonic_end_ns: int,
        wall_end_ns: int,
    ) -> None:
        self.left = left
        self.full_at_ns = full_at_ns
        self.refunded_ns = refunded_ns
        self.monotonic_end_ns = monotonic_end_ns
        self.wall_end_ns = wall_end_ns

    def lives(self, monotonic_ns: int, wall_ns: Callable[[], int]) -> bool:
        """Whether its tokens may be spent."""
        return monotonic_ns <= self.monotonic_end_ns and wall_ns() <= self.wall_end_ns

    def drop(self) -> None:
        """End it at once: no token can be spent or given back any more."""
        self.left = 0
        self.monotonic_end_ns = self.wall_end_ns = -1
