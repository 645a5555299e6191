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
    """The decisions of several limiters on one request. It is true if the request is allowed.

    The numbers are those of ``acquire_all([(api, "user-123"), (site, "all")])``, where ``api`` is
    ``"100/minute"`` and ``site``, ``"5000/minute"``, has no tokens left.

    Attributes:
        decisions: the decision of each limiter, in the order of the request: the first admits, the
            second denies. None for a limiter that was not asked, since another one denied without
            the store or on another store.
        limiters: the limiters.
        refunded: whether the tokens were given back because a limiter denied: True. False if
            nothing was taken, or if the store did not answer in time.
    """

    decisions: tuple[Decision | None, ...]
    limiters: tuple[L, ...]
    refunded: bool = False

    def __bool__(self) -> bool:
        """Whether the request is allowed."""
        return self.allowed

    @property
    def allowed(self) -> bool:
        """Whether all admit: False. If so, all took their tokens; otherwise none keeps any."""
        return not self.denials

    @property
    def denials(self) -> tuple[Decision, ...]:
        """The decisions that deny: the second one."""
        return tuple([one for one in self.decisions if one is not None and not one.allowed])

    @property
    def retry_after_ns(self) -> int:
        """How long until the same request, made alone, is admitted: 12_000_000; 0 if it was.

        It is the longest of the denials'. If some limiters were not asked it may take longer.
        """
        return max([denial.retry_after_ns for denial in self.denials], default=0)

    @property
    def retry_after(self) -> float:
        """The same in seconds: 0.012."""
        return self.retry_after_ns / SECOND_NS
