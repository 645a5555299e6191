"""P16 in random histories: never more than N slots of a key are held.

Some processes with wrong clocks hold and renew slots of one key over a network that loses requests
and replies, repeats requests and delivers them late. They crash, and are suspended. The oracle
counts holders, by their own words alone: a process holds a slot from the reply that gave it until
it begins to release it, says itself that it is lost, or crashes. It knows no marks and no clocks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import Flow, ReadClock
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.slots.held_slot import HeldSlot
from ratelimit_ddb.slots.seen_slots import SeenSlots
from ratelimit_ddb.slots.slot_flows import SlotAttempt, SlotFlows

HISTORIES = 20_000
BLOCK = 1_000
LIFETIME_SECONDS = 10
KEY = "report:slots"


class World:
    def __init__(self) -> None:
        self.now_ns = 1_800_000_000 * SECOND_NS


@dataclass
class WrongClock:
    """A process's idea of the table's time, and its own two clocks."""

    world: World
    error_ns: int
    suspended_ns: int = 0
    known: bool = True

    def now_ns(self) -> int:
        return self.world.now_ns + self.error_ns

    def monotonic_ns(self) -> int:
        return self.world.now_ns - self.suspended_ns

    def wall_ns(self) -> int:
        return self.world.now_ns + 3_600 * SECOND_NS


@dataclass
class Process:
    clock: WrongClock
    slots: SlotFlows
    held: list[HeldSlot] = field(default_factory=list)
    to_release: list[HeldSlot] = field(default_factory=list)

    def holders(self) -> int:
        return sum(not held.lost and held.lives(self.clock) for held in self.held)


class Network:
    """Carries operations to the table; some are lost, repeated, or arrive much later."""

    def __init__(self, chance: random.Random, world: World) -> None:
        self._chance = chance
        self._table = MemoryStore(clock=lambda: world.now_ns)
        self._late: list[Any] = []

    def send(self, operation: Any) -> Any:
        """The reply, or the outage to raise."""
        fate = self._chance.random()
        if fate < 0.08:  # the request is lost, or only late
            if self._chance.random() < 0.7:
                self._late.append(operation)
            return StoreUnavailable("lost")
        reply = self._table.send(operation, 0)
        if fate < 0.16:
            return StoreUnavailable("its reply is lost")
        if fate < 0.26:  # the wire sends it again
            reply = self._table.send(operation, 0)
        return reply

    def deliver_late(self) -> None:
        while self._late and self._chance.random() < 0.7:
            index = self._chance.randrange(len(self._late))
            self._table.send(self._late.pop(index), 0)


def outcome_of(flow: Flow[Any], network: Network, clock: WrongClock) -> Any:
    """Run a flow; between its operations nobody else does anything, which the late ones make up."""
    try:
        operation = next(flow)
        while True:
            reply = clock.now_ns() if isinstance(operation, ReadClock) else network.send(operation)
            operation = flow.throw(reply) if isinstance(reply, Exception) else flow.send(reply)
    except StopIteration as done:
        return done.value
    except StoreUnavailable:
        return None


def history(seed: int, *, margin: bool = True) -> Iterator[tuple[int, int]]:
    """After each step: how many slots there are, and how many are held."""
    chance = random.Random(seed)
    world = World()
    network = Network(chance, world)
    count = chance.randint(1, 4)
    limit = SlotLimit(count, LIFETIME_SECONDS)
    most_error_ns = limit.lifetime_ns // (20 if margin else 4)
    processes = []
    for _ in range(chance.randint(2, 5)):
        clock = WrongClock(world, chance.randint(-most_error_ns, most_error_ns))
        processes.append(Process(clock, SlotFlows(limit, clock, SeenSlots(8))))
    for _ in range(chance.randint(10, 40)):
        step(chance, world, network, chance.choice(processes))
        yield count, sum(process.holders() for process in processes)


def step(chance: random.Random, world: World, network: Network, process: Process) -> None:
    slots, clock = process.slots, process.clock
    match chance.randrange(8):
        case 0 | 1 | 2:
            flow = slots.take(KEY, None, process.to_release.append)
            taken: SlotAttempt | None = outcome_of(flow, network, clock)
            if taken is not None and taken.held is not None:
                process.held.append(taken.held)
        case 3 if process.held:
            outcome_of(slots.renew(chance.choice(process.held)), network, clock)
        case 4 if process.held:
            held = process.held.pop(chance.randrange(len(process.held)))
            if outcome_of(slots.release(held), network, clock):
                process.to_release.append(held)
        case 5 if process.to_release:
            held = process.to_release.pop()
            held.begin_release()
            outcome_of(slots.renew(held), network, clock)
        case 6 if chance.random() < 0.3:
            process.held.clear()  # it crashes, and starts anew
            process.to_release.clear()
        case 6 if chance.random() < 0.3:
            suspended_ns = chance.randrange(2 * LIFETIME_SECONDS * SECOND_NS)
            clock.suspended_ns += suspended_ns
            world.now_ns += suspended_ns
        case _:
            network.deliver_late()
            world.now_ns += chance.randrange(LIFETIME_SECONDS * SECOND_NS // 2)


@pytest.mark.parametrize("first_seed", range(0, HISTORIES, BLOCK))
def test_p16_in_20_000_histories_no_more_than_n_are_held(first_seed: int) -> None:
    full = 0
    for seed in range(first_seed, first_seed + BLOCK):
        for count, held in history(seed):
            assert held <= count, seed
            full += held == count
    assert full > BLOCK, "they are to be held often enough, all of them"


def test_p16_clocks_that_differ_by_more_than_the_margin_are_found_out_by_these_histories() -> None:
    over = any(held > count for seed in range(3_000) for count, held in history(seed, margin=False))
    assert over, "else the histories would try too little"


@pytest.mark.parametrize("seed", range(50))
def test_p16_whatever_was_lost_all_slots_are_free_after_a_lifetime(seed: int) -> None:
    chance, world = random.Random(seed), World()
    network = Network(chance, world)
    limit = SlotLimit(3, LIFETIME_SECONDS)
    clock = WrongClock(world, 0)
    slots = SlotFlows(limit, clock, SeenSlots(8))
    for _ in range(30):
        outcome_of(slots.take(KEY, None, lambda _: None), network, clock)
    while network._late:
        network.deliver_late()
    world.now_ns += (LIFETIME_SECONDS + 1) * SECOND_NS
    network._chance = random.Random(0)
    network._chance.random = lambda: 1.0  # type: ignore[method-assign]  # a network without faults
    taken = [outcome_of(slots.take(KEY, None, lambda _: None), network, clock) for _ in range(4)]
    assert [one.held is not None for one in taken] == [True, True, True, False]
