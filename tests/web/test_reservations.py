"""Rules with reserves=True: the view settles its request, when its response is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from ratelimit_ddb import RateLimiter, asgi, wsgi
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.web import RequestReservation, Rule, RuleDecision, reservation_of
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.ratelimit_ddb.test_hot_keys import SharedStore, heat

LIMIT = "1000/minute"


def by_tenant(_request: object) -> str:
    return "tenant"


RULE = Rule("/*", LIMIT, by=by_tenant, name="tokens", cost=900, reserves=True)

View = Callable[[RequestReservation], Iterable[bytes]]


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


def left(store: Any) -> int:
    return RateLimiter(store, LIMIT).peek(("tokens", "tenant")).remaining


async def receive() -> Any:
    raise AssertionError("nobody asks for the request's content")


class Site:
    """One page over ASGI and WSGI, whose view gets the request's reservation."""

    def __init__(self, view: View, status: int = 200) -> None:
        self.view, self.status = view, status

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        pieces = self.view(scope["state"]["reservation"])
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    def wsgi(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        pieces = self.view(environ[wsgi.RESERVATION])
        start_response(f"{self.status} Whatever", [])
        return pieces


def over_asgi(site: Site, store: FlakyStore, **options: Any) -> bytes:
    app = asgi.RateLimitMiddleware(site.asgi, store, options.pop("rules", RULE), **options)
    return call_asgi(app)


def call_asgi(app: Any) -> bytes:
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("c", 1)}
    asyncio.run(app(scope, receive, send))
    assert not scope.get("state"), "the server is not to see what was noted"
    return b"".join(sent)


def over_wsgi(site: Site, store: FlakyStore, **options: Any) -> bytes:
    app = wsgi.RateLimitMiddleware(site.wsgi, store, options.pop("rules", RULE), **options)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "c"}
    content: Any = app(environ, lambda *_: lambda _: None)
    try:
        return b"".join(content)
    finally:
        if hasattr(content, "close"):
            content.close()


Over = Callable[..., bytes]
both = pytest.mark.parametrize("over", [over_asgi, over_wsgi])


@both
def test_a_view_settles_what_its_request_reserved(over: Over, store: FlakyStore) -> None:
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        assert reservation.cost == 900
        assert left(store) == 100
        reservation.settle(300)
        return [b"answer"]

    assert over(Site(view), store) == b"answer"
    assert left(store) == 700


@both
def test_a_rule_that_reserves_takes_no_leased_tokens(over: Over) -> None:
    clock = FakeClock()
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second")
    heat(limiter, clock, "tokens:tenant")
    while limiter.acquire("tokens:tenant").source != "lease":
        clock.advance(0.005)
    reserving = Rule("/*", "1000/second", by=by_tenant, name="tokens", reserves=True)
    told: list[RuleDecision] = []
    site = Site(lambda _: [])
    over(site, store, rules=reserving, on_decision=told.append)
    over(site, store, rules=[reserving, Rule("/*", "9/hour")], on_decision=told.append)
    of_tokens = [one for one in told if one.rule == "tokens"]
    assert [one.decision.source for one in of_tokens] == ["table", "table"]
    assert limiter.acquire("tokens:tenant").source == "lease"


@both
@pytest.mark.parametrize(
    ("used", "later"), [(300, ("refund", 600, True)), (950, ("charge", 50, False)), (900, None)]
)
def test_what_settling_did_is_told(
    over: Over, store: FlakyStore, used: int, later: tuple[str, int, bool] | None
) -> None:
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        reservation.settle(used)
        return []

    told: list[RuleDecision] = []
    over(Site(view), store, on_decision=told.append)
    expected = [("acquire", 900, False), *([later] if later else [])]
    assert [(one.operation, one.cost, one.refunded) for one in told] == expected
    assert {(one.rule, one.key, one.calls) for one in told} == {("tokens", "tokens:tenant", 1)}


@both
def test_a_stream_settles_at_its_end(over: Over, store: FlakyStore) -> None:
    seen: list[int] = []

    def view(reservation: RequestReservation) -> Iterator[bytes]:
        for piece in range(3):
            yield b"piece"
            reservation.settle(100 * (piece + 1))
            seen.append(left(store))

    assert over(Site(view), store) == b"piece" * 3
    assert seen == [100, 100, 100], "nothing is settled while it streams"
    assert left(store) == 700


@both
def test_more_than_was_reserved_denies_later_requests(over: Over, store: FlakyStore) -> None:
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        reservation.settle(1_500)
        return []

    over(Site(view), store)
    told = RateLimiter(store, LIMIT).acquire(("tokens", "tenant"))
    assert told.retry_after == pytest.approx(501 * 0.06)


@both
def test_an_estimate_of_nothing_is_settled_too(over: Over, store: FlakyStore) -> None:
    # As of a short prompt: cost=lambda request: length // 4.
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        reservation.settle(1_500)
        return []

    rule = Rule("/*", LIMIT, by=by_tenant, name="tokens", cost=lambda request: 0, reserves=True)
    over(Site(view), store, rules=rule)
    told = RateLimiter(store, LIMIT).acquire(("tokens", "tenant"))
    assert told.retry_after == pytest.approx(501 * 0.06)
    assert b"Over the limit" in over(Site(view), store, rules=rule)
    one = Rule("/*", "1/hour", by=by_tenant, name="one", cost=lambda request: 0, reserves=True)
    assert b"limit" not in over(Site(view), store, rules=one), "it takes a single token"


@both
def test_a_view_that_does_not_settle_keeps_the_estimate(over: Over, store: FlakyStore) -> None:
    over(Site(lambda _: [b"answer"]), store)
    assert left(store) == 100


@both
def test_a_view_that_raises_gives_the_estimate_back(over: Over, store: FlakyStore) -> None:
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        over(Site(view), store)
    assert left(store) == 1_000


@both
def test_a_view_that_settles_and_raises_is_settled(over: Over, store: FlakyStore) -> None:
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        reservation.settle(200)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        over(Site(view), store)
    assert left(store) == 800


@both
@pytest.mark.parametrize(("status", "remaining"), [(500, 1_000), (503, 1_000), (404, 100)])
def test_an_answer_that_says_the_request_failed_gives_the_estimate_back(
    over: Over, store: FlakyStore, status: int, remaining: int
) -> None:
    over(Site(lambda _: [b"sorry"], status), store)
    assert left(store) == remaining


@both
def test_a_response_that_breaks_off_keeps_the_estimate(over: Over, store: FlakyStore) -> None:
    def view(reservation: RequestReservation) -> Iterator[bytes]:
        yield b"piece"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        over(Site(view), store)
    assert left(store) == 100


def test_a_client_that_goes_away_in_the_middle_keeps_the_estimate(store: FlakyStore) -> None:
    def view(_: RequestReservation) -> Iterator[bytes]:
        yield b"piece"
        yield b"piece"

    app = asgi.RateLimitMiddleware(Site(view).asgi, store, RULE)

    async def send(message: Any) -> None:
        if message.get("body"):
            raise OSError("the client went away")

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("c", 1)}
    with pytest.raises(OSError, match="went away"):
        asyncio.run(app(scope, receive, send))
    assert left(store) == 100


def cancelled_for_good(app: Any, begun: asyncio.Event, seconds: float = 0.05) -> None:
    """Cancel a request at each turn of the event loop, as AnyIO's cancel scopes do."""

    async def send(message: Any) -> None: ...

    async def scenario() -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("c", 1)}
        request = asyncio.create_task(app(scope, receive, send))
        await begun.wait()
        while not request.done():
            request.cancel()
            await asyncio.sleep(0)
        assert request.cancelled()
        await asyncio.sleep(seconds)  # what goes on in the background

    asyncio.run(scenario())


@pytest.mark.parametrize(("settled", "remaining"), [(None, 100), (300, 700), (990, 10)])
def test_p3_a_request_that_is_cancelled_before_it_is_answered_was_not_free(
    settled: int | None, remaining: int
) -> None:
    # Its client may have gone, and the work was done.
    store, begun = SharedStore(FakeClock(), delay_seconds=0.001), asyncio.Event()

    async def hang(scope: Any, receive: Any, send: Any) -> None:
        if settled is not None:
            reservation_of(scope).settle(settled)
        begun.set()
        await asyncio.sleep(3_600)

    cancelled_for_good(asgi.RateLimitMiddleware(hang, store, RULE), begun)
    assert left(store) == remaining


def test_a_server_that_closes_early_settles_too(store: FlakyStore) -> None:
    def view(reservation: RequestReservation) -> Iterator[bytes]:
        try:
            yield b"piece"
            yield b"piece"
        finally:
            reservation.settle(50)

    app = wsgi.RateLimitMiddleware(Site(view).wsgi, store, RULE)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "c"}
    content: Any = app(environ, lambda *_: lambda _: None)
    assert next(content) == b"piece"
    content.close()
    assert left(store) == 950


@both
def test_every_rule_that_reserves_is_settled_and_no_other(over: Over, store: FlakyStore) -> None:
    rules = [
        RULE,
        Rule("/*", "5000/hour", by=by_tenant, name="hourly", cost=600, reserves=True),
        Rule("/*", "10/minute", by=by_tenant, name="requests"),
    ]

    def view(reservation: RequestReservation) -> Iterable[bytes]:
        assert reservation.cost == 900
        reservation.settle(700)
        return []

    over(Site(view), store, rules=rules)
    assert left(store) == 300
    assert RateLimiter(store, "5000/hour").peek(("hourly", "tenant")).remaining == 4_300
    assert RateLimiter(store, "10/minute").peek(("requests", "tenant")).remaining == 9


@both
@pytest.mark.parametrize("on_outage", ["local", "allow", "deny", "raise"])
def test_an_outage_at_the_end_breaks_no_response(
    over: Over, store: FlakyStore, on_outage: str
) -> None:
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        reservation.settle(100)
        store.failure = StoreUnavailable("down")
        return [b"answer"]

    assert over(Site(view), store, on_outage=on_outage) == b"answer"
    store.failure = None
    assert left(store) == 100


@both
def test_in_an_outage_what_was_used_counts_in_this_process(over: Over, store: FlakyStore) -> None:
    store.failure = StoreUnavailable("down")
    told: list[RuleDecision] = []
    rule = Rule("/*", LIMIT, by=by_tenant, name="tokens", cost=400, reserves=True)

    def settled_by(used: int) -> Callable[[RequestReservation], Iterable[bytes]]:
        def view(reservation: RequestReservation) -> Iterable[bytes]:
            reservation.settle(used)
            return [b"answer"]

        return view

    options: dict[str, Any] = {"rules": rule, "on_decision": told.append}
    assert over(Site(settled_by(700)), store, **options) == b"answer"
    assert b"answer" not in over(Site(settled_by(1)), store, **options)  # 300 are left
    assert told[-1].decision.source == "outage"


@both
def test_a_reservation_can_be_settled_until_the_response_is_over(
    over: Over, store: FlakyStore
) -> None:
    kept: list[RequestReservation] = []

    def view(reservation: RequestReservation) -> Iterable[bytes]:
        kept.append(reservation)
        reservation.settle(800)
        reservation.settle(300)  # the last one counts
        return []

    over(Site(view), store)
    assert left(store) == 700
    with pytest.raises(RuntimeError, match="the response is over"):
        kept[0].settle(10)


@pytest.mark.parametrize("used", [-1, 1.5, "9", None, 10**30])
def test_what_is_no_number_of_tokens_is_refused_in_the_view(store: FlakyStore, used: Any) -> None:
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        with pytest.raises((TypeError, ValueError)):
            reservation.settle(used)
        return []

    over_wsgi(Site(view), store)
    assert left(store) == 100


def test_a_request_that_reserved_nothing_has_a_reservation_that_settles_nothing() -> None:
    reservation = reservation_of({"type": "http"})
    assert (reservation.cost, reservation.used) == (0, None)
    reservation.settle(10**6)
    assert reservation.used == 10**6


def test_nested_middlewares_settle_once(store: FlakyStore) -> None:
    def view(reservation: RequestReservation) -> Iterable[bytes]:
        reservation.settle(300)
        return []

    inner = asgi.RateLimitMiddleware(Site(view).asgi, store, RULE)
    outer_rule = Rule("/*", "2000/hour", by=by_tenant, name="outer", cost=100, reserves=True)
    call_asgi(asgi.RateLimitMiddleware(inner, store, outer_rule))
    assert left(store) == 700
    assert RateLimiter(store, "2000/hour").peek(("outer", "tenant")).remaining == 1_700


def test_a_websocket_settles_when_its_connection_ends(store: FlakyStore) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        reservation_of(scope).settle(300)
        raise ZeroDivisionError

    limited = asgi.RateLimitMiddleware(app, store, RULE)

    async def send(_: Any) -> None: ...

    scope = {"type": "websocket", "path": "/", "headers": [], "client": ("c", 1)}
    with pytest.raises(ZeroDivisionError):
        asyncio.run(limited(scope, receive, send))
    assert left(store) == 700


def test_a_rules_file_can_say_that_a_rule_reserves(tmp_path: Any) -> None:
    from ratelimit_ddb.web import RulesFile

    file = tmp_path / "rules.toml"
    file.write_text('[[rule]]\npath = "/v1/*"\nlimits = "1000/minute"\ncost = 9\nreserves = true\n')
    assert RulesFile(file).current()[0].reserves


@pytest.mark.parametrize("given", [1, "yes", None])
def test_a_rule_that_neither_reserves_nor_does_not_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"reserves .*: must be True or False"):
        Rule("/*", LIMIT, reserves=given)
