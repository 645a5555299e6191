"""What is no store is refused where it is given, and the message says what would be one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from ratelimit_ddb import (
    AsyncRateLimiter,
    DynamoDBStore,
    MemoryStore,
    RateLimiter,
    asgi,
    rate_limited,
    wsgi,
)
from ratelimit_ddb.fastapi import RateLimit
from ratelimit_ddb.flask import limit_app
from ratelimit_ddb.flask import limited as limited_flask
from ratelimit_ddb.starlette import limited as limited_starlette
from ratelimit_ddb.web import Rule
from sessions import DynamoDBSessionStore, MemorySessionStore
from sessions.asgi import SessionMiddleware as AsgiSessions
from sessions.flask import SessionInterface
from sessions.wsgi import SessionMiddleware as WsgiSessions
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.sessions.recording import RecordingStore

RULE = Rule("/*", "5/minute")


class HalfAStore:
    """It can be asked by blocking callers alone."""

    def prepare(self) -> None: ...

    def send(self, operation: Any, deadline_ns: int) -> Any: ...


async def app(scope: Any, receive: Any, send: Any) -> None: ...


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    return []


def view(request: Any) -> None: ...


FLASK_APP = Flask("site", root_path=".")


TAKES_A_STORE: dict[str, Callable[[Any], object]] = {
    "RateLimiter": lambda store: RateLimiter(store, "5/minute"),
    "AsyncRateLimiter": lambda store: AsyncRateLimiter(store, "5/minute"),
    "rate_limited": lambda store: rate_limited("5/minute", store=store),
    "asgi": lambda store: asgi.RateLimitMiddleware(app, store=store, rules=RULE),
    "wsgi": lambda store: wsgi.RateLimitMiddleware(wsgi_app, store=store, rules=RULE),
    "starlette": lambda store: limited_starlette("5/minute", store=store)(view),
    "fastapi": lambda store: RateLimit("5/minute", store=store),
    "flask app": lambda store: limit_app(FLASK_APP, store=store, rules=RULE),
    "flask view": lambda store: limited_flask("5/minute", store=store)(view),
}
TAKES_A_SESSION_STORE: dict[str, Callable[[Any], object]] = {
    "asgi": lambda store: AsgiSessions(app, store),
    "wsgi": lambda store: WsgiSessions(wsgi_app, store),
    "flask": SessionInterface,
}
NO_STORE = [
    (None, "not None$"),
    ("quikapp-prod-rate-limits", "not 'quikapp-prod-rate-limits'$"),
    (object(), "not <object"),
    (HalfAStore(), "it has no .*, prepare_async, send_async(, send_all, send_all_async)?$"),
]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        *NO_STORE,
        (MemoryStore, "not the class MemoryStore: call it$"),
        (MemorySessionStore(), r"not MemorySessionStore\(.*\): this is a session store$"),
        (DynamoDBSessionStore("t"), r"not DynamoDBSessionStore\('t'\): this is a session store$"),
    ],
)
@pytest.mark.parametrize("take", TAKES_A_STORE.values(), ids=TAKES_A_STORE)
def test_a_limiter_is_told_when_it_is_made(
    take: Callable[[Any], Any], given: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message) as refused:
        take(given)
    what = "store must be a DynamoDBStore, a MemoryStore or another Store, not "
    assert str(refused.value).startswith(what)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        *NO_STORE,
        (MemorySessionStore, "not the class MemorySessionStore: call it$"),
        (MemoryStore(), r"not MemoryStore\(.*\): this is a store of rate limits$"),
        (DynamoDBStore("t"), r"not DynamoDBStore\('t'\): this is a store of rate limits$"),
    ],
)
@pytest.mark.parametrize("take", TAKES_A_SESSION_STORE.values(), ids=TAKES_A_SESSION_STORE)
def test_a_middleware_of_sessions_is_told_when_it_is_made(
    take: Callable[[Any], Any], given: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message) as refused:
        take(given)
    what = "store must be a DynamoDBSessionStore, a MemorySessionStore or another Store, not "
    assert str(refused.value).startswith(what)


def test_stores_of_ones_own_are_taken() -> None:
    for take in TAKES_A_STORE.values():
        if take is not TAKES_A_STORE["flask app"]:
            take(FlakyStore())
    for take in TAKES_A_SESSION_STORE.values():
        take(RecordingStore(FakeClock()))
