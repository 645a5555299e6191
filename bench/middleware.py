"""What the ASGI middleware adds to a request, over the bare application and beside the store.

In one run, interleaved: the bare application; the middleware with one rule and a store that
answers at once with a made-up outcome, so that all but the store's own work is counted; the same
with several rules; the decision alone on that store, to tell the limiter's share; and for
comparison a middleware of Starlette's own kind (BaseHTTPMiddleware) that does nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.middleware.base import BaseHTTPMiddleware

from bench.cpu_per_call import CpuPerCall, interleaved
from ddbwire.clocks.local_clock import LocalClock
from ratelimit_ddb import AsyncRateLimiter
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.asgi.application import App
from ratelimit_ddb.operations.in_turn import send_in_turn, send_in_turn_async
from ratelimit_ddb.operations.operation import Operation, OperationResult, OperationSequence
from ratelimit_ddb.web import Rule, header

LONG_PAST_NS = 1_700_000_000_000_000_000


class InstantStore:
    """Admits everything, and costs next to nothing: what is left is the middleware's."""

    clock = LocalClock()
    in_process = False
    ready = True

    def prepare(self) -> None: ...

    async def prepare_async(self) -> None: ...

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        return ADMITTED

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        return ADMITTED

    def send_all(self, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
        send_in_turn(self, sequences, deadline_ns)

    async def send_all_async(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> None:
        await send_in_turn_async(self, sequences, deadline_ns)


ADMITTED = OperationResult(True, (LONG_PAST_NS,))


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """An application that does no more than answer."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"6")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello\n"})


SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/users/42",
    "headers": [
        (b"host", b"example.com"),
        (b"user-agent", b"bench"),
        (b"accept", b"*/*"),
        (b"x-api-key", b"0123456789abcdef"),
    ],
    "client": ("192.0.2.7", 50_000),
}


async def nothing(message: Any = None) -> Any:
    """The server's send, and its receive."""
    return {"type": "http.request", "body": b"", "more_body": False}


def requests_to(app: App, runner: asyncio.Runner) -> Callable[[int], None]:
    """So many requests to an application, one after the other."""

    async def some(calls: int) -> None:
        for _ in range(calls):
            await app(SCOPE, nothing, nothing)

    return lambda calls: runner.run(some(calls))


def decisions(runner: asyncio.Runner) -> Callable[[int], None]:
    """The same decision without a middleware."""
    limiter = AsyncRateLimiter(InstantStore(), "100/minute")

    async def some(calls: int) -> None:
        for _ in range(calls):
            await limiter.acquire("/users/{id}:192.0.2.7")

    return lambda calls: runner.run(some(calls))


def limited(*rules: Rule, **options: Any) -> App:
    """The bare application behind rules."""
    return RateLimitMiddleware(bare, store=InstantStore(), rules=rules, **options)


async def pass_on(request: Any, call_next: Any) -> Any:
    """What the middleware does that does nothing."""
    return await call_next(request)


def measured(rounds: int, calls: int) -> dict[str, CpuPerCall]:
    """CPU a request, interleaved."""
    by_address = Rule("/users/{id}", "100/minute")
    by_key = Rule("/*", "1000/hour", by=header("x-api-key"))
    apps: dict[str, App] = {
        "bare application": bare,
        "one rule, by address": limited(by_address),
        "one rule, by header": limited(by_key),
        "one rule, no fields": limited(by_address, fields="none"),
        "one rule, with on_decision": limited(by_address, on_decision=ignore),
        "two rules": limited(by_address, by_key),
        "no rule matches": limited(Rule("/login", "5/minute")),
        "Starlette's BaseHTTPMiddleware, doing nothing": BaseHTTPMiddleware(bare, pass_on),
    }
    with asyncio.Runner() as runner:
        contenders = {name: (requests_to(app, runner), calls) for name, app in apps.items()}
        return interleaved({**contenders, "a decision alone": (decisions(runner), calls)}, rounds)


def ignore(decision: Any) -> None:
    """An observer."""


def main() -> None:
    """Print the figures, and what each adds to the bare application."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=5_000)
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}; ", end="")
    print(f"CPU a request, medians of {args.rounds} rounds of {args.calls}\n")
    figures = measured(args.rounds, args.calls)
    for figure in figures.values():
        print(figure)
    idle_us = figures["Starlette's BaseHTTPMiddleware, doing nothing"].median
    bare_us = figures["bare application"].median
    decision_us = figures["a decision alone"].median
    added_us = figures["one rule, by address"].median - bare_us
    print(f"\none rule adds {added_us:.1f} us to the bare application, store apart;")
    print(f"    of them {decision_us:.1f} us are the decision")
    print(f"    Starlette's middleware that does nothing adds {idle_us - bare_us:.1f} us")


if __name__ == "__main__":
    main()
