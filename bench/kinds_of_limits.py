"""What each kind of limit takes of the table: calls and capacity units of one use.

The units are the engine's own, from ReturnConsumedCapacity. "First" is the first use of a key by a
process that knows nothing of it, "warm" the same once more, while what the first one took still
weighs. A use whose guess is wrong, for the key is full again meanwhile, takes one refused write
more.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from bench.engine import engine, limit_table, set_dummy_credentials
from bench.load_apps import bare_wsgi
from ddbwire import AnsweredCall
from ratelimit_ddb import (
    ConcurrencyLimiter,
    DynamoDBStore,
    Quota,
    RateLimiter,
    StoredLimits,
    stored,
)
from ratelimit_ddb.web import AccessList, Rule
from ratelimit_ddb.wsgi import RateLimitMiddleware

SLOTS_HELD = (1, 100, 1_000)
LONG_SECONDS, SHORT_SECONDS = 3_600.0, 1.0
PATIENCE_SECONDS = 10.0
READS = {"GetItem", "Query"}
OPTIONS: dict[str, Any] = {"on_outage": "raise", "deadline": 10}

Use = Callable[[], object]


class Billed(NamedTuple):
    """What one use takes.

    Attributes:
        calls: requests that reached the table.
        write_units: of those that write, refused ones too.
        read_units: of those that read.
    """

    calls: int
    write_units: float
    read_units: float


class Uses(NamedTuple):
    """What a kind takes; ``warm`` is None where there is no second use."""

    first: Billed
    warm: Billed | None


def billed(calls: Iterable[AnsweredCall]) -> Billed:
    """What some calls on one item take."""
    calls = list(calls)
    reads = [call for call in calls if call.operation in READS]
    writes = [call for call in calls if call.operation not in READS]
    told = [call.capacity_units or 0.0 for call in writes if not call.refused]
    # A refusal is billed by the item's size and does not say it: so much as the write after it.
    refused = max(told, default=1.0) * (len(writes) - len(told))
    return Billed(
        len(calls), sum(told) + refused, sum(call.capacity_units or 0.0 for call in reads)
    )


def measured(
    endpoint_url: str, table: str, slots_held: Iterable[int] = SLOTS_HELD
) -> dict[str, Uses]:
    """Each kind on keys of its own, in an empty table."""
    results: dict[str, Uses] = {}
    calls: list[AnsweredCall] = []

    def of(use: Use) -> Billed:
        calls.clear()
        use()
        return billed(calls)

    with DynamoDBStore(table, endpoint_url=endpoint_url, on_call=calls.append) as store:
        store.warm_up()
        for name, use in _kinds(store):
            results[name] = Uses(of(use), of(use))
        for held in slots_held:
            results |= _of_slots(store, held, of, calls)
    return results


def _kinds(store: DynamoDBStore) -> Iterator[tuple[str, Use]]:
    # A token flows in so slowly that the next use finds taken what the first one took.
    bucket, month = "1000/hour", Quota(1_000, "month")
    for name, limits in (
        ("bucket", [bucket]),
        ("quota", [month]),
        ("quota beside a bucket", [month, bucket]),
    ):
        yield name, partial(_limiter(store, limits).acquire, name)
    limiter = _limiter(store, bucket)
    yield "reserve, settle the estimate", lambda: limiter.reserve("same", 10).settle(10)
    yield "reserve, settle less", lambda: limiter.reserve("less", 10).settle(4)
    yield "reserve, settle more", lambda: limiter.reserve("more", 10).settle(15)
    yield "charge", lambda: limiter.charge("charge", 10)
    yield "block", lambda: limiter.block("block", 60)
    yield "given back by the response", _requests(store, bucket, give_back="2xx")
    listed = AccessList(networks=["192.0.2.0/24"])
    yield "client on a list (allow)", _requests(store, bucket, allow=listed)
    yield "client on a list (deny)", _requests(store, bucket, deny=listed)
    yield "request in flight (in_flight)", _requests(store, None, in_flight=20)
    yield "request in flight, and a bucket", _requests(store, bucket, in_flight=20)
    StoredLimits(store, deadline=10).set("plan", bucket)
    plan = _limiter(store, stored("plan", default="1/minute"))
    yield "bucket by stored limits", lambda: plan.acquire("stored")
    violate = _requests(store, "1/day", block_after=3, block_for="1 hour")
    violate()
    yield "violation that is counted (block_after)", violate
    violate = _requests(store, "1/day", block_after=1, block_for="1 hour")
    violate()
    yield "violation that blocks; then blocked", violate


def _limiter(store: DynamoDBStore, limits: Any) -> RateLimiter:
    return RateLimiter(store, limits, **OPTIONS)


def _requests(store: DynamoDBStore, limits: str | None, **options: Any) -> Use:
    """Requests of one client, to an application under one rule of its own."""
    name = "-".join(map(str, options.items()))
    rule = Rule("/*", limits, name=name, **options)
    app = RateLimitMiddleware(bare_wsgi, store=store, rules=[rule], **OPTIONS)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.7"}

    def ask() -> None:
        body: Any = app(dict(environ), lambda *_: lambda _: None)
        b"".join(body)
        if hasattr(body, "close"):
            body.close()

    return ask


def _of_slots(
    store: DynamoDBStore, held: int, of: Callable[[Use], Billed], calls: list[AnsweredCall]
) -> dict[str, Uses]:
    """The last of so many slots is taken by a process that knows nothing of the key."""
    key = f"slots-{held}"
    others = ConcurrencyLimiter(store, held, lifetime=LONG_SECONDS, **OPTIONS)
    ours = ConcurrencyLimiter(store, held, lifetime=SHORT_SECONDS, **OPTIONS)
    with contextlib.ExitStack() as stack:
        for _ in range(held - 1):
            stack.enter_context(others.slot(key))
        taken = []

        def take() -> None:
            slot = stack.enter_context(ours.acquire(key))
            taken.append(slot)

        first = of(take)
        release_first = of(taken.pop().release)
        warm = of(take)
        renewal = of(lambda: _wait_for_call(calls))
        release = of(taken.pop().release)
    return {
        f"slot taken, {held:,} held": Uses(first, warm),
        f"slot renewed, {held:,} held": Uses(renewal, None),
        f"slot released, {held:,} held": Uses(release_first, release),
    }


def _wait_for_call(calls: list[AnsweredCall]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not calls:
        if time.monotonic() > until:
            raise RuntimeError(f"no slot was renewed within {PATIENCE_SECONDS:g} s")
        time.sleep(0.01)


def printed(results: dict[str, Uses]) -> str:
    """The table: a line for each kind."""
    width = max(map(len, results))
    columns = ("calls", "writes", "reads")
    head = " ".join(f"{name:>6}" for name in columns)
    lines = [
        f"{'units of one use':<{width}}  {'first':<{len(head)}}   warm",
        f"{'':<{width}}  {head}   {head}",
    ]
    for name, (first, warm) in results.items():
        rest = "" if warm is None else _figures(warm)
        lines.append(f"{name:<{width}}  {_figures(first)}   {rest}".rstrip())
    return "\n".join(lines)


def _figures(figures: Billed) -> str:
    return " ".join(f"{figure:>6g}" for figure in figures)


def main() -> None:
    """Print them."""
    set_dummy_credentials()
    with engine() as url, limit_table(url) as table:
        print(printed(measured(url, table)))


if __name__ == "__main__":
    main()
