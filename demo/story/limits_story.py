"""The story of the limits: a burst, the wait for a token, the refill, and a limit that all share.

Everything shown was observed: statuses and ``Retry-After`` come over HTTP, and the bucket is read
by ``RateLimiter.peek``, which takes nothing.
"""

from __future__ import annotations

import time

from demo.limits import CALLER, PER_SECOND, SHARED
from demo.stores import Stores
from demo.story.caller import Caller, Reply
from demo.story.screen import Screen
from ratelimit_ddb import Decision, Limit, RateLimiter

_SECOND_NS = 1_000_000_000
_DENIALS_OF_A_BURST = 3
_REQUESTS_OF_EACH = 12
_DEADLINE_SECONDS = 2.0


class LimitsStory:
    """What callers of the API get.

    Args:
        screen: where it is told.
        host, port: the site.
        stores: the site's; the buckets are peeked at there.
    """

    def __init__(self, screen: Screen, host: str, port: int, stores: Stores) -> None:
        self._screen = screen
        self._stores = stores
        self._callers = [Caller(host, port, key) for key in ("ada", "grace", "linus")]
        # Of the caller's two limits the one that binds here: it has the same bucket as the rule.
        self._limiter = RateLimiter(
            stores.limits, PER_SECOND, namespace=stores.namespace, deadline=_DEADLINE_SECONDS
        )
        self._started_ns = time.monotonic_ns()
        self._replies: list[Reply] = []

    def tell(self) -> bool:
        """Show it all; False if a limit was exceeded, or a token was not there when promised."""
        if self._stores.calls is not None:
            self._stores.calls.clear()
        self._burst()
        punctual = self._next_token()
        self._refill()
        shared = self._all_at_once()
        return self._sum_up(punctual) and shared

    def _burst(self) -> None:
        limit = PER_SECOND
        self._screen.heading(f"1  A burst of requests, to a bucket of {limit.burst} ({limit})")
        denied = 0
        self._started_ns = time.monotonic_ns()
        # A slow machine refills while it asks; so many requests are denied some, or it is too slow.
        for _ in range(4 * limit.burst):
            reply, bucket = self._ask()
            self._show(reply, bucket)
            denied += not reply.admitted
            if denied == _DENIALS_OF_A_BURST:
                break

    def _next_token(self) -> bool:
        screen, bucket = self._screen, self._peek()
        screen.heading("2  The next token")
        screen.note(f"Due in {bucket.retry_after:.3f} s. Waiting exactly that long, asking twice:")
        time.sleep(bucket.retry_after)
        first, bucket = self._ask()
        self._show(first, bucket)
        self._show(*self._ask())
        return first.admitted

    def _refill(self) -> None:
        screen, bucket = self._screen, self._peek()
        full_in, burst = bucket.reset_after, PER_SECOND.burst
        screen.heading("3  The refill, with nobody asking")
        screen.note(f"Full in {full_in:.3f} s.")
        full_at = time.monotonic() + full_in
        for tokens in range(bucket.remaining + 2, burst + 1, 2):
            due_at = full_at - (burst - tokens) * PER_SECOND.unit_ns / _SECOND_NS
            time.sleep(max(0.0, due_at - time.monotonic()))
            bucket = self._peek()
            when = f"+{full_in - (full_at - due_at):.1f} s"
            screen.line(f"  {when:>8}   {screen.gauge(bucket)}  {bucket.remaining} of {burst}")

    def _all_at_once(self) -> bool:
        screen = self._screen
        screen.heading(
            f"4  Three callers at once, and a bucket of {SHARED.burst} for all ({SHARED})"
        )
        rounds = [[caller.search() for caller in self._callers] for _ in range(_REQUESTS_OF_EACH)]
        for index, caller in enumerate(self._callers):
            screen.sequence(caller.key, [replies[index].admitted for replies in rounds])
        every = [reply for replies in rounds for reply in replies]
        kept = _admitted(every) <= _due(SHARED, every)
        screen.verdict(
            f"{_admitted(every)} of {len(every)} admitted, {_due(SHARED, every)} allowed: "
            f"{'kept' if kept else 'exceeded'}. A denied request takes nothing of any bucket.",
            good=kept,
        )
        return kept

    def _sum_up(self, punctual: bool) -> bool:
        replies, screen, limit = self._replies, self._screen, PER_SECOND
        admitted, due = _admitted(replies), _due(limit, replies)
        kept = admitted <= due
        span = (replies[-1].received_ns - replies[0].sent_ns) / _SECOND_NS
        screen.heading("Limits")
        screen.line(
            f"  {len(replies)} requests of ada's in {span:.1f} s: {admitted} admitted, "
            f"{len(replies) - admitted} denied."
        )
        if self._stores.calls is not None:
            writes = self._stores.calls.count("UpdateItem")
            screen.line(
                f"  All requests together took {writes} conditional writes; a denial that follows "
                "from what was seen takes none."
            )
        screen.verdict(
            f"In that time the limit allows {limit.burst} at once and one more each "
            f"{limit.unit_ns / _SECOND_NS:.1f} s, {due} in all: {'kept' if kept else 'exceeded'}.",
            good=kept,
        )
        screen.verdict(
            f"The next token was {'' if punctual else 'not '}there when the limiter had said.",
            good=punctual,
        )
        return kept and punctual

    def _ask(self) -> tuple[Reply, Decision]:
        reply = self._callers[0].search()
        self._replies.append(reply)
        return reply, self._peek()

    def _peek(self) -> Decision:
        return self._limiter.peek((CALLER, self._callers[0].key))

    def _show(self, reply: Reply, bucket: Decision) -> None:
        when = f"{(reply.received_ns - self._started_ns) / 1_000_000:.0f} ms"
        self._screen.decided(when, reply.status, reply.retry_after, bucket)


def _admitted(replies: list[Reply]) -> int:
    return sum(reply.admitted for reply in replies)


def _due(limit: Limit, replies: list[Reply]) -> int:
    """What a limit admits at most in the time of some requests."""
    span_ns = replies[-1].received_ns - replies[0].sent_ns
    return limit.burst + span_ns // limit.unit_ns
