"""Reservations, charges and blocks in seeded histories: wrong clocks and lost replies."""

from __future__ import annotations

from random import Random

import pytest

from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.operations.operation import Take
from tests.simulation.network import Network
from tests.simulation.plan import Plan, plan_of
from tests.simulation.process import Process
from tests.simulation.record import Change, Request
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.table import Table

_START_NS = 1_800_000_000 * SECOND_NS
_KEY = "key"
_CALLS = 15


def _play(seed: int) -> list[Change]:
    """What the table applied, in its order."""
    random = Random(seed)
    plan = plan_of(random)
    scheduler = Scheduler(_START_NS)
    table = Table(scheduler)
    network = Network(scheduler, table, plan.weather, random)
    for number, clock in enumerate(plan.clocks):
        process = Process(number, scheduler, network, table, clock, plan.deny_cache_ns)
        process.limit_by(plan.limits)
        scheduler.start(_caller(process, plan, random), random.randrange(plan.pause_ns + 1))
    scheduler.run()
    return table.changes


def _caller(process: Process, plan: Plan, random: Random) -> Task:
    reserved: list[Request] = []
    burst = min(limit.burst for limit in plan.limits)
    for _ in range(_CALLS):
        kind = random.random()
        if kind < 0.5:
            yield from process.acquire(_KEY, 1 + random.randrange(burst), 0, 0)
            request = process.requests[-1]
            if request.decision is not None and request.decision.taken is not None:
                reserved.append(request)
        elif kind < 0.8 and reserved:
            request = reserved.pop(random.randrange(len(reserved)))
            used = random.randrange(2 * request.cost + 1)
            if used > request.cost:
                yield from process.charge(_KEY, used - request.cost)
            elif used < request.cost:
                yield from process.refund(request, request.cost - used)
        elif kind < 0.9:
            yield from process.charge(_KEY, 1 + random.randrange(2 * burst))
        else:
            yield from process.block(_KEY, 1 + random.randrange(5 * SECOND_NS))
        yield int(random.random() ** 2 * 3 * plan.pause_ns)


def _most_ns(changes: list[Change], limit: Limit) -> int:
    """By how much what could be refused, and all up to it, exceeds the time that passed."""
    running_ns, least_ns, most_ns = 0, None, 0
    for change in changes:
        operation, request = change.operation, change.request
        index = [one.name for one in request.limits].index(limit.name)
        if not isinstance(operation, Take):
            running_ns -= operation.amount_ns[index]  # type: ignore[union-attr]  # no resets here
            continue
        if request.what == "block":
            continue
        after_ns = change.after_ns[index]
        assert after_ns is not None
        asked = request.what == "acquire"
        instant_ns = (
            max(operation.now_ns, after_ns - limit.window_ns) if asked else operation.now_ns
        )
        bracket_ns = running_ns - instant_ns
        least_ns = bracket_ns if least_ns is None else min(least_ns, bracket_ns)
        running_ns += operation.cost_ns[index]
        if asked:
            most_ns = max(most_ns, running_ns - instant_ns - least_ns)
    return most_ns


def _taken_while_blocked(changes: list[Change]) -> Change | None:
    """The first take under a block, whatever was given back meanwhile."""
    blocked_until_ns = 0
    for change in changes:
        operation, request = change.operation, change.request
        if request.what == "block":
            assert isinstance(operation, Take)
            blocked_until_ns = max(blocked_until_ns, operation.now_ns + request.wait_ns)
        elif request.what == "acquire":
            assert isinstance(operation, Take)
            if operation.now_ns < blocked_until_ns:
                return change
    return None


@pytest.mark.parametrize("first_seed", range(0, 2_000, 500))
def test_p1_and_blocks_hold_with_reservations_and_charges_over_every_history(
    first_seed: int,
) -> None:
    for seed in range(first_seed, first_seed + 500):
        changes = _play(seed)
        for limit in changes[0].request.limits if changes else ():
            assert _most_ns(changes, limit) <= limit.window_ns, f"P1: seed {seed}: {limit}"
        taken = _taken_while_blocked(changes)
        assert taken is None, f"seed {seed}: taken while blocked: {taken}"
