"""The result of one request to several limiters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.limiter import AsyncRateLimiter, RateLimiter

L = TypeVar("L", RateLimiter, AsyncRateLimiter)


@dataclass(frozen=True, slots=True)
class Decisions(Generic[L]):
    """What several limiters decided on one request. It is true if the request is allowed.

    The numbers are those of ``acquire_all([(api, "user-123"), (site, "all")])``, where ``api`` is
    ``"100/minute"`` and ``site``, ``"5000/minute"``, has no tokens left.

    Attributes:
        decisions: each one's, in the order of the request: the first admits, the second denies.
            None for one that was not asked, since another denied without the store or on another
            store.
        limiters: who decided.
        refunded: whether what was taken was given back, as one denied: True. False where nothing
            was taken, and where the store gave no answer in time.
    """

    decisions: tuple[Decision | None, ...]
    limiters: tuple[L, ...]
    refunded: bool = False

    def __bool__(self) -> bool:
        """Whether the request is allowed."""
        return self.allowed

    @property
    def allowed(self) -> bool:
        """Whether all admit: False. If so, each has taken its tokens; if not, none keeps any."""
        return not self.denials

    @property
    def denials(self) -> tuple[Decision, ...]:
        """The decisions that deny: the second one."""
        return tuple([one for one in self.decisions if one is not None and not one.allowed])

    @property
    def retry_after_ns(self) -> int:
        """How long until the same request, made alone, is admitted: 12_000_000; 0 if it was.

        It is the longest of the denials', so where some limiters were not asked it may be longer.
        """
        return max([denial.retry_after_ns for denial in self.denials], default=0)

    @property
    def retry_after(self) -> float:
        """The same in seconds: 0.012."""
        return self.retry_after_ns / SECOND_NS
