"""Stores and limiters, as users annotate them; see README.md."""

from __future__ import annotations

from typing import assert_type

from ratelimit_ddb import (
    AsyncConcurrencyLimiter,
    AsyncRateLimiter,
    AsyncSlot,
    ConcurrencyLimiter,
    Decision,
    DynamoDBStore,
    Limit,
    LimiterDecision,
    MemoryStore,
    Quota,
    RateLimited,
    RateLimiter,
    Slot,
    SlotLimit,
    Store,
    __version__,
    rate_limited,
)
from ratelimit_ddb.log import log_decisions
from ratelimit_ddb.web import GateOptions
from sessions import DynamoDBSessionStore, MemorySessionStore
from sessions import Store as SessionStore

memory: Store = MemoryStore()
table: Store = DynamoDBStore("rate-limits", region_name="eu-central-1")
sessions_in_memory: SessionStore = MemorySessionStore()
sessions_in_a_table: SessionStore = DynamoDBSessionStore("sessions", region_name="eu-central-1")

assert_type(__version__, str)


def store_of_the_site(name: str | None) -> Store:
    return DynamoDBStore(name) if name else MemoryStore()


reports = ConcurrencyLimiter(store_of_the_site(None), 20, lifetime=60)
with reports.slot("report", max_wait=1, on_lost=print) as held:
    assert_type(held, Slot)
    assert_type(held.lost, bool)
assert_type(reports.acquire("report").decision, Decision)
assert_type(reports.limit, SlotLimit)


@reports.slot("report")
def report(year: int) -> str:
    return str(year)


assert_type(report(2026), str)


async def hold(limiter: AsyncConcurrencyLimiter) -> None:
    async with limiter.slot(("report", 17)) as slot:
        assert_type(slot, AsyncSlot)
    await (await limiter.acquire("report")).release()


limiter = RateLimiter(store_of_the_site(None), "100/minute")
several = AsyncRateLimiter(MemoryStore(), ["10/second burst 20", Limit(1_000, 3_600.0)])

decision = limiter.acquire("api:user-123", cost=2, max_wait=0.5)
assert_type(decision, Decision)
assert_type(decision.retry_after, float)
assert_type(limiter.limits, tuple[Limit | Quota, ...])
assert_type(RateLimited("key", decision).decision, Decision)
assert_type(limiter.refund(decision, cost=1), bool)
limiter.acquire(("api", 5))
with MemoryStore() as for_a_while:
    assert_type(for_a_while, MemoryStore)
with DynamoDBStore("rate-limits", region_name="eu-central-1") as of_a_script:
    assert_type(of_a_script, DynamoDBStore)


async def decide() -> None:
    async with DynamoDBStore("rate-limits", region_name="eu-central-1") as store:
        assert_type(store, DynamoDBStore)
    assert_type(await several.acquire(("api", "user-123")), Decision)


def count(told: LimiterDecision) -> None:
    assert_type(told.decision, Decision)
    assert_type(told.capacity_units, float | None)


RateLimiter(MemoryStore(), "1/minute", on_outage="local", on_decision=[count, log_decisions()])
options: GateOptions = {"on_outage": "local", "on_decision": log_decisions()}


@rate_limited("1/minute", store=MemoryStore(), on_decision=count)
def send_code(user: str) -> int:
    return len(user)


assert_type(send_code("ada"), int)


# What is wrong is told while it is written.
RateLimiter("rate-limits", "1/minute")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
RateLimiter(MemorySessionStore(), "1/minute")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
RateLimiter(MemoryStore(), 5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
RateLimiter(MemoryStore(), "1/minute", on_outage="pass")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
limiter.acquire("key", 2)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
limiter.refund("key")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
