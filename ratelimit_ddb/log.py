"""Decisions as records of the standard library's logging, for ``on_decision=``.

    app = RateLimitMiddleware(app, store=store, rules=rules, on_decision=log_decisions())

The message is constant but for the rule's name and an outage's cause, so that records can be
grouped by it. All facts are attributes of the record, named ``ratelimit_...``: without a prefix
``source`` and its like would clash with what record factories and log collectors call their own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ddbwire.concurrency.fork import at_fork
from ratelimit_ddb.arguments import named, require_bool
from ratelimit_ddb.error_type import error_type
from ratelimit_ddb.limit import AnyLimit, LimitsLike, parse_limits
from ratelimit_ddb.limiter import RateLimiter
from ratelimit_ddb.store.memory import MemoryStore
from ratelimit_ddb.web.identity.identity import digest_of

if TYPE_CHECKING:
    from ratelimit_ddb.decision_event import DecisionEvent, OnDecisionEvent

__all__ = ["log_decisions"]

LOGGER = "ratelimit_ddb.decisions"
"""The name of the logger, unless one is given."""


class _Message(NamedTuple):
    name: str
    level: int
    text: str


_ADMITTED = _Message("admitted", logging.DEBUG, "admitted by rule %r")
_GIVEN_BACK = _Message("refunded", logging.DEBUG, "gave back what rule %r took")
_NOT_GIVEN_BACK = _Message("refunded", logging.DEBUG, "nothing to give back of what rule %r took")
_CHARGED = _Message("charged", logging.DEBUG, "charged rule %r")
_BLOCKED = _Message("blocked", logging.INFO, "blocked a key of rule %r")
_DENIED = _Message("denied", logging.INFO, "denied by rule %r")
_IN_SHADOW = _Message("shadow", logging.INFO, "would be denied by rule %r")
_PASSED = _Message("outage", logging.WARNING, "no answer from the store for rule %r, passed: %s")
_DENIED_LOCALLY = _Message(
    "outage",
    logging.WARNING,
    "no answer from the store for rule %r, denied by this process's own buckets: %s",
)
_KEPT = _Message(
    "outage",
    logging.WARNING,
    "no answer from the store for rule %r, what it took may not be given back: %s",
)
_NOT_CHARGED = _Message(
    "outage", logging.WARNING, "no answer from the store for rule %r, it may not be charged: %s"
)
_NOT_BLOCKED = _Message(
    "outage", logging.ERROR, "no answer from the store for rule %r, a key may not be blocked: %s"
)
_REFUSED = _Message("outage", logging.ERROR, "no answer from the store for rule %r, refused: %s")

_AFTERWARDS = {
    "refund": (_GIVEN_BACK, _KEPT),
    "charge": (_CHARGED, _NOT_CHARGED),
    "block": (_BLOCKED, _NOT_BLOCKED),
}
"""What is logged of a later operation, and of its outage."""


def log_decisions(
    logger: logging.Logger | None = None,
    *,
    admitted: bool = False,
    key: bool = False,
    at_most: LimitsLike | None = "10/second",
    clock: Callable[[], int] | None = None,
) -> OnDecisionEvent:
    """A function for ``on_decision=`` that logs each rule's denials and outages.

    A denial is INFO, since clients cause it; also one in shadow mode, whose message says "would be
    denied". An outage is WARNING where the request passes all the same, or is denied by this
    process's own buckets (``on_outage="local"``), ERROR where it is refused for want of an answer.
    A key that is blocked by ``limiter.block`` is INFO, and ERROR in an outage; charging and giving
    back are WARNING in an outage. No record has a traceback.

    The attributes of a record, each behind ``ratelimit_``: ``rule``, ``key_digest``, ``limit``,
    ``cost``, ``allowed``, ``enforced``, ``source``, ``remaining``, ``retry_after_seconds`` (None
    where no time would help), ``latency_ms``, ``calls``, ``capacity_units`` (None where unknown),
    ``operation``, ``refunded``, ``left_out``; in an outage also ``error_type``, DynamoDB's error
    code or the class of the exception, ``error``, its message, and ``on_outage``, what decided
    instead. See ``RuleDecision`` and ``Decision`` for what they mean.

    A flood of denials costs next to nothing, but a record of each would. So in each process at most
    ten records a second are written of one rule's denials, ten of its outages: with W processes and
    R rules up to 20 WR a second, when all goes wrong at once. ``left_out`` tells how many were not
    since the last one of that rule and sort that was. Exact counts are what metrics are for.

    Args:
        logger: where to; the logger ``"ratelimit_ddb.decisions"`` unless given.
        admitted: whether to log what is admitted, too, what is charged and what is given back
            later: DEBUG, within the same bound.
        key: whether records also have the bucket's key as it is, as ``ratelimit_key``. It holds
            addresses, user names and what else identities go by; credentials only as digests,
            unless a rule's identity says ``digest=False``.
        at_most: how many records of one rule and sort to write, as limits are given everywhere;
            None for all.
        clock: nanoseconds, for tests that set the time themselves.

    Raises:
        TypeError, ValueError: an argument is invalid; the message names it and the rule.
    """
    if logger is not None and not isinstance(logger, logging.Logger):
        raise TypeError(f"logger {logger!r}: must be a logging.Logger")
    require_bool("admitted", admitted)
    require_bool("key", key)
    bound = None if at_most is None else _Bound(_limits_of(at_most), clock)

    def log(event: DecisionEvent) -> None:
        message = _message_of(event)
        level = message.level
        if level == logging.DEBUG and not admitted:
            return
        # Not before: logging.config disables loggers that exist before it is called.
        written_to = logging.getLogger(LOGGER) if logger is None else logger
        if not written_to.isEnabledFor(level):
            return
        left_out = 0 if bound is None else bound.left_out(event.rule, message.name)
        if left_out is None:
            return
        facts = _facts(event, with_key=key) | {"ratelimit_left_out": left_out}
        named = (event.rule,) if event.outage is None else (event.rule, str(event.outage))
        written_to.log(level, message.text, *named, extra=facts)

    return log


def _limits_of(at_most: LimitsLike) -> tuple[AnyLimit, ...]:
    try:
        return parse_limits(at_most)
    except (TypeError, ValueError) as error:
        raise named("at_most", error) from None


class _Bound:
    """How much may be written; counts what may not."""

    __slots__ = ("__weakref__", "_left_out", "_limiter", "_lock")

    def __init__(self, at_most: LimitsLike, clock: Callable[[], int] | None) -> None:
        # On whatever the environment says: that is about the limits of an application.
        self._limiter = RateLimiter(MemoryStore(clock=clock), at_most, enabled=True)
        self._left_out: dict[tuple[str, str], int] = {}
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another.
        self._lock = threading.RLock()
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Renew the lock: a thread of the parent, which does not exist here, may have held it."""
        self._lock = threading.RLock()

    def left_out(self, rule: str, name: str) -> int | None:
        """How many were left out since the last that was not; None to leave this one out too."""
        kind = (rule, name)
        allowed = self._limiter.acquire(kind).allowed
        with self._lock:
            if allowed:
                return self._left_out.pop(kind, 0)
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
        return None


def _message_of(event: DecisionEvent) -> _Message:
    if event.operation != "acquire":
        done, not_done = _AFTERWARDS[event.operation]
        if event.outage is not None:
            return not_done
        return _NOT_GIVEN_BACK if event.operation == "refund" and not event.refunded else done
    if event.outage is not None:
        if event.decision.allowed or not event.enforced:
            return _PASSED
        return _DENIED_LOCALLY if event.on_outage == "local" else _REFUSED
    if event.decision.allowed:
        return _ADMITTED
    return _DENIED if event.enforced else _IN_SHADOW


def _facts(event: DecisionEvent, *, with_key: bool) -> dict[str, Any]:
    decision = event.decision
    facts = {
        "ratelimit_rule": event.rule,
        "ratelimit_key_digest": digest_of(event.key),
        "ratelimit_limit": str(decision.limit),
        "ratelimit_cost": event.cost,
        "ratelimit_allowed": decision.allowed,
        "ratelimit_enforced": event.enforced,
        "ratelimit_source": decision.source,
        "ratelimit_remaining": decision.remaining,
        "ratelimit_retry_after_seconds": (
            None if decision.source == "cost" else decision.retry_after
        ),
        "ratelimit_latency_ms": event.latency_ns / 1_000_000,
        "ratelimit_calls": event.calls,
        "ratelimit_capacity_units": event.capacity_units,
        "ratelimit_operation": event.operation,
        "ratelimit_refunded": event.refunded,
    }
    if with_key:
        facts["ratelimit_key"] = event.key
    if event.outage is not None:
        facts["ratelimit_error_type"] = error_type(event.outage)
        facts["ratelimit_error"] = str(event.outage)
        facts["ratelimit_on_outage"] = event.on_outage
    return facts
