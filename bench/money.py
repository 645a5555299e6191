"""What is billed: capacity units of a decision, and of a request with a session.

The units are the engine's own, from ReturnConsumedCapacity: for limiters of the lineup through a
metered way to the engine (metering_proxy.py), for ours and the sessions also from ``on_call``.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any

from bench import lineup
from bench.engine import client, session_table
from bench.environment import CannotInstall
from bench.metering_proxy import Meter, metered
from bench.middleware import bare, nothing
from bench.progress import Progress
from bench.workers import ContenderFailed, WorkerProcess, start_workers
from ratelimit_ddb.pricing.prices import PRICES

DECISIONS = 20
REFILL_SECONDS = 1.3
ENTRIES = (lineup.OURS, lineup.OURS_ASKING, lineup.ZAE, lineup.MODERN)

BUSINESS_CASE = "allowed, warm key"
"""What most decisions of most applications are."""


def dollars_per_million(case: Mapping[str, float], prices: str = "list") -> float:
    """A million decisions of a case, on demand."""
    return PRICES[prices].on_demand(
        writes=case["write_units"] * 1e6, reads=case["read_units"] * 1e6
    )


def of_decisions(engine_url: str, table: str, progress: Progress) -> dict[str, Any]:
    """Requests and units a decision, by limiter and case."""
    results: dict[str, Any] = {}
    failures: dict[str, str] = {}
    with metered(engine_url) as (url, meter):
        for done, entry in enumerate(ENTRIES):
            arguments = entry.start_arguments(url, table, prefix="money.")
            try:
                with start_workers(entry.packages, 1, None, keys=1, **arguments) as (worker,):
                    results[entry.name] = _cases(worker, meter)
            except (CannotInstall, ContenderFailed) as failure:
                failures[entry.name] = str(failure)[:200]
            progress.step(done + 1, len(ENTRIES), entry.name)
    return {"results": results, "failures": failures}


def _cases(worker: WorkerProcess, meter: Meter) -> dict[str, Any]:
    cases: dict[str, Any] = {}
    meter.read()
    for name, case, wait_seconds in (
        ("first use of a key", "first", 0.0),
        (BUSINESS_CASE, "allowed", 0.0),
        ("denied, again and again", "denied", 0.0),
        ("the last token taken", "small", 0.0),
        ("allowed after a refill", "small", REFILL_SECONDS),
    ):
        time.sleep(wait_seconds)
        got = worker.request("exactly", case=case, calls=DECISIONS)
        counted = meter.read()
        cases[name] = {
            "admitted": got["admitted"] / got["calls"],
            "requests": counted["requests"] / DECISIONS,
            "write_units": counted["write_units"] / DECISIONS,
            "read_units": counted["read_units"] / DECISIONS,
        }
    return cases


def of_ours(engine_url: str, table: str) -> dict[str, Any]:
    """Calls and units of each method of a limiter, from ``on_call``."""
    from ddbwire import AnsweredCall
    from ratelimit_ddb import DynamoDBStore, RateLimiter

    calls: list[AnsweredCall] = []
    store = DynamoDBStore(table, endpoint_url=engine_url, on_call=calls.append)
    store.warm_up()
    options: Any = {"on_outage": "raise", "deadline": 10}
    limiter = RateLimiter(store, "1000/second", **options)
    strict = RateLimiter(store, "1/day", **options)
    elsewhere = RateLimiter(store, "1/day", **options)
    several = RateLimiter(store, ["100/second", "1000/minute", "9000/hour"], **options)
    key = f"money-{uuid.uuid4().hex}"
    spent = elsewhere.acquire(f"{key}-spent")
    results: dict[str, Any] = {}
    for name, ask in (
        ("acquire, first use of a key", lambda: limiter.acquire(key)),
        ("acquire, warm key", lambda: limiter.acquire(key)),
        ("acquire, three limits on the key", lambda: several.acquire(f"{key}-several")),
        (
            "acquire, denied by the table (spent by another process)",
            lambda: strict.acquire(f"{key}-spent"),
        ),
        ("acquire, denied again, from memory", lambda: strict.acquire(f"{key}-spent")),
        ("peek", lambda: limiter.peek(key)),
        ("refund", lambda: elsewhere.refund(spent)),
        ("reset", lambda: limiter.reset(key)),
    ):
        calls.clear()
        ask()
        results[name] = _billed(calls)
    store.close()
    return results


def _billed(calls: list[Any]) -> dict[str, float]:
    reads = [call for call in calls if call.operation in ("GetItem", "Query")]
    writes = [call for call in calls if call not in reads]
    # A refusal does not say what it is billed: a write unit, for an item under 1 KB.
    return {
        "calls": len(calls),
        "read_units": sum(call.capacity_units or 0.0 for call in reads),
        "write_units": sum(1.0 if call.refused else call.capacity_units or 0.0 for call in writes),
    }


class _Clock:
    """The time of the sessions' store, moved by hand."""

    def __init__(self) -> None:
        self.now_ns = time.time_ns()

    def __call__(self) -> int:
        return self.now_ns


async def _act(scope: Any, receive: Any, send: Any) -> None:
    """An application that does to the session what the path says."""
    session = scope["session"]
    match scope["path"]:
        case "/read":
            session.get("theme")
        case "/write":
            session["theme"] = str(time.time_ns())
        case "/login":
            session.login("user-123")
        case "/rotate":
            session.rotate()
        case "/logout":
            session.logout()
    await bare(scope, receive, send)


def of_sessions(engine_url: str) -> dict[str, Any]:
    """Calls and units of requests that do something with a session, from ``on_call``."""
    from sessions import DynamoDBSessionStore
    from sessions.asgi import SessionMiddleware

    table = session_table(engine_url)
    calls: list[Any] = []
    clock = _Clock()
    store = DynamoDBSessionStore(table, endpoint_url=engine_url, clock=clock, on_call=calls.append)
    app = SessionMiddleware(_act, store, deadline=10)
    results: dict[str, Any] = {}

    async def story() -> None:
        cookie: bytes | None = None
        for name, path, seconds_later in (
            ("no cookie, session untouched", "/", 0),
            ("no cookie, a value is set: a session begins", "/write", 0),
            ("session read", "/read", 0),
            ("session read, its use to be noted (once in six minutes)", "/read", 400),
            ("a value is changed", "/write", 0),
            ("login", "/login", 0),
            ("the id is rotated", "/rotate", 0),
            ("logout", "/logout", 0),
        ):
            clock.now_ns += seconds_later * 1_000_000_000
            calls.clear()
            cookie = await _request(app, path, cookie) or cookie
            results[name] = _billed(calls)
        await store.aclose()

    try:
        asyncio.run(story())
    finally:
        client(engine_url).delete_table(TableName=table)
    return results


async def _request(app: Any, path: str, cookie: bytes | None) -> bytes | None:
    """Ask, and return the cookie that was set, if one was."""
    fields: list[tuple[bytes, bytes]] = []

    async def send(message: Any) -> None:
        fields.extend(message.get("headers", ()))

    headers = [(b"host", b"example.com")] + ([(b"cookie", cookie)] if cookie else [])
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers}
    await app(scope, nothing, send)
    for name, value in fields:
        if name.lower() == b"set-cookie":
            return value.split(b";", 1)[0]
    return None
