"""What a request waits for three rules, and for one: they are asked at once, in 5 ms a round trip.

Each request has keys of its own, so that each rule of it is one write: nothing is leased, and
nothing denied from memory.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.engine import set_dummy_credentials
from bench.hot_keys.throttling_server import throttling_server
from bench.load_apps import bare_wsgi
from bench.middleware import bare as bare_asgi
from bench.middleware import nothing
from ratelimit_ddb import DynamoDBStore, asgi, wsgi
from ratelimit_ddb.web import Rule, header

FIELDS = ("x-user", "x-api-key", "x-tenant")
MOST_TIMES = 1.3
WARM_UP_REQUESTS = 20

Milliseconds = dict[str, dict[int, list[float]]]
"""By style and number of rules, the wait of each request."""


def measured(requests: int) -> Milliseconds:
    """Requests under one rule and under three, in turn."""
    results: Milliseconds = {"blocking": {1: [], 3: []}, "asyncio": {1: [], 3: []}}
    with throttling_server(ceiling=1_000) as server:
        with DynamoDBStore("limits", endpoint_url=server.url) as store:
            store.warm_up()
            blocking = {rules: _wsgi(store, rules) for rules in (1, 3)}
            _take_turns(blocking, requests, results["blocking"])
        with asyncio.Runner() as runner:
            store = DynamoDBStore("limits", endpoint_url=server.url)
            runner.run(store.warm_up_async())
            awaited = {rules: _asgi(store, rules, runner) for rules in (1, 3)}
            _take_turns(awaited, requests, results["asyncio"])
            runner.run(store.aclose())
    return results


def times(results: Milliseconds, style: str) -> float:
    """The median wait under three rules over that under one."""
    waits = results[style]
    return statistics.median(waits[3]) / statistics.median(waits[1])


def _take_turns(
    ask: dict[int, Callable[[str], None]], requests: int, waits: dict[int, list[float]]
) -> None:
    numbers = itertools.count()
    for _ in range(WARM_UP_REQUESTS):
        for once in ask.values():
            once(f"warm{next(numbers)}")
    for _ in range(requests):
        for rules, once in ask.items():
            user = f"user{next(numbers)}"
            began_ns = time.perf_counter_ns()
            once(user)
            waits[rules].append((time.perf_counter_ns() - began_ns) / 1e6)


def _rules(count: int) -> list[Rule]:
    return [Rule("/*", "100/minute", by=header(field), name=field) for field in FIELDS[:count]]


def _wsgi(store: DynamoDBStore, rules: int) -> Callable[[str], None]:
    app = wsgi.RateLimitMiddleware(bare_wsgi, store=store, rules=_rules(rules))

    def ask(user: str) -> None:
        fields = {f"HTTP_{field.upper().replace('-', '_')}": user for field in FIELDS}
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/users/42",
            "REMOTE_ADDR": "192.0.2.7",
            **fields,
        }
        statuses: list[Any] = []

        def start_response(status: str, *_: Any) -> Callable[[bytes], object]:
            statuses.append(status)
            return statuses.append

        b"".join(app(environ, start_response))
        assert statuses == ["200 OK"], statuses

    return ask


def _asgi(store: DynamoDBStore, rules: int, runner: asyncio.Runner) -> Callable[[str], None]:
    app = asgi.RateLimitMiddleware(bare_asgi, store=store, rules=_rules(rules))

    def ask(user: str) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/users/42",
            "headers": [(field.encode(), user.encode()) for field in FIELDS],
            "client": ("192.0.2.7", 50_000),
        }
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        runner.run(app(scope, nothing, send))
        assert messages[0]["status"] == 200, messages

    return ask


def main() -> int:
    """Print the waits; 1 if three rules take longer than MOST_TIMES what one does."""
    set_dummy_credentials()
    results = measured(requests=150)
    print("a request's wait, round trips of 5 ms, medians")
    for style, waits in results.items():
        one, three = statistics.median(waits[1]), statistics.median(waits[3])
        ratio = times(results, style)
        print(f"  {style:<10} one rule {one:.2f} ms, three {three:.2f} ms: {ratio:.2f} times")
    return int(any(times(results, style) > MOST_TIMES for style in results))


if __name__ == "__main__":
    sys.exit(main())
