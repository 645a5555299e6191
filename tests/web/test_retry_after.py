"""When to come back: Retry-After and ``t`` are never earlier than the fact, whatever the rules."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import http_sf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.web import Rule, RuleDecision
from tests.fake_clock import FakeClock
from tests.property.strategies import gaps_ns, limits
from tests.web.exchange import Get, Limited, Response, limited_asgi, limited_wsgi

CLIENT = "192.0.2.7"


class Step(NamedTuple):
    """A request, so long after the one before."""

    gap_ns: int
    cost: int


class Case(NamedTuple):
    """The limits of each rule, the requests, and how the middleware remembers."""

    rules: list[list[Limit]]
    steps: list[Step]
    deny_cache: float

    def made(self) -> list[Rule]:
        """The rules, ``r0`` first, each request paying what its header says."""
        return [
            Rule("/*", on, name=f"r{index}", cost=lambda r: int(r.header("x-cost") or 0))
            for index, on in enumerate(self.rules)
        ]


@st.composite
def cases(draw: st.DrawFn, most_limits: int = 2) -> Case:
    several = st.integers(1, most_limits).flatmap(
        lambda count: st.tuples(*(limits(f"l{n}") for n in range(count))).map(list)
    )
    rules = draw(st.lists(several, min_size=1, max_size=3))
    flat = [limit for on in rules for limit in on]
    gap = gaps_ns(draw(st.sampled_from(flat)).unit_ns) | st.integers(0, 7 * SECOND_NS)
    cost = st.integers(1, min(limit.burst for limit in flat))
    steps = draw(st.lists(st.builds(Step, gap, cost), min_size=1, max_size=10))
    return Case(rules, steps, draw(st.sampled_from([5.0, 0.0])))


def asking(cost: int) -> Get:
    return Get(headers={"x-cost": str(cost)})


def tokens(store: MemoryStore, limit: Limit, rule: str) -> int:
    """What a limit's bucket holds, by another process's reading."""
    return RateLimiter(store, limit).peek((rule, CLIENT)).remaining


def would_pass(store: MemoryStore, rules: list[list[Limit]], cost: int) -> bool:
    """Whether a request would be admitted now, looked at without taking anything."""
    peeks = [
        RateLimiter(store, on).peek((f"r{n}", CLIENT), cost=cost) for n, on in enumerate(rules)
    ]
    return all(peek.allowed for peek in peeks)


@contextlib.contextmanager
def clock_ahead(clock: FakeClock, by_ns: int) -> Iterator[None]:
    """A look into the future, for those who only look."""
    clock.advance_ns(by_ns)
    yield
    clock.advance_ns(-by_ns)


def all_tokens(store: MemoryStore, rules: list[list[Limit]]) -> list[int]:
    return [tokens(store, limit, f"r{n}") for n, on in enumerate(rules) for limit in on]


ASKING = pytest.mark.parametrize("limited", [limited_asgi, limited_wsgi])


# The memory of one denial is trusted for 5 s, of another it is not any more.
STALE = Case(
    [[Limit(1, 10, name="l0")], [Limit(1, 3600, name="l0")]],
    [Step(0, 1), Step(6 * SECOND_NS, 1), Step(SECOND_NS, 1)],
    5.0,
)


@ASKING
@settings(max_examples=30)
@given(cases())
@example(STALE)
def test_at_retry_after_the_request_is_admitted(limited: Limited, case: Case) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    ask = limited(store=store, rules=case.made(), deny_cache=case.deny_cache)
    for step in case.steps:
        clock.advance_ns(step.gap_ns)
        response = ask(asking(step.cost))
        if response.status == 429:
            with clock_ahead(clock, int(response.headers["retry-after"]) * SECOND_NS):
                assert would_pass(store, case.rules, step.cost)
    if response.status == 429:
        clock.advance(int(response.headers["retry-after"]))
        assert ask(asking(step.cost)).status == 200


@settings(max_examples=30)
@given(cases())
@example(STALE)
def test_p4_the_longest_wait_is_exact(case: Case) -> None:
    clock, told = FakeClock(), list[RuleDecision]()
    store = MemoryStore(clock=clock)
    ask = limited_wsgi(
        store=store, rules=case.made(), deny_cache=case.deny_cache, on_decision=told.append
    )
    for step in case.steps:
        clock.advance_ns(step.gap_ns)
        told.clear()
        if ask(asking(step.cost)).status == 429:
            wait_ns = max(one.decision.retry_after_ns for one in told)
            with clock_ahead(clock, wait_ns - 1):
                assert not would_pass(store, case.rules, step.cost)
            with clock_ahead(clock, wait_ns):
                assert would_pass(store, case.rules, step.cost)


@ASKING
@settings(max_examples=25)
@given(cases())
def test_p3_and_p5_all_rules_are_charged_or_none(limited: Limited, case: Case) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    ask = limited(store=store, rules=case.made(), deny_cache=case.deny_cache)
    for step in case.steps:
        clock.advance_ns(step.gap_ns)
        before = all_tokens(store, case.rules)
        taken = step.cost if ask(asking(step.cost)).status == 200 else 0
        assert all_tokens(store, case.rules) == [one - taken for one in before]


def told_of(response: Response) -> list[tuple[str, int, int]]:
    """The items of RateLimit: the policy, and its ``r`` and ``t``."""
    items: Any = http_sf.parse(response.headers["ratelimit"].encode(), tltype="list")
    return [(name, parameters["r"], parameters["t"]) for name, parameters in items]


@ASKING
@settings(max_examples=30)
@given(cases(most_limits=1))
def test_the_next_token_comes_after_t_seconds(limited: Limited, case: Case) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    ask = limited(store=store, rules=case.made(), deny_cache=case.deny_cache)
    for step in case.steps:
        clock.advance_ns(step.gap_ns)
        response = ask(asking(step.cost))
        if response.status != 200:
            continue
        told = told_of(response)
        assert [name for name, _, _ in told] == [f"r{n}" for n in range(len(case.rules))]
        for (limit,), (name, remaining, seconds) in zip(case.rules, told, strict=True):
            assert tokens(store, limit, name) == remaining
            if not seconds:
                assert remaining == limit.burst
                continue
            with clock_ahead(clock, (seconds - 1) * SECOND_NS):
                assert tokens(store, limit, name) == remaining
            with clock_ahead(clock, seconds * SECOND_NS):
                assert tokens(store, limit, name) > remaining


@settings(max_examples=30)
@given(cases(most_limits=3))
def test_with_several_limits_t_is_never_too_early(case: Case) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    ask = limited_wsgi(store=store, rules=case.made())
    for step in case.steps:
        clock.advance_ns(step.gap_ns)
        response = ask(asking(step.cost))
        for name, remaining, seconds in told_of(response):
            rule, _, limit_name = name.partition(":")
            on = {limit.name: limit for limit in case.rules[int(rule[1:])]}
            limit = on[limit_name or next(iter(on))]
            assert tokens(store, limit, rule) == remaining
            with clock_ahead(clock, seconds * SECOND_NS):
                assert tokens(store, limit, rule) >= min(remaining + 1, limit.burst)


def test_retry_after_is_the_longest_of_all_denying_rules(
    limited: Limited, clock: FakeClock
) -> None:
    waits = {"short": "1/5 seconds", "long": "1/hour", "middle": "1/minute", "none": "9/minute"}
    rules = [Rule("/*", notation, name=name) for name, notation in waits.items()]
    store = MemoryStore(clock=clock)
    limited(store=store, rules=rules)(Get())
    ask = limited(store=store, rules=rules)
    assert ask(Get()).headers["retry-after"] == "3600", "asked of the table"
    assert ask(Get()).headers["retry-after"] == "3600", "told from memory"
    clock.advance(3599)
    assert ask(Get()).headers["retry-after"] == "1"
    clock.advance(1)
    assert ask(Get()).status == 200
