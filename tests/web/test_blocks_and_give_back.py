"""A block after too many denials, where a request that was under way gives its token back."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule
from ratelimit_ddb.wsgi import RateLimitMiddleware
from tests.fake_clock import FakeClock


def test_a_block_is_not_ended_by_what_a_request_under_way_gives_back() -> None:
    clock = FakeClock()
    statuses: list[str] = []

    def start(status: str, _headers: Any, _exc: Any = None) -> Callable[[bytes], object]:
        statuses.append(status[:3])
        return lambda _: None

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        environ.get("meanwhile", lambda: None)()
        start_response(environ["answer"], [])
        return []

    rule = Rule(
        "/*", "5/hour", give_back="2xx", block_after=3, block_for="10 minutes", up_to="1 day"
    )
    limited = RateLimitMiddleware(app, MemoryStore(clock=clock), rule)

    def ask(answer: str, **more: Any) -> str:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/login",
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.input": io.BytesIO(),
            "answer": answer,
            **more,
        }
        list(limited(environ, start))
        return statuses[-1]

    def guess_until_blocked() -> None:
        assert [ask("401 Wrong") for _ in range(3)] == ["429"] * 3

    assert [ask("401 Wrong") for _ in range(4)] == ["401"] * 4
    assert ask("200 Right", meanwhile=guess_until_blocked) == "200"
    assert ask("401 Wrong") == "429"
    clock.advance(599)
    assert ask("401 Wrong") == "429"
