"""The demo in three parts: a burst, the wait for the next token, the refill. Then what it came to.

Everything shown was observed: statuses and ``Retry-After`` come over HTTP, and the bucket is read
by ``RateLimiter.peek``, which takes nothing.
"""

from __future__ import annotations

import time
from collections import Counter

from ratelimit_ddb.decision import Decision
from ratelimit_ddb.demo.screen import Screen, in_words
from ratelimit_ddb.demo.visitor import Reply, Visitor
from ratelimit_ddb.key import KeyGiven
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.limiter import RateLimiter

PATIENCE_SECONDS = 15.0
"""What would take longer is told, not waited for."""

_TOO_MANY = 3
_LINES_OF_A_BURST = 12
_STEPS_OF_A_REFILL = 5


class Story:
    """One visitor's dealings with one bucket.

    Args:
        screen: where it is told.
        visitor: who asks the app.
        limiter: what the bucket is peeked at with; of one limit.
        key: the visitor's bucket.
        calls: how often each DynamoDB operation was called so far; None without DynamoDB.
    """

    def __init__(
        self,
        screen: Screen,
        visitor: Visitor,
        limiter: RateLimiter,
        key: KeyGiven,
        calls: Counter[str] | None = None,
    ) -> None:
        self._screen = screen
        self._visitor = visitor
        self._limiter = limiter
        self._key = key
        self._calls = calls
        self._limit: Limit = limiter.limits[0]
        self._replies: list[Reply] = []

    def tell(self) -> bool:
        """Show it all; False if the limit was not kept or its word not."""
        self._burst()
        punctual = self._next_token()
        self._refill()
        return self._sum_up() and punctual

    def _burst(self) -> None:
        burst = self._limit.burst
        many = burst + _TOO_MANY
        self._screen.heading(f"1  {many} requests at once, to a bucket of {burst}")
        unshown = 0
        for index in range(many):
            reply, bucket = self._ask()
            in_the_middle = reply.admitted and index >= _TOO_MANY and bucket.remaining >= _TOO_MANY
            if many > _LINES_OF_A_BURST and in_the_middle:
                unshown += 1
                continue
            if unshown:
                self._screen.note(f"{'...':>8}   and {unshown} more admitted")
                unshown = 0
            self._show(reply, bucket)

    def _next_token(self) -> bool:
        """Wait for it, take it; whether it was there when the limiter had said."""
        bucket = self._peek()
        if bucket.allowed:
            self._screen.heading("2  Nothing to wait for: tokens come faster than they are taken")
            return True
        wait = bucket.retry_after
        self._screen.heading(f"2  The next token is due in {in_words(wait)}")
        if wait > PATIENCE_SECONDS:
            self._screen.note("A demo should not take that long: not waited for.")
            return True
        self._screen.note("Waiting exactly that long, then asking twice ...")
        time.sleep(wait)
        first, bucket = self._ask()
        self._show(first, bucket)
        self._show(*self._ask())
        return first.admitted

    def _refill(self) -> None:
        bucket = self._peek()
        full_in = bucket.reset_after
        self._screen.heading(f"3  With nobody asking, the bucket is full in {in_words(full_in)}")
        if full_in > PATIENCE_SECONDS:
            self._screen.note("A demo should not take that long: not waited for.")
            return
        full_at = time.monotonic() + full_in
        burst, unit = self._limit.burst, self._limit.unit_ns / SECOND_NS
        steps = min(burst, _STEPS_OF_A_REFILL)
        for step in range(1, steps + 1):
            tokens = burst * step // steps
            if tokens <= bucket.remaining:
                continue
            time.sleep(max(0.0, full_at - (burst - tokens) * unit - time.monotonic()))
            bucket = self._peek()
            when = f"+{full_in - max(0.0, full_at - time.monotonic()):.1f} s"
            self._screen.line(
                f"  {when:>8}   {self._screen.gauge(bucket)}  {bucket.remaining} of {burst}"
            )

    def _sum_up(self) -> bool:
        replies, screen = self._replies, self._screen
        admitted = sum(reply.admitted for reply in replies)
        span_ns = replies[-1].received_ns - replies[0].sent_ns
        due = self._limit.burst + span_ns // self._limit.unit_ns
        token_each = in_words(self._limit.unit_ns / SECOND_NS)
        screen.heading("Summary")
        screen.line(
            f"  {len(replies)} requests in {in_words(span_ns / SECOND_NS)}: "
            f"{admitted} admitted, {len(replies) - admitted} denied."
        )
        if self._calls is not None:
            screen.line(
                f"  {len(replies)} decisions took {self._calls['UpdateItem']} conditional writes; "
                "a denial that follows from what was seen needs none."
            )
        allowance = f"{self._limit.burst} at once, one more each {token_each}"
        kept = admitted <= due
        screen.verdict(
            f"The limit allows {due} in that time ({allowance}): {'kept' if kept else 'exceeded'}.",
            good=kept,
        )
        return kept

    def _ask(self) -> tuple[Reply, Decision]:
        reply = self._visitor.get()
        self._replies.append(reply)
        return reply, self._peek()

    def _peek(self) -> Decision:
        return self._limiter.peek(self._key)

    def _show(self, reply: Reply, bucket: Decision) -> None:
        since_first_ns = reply.received_ns - self._replies[0].sent_ns
        when = f"{since_first_ns / 1_000_000:.0f} ms"
        self._screen.answered(when, reply.status, reply.retry_after, bucket)
