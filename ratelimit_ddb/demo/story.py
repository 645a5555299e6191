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

_DENIALS_OF_A_BURST = 3
_LONGEST_BURST_SHOWN_WHOLE = 9
_STEPS_OF_A_REFILL = 5
_TOO_LONG = "A demo should not take that long: not waited for."


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
        """Show it all; False if the limit was not kept, or its word on the next token not."""
        self._burst()
        punctual = self._next_token()
        self._refill()
        return self._sum_up(punctual)

    def _burst(self) -> None:
        """Ask until some are denied, or for so long that the refill must be faster."""
        burst = self._limit.burst
        self._screen.heading(f"1  A burst of requests, to a bucket of {burst}")
        denied = unshown = 0
        for index in range(2 * burst + _DENIALS_OF_A_BURST):
            reply, bucket = self._ask()
            in_the_middle = reply.admitted and index >= 3 and bucket.remaining >= 3
            if burst > _LONGEST_BURST_SHOWN_WHOLE and in_the_middle:
                unshown += 1
                continue
            self._say_unshown(unshown)
            unshown = 0
            self._show(reply, bucket)
            denied += not reply.admitted
            if denied == _DENIALS_OF_A_BURST:
                break
        self._say_unshown(unshown)

    def _next_token(self) -> bool | None:
        """Whether it was there when the limiter had said; None where that was not waited for."""
        screen, bucket = self._screen, self._peek()
        screen.heading("2  The next token")
        if bucket.allowed:
            screen.note("Nothing to wait for: tokens come as fast as they are taken.")
            return None
        wait = bucket.retry_after
        if wait > PATIENCE_SECONDS:
            screen.note(f"Due in {in_words(wait)}. {_TOO_LONG}")
            return None
        screen.note(f"Due in {in_words(wait)}. Waiting exactly that long, then asking twice ...")
        time.sleep(wait)
        first, bucket = self._ask()
        self._show(first, bucket)
        self._show(*self._ask())
        return first.admitted

    def _refill(self) -> None:
        screen, bucket = self._screen, self._peek()
        full_in = bucket.reset_after
        screen.heading("3  The refill, with nobody asking")
        if full_in > PATIENCE_SECONDS:
            screen.note(f"Full in {in_words(full_in)}. {_TOO_LONG}")
            return
        screen.note(f"Full in {in_words(full_in)}.")
        full_at = time.monotonic() + full_in
        burst, unit = self._limit.burst, self._limit.unit_ns / SECOND_NS
        steps = min(burst, _STEPS_OF_A_REFILL)
        for tokens in (burst * step // steps for step in range(1, steps + 1)):
            if tokens <= bucket.remaining:
                continue
            due_at = full_at - (burst - tokens) * unit
            time.sleep(max(0.0, due_at - time.monotonic()))
            bucket = self._peek()
            when = f"+{full_in - (full_at - due_at):.1f} s"
            screen.line(f"  {when:>8}   {screen.gauge(bucket)}  {bucket.remaining} of {burst}")

    def _sum_up(self, punctual: bool | None) -> bool:
        replies, screen = self._replies, self._screen
        admitted = sum(reply.admitted for reply in replies)
        span_ns = replies[-1].received_ns - replies[0].sent_ns
        due = self._limit.burst + span_ns // self._limit.unit_ns
        kept = admitted <= due
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
        each = in_words(self._limit.unit_ns / SECOND_NS)
        screen.verdict(
            f"In that time the limit allows {self._limit.burst} at once and one more each {each}, "
            f"{due} in all: {'kept' if kept else 'exceeded'}.",
            good=kept,
        )
        if punctual is not None:
            screen.verdict(
                f"The next token was {'' if punctual else 'not '}there when the limiter had said.",
                good=punctual,
            )
        return kept and punctual is not False

    def _say_unshown(self, many: int) -> None:
        if many:
            self._screen.note(f"{'...':>8}   {many} more admitted")

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
