"""``ratelimit-ddb peek|reset|block|charge``: the buckets of one key."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ddbwire.shared.command_line.failure import Misuse
from ddbwire.shared.command_line.numbers import decimal_or_none
from ddbwire.shared.command_line.printable import printable
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.cli.buckets import Buckets
from ratelimit_ddb.cli.limit_arguments import limits_of
from ratelimit_ddb.cli.table_arguments import store_of
from ratelimit_ddb.concurrency_limiter import ConcurrencyLimiter
from ratelimit_ddb.key import KeyLike, namespace_prefix, namespaced_key_text, slots_key_text
from ratelimit_ddb.limit import SECOND_NS, LimitsLike, duration_ns
from ratelimit_ddb.limiter import RateLimiter
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore
from ratelimit_ddb.stored_limits.stored import Stored

_DEADLINE_SECONDS = 5.0
_ANY_LIMIT = "1/second"
"""For a reset, which deletes the item whatever the limits are."""


Decide = Callable[[KeyLike], Decision]


def run_peek(options: argparse.Namespace) -> bool:
    """Show the decision on a request. False if it would be denied."""

    def peek(store: DynamoDBStore, buckets: Buckets) -> Decide:
        if buckets.slots is not None:
            return _slots(options, store, buckets.slots).peek
        limiter = _limiter(options, store, buckets.limits)
        cost = buckets.cost if options.cost is None else options.cost
        return lambda key: limiter.peek(key, cost=cost)

    return all(_decide(options, peek))


def run_block(options: argparse.Namespace) -> bool:
    """Deny every request of the key for some time."""
    with _misuse():
        seconds = _seconds(options.blocks_for)

    def block(store: DynamoDBStore, buckets: Buckets) -> Decide:
        limiter = _limiter(options, store, buckets.limits)
        return lambda key: limiter.block(key, seconds)

    _decide(options, block)
    return True


def run_charge(options: argparse.Namespace) -> bool:
    """Take tokens, even if the bucket does not have that many."""

    def charge(store: DynamoDBStore, buckets: Buckets) -> Decide:
        limiter = _limiter(options, store, buckets.limits)
        return lambda key: limiter.charge(key, options.cost)

    _decide(options, charge)
    return True


def run_reset(options: argparse.Namespace) -> bool:
    """Delete the key's item."""
    buckets = _buckets(options, needs_limits=False)
    with _misuse(), store_of(options) as store:
        reset = _limiter(options, store, None).reset
        if buckets.slots is not None:
            reset = _slots(options, store, buckets.slots).reset
        for key in buckets.keys:
            reset(key)
            text = _text(options, buckets, key)
            if options.json:
                print(json.dumps({"key": text, "reset": True}))
            else:
                print(f"{printable(text)}: reset")
    return True


def _decide(
    options: argparse.Namespace, decide_of: Callable[[DynamoDBStore, Buckets], Decide]
) -> list[Decision]:
    buckets = _buckets(options, needs_limits=True)
    decisions = []
    with _misuse(), store_of(options) as store:
        decide = decide_of(store, buckets)
        for key in buckets.keys:
            decisions.append(decide(key))
            _print(options, _text(options, buckets, key), decisions[-1])
    return decisions


def _buckets(options: argparse.Namespace, *, needs_limits: bool) -> Buckets:
    if options.rule is not None and options.rules is not None:
        from ratelimit_ddb.cli.rule_buckets import buckets_of_rule  # it imports all of web

        return buckets_of_rule(options, needs_limits=needs_limits)
    if options.rule is not None or options.rules is not None:
        raise Misuse("--rules FILE and --rule NAME must be given together")
    for name in ("otherwise", "endpoint", "messages", "in_flight", "stored_name"):
        if getattr(options, name, None):
            raise Misuse(f"--{name.replace('_', '-')} needs --rules and --rule")
    if len(options.identity) != 1:
        raise Misuse("give one KEY, as it is stored; or --rules, --rule and an IDENTITY")
    if needs_limits and not options.limits:
        raise Misuse(
            "--limit is required: each limit has its own bucket, so give the application's limits, "
            "such as --limit 100/minute"
        )
    return Buckets((options.identity[0],), limits_of(options.limits) if needs_limits else None)


def _limiter(
    options: argparse.Namespace, store: DynamoDBStore, limits: LimitsLike | Stored | None
) -> RateLimiter:
    # Every decision of a command is the table's: not from memory, not in an outage, and not
    # admitted because RATELIMIT_DDB_ENABLED is off.
    return RateLimiter(
        store,
        limits or _ANY_LIMIT,
        on_outage="raise",
        deadline=_DEADLINE_SECONDS,
        deny_cache=0.0,
        lease=0.0,
        namespace=options.namespace,
        enabled=True,
    )


def _slots(
    options: argparse.Namespace, store: DynamoDBStore, limit: SlotLimit
) -> ConcurrencyLimiter:
    return ConcurrencyLimiter(
        store,
        limit.slots,
        lifetime=limit.lifetime,
        on_outage="raise",
        deadline=_DEADLINE_SECONDS,
        namespace=options.namespace,
        enabled=True,
    )


def _text(options: argparse.Namespace, buckets: Buckets, key: KeyLike) -> str:
    text = namespaced_key_text(namespace_prefix(options.namespace), key)
    return text if buckets.slots is None else slots_key_text(text)


def _seconds(text: str) -> float:
    seconds = decimal_or_none(text)
    return duration_ns("--for", text) / SECOND_NS if seconds is None else seconds


_OPTIONS = {"seconds": "--for", "cost": "--cost"}
"""The option for each argument of the limiter."""


@contextmanager
def _misuse() -> Iterator[None]:
    """Turn the limiter's ValueErrors into Misuse, with the option's name."""
    try:
        yield
    except ValueError as refused:
        argument, given, why = str(refused).partition(" ")
        raise Misuse(_OPTIONS.get(argument, argument) + given + why) from refused


def _print(options: argparse.Namespace, key: str, decision: Decision) -> None:
    if options.json:
        print(
            json.dumps(
                {
                    "key": key,
                    "allowed": decision.allowed,
                    "remaining": decision.remaining,
                    "limit": str(decision.limit),
                    "retry_after": decision.retry_after,
                    "reset_after": decision.reset_after,
                }
            )
        )
        return
    if decision.allowed:
        said = f"allowed, {decision.remaining} left of {decision.limit}"
    else:
        said = f"denied, retry after {decision.retry_after:.3f} s, limit {decision.limit}"
    print(f"{printable(key)}: {said}, full after {decision.reset_after:.3f} s")
