"""Rules that block after too many denials, in seeded histories: wrong clocks and lost replies.

What the table applied is read once more: which violations were counted, which blocks began, what
was admitted. Processes count their own denials, and repeat what got no reply.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import NamedTuple

import pytest

from ratelimit_ddb.bucket.violations import BlockPolicy
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import Take
from tests.simulation.network import Network
from tests.simulation.plan import Plan, plan_of
from tests.simulation.process import Process
from tests.simulation.record import Change
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.table import Table

_START_NS = 1_800_000_000 * SECOND_NS
_KEY = "key"
_CALLS = 25
_CLOCKS_NS = 2 * SECOND_NS
"""How far the readings of two processes may lie apart, which go by the seconds of a header."""


class Block(NamedTuple):
    """A block that began: true time when the table applied it, and its ends by the table's time."""

    applied_ns: int
    began_ns: int
    ends_ns: int


def _play(seed: int) -> tuple[BlockPolicy, list[Change]]:
    """What the table applied, in its order."""
    random = Random(seed)
    plan = plan_of(random)
    for_ns = random.choice((1, 10, 60)) * SECOND_NS
    policy = BlockPolicy(random.choice((1, 2, 3, 5)), for_ns, for_ns * random.choice((1, 4)))
    scheduler = Scheduler(_START_NS)
    table = Table(scheduler)
    network = Network(scheduler, table, plan.weather, random)
    for number, clock in enumerate(plan.clocks):
        process = Process(number, scheduler, network, table, clock, plan.deny_cache_ns)
        process.limit_by(plan.limits)
        process.block_after(policy)
        scheduler.start(_caller(process, plan, random), random.randrange(plan.pause_ns + 1))
    scheduler.run()
    return policy, table.changes


def _caller(process: Process, plan: Plan, random: Random) -> Task:
    burst = min(limit.burst for limit in plan.limits)
    for _ in range(_CALLS):
        yield from process.acquire(_KEY, 1 + random.randrange(burst), 0, 0)
        decision = process.requests[-1].decision
        if decision is not None and decision.source in ("table", "seen") and not decision.allowed:
            yield from process.violate(_KEY, decision)
        yield int(random.random() ** 2 * 2 * plan.pause_ns)


def _of(changes: list[Change], name: str) -> Iterator[tuple[Change, int, int | None, int]]:
    """Each change that moved a number: with the time it was made by, and what it was and is."""
    for change in changes:
        take = change.operation
        if isinstance(take, Take) and name in take.names:
            index = take.names.index(name)
            after_ns = change.after_ns[index]
            assert after_ns is not None
            if take.cost_ns[index]:
                yield change, take.now_ns, change.before_ns[index], after_ns


def _blocks(changes: list[Change]) -> list[Block]:
    """Those that began, and were not over when a write arrived late."""
    blocked = _of(changes, ":blocked")
    found = [Block(change.true_ns, now_ns, ends_ns) for change, now_ns, _, ends_ns in blocked]
    return [one for one in found if one.ends_ns > max(one.began_ns, one.applied_ns)]


def blocks_follow_so_many_violations_and_never_overlap(
    policy: BlockPolicy, changes: list[Change]
) -> None:
    blocks = _blocks(changes)
    for one, following in pairwise(blocks):
        assert following.applied_ns >= one.ends_ns - _CLOCKS_NS
    for one in blocks:
        assert policy.for_ns <= one.ends_ns - one.began_ns <= policy.up_to_ns
    counted = sum(1 for _ in _of(changes, ":violations"))
    # Clocks that are wrong may make it some less, as of any limit (P1).
    early = -(-_CLOCKS_NS // policy.unit_ns) if policy.unit_ns < 2 * _CLOCKS_NS else 0
    assert counted >= policy.after - early or not blocks


def violations_are_forgotten_as_the_policy_says_and_no_faster(
    policy: BlockPolicy, changes: list[Change]
) -> None:
    instants_ns = [now_ns for _, now_ns, _, _ in _of(changes, ":violations")]
    for first, since_ns in enumerate(instants_ns):
        for last in range(first, len(instants_ns)):
            passed_ns = instants_ns[last] - since_ns
            most = policy.after + 0.5 + (max(0, passed_ns) + _CLOCKS_NS) / policy.unit_ns
            assert last - first + 1 <= most


def nothing_is_admitted_while_a_rule_blocks(_: BlockPolicy, changes: list[Change]) -> None:
    blocked_until_ns = 0
    for change in changes:
        take = change.operation
        assert isinstance(take, Take)
        if change.request.what == "acquire":
            assert take.now_ns >= blocked_until_ns, change
        elif ":blocked" in take.names:
            ends_ns = change.after_ns[take.names.index(":blocked")]
            assert ends_ns is not None
            blocked_until_ns = max(blocked_until_ns, ends_ns)


RULES = (
    blocks_follow_so_many_violations_and_never_overlap,
    violations_are_forgotten_as_the_policy_says_and_no_faster,
    nothing_is_admitted_while_a_rule_blocks,
)


@pytest.mark.parametrize("first_seed", range(0, 1_600, 400))
def test_blocks_are_earned_and_hold_over_every_history(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 400):
        policy, changes = _play(seed)
        for rule in RULES:
            try:
                rule(policy, changes)
            except AssertionError as broken:
                raise AssertionError(f"{rule.__name__}: seed {seed}: {broken}") from broken
