"""Rules that count by the response: taken first, and given back before it starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, StoreUnavailable, asgi, wsgi
from ratelimit_ddb.operations.operation import Take
from ratelimit_ddb.web import ResponseHead, Rule, RuleDecision
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import (
    Ask,
    Get,
    environ_of,
    nothing_more,
    over_asgi,
    over_wsgi,
    scope_of,
)

LOGIN = "/login"


@dataclass(slots=True)
class Site:
    """An application that answers by the path's last part: a status code, or an exception."""

    fields: tuple[tuple[str, str], ...] = ()
    calls: list[str] = field(default_factory=list)

    def status(self, path: str) -> int:
        self.calls.append(path)
        last = path.rpartition("/")[2]
        if last == "raise":
            raise LookupError(path)
        return int(last)

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        status = self.status(scope["path"])
        headers = [(name.encode(), value.encode()) for name, value in self.fields]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    def wsgi(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(f"{self.status(environ['PATH_INFO'])} Whatever", list(self.fields))
        return [b"a", b"b"]

    def wsgi_generator(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(f"{self.status(environ['PATH_INFO'])} Whatever", list(self.fields))
        yield b"a"
        yield b"b"


Around = Callable[..., Ask]


def _asgi(site: Site, **options: Any) -> Ask:
    return over_asgi(asgi.RateLimitMiddleware(site.asgi, **options))


def _wsgi(site: Site, **options: Any) -> Ask:
    return over_wsgi(wsgi.RateLimitMiddleware(site.wsgi, **options))


def _wsgi_generator(site: Site, **options: Any) -> Ask:
    return over_wsgi(wsgi.RateLimitMiddleware(site.wsgi_generator, **options))


@pytest.fixture(params=[_asgi, _wsgi, _wsgi_generator], ids=["asgi", "wsgi", "wsgi generator"])
def around(request: pytest.FixtureRequest) -> Around:
    made: Around = request.param
    return made


def failures(give_back: Any = lambda response: response.status < 400, **of_rule: Any) -> Rule:
    return Rule("/*", "2/minute", give_back=give_back, name="login", **of_rule)


def statuses(ask: Ask, *paths: str) -> list[int]:
    return [ask(Get(path)).status for path in paths]


def test_only_failed_logins_count(around: Around) -> None:
    ask = around(Site(), store=MemoryStore(clock=FakeClock()), rules=failures())
    assert statuses(ask, *["/200", "/302"] * 10) == [200, 302] * 10
    assert statuses(ask, "/401", "/200", "/401", "/200", "/401") == [401, 200, 401, 429, 429]


@pytest.mark.parametrize(
    ("written", "free", "counted"),
    [
        ("2xx", ["/200", "/299"], "/302"),
        ("302", ["/302"], "/303"),
        ("200-399", ["/200", "/304", "/399"], "/400"),
        (["1xx", "2xx", "404"], ["/204", "/404"], "/403"),
    ],
)
def test_status_codes_say_what_is_given_back(
    around: Around, written: Any, free: list[str], counted: str
) -> None:
    ask = around(Site(), store=MemoryStore(clock=FakeClock()), rules=failures(written))
    assert 429 not in statuses(ask, *free * 3)
    assert statuses(ask, counted, counted, counted)[2] == 429


def test_the_fields_tell_what_is_left_after_the_giving_back(around: Around) -> None:
    ask = around(Site(), store=MemoryStore(clock=FakeClock()), rules=failures())
    told = [ask(Get(path)).headers["ratelimit"] for path in ("/200", "/401", "/200", "/401")]
    assert told == [f'"login";{left}' for left in ("r=2;t=0", "r=1;t=30", "r=1;t=30", "r=0;t=30")]


def test_all_tokens_of_the_cost_and_of_every_limit_are_given_back(around: Around) -> None:
    rule = Rule("/*", ["10/minute", "20/hour"], cost=5, give_back="2xx", name="login")
    ask = around(Site(), store=MemoryStore(clock=FakeClock()), rules=rule)
    assert statuses(ask, *["/200"] * 20) == [200] * 20
    assert statuses(ask, "/401", "/401", "/200") == [401, 401, 429]


def test_other_rules_keep_what_they_took(around: Around) -> None:
    rules = [failures(), Rule("/*", "3/minute", name="all")]
    ask = around(Site(), store=MemoryStore(clock=FakeClock()), rules=rules)
    assert statuses(ask, *["/200"] * 4) == [200, 200, 200, 429]


def test_the_function_sees_the_applications_fields(around: Around) -> None:
    seen: list[ResponseHead] = []

    def give_back(response: ResponseHead) -> bool:
        seen.append(response)
        return response.header("x-login") == "ok"

    site = Site(fields=(("X-Login", "ok"), ("Set-Cookie", "a=1")))
    ask = around(site, store=MemoryStore(clock=FakeClock()), rules=failures(give_back))
    assert statuses(ask, *["/200"] * 4) == [200] * 4
    assert seen[0] == ResponseHead(200, (("x-login", "ok"), ("set-cookie", "a=1")))


@pytest.mark.parametrize("style", ["standard", "x", "none"])
def test_headers_that_can_be_read_once_are_left_for_the_server(style: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = iter([iter([b"x-login", b"ok"])])
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body"})

    rule = failures(lambda response: response.header("x-login") == "ok")
    options: dict[str, Any] = {"store": MemoryStore(clock=FakeClock()), "fields": style}
    ask = over_asgi(asgi.RateLimitMiddleware(app, rules=rule, **options))
    for _ in range(4):
        response = ask(Get(LOGIN))
        assert (response.status, response.headers["x-login"]) == (401, "ok")


def test_an_exception_counts_as_a_500_with_the_exception(around: Around) -> None:
    seen: list[ResponseHead] = []

    def give_back(response: ResponseHead) -> bool:
        seen.append(response)
        return response.exception is not None

    ask = around(Site(), store=MemoryStore(clock=FakeClock()), rules=failures(give_back))
    for _ in range(4):
        with pytest.raises(LookupError):
            ask(Get("/raise"))
    assert [(head.status, type(head.exception)) for head in seen] == [(500, LookupError)] * 4


def test_exceptions_count_unless_they_are_given_back(around: Around) -> None:
    ask = around(Site(), store=MemoryStore(clock=FakeClock()), rules=failures())
    for _ in range(2):
        with pytest.raises(LookupError):
            ask(Get("/raise"))
    assert statuses(ask, "/200") == [429]


def test_what_was_given_back_is_told_to_on_decision(around: Around) -> None:
    told: list[RuleDecision] = []
    store = MemoryStore(clock=FakeClock())
    ask = around(Site(), store=store, rules=failures(), on_decision=told.append)
    statuses(ask, "/200", "/401")
    assert [(one.refunded, one.operation) for one in told] == [
        (False, "acquire"),
        (True, "refund"),
        (False, "acquire"),
    ]


def test_what_is_told_of_a_refund_is_its_own_latency_and_not_the_takes(around: Around) -> None:
    class Slow(FlakyStore):
        in_process = False

        def send(self, operation: Any, deadline_ns: int) -> Any:
            if isinstance(operation, Take):
                time.sleep(0.2)
            return super().send(operation, deadline_ns)

    told: list[RuleDecision] = []
    ask = around(Site(), store=Slow(), rules=failures(), on_decision=told.append, deadline=10)
    statuses(ask, "/200")
    taken, given_back = told
    assert taken.latency_ns >= 200_000_000 > given_back.latency_ns
    assert (given_back.operation, given_back.calls) == ("refund", 1)


def test_p3_a_denied_request_gives_nothing_back(around: Around) -> None:
    ask = around(
        Site(),
        store=MemoryStore(clock=FakeClock()),
        rules=failures(lambda response: response.status in (200, 429)),
    )
    assert statuses(ask, "/401", "/401", *["/200"] * 5) == [401, 401, *[429] * 5]


def test_in_an_outage_what_was_taken_stays_taken(around: Around) -> None:
    store = FlakyStore()
    ask = around(Site(), store=store, rules=failures(), on_outage="allow")
    site_statuses = statuses(ask, "/200")
    store.failure = StoreUnavailable("no answer")
    site_statuses += statuses(ask, "/200", "/401")
    assert site_statuses == [200, 200, 401]


def test_a_function_that_returns_a_function_is_refused(around: Around) -> None:
    rule = failures(lambda _response: statuses)
    ask = around(Site(), store=MemoryStore(clock=FakeClock()), rules=rule)
    with pytest.raises(TypeError, match=r"give_back gave .*: must be True or False"):
        ask(Get("/200"))


@pytest.mark.parametrize(
    ("given", "error", "why"),
    [
        (5, TypeError, "must be a function of the response, or status codes"),
        ([], ValueError, "must not be empty"),
        ("9xx", ValueError, "must be status codes: '2xx', '404' or '200-399'"),
        ("200 - 399", ValueError, "must be status codes"),
        ("399-200", ValueError, "must not be above the last"),
        ([200], TypeError, "give_back 200: must be a str"),
        (lambda: True, TypeError, "must be a function of one argument, the response"),
        (bool, TypeError, "must be a function of the response, not a class"),
    ],
)
def test_what_can_not_hold_is_refused_when_the_rule_is_made(
    given: Any, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        failures(given)


def test_a_rule_without_limits_has_nothing_to_give_back() -> None:
    for others in ({"messages": "5/second"}, {"in_flight": 5}):
        with pytest.raises(ValueError, match="give_back needs limits, whose tokens it gives"):
            Rule("/chat", give_back="2xx", **others)


def test_a_coroutine_function_is_awaited_over_asgi_and_refused_over_wsgi() -> None:
    async def give_back(response: ResponseHead) -> bool:
        await asyncio.sleep(0)
        return response.status < 400

    store = MemoryStore(clock=FakeClock())
    ask = _asgi(Site(), store=store, rules=failures(give_back))
    assert statuses(ask, *["/200"] * 4) == [200] * 4
    with pytest.raises(TypeError, match="is a coroutine function, and nothing awaits it"):
        _wsgi(Site(), store=store, rules=failures(give_back))


def test_p1_guesses_under_way_at_the_same_time_all_count() -> None:
    """Fifty guesses arrive before the first is answered: two are tried, one of them right."""
    arrived, tried = 0, 0
    all_arrived = asyncio.Event()

    async def login(scope: Any, receive: Any, send: Any) -> None:
        nonlocal tried
        tried += 1
        await all_arrived.wait()
        right = scope["path"] == "/login/0"
        await send({"type": "http.response.start", "status": 200 if right else 401, "headers": []})
        await send({"type": "http.response.body"})

    app = asgi.RateLimitMiddleware(login, MemoryStore(clock=FakeClock()), failures())

    async def guess(number: int) -> int:
        nonlocal arrived
        arrived += 1
        if arrived == 50:
            all_arrived.set()
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        await app(scope_of(Get(f"/login/{number}")), nothing_more, send)
        status: int = messages[0]["status"]
        return status

    async def guesses() -> list[int]:
        return await asyncio.gather(*[guess(number) for number in range(50)])

    found = asyncio.run(guesses())
    assert sorted(found) == [200, 401, *[429] * 48]
    assert tried == 2


def test_a_client_that_goes_before_the_answer_has_guessed() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    store = MemoryStore(clock=FakeClock())
    app = asgi.RateLimitMiddleware(slow, store, failures(lambda _response: True))

    async def cancelled() -> None:
        task = asyncio.create_task(app(scope_of(Get()), nothing_more, nothing_more))  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for _ in range(2):
        asyncio.run(cancelled())
    assert statuses(_asgi(Site(), store=store, rules=failures()), "/200") == [429]


def test_an_exception_in_the_middle_of_a_response_changes_nothing(around: Around) -> None:
    store = MemoryStore(clock=FakeClock())

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        raise LookupError

    app = asgi.RateLimitMiddleware(broken, store, failures(lambda head: head.status != 401))
    for _ in range(2):
        with pytest.raises(LookupError):
            over_asgi(app)(Get())
    assert over_asgi(app)(Get()).status == 429


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ({"type": "websocket.accept"}, 101),
        ({"type": "websocket.close"}, 403),
        ({"type": "websocket.http.response.start", "status": 401, "headers": []}, 401),
    ],
)
def test_a_handshake_counts_by_its_answer(answer: Any, seen: int) -> None:
    heads: list[int] = []

    def give_back(response: ResponseHead) -> bool:
        heads.append(response.status)
        return response.status == 101

    async def chat(scope: Any, receive: Any, send: Any) -> None:
        await send(answer)
        await send({"type": "websocket.close"})

    app = asgi.RateLimitMiddleware(chat, MemoryStore(clock=FakeClock()), failures(give_back))

    async def shake_hands() -> Any:
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await app({**scope_of(Get()), "type": "websocket"}, receive, send)
        return messages[0]

    answers = [asyncio.run(shake_hands())["type"] for _ in range(3)]
    assert answers[2] == (answer["type"] if seen == 101 else "websocket.close")
    assert heads == [seen] * (3 if seen == 101 else 2)


def test_wsgi_files_and_writes_reach_the_server_as_they_are() -> None:
    file = object()

    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        write(b"head")
        return file

    limited = wsgi.RateLimitMiddleware(app, MemoryStore(clock=FakeClock()), failures())
    written: list[bytes] = []
    assert limited(environ_of(Get()), lambda *_: written.append) is file
    assert written == [b"head"]


def test_a_wsgi_response_that_has_not_started_is_closed() -> None:
    class Parts:
        closed = False

        def __iter__(self) -> Any:
            return iter([b"a"])

        def close(self) -> None:
            self.closed = True

    parts = Parts()
    limited = wsgi.RateLimitMiddleware(lambda *_: parts, MemoryStore(clock=FakeClock()), failures())
    response: Any = limited(environ_of(Get()), lambda *_: lambda _: None)
    assert list(response) == [b"a"]
    response.close()
    assert parts.closed
