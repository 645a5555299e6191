"""The memory store does what the specifications say, one call at a time: they are the same for all.

It needs no engine, and what it shows is that the specifications ask for what the code does.
"""

from __future__ import annotations

import random

import pytest

from ratelimit_ddb import ConcurrencyLimiter, Decision, MemoryStore, RateLimiter
from tests.fake_clock import FakeClock
from tests.linearizability.call import Call, Told
from tests.linearizability.counterexample import counterexample
from tests.linearizability.history import is_linearizable
from tests.linearizability.limiter_calls import BucketCalls, SlotCalls
from tests.linearizability.program import LIFETIME_NS, SECOND_NS, SETUPS, Program, Setup, program_of

HISTORIES = 300


def calls_of(program: Program) -> list[Call]:
    """The calls of a program, the clients taking turns by chance, and all by one clock."""
    setup, chance, clock, key = program.setup, random.Random(program.seed), FakeClock(), "key"
    store = MemoryStore(clock=clock)
    clients: list[BucketCalls | SlotCalls] = []
    for _ in program.steps:
        if setup.slots:
            lifetime = LIFETIME_NS / SECOND_NS
            clients.append(
                SlotCalls(ConcurrencyLimiter(store, setup.slots, lifetime=lifetime), key)
            )
        else:
            clients.append(BucketCalls(RateLimiter(store, setup.limits, deny_cache=0), key))
    turns = [client for client, steps in enumerate(program.steps) for _ in steps]
    chance.shuffle(turns)
    start_ns, done, calls = clock.now_ns, [0] * len(clients), []
    for turn, client in enumerate(turns):
        number = done[client]
        step, begin, given_before = clients[client].begin(number, program.steps[client][number])
        done[client] += 1
        clock.now_ns = max(clock.now_ns, start_ns + step.at_ns)
        answer = begin()
        told = Told.of(answer) if isinstance(answer, Decision) else answer
        now_ns = clock.now_ns - start_ns
        interval = (2 * turn, 2 * turn + 1)
        step = step._replace(fault="")
        calls.append(
            Call(client, client, number, step, *interval, (now_ns,), told, False, given_before)
        )
    for one in clients:
        if isinstance(one, SlotCalls):
            one.release_all()
    return calls


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_one_call_at_a_time_answers_what_the_specification_says(setup: Setup) -> None:
    for seed in range(HISTORIES):
        program = program_of(setup, seed)
        calls = calls_of(program)
        assert is_linearizable(setup, calls), counterexample(program, calls)
