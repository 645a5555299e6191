"""Rules that block after too many denials: ``block_after``, ``block_for``, ``up_to``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ddbwire import AnsweredCall
from ratelimit_ddb import (
    Decision,
    DynamoDBStore,
    Limit,
    MemoryStore,
    Quota,
    RateLimiter,
    StoreUnavailable,
)
from ratelimit_ddb.bucket.block_lookup import BlockLookup, blocked
from ratelimit_ddb.bucket.violations import BlockPolicy
from ratelimit_ddb.operations.operation import BLOCKED, ClockMoved, Delete, Read, ReadClock, Take
from ratelimit_ddb.web import Rule, RuleDecision
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.rate_limit_table import rate_limit_table
from tests.web.exchange import Ask, Get, Limited, Response, limited_wsgi

MINUTE = 60
ABNORMAL = "https://iana.org/assignments/http-problem-types#abnormal-usage-detected"
EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
JSON = {"accept": "application/json"}


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Any]:
    if request.param == "memory":
        yield MemoryStore(clock=clock)
        return
    endpoint = request.getfixturevalue("dynamodb_endpoint")
    with rate_limit_table(endpoint) as table:
        found = DynamoDBStore(table, endpoint_url=endpoint, clock=clock)
        yield found
        found.close()


def blocking(limits: Any = "2/minute", after: int = 3, **of_rule: Any) -> Rule:
    options = {"block_for": "10 minutes", "up_to": "1 hour", **of_rule}
    return Rule("/*", limits, name="api", block_after=after, **options)


def asking(limited: Limited, store: Any, rule: Rule, **options: Any) -> Ask:
    """A process of its own: it shares nothing with others but the table."""
    return limited(store=store, rules=rule, deadline=10, **options)


def get(ask: Ask, client: str = "192.0.2.7") -> Response:
    return ask(Get(headers=JSON, client=client))


def kind(response: Response) -> str:
    if response.status != 429:
        return str(response.status)
    return str(json.loads(response.body)["type"]).rpartition("#")[2]


def block(ask: Ask) -> int:
    """Ask until there is a block. Returns: for how many seconds it lasts."""
    for _ in range(30):
        response = get(ask)
        if kind(response) == "abnormal-usage-detected":
            return int(response.headers["retry-after"])
    raise AssertionError("it is never blocked")


def test_so_many_denials_block(limited: Limited, store: Any) -> None:
    ask = asking(limited, store, blocking())
    kinds = [kind(get(ask)) for _ in range(7)]
    over = "quota-exceeded"
    blocked = "abnormal-usage-detected"
    assert kinds == ["200", "200", over, over, blocked, blocked, blocked]


@pytest.mark.parametrize("others", [[], [Rule("/*", "99/minute", name="other")]])
def test_what_blocks_take_of_the_store_is_told(limited: Limited, others: list[Rule]) -> None:
    store = FlakyStore()
    told: list[RuleDecision] = []
    rules = [blocking(), *others]
    ask = limited(store=store, rules=rules, deadline=10, on_decision=told.append)
    for _ in range(8):
        get(ask)
    sent = [one for one in store.operations if not isinstance(one, ReadClock)]
    assert sum(one.calls for one in told) == len(sent)


def test_a_block_lasts_as_long_as_it_says_and_then_the_limit_holds(
    limited: Limited, store: Any, clock: FakeClock
) -> None:
    ask = asking(limited, store, blocking())
    assert block(ask) == 10 * MINUTE
    clock.advance(10 * MINUTE - 0.001)
    assert kind(get(ask)) == "abnormal-usage-detected"
    clock.advance(0.001)
    assert [kind(get(ask)) for _ in range(2)] == ["200", "quota-exceeded"]


def test_the_answer_to_a_blocked_request(limited: Limited, store: Any) -> None:
    ask = asking(limited, store, blocking(), fields="both")
    block(ask)
    response = get(ask)
    assert response.status == 429
    assert json.loads(response.body) == {
        "type": ABNORMAL,
        "title": "Blocked",
        "status": 429,
        "detail": "Blocked after too many requests over a limit. Retry after 600 s.",
        "violated-policies": ["api"],
        "retry-after": 600,
    }
    assert response.headers["ratelimit"] == '"api";r=0;t=600'
    assert response.headers["x-ratelimit-remaining"] == "0"
    assert response.headers["cache-control"] == "no-store"


def test_each_block_lasts_twice_as_long_up_to_the_longest(
    limited: Limited, store: Any, clock: FakeClock
) -> None:
    ask = asking(limited, store, blocking())
    lengths = []
    for _ in range(6):
        lengths.append(block(ask))
        clock.advance(lengths[-1])
    assert [seconds // MINUTE for seconds in lengths] == [10, 20, 40, 60, 60, 60]


def test_one_block_is_forgotten_each_time_that_the_longest_has_passed(
    limited: Limited, store: Any, clock: FakeClock
) -> None:
    ask = asking(limited, store, blocking())
    for _ in range(3):  # 10, 20, 40 minutes
        clock.advance(block(ask))
    clock.advance(60 * MINUTE)
    assert block(ask) == 40 * MINUTE  # two are remembered: it would have been 60
    clock.advance(40 * MINUTE + 3 * 60 * MINUTE)
    assert block(ask) == 10 * MINUTE


def test_without_up_to_all_blocks_last_alike(
    limited: Limited, store: Any, clock: FakeClock
) -> None:
    ask = asking(limited, store, blocking(block_for=90, up_to=None))
    for _ in range(4):
        assert block(ask) == 90
        clock.advance(90)


def test_denials_that_are_rare_do_not_block(limited: Limited, store: Any, clock: FakeClock) -> None:
    """Of three, one is forgotten every 200 seconds."""
    ask = asking(limited, store, blocking("1/minute"))
    for _ in range(20):
        assert kind(get(ask)) == "200"
        assert kind(get(ask)) == "quota-exceeded"
        clock.advance(200)


@pytest.mark.parametrize(
    ("seconds", "third"), [(197.999, "abnormal-usage-detected"), (198, "quota-exceeded")]
)
def test_a_denial_counts_until_two_seconds_before_it_is_forgotten(
    limited: Limited, store: Any, clock: FakeClock, seconds: float, third: str
) -> None:
    """The processes that count may read the time so far apart."""
    ask = asking(limited, store, blocking("1/hour"))
    assert [kind(get(ask)) for _ in range(3)] == ["200", "quota-exceeded", "quota-exceeded"]
    clock.advance(seconds)
    assert kind(get(ask)) == third


def test_a_denial_that_is_forgotten_soon_counts_for_half_of_that_time() -> None:
    three_seconds = BlockPolicy(3, 9_000_000_003, 9_000_000_003)
    assert three_seconds.unit_ns == 3_000_000_001
    assert three_seconds.room_ns == 2 * 3_000_000_001 + 1_500_000_000
    assert BlockPolicy(7, 10**10, 10**10).unit_ns == 1_428_571_429, "in whole nanoseconds"


def test_one_denial_may_be_enough(limited: Limited, store: Any) -> None:
    ask = asking(limited, store, blocking(after=1))
    assert [kind(get(ask)) for _ in range(3)] == ["200", "200", "abnormal-usage-detected"]


def test_a_block_holds_in_every_process(limited: Limited, store: Any, clock: FakeClock) -> None:
    first, second, third = (asking(limited, store, blocking()) for _ in range(3))
    block(first)
    assert kind(get(second)) == "abnormal-usage-detected"
    clock.advance(5 * MINUTE)
    response = get(third)
    assert kind(response) == "abnormal-usage-detected"
    assert response.headers["retry-after"] == str(5 * MINUTE)


def test_denials_in_all_processes_add_up(limited: Limited, store: Any) -> None:
    processes = [asking(limited, store, blocking(after=4)) for _ in range(4)]
    kinds = [kind(get(ask)) for ask in processes * 2]
    assert kinds == ["200", "200", *["quota-exceeded"] * 3, *["abnormal-usage-detected"] * 3]


def test_others_are_not_blocked(limited: Limited, store: Any) -> None:
    ask = asking(limited, store, blocking())
    block(ask)
    assert kind(get(ask, "192.0.2.8")) == "200"


def test_a_reset_lifts_the_block_and_forgets_those_before(
    limited: Limited, store: Any, clock: FakeClock
) -> None:
    ask = asking(limited, store, blocking())
    for _ in range(2):
        clock.advance(block(ask))
    block(ask)
    RateLimiter(store, "2/minute").reset(("api", "192.0.2.7"))
    assert [kind(get(ask)) for _ in range(3)] == ["200", "200", "quota-exceeded"]
    assert block(ask) == 10 * MINUTE


def test_a_block_that_another_process_lifted_is_not_told_any_more(
    limited: Limited, store: Any, clock: FakeClock
) -> None:
    ask, other = (asking(limited, store, blocking(), deny_cache=0) for _ in range(2))
    block(other)
    clock.advance(0.001)
    # As a process does that is none of these.
    store.send(Delete("api:192.0.2.7"), time.monotonic_ns() + 10**10)
    assert [kind(get(ask)) for _ in range(3)] == ["200", "200", "quota-exceeded"]
    assert kind(get(other)) == "quota-exceeded"


@pytest.mark.parametrize(("waited", "retry_after"), [(29, 571), (28, 600)])
def test_a_limit_that_denies_for_more_than_a_second_less_shows_that_a_block_was_lifted(
    limited: Limited, waited: int, retry_after: int
) -> None:
    store = FlakyStore()
    ask = asking(limited, store, blocking("2/minute", after=1))
    assert block(ask) == 600
    store.time.advance(waited)
    of_another_process = MemoryStore(clock=store.time)
    of_another_process.send = store.send  # type: ignore[method-assign]
    limiter = RateLimiter(of_another_process, "2/minute")
    store.send(Delete("api:192.0.2.7"), 0)
    assert limiter.charge(KEY, 20).retry_after == 570
    assert int(get(ask).headers["retry-after"]) == retry_after


def test_many_limits_and_several_rules_are_blocked_alike(
    limited: Limited, store: Any, clock: FakeClock
) -> None:
    rules = [blocking(["2/minute", "100/day"]), Rule("/*", "1000/day", name="all")]
    ask = limited(store=store, rules=rules, deadline=10)
    assert block(ask) == 10 * MINUTE
    assert kind(get(limited(store=store, rules=rules, deadline=10))) == "abnormal-usage-detected"
    clock.advance(10 * MINUTE)
    assert kind(get(ask)) == "200"


def test_a_block_that_one_plan_began_denies_by_the_limits_of_another(
    limited: Limited, store: Any, clock: FakeClock
) -> None:
    def plan(request: Any) -> str:
        return "2/minute" if request.header("x-plan") is None else "1/minute"

    ask = asking(limited, store, blocking(plan))
    block(ask)
    paid = Get(headers={**JSON, "x-plan": "paid"})
    kinds = [kind(ask(paid)) for _ in range(4)]
    assert kinds == ["200", *["abnormal-usage-detected"] * 3]
    clock.advance(5 * MINUTE)
    assert kind(ask(paid)) == "abnormal-usage-detected"


def test_in_shadow_mode_blocks_are_told_and_deny_nobody(limited: Limited, store: Any) -> None:
    told: list[RuleDecision] = []
    ask = asking(limited, store, blocking(enforce=False), on_decision=told.append)
    assert [get(ask).status for _ in range(6)] == [200] * 6
    sources = [one.decision.source for one in told if not one.decision.allowed]
    assert sources[-2:] == ["blocked", "blocked"]


def test_an_outage_neither_counts_nor_blocks(limited: Limited) -> None:
    store = FlakyStore()
    ask = asking(limited, store, blocking(), on_outage="deny")
    get(ask)
    store.failure = StoreUnavailable("no answer")
    assert {get(ask).status for _ in range(2)} == {503}
    store.failure = None
    assert kind(get(ask)) == "200"


def test_a_denial_that_can_not_be_counted_stands(limited: Limited) -> None:
    store = FlakyStore()
    ask = asking(limited, store, blocking())
    assert [kind(get(ask)) for _ in range(3)] == ["200", "200", "quota-exceeded"]
    store.failure = StoreUnavailable("no answer")
    assert [kind(get(ask)) for _ in range(5)] == ["quota-exceeded"] * 5


@pytest.mark.parametrize("by_itself", [True, False])
def test_whoever_took_the_last_violation_and_failed_is_made_up_for_by_the_next(
    limited: Limited, by_itself: bool
) -> None:
    store = FlakyStore()
    rule = blocking()
    ask = asking(limited, store, rule)
    sends = MemoryStore.send
    writes = 0

    def dies_before_the_block(operation: Any, deadline_ns: int) -> Any:
        nonlocal writes
        if ":blocked" in getattr(operation, "names", ()):
            writes += 1
            if writes > 3:
                raise StoreUnavailable("it has died")
        return sends(store, operation, deadline_ns)

    store.send = dies_before_the_block  # type: ignore[method-assign]
    assert [kind(get(ask)) for _ in range(5)] == ["200", "200", *["quota-exceeded"] * 3]
    del store.send
    ask = ask if by_itself else asking(limited, store, rule)
    assert kind(get(ask)) == "abnormal-usage-detected"


def test_p7_a_block_costs_a_write_for_each_violation_and_one_more(limited: Limited) -> None:
    store = FlakyStore()
    ask = asking(limited, store, blocking(after=20), deny_cache=5)
    get(ask), get(ask)
    store.operations.clear()
    for _ in range(500):
        get(ask)
    writes = [one for one in store.operations if ":blocked" in getattr(one, "names", ())]
    assert len(writes) <= 20 + 1 + 1  # and one whose branch was guessed
    others = [one for one in store.operations if hasattr(one, "cost_ns") and one not in writes]
    assert len(others) <= 1


def test_p7_a_block_costs_other_processes_two_refused_writes(
    dynamodb_endpoint: str, clock: FakeClock
) -> None:
    calls: list[AnsweredCall] = []
    with rate_limit_table(dynamodb_endpoint) as table:
        first = DynamoDBStore(table, endpoint_url=dynamodb_endpoint, clock=clock)
        other = DynamoDBStore(
            table, endpoint_url=dynamodb_endpoint, clock=clock, on_call=calls.append
        )
        block(asking(limited_wsgi, first, blocking()))
        ask = asking(limited_wsgi, other, blocking())
        assert {kind(get(ask)) for _ in range(200)} == {"abnormal-usage-detected"}
        assert [call.refused for call in calls if call.operation == "UpdateItem"] == [True, True]
        first.close()
        other.close()


SECOND_NS = 1_000_000_000
ANY_NS = 2**62


def written(store: FlakyStore) -> list[Take]:
    """The writes that count and block, since the last call."""
    takes = [one for one in store.operations if isinstance(one, Take) and BLOCKED in one.names]
    store.operations.clear()
    return takes


@pytest.mark.parametrize(("off_ns", "kept_seconds"), [(-1, 1_800_007_200), (0, 1_800_010_800)])
def test_what_is_written_of_violations_and_of_blocks(off_ns: int, kept_seconds: int) -> None:
    store = FlakyStore()
    now_ns = store.time.now_ns = 1_800_003_000 * SECOND_NS + off_ns
    ask = asking(limited_wsgi, store, blocking())
    for _ in range(5):
        get(ask)
    counted = Take(
        "api:192.0.2.7",
        (":violations", ":blocked", ":blocks", "2-per-minute"),
        (True, True, False, False),
        now_ns,
        (now_ns, now_ns + 1, 0, 0),
        (200 * SECOND_NS, -now_ns - 1, 0, 0),
        (402 * SECOND_NS, 0, ANY_NS, ANY_NS),
        1_800_003_600,
        extends=True,
    )
    # Until 30 s after the block a bucket of 60 s has no token; and nothing is in turn after it.
    denies_ns = now_ns + 630 * SECOND_NS - 1
    block_adds_ns = (600 + 3_600) * SECOND_NS
    began = counted._replace(
        idle=(False, True, True, True),
        base_ns=(0, now_ns + 1, now_ns, denies_ns),
        cost_ns=(0, 600 * SECOND_NS - 1, block_adds_ns, 1),
        room_ns=(ANY_NS, 0, 3_600 * SECOND_NS, kept_seconds * SECOND_NS - denies_ns - 1),
        expires_at_seconds=kept_seconds,
    )
    again = counted._replace(idle=(False, True, False, False))
    assert written(store) == [counted, again, again, began]

    # A process with another plan's limits has them deny until the same end.
    store.time.advance(100)
    later_ns, ends_ns = store.time.now_ns, now_ns + 600 * SECOND_NS
    other = asking(limited_wsgi, store, blocking("1/minute"))
    get(other), get(other)
    _, joins = written(store)
    assert joins == counted._replace(
        names=(*counted.names[:3], "1-per-minute"),
        idle=(False, False, False, True),
        now_ns=later_ns,
        base_ns=(0, ends_ns, 0, ends_ns - 1),
        cost_ns=(0, 0, 0, 1),
        room_ns=(ANY_NS, 0, ANY_NS, (1_800_014_400 * SECOND_NS) - ends_ns),
        expires_at_seconds=1_800_014_400,
    )

    # Then one block is remembered, so the next is twice as long, and added beside it.
    store.time.advance(500)
    for _ in range(4):
        get(other)
    *_, second = written(store)
    assert second == joins._replace(
        idle=(False, True, False, True),
        now_ns=ends_ns,
        base_ns=(0, ends_ns + 1, ends_ns, ends_ns + 1_200 * SECOND_NS - 1),
        cost_ns=(0, 1_200 * SECOND_NS - 1, (1_200 + 3_600) * SECOND_NS, 1),
        room_ns=(
            ANY_NS,
            0,
            3_600 * SECOND_NS,
            (1_800_014_400 - 1_200) * SECOND_NS - ends_ns,
        ),
    )


def test_a_key_that_owes_just_as_long_as_a_block_would_deny_is_blocked(limited: Limited) -> None:
    store = FlakyStore()
    RateLimiter(store, "2/minute").charge(KEY, 21)
    store.time.advance_ns(1)
    ask = asking(limited, store, blocking(after=1))
    assert kind(get(ask)) == "abnormal-usage-detected"


class SetsItsClock(FlakyStore):
    """Finds at the first violation that its clock was an hour behind."""

    moved = False

    def send(self, operation: Any, deadline_ns: int) -> Any:
        if isinstance(operation, Take) and BLOCKED in operation.names and not self.moved:
            self.moved = True
            self.operations.append(operation)
            self.time.advance(3_600)
            raise ClockMoved("an hour")
        return super().send(operation, deadline_ns)


def test_what_is_written_by_a_clock_that_was_wrong_is_made_anew() -> None:
    store = SetsItsClock()
    now_ns = store.time.now_ns
    ask = asking(limited_wsgi, store, blocking())
    for _ in range(3):
        get(ask)
    wrong, right = written(store)
    later_ns = now_ns + 3_600 * SECOND_NS
    assert right == wrong._replace(
        now_ns=later_ns,
        base_ns=(later_ns, later_ns + 1, 0, 0),
        cost_ns=(200 * SECOND_NS, -later_ns - 1, 0, 0),
        expires_at_seconds=1_800_007_200,
    )


class KeepsForLong(FlakyStore):
    """Its items are kept for years, since another limiter needs it."""

    def send(self, operation: Any, deadline_ns: int) -> Any:
        result = super().send(operation, deadline_ns)
        if isinstance(operation, Take):
            return result._replace(expires_at_seconds=1_900_000_800)
        return result


def test_what_is_written_of_blocks_moves_no_later_expiry() -> None:
    store = KeepsForLong()
    ask = asking(limited_wsgi, store, blocking())
    for _ in range(5):
        get(ask)
    assert [take.extends for take in written(store)] == [False] * 4
    store.time.advance(600)
    for _ in range(3):
        get(ask)
    taken = [one.extends for one in store.operations if isinstance(one, Take)]
    assert taken == [False] * len(taken)


def test_blocks_that_all_last_alike_are_remembered_for_no_longer() -> None:
    store = FlakyStore()
    ask = asking(limited_wsgi, store, blocking(block_for=90, up_to=None, after=1))
    for _ in range(3):
        get(ask)
    *_, block = written(store)
    assert block.cost_ns == (0, 90 * SECOND_NS - 1, 90 * SECOND_NS, 1)
    assert block.room_ns[2] == 90 * SECOND_NS


@pytest.mark.parametrize(
    ("limit", "block_seconds", "denied_seconds", "retry_seconds", "reset_seconds"),
    [
        (Limit(2, 60.0), 600, 30, 600, 630),  # full again a window less a token's time later
        (Limit(2, 60.0), 600, 700, 700, 730),
        (Limit(2, 60.0), 5, 30, 30, 60),
        (Quota(2, "day"), 600, 30, 600, 600),
        (Quota(2, "day"), 5, 30, 30, 60),
    ],
)
def test_a_blocked_denial_lasts_as_long_as_the_longer_of_both(
    limit: Limit | Quota,
    block_seconds: int,
    denied_seconds: int,
    retry_seconds: int,
    reset_seconds: int,
) -> None:
    denied_ns = denied_seconds * SECOND_NS
    denial = Decision(False, 1, denied_ns, denied_ns + 30 * SECOND_NS, limit)
    now_ns = 1_800_000_000 * SECOND_NS
    assert blocked(denial, now_ns + block_seconds * SECOND_NS, now_ns) == Decision(
        False, 0, retry_seconds * SECOND_NS, reset_seconds * SECOND_NS, limit, source="blocked"
    )
    over = blocked(denial._replace(retry_after_ns=0, reset_after_ns=0), now_ns, now_ns)
    assert over.retry_after_ns == 1


BY_HAND = [
    pytest.param(Rule("/*", "2/minute", name="api"), id="plain"),
    pytest.param(Rule("/*", ["2/minute", "9/hour"], name="api"), id="two limits"),
    pytest.param(Rule("/*", ["2/minute", "9 per calendar day"], name="api"), id="with a quota"),
    pytest.param(Rule("/*", "9 per calendar day", name="api"), id="a quota"),
    pytest.param(blocking(), id="that blocks by itself"),
    pytest.param(Rule("/*", lambda _: "2/minute", name="api"), id="by the request"),
]
KEY = ("api", "192.0.2.7")
DAY = 86_400


def limits_of(rule: Rule) -> Any:
    return "2/minute" if callable(rule.limits) else rule.limits


@pytest.mark.parametrize("rule", BY_HAND)
def test_a_key_that_was_blocked_by_hand_is_told_so(
    limited: Limited, store: Any, clock: FakeClock, rule: Rule
) -> None:
    ask = asking(limited, store, rule)
    assert kind(get(ask)) == "200"
    limiter = RateLimiter(store, limits_of(rule), deadline=10)
    limiter.block(KEY, 2 * DAY)
    assert [kind(get(ask)) for _ in range(3)] == ["abnormal-usage-detected"] * 3
    assert int(get(ask).headers["retry-after"]) >= 2 * DAY
    assert kind(get(asking(limited, store, rule))) == "abnormal-usage-detected"
    assert kind(get(ask, "192.0.2.8")) == "200"
    limiter.reset(KEY)
    assert kind(get(ask)) == "200"
    limiter.block(KEY, 2 * DAY)
    clock.advance(3 * DAY)
    assert kind(get(ask)) == "200"


def test_a_key_that_was_blocked_by_hand_is_told_so_by_the_limits_of_another_plan(
    limited: Limited, store: Any
) -> None:
    RateLimiter(store, "9/minute", deadline=10).block(KEY, 600)
    ask = asking(limited, store, blocking("1/minute"))
    assert [kind(get(ask)) for _ in range(3)] == ["200", *["abnormal-usage-detected"] * 2]


def test_a_key_that_owes_is_not_blocked(limited: Limited, store: Any) -> None:
    ask = asking(limited, store, Rule("/*", "2/minute", name="api"))
    RateLimiter(store, "2/minute", deadline=10).charge(KEY, 50)
    assert kind(get(ask)) == "quota-exceeded"


def test_a_block_that_is_over_is_not_told_of_a_key_that_owes(limited: Limited) -> None:
    store = FlakyStore()
    ask = asking(limited, store, Rule("/*", "2/minute", name="api"))
    limiter = RateLimiter(store, "2/minute")
    limiter.block(KEY, 60)
    limiter.charge(KEY, 50)
    store.time.advance(59.999)
    assert kind(get(ask)) == "abnormal-usage-detected"
    store.time.advance(0.001)
    assert kind(get(ask)) == "quota-exceeded"


def test_a_block_that_ends_at_this_instant_is_told_by_no_process(limited: Limited) -> None:
    store = FlakyStore()
    block(asking(limited, store, blocking("2/minute", after=1)))
    RateLimiter(store, "2/minute").charge(KEY, 50)
    store.time.advance(600)
    other = asking(limited, store, blocking("2/minute"))
    assert kind(get(other)) == "quota-exceeded"


def test_that_a_key_is_not_blocked_is_believed_as_long_as_any_denial(limited: Limited) -> None:
    store = FlakyStore()
    ask = asking(limited, store, Rule("/*", "2/minute", name="api"))
    of_another_process = MemoryStore(clock=store.time)
    of_another_process.send = store.send  # type: ignore[method-assign]
    limiter = RateLimiter(of_another_process, "2/minute")
    limiter.charge(KEY, 50)
    assert kind(get(ask)) == "quota-exceeded"
    limiter.block(KEY, DAY)
    store.time.advance(60)
    assert kind(get(ask)) == "abnormal-usage-detected"


def test_a_block_that_has_just_ended_is_looked_up_again(limited: Limited) -> None:
    store = FlakyStore()
    ask = asking(limited, store, Rule("/*", "2/minute", name="api"))
    of_another_process = MemoryStore(clock=store.time)
    of_another_process.send = store.send  # type: ignore[method-assign]
    limiter = RateLimiter(of_another_process, "2/minute")
    limiter.charge(KEY, 50)
    limiter.block(KEY, 60)
    assert kind(get(ask)) == "abnormal-usage-detected"
    store.time.advance(60)
    limiter.block(KEY, DAY)
    assert kind(get(ask)) == "abnormal-usage-detected"


@pytest.mark.parametrize(("beyond_ns", "may_be"), [(0, False), (1, True)])
def test_a_denial_of_a_quota_that_lasts_a_second_beyond_its_window_may_be_a_block(
    beyond_ns: int, may_be: bool
) -> None:
    now_ns, day_ns = 1_800_000_000 * 10**9, 86_400 * 10**9
    lasts_ns = day_ns - now_ns % day_ns + 10**9 + beyond_ns
    denial = Decision(False, 0, lasts_ns, lasts_ns, Quota(2, "day"))
    nothing: Any = None
    assert BlockLookup(nothing, nothing).may_deny(denial, 1, lambda: now_ns) is may_be


@pytest.mark.parametrize("limit", ["2/minute", "2 per calendar day"])
def test_p7_a_denial_that_is_no_block_reads_nothing(limited: Limited, limit: str) -> None:
    store = FlakyStore()
    ask = asking(limited, store, Rule("/*", limit, name="api"))
    get(ask), get(ask)
    store.operations.clear()
    assert {kind(get(ask)) for _ in range(50)} == {"quota-exceeded"}
    assert not [one for one in store.operations if isinstance(one, Read)]


def test_p7_whether_a_key_is_blocked_is_read_once(limited: Limited) -> None:
    store = FlakyStore()
    ask = asking(limited, store, Rule("/*", "2/minute", name="api"))
    limiter = RateLimiter(store, "2/minute")
    limiter.block(KEY, DAY)
    for _ in range(50):
        get(ask)
        store.time.advance(60)
    assert len([one for one in store.operations if isinstance(one, Read)]) == 1
    limiter.reset(KEY)
    limiter.charge(KEY, 50)
    store.operations.clear()
    assert {kind(get(ask)) for _ in range(50)} == {"quota-exceeded"}
    assert len([one for one in store.operations if isinstance(one, Read)]) == 1


def test_an_outage_leaves_a_denial_as_it_is(limited: Limited) -> None:
    store = FlakyStore()
    ask = asking(limited, store, Rule("/*", "2/minute", name="api"))
    RateLimiter(store, "2/minute").block(KEY, DAY)
    sends = store.send

    def not_to_be_read(operation: Any, deadline_ns: int) -> Any:
        if isinstance(operation, Read):
            raise StoreUnavailable("gone")
        return sends(operation, deadline_ns)

    store.send = not_to_be_read  # type: ignore[method-assign]
    assert kind(get(ask)) == "quota-exceeded"


def test_of_many_denials_at_once_exactly_one_blocks(
    limited: Limited, dynamodb_endpoint: str
) -> None:
    """Forty threads on four stores: the block is one, and not a longer one."""
    with rate_limit_table(dynamodb_endpoint) as table:
        stores = [DynamoDBStore(table, endpoint_url=dynamodb_endpoint) for _ in range(4)]
        processes = [asking(limited_wsgi, one, blocking("1/minute", after=10)) for one in stores]
        with ThreadPoolExecutor(40) as pool:
            responses = list(pool.map(get, processes * 40))
        kinds = [kind(response) for response in responses]
        assert kinds.count("200") == 1
        assert kinds.count("quota-exceeded") == 9
        ends = {
            int(response.headers["retry-after"])
            for response in responses
            if kind(response) == "abnormal-usage-detected"
        }
        assert ends
        assert min(ends) >= 9 * MINUTE
        assert max(ends) <= 10 * MINUTE + 1  # whose clock was read before the block began
        for one in stores:
            one.close()


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"block_after": 3}, ValueError, "block_for is required"),
        ({"block_for": 60}, ValueError, "block_after is required"),
        ({"up_to": 60}, ValueError, "block_after is required"),
        ({"block_after": 0, "block_for": 60}, ValueError, "block_after 0: must be from 1"),
        ({"block_after": True, "block_for": 60}, TypeError, "block_after True: must be an int"),
        ({"block_after": 3, "block_for": "soon"}, ValueError, "block_for 'soon': write '10 min"),
        ({"block_after": 3, "block_for": "3 moons"}, ValueError, "block_for '3 moons': write"),
        ({"block_after": 3, "block_for": []}, TypeError, r"block_for \[\]: must be seconds"),
        ({"block_after": 3, "block_for": 0.5}, ValueError, "must be from 1 second to 366 days"),
        (
            {"block_after": 3, "block_for": 60, "up_to": 59},
            ValueError,
            "up_to 59: must be at least block_for, 60",
        ),
    ],
)
def test_what_can_not_hold_is_refused_when_the_rule_is_made(
    options: Any, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        Rule("/*", "2/minute", **options)


def test_a_rule_about_messages_alone_can_not_block() -> None:
    with pytest.raises(ValueError, match="block_after needs limits, which deny"):
        Rule("/chat", messages="5/second", block_after=3, block_for=60)
