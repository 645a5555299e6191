"""What a session adds to a request, over the bare ASGI application and beside the read.

In one run, interleaved: the bare application; the middleware without a cookie; with a cookie whose
session is not touched, and with one that is looked at, on a store that answers at once, so that all
but the store's own work is counted; and for comparison Starlette's own SessionMiddleware, which
keeps the whole session in a signed cookie.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import time
from collections.abc import Callable
from typing import Any

from starlette.middleware.sessions import SessionMiddleware as CookieMiddleware

from bench.cpu_per_call import CpuPerCall, interleaved
from bench.middleware import bare, nothing
from ddbwire.clocks.local_clock import LocalClock
from sessions.asgi import App, SessionMiddleware
from sessions.operations.operation import Find, Found, Operation
from sessions.operations.row import Row

TOKEN = "a" * 43
SECRET = "a secret of at least thirty-two bytes"
NOW = int(time.time())


class InstantStore:
    """Finds the same session always, at next to no cost."""

    is_exact_by_owner = False
    ready = True

    def __init__(self) -> None:
        self.clock = LocalClock()

    def prepare(self) -> None: ...

    async def prepare_async(self) -> None: ...

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        raise AssertionError("the benchmark runs in an event loop")

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        if type(operation) is Find:
            return FOUND
        raise AssertionError(f"{operation}: an untouched session is not written")


FOUND = Found(
    [
        Row(
            "b" * 43,
            "user-123",
            created_at=NOW - 600,
            last_seen_at=NOW,
            expires_at=NOW + 3_600,
            ends_at=NOW + 42_600,
            data={"cart": '[{"item":17,"count":2}]', "theme": '"dark"', "visits": "41"},
        )
    ],
    NOW,
)


async def looking(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads one value."""
    scope["session"].get("theme")
    await bare(scope, receive, send)


def scope_with(cookie: bytes | None) -> dict[str, Any]:
    """A request, with a session's cookie or without."""
    headers = [(b"host", b"example.com"), (b"user-agent", b"bench"), (b"accept", b"*/*")]
    if cookie:
        headers.append((b"cookie", b"theme=dark; " + cookie))
    return {"type": "http", "method": "GET", "path": "/", "headers": headers}


def requests_to(
    app: App, runner: asyncio.Runner, cookie: bytes | None = None
) -> Callable[[int], None]:
    """So many requests to an application, one after the other."""
    scope = scope_with(cookie)

    async def some(calls: int) -> None:
        for _ in range(calls):
            await app(dict(scope), nothing, nothing)

    return lambda calls: runner.run(some(calls))


def signed_cookie() -> bytes:
    """The same data as Starlette's middleware would have it in its cookie."""
    import base64
    import json

    import itsdangerous

    data = {"cart": [{"item": 17, "count": 2}], "theme": "dark", "visits": 41}
    content = base64.b64encode(json.dumps(data).encode())
    return b"session=" + itsdangerous.TimestampSigner(SECRET).sign(content)


def measured(rounds: int, calls: int) -> dict[str, CpuPerCall]:
    """CPU a request, interleaved."""
    ours = b"__Host-session=" + TOKEN.encode()
    untouched = SessionMiddleware(bare, InstantStore())
    looked_at = SessionMiddleware(looking, InstantStore())
    in_cookie: Any = CookieMiddleware(bare, secret_key=SECRET)
    with asyncio.Runner() as runner:
        contenders = {
            "bare application": requests_to(bare, runner),
            "no cookie": requests_to(untouched, runner),
            "session, untouched": requests_to(untouched, runner, ours),
            "session, looked at": requests_to(looked_at, runner, ours),
            "Starlette's signed cookie, untouched": requests_to(in_cookie, runner, signed_cookie()),
        }
        return interleaved({name: (run, calls) for name, run in contenders.items()}, rounds)


def main() -> None:
    """Print the figures, and what an untouched session adds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=5_000)
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}; ", end="")
    print(f"CPU a request, medians of {args.rounds} rounds of {args.calls}\n")
    figures = measured(args.rounds, args.calls)
    for figure in figures.values():
        print(figure)
    bare_us = figures["bare application"].median
    added_us = figures["session, untouched"].median - bare_us
    in_cookie_us = figures["Starlette's signed cookie, untouched"].median - bare_us
    print(f"\nan untouched session adds {added_us:.1f} us to the bare application, read apart;")
    print(f"    Starlette's signed cookie adds {in_cookie_us:.1f} us")


if __name__ == "__main__":
    main()
