"""What the clients of one history are to do: made by chance, the same for the same seed."""

from __future__ import annotations

import random
from typing import Literal, NamedTuple

from ratelimit_ddb import Limit

Name = Literal[
    "acquire", "peek", "refund", "reset", "charge", "block", "take", "heartbeat", "release", "look"
]
"""The last four are those of slots."""

Fault = Literal["", "lost", "repeated"]
"""What the network does to the first write of a call: it loses the reply, so that the caller gets
an outage; or the reply of a first attempt, so that the wire sends it twice (docs/decisions/004)."""

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
PROCESSES, THREADS = 3, 2
CLIENTS = PROCESSES * THREADS


class Step(NamedTuple):
    """One call.

    Attributes:
        name: of what.
        at_ns: what the process's clock is moved to, if it is not there yet, from the beginning of
            the history.
        cost: tokens.
        wait_ns: the longest wait, or for how long to block.
        of: which of the client's steps took what is given back, renewed or released.
        fault: see Fault.
    """

    name: Name
    at_ns: int
    cost: int = 1
    wait_ns: int = 0
    of: int = -1
    fault: Fault = ""


class Setup(NamedTuple):
    """What one kind of history has in common.

    Attributes:
        name: what it is called.
        names: the calls, each as often as it is likely.
        limits: what each key is limited to; none where it has slots.
        slots: how many; 0 where the key has limits.
        deny_cache_ns: for how long a process may deny from memory.
        threads: how many clients of a process there may be at once.
        faults: what the network may do, each as often as it is likely.
        tick_ns: by how much clocks go on.
    """

    name: str
    names: tuple[Name, ...]
    limits: tuple[Limit, ...] = ()
    slots: int = 0
    deny_cache_ns: int = 0
    threads: int = THREADS
    faults: tuple[Fault, ...] = ("",)
    tick_ns: int = MILLISECOND_NS // 2


class Program(NamedTuple):
    """What the clients of one history do.

    Attributes:
        setup: its kind.
        seed: what it was made of.
        steps: of each client, what it does one after the other.
    """

    setup: Setup
    seed: int
    steps: tuple[tuple[Step, ...], ...]


LIFETIME_NS = 60 * SECOND_NS
"""Of slots. The renewer renews them after a third of it, by the true time, when all is over."""

_ONE = (Limit(1_000, 1.0, burst=4),)
_TWO = (Limit(1_000, 1.0, burst=4), Limit(500, 1.0, burst=3))
_CALLS: tuple[Name, ...] = (
    *("acquire",) * 6,
    *("peek",) * 2,
    *("refund",) * 3,
    "reset",
    "charge",
    "block",
)
SETUPS = (
    Setup("one limit", _CALLS, _ONE),
    Setup("two limits", _CALLS, _TWO),
    Setup("denied from memory", _CALLS, _ONE, deny_cache_ns=4 * MILLISECOND_NS),
    Setup(
        "denied from memory, nothing given back",
        ("acquire", "acquire", "acquire", "peek", "charge", "block"),
        _ONE,
        deny_cache_ns=4 * MILLISECOND_NS,
    ),
    Setup("replies lost", _CALLS, _ONE, threads=1, faults=("", "", "", "lost", "repeated")),
    Setup(
        "slots",
        (*("take",) * 4, *("release",) * 2, "heartbeat", "look"),
        slots=2,
        threads=1,
        tick_ns=LIFETIME_NS // 6,
    ),
    Setup(
        "slots, replies lost",
        (*("take",) * 4, *("release",) * 2, "heartbeat", "look", "reset"),
        slots=2,
        threads=1,
        faults=("", "", "", "", "lost", "repeated"),
        tick_ns=LIFETIME_NS // 6,
    ),
)


def program_of(setup: Setup, seed: int) -> Program:
    """The program of a seed."""
    chance = random.Random(f"{setup.name} {seed}")
    all_clients = [one for one in range(CLIENTS) if one % THREADS < setup.threads]
    clients = chance.sample(all_clients, min(len(all_clients), chance.randint(2, 4)))
    steps = tuple(_steps(setup, chance) if client in clients else () for client in range(CLIENTS))
    return Program(setup, seed, steps)


def _steps(setup: Setup, chance: random.Random) -> tuple[Step, ...]:
    steps: list[Step] = []
    at_ns = chance.choice((0, 0, 0, setup.tick_ns))
    for _ in range(chance.randint(2, 5)):
        at_ns += setup.tick_ns * chance.choice((0, 0, 0, 1, 1, 2, 6))
        steps.append(_step(setup, chance, at_ns, steps))
    return tuple(steps)


def _step(setup: Setup, chance: random.Random, at_ns: int, before: list[Step]) -> Step:
    name, fault = chance.choice(setup.names), chance.choice(setup.faults)
    most = min([limit.burst for limit in setup.limits], default=1)
    match name:
        case "acquire":
            wait_ns = chance.choice((0, 0, 0, 0, MILLISECOND_NS, 2 * MILLISECOND_NS))
            return Step(name, at_ns, chance.randint(1, most), wait_ns, fault=fault)
        case "charge":
            return Step(name, at_ns, chance.randint(1, 2 * most), fault=fault)
        case "block":
            wait_ns = MILLISECOND_NS * chance.choice((1, 2, 4, 8))
            return Step(name, at_ns, 0, wait_ns, fault=fault)
        case "refund" | "heartbeat" | "release":
            of = [i for i, one in enumerate(before) if one.name in {"acquire", "take"}]
            if not of:
                return Step("look" if setup.slots else "peek", at_ns)
            # Of a refund, 0 is all that is left.
            cost = chance.choice((0, 0, 1)) if name == "refund" else 0
            return Step(name, at_ns, cost, of=chance.choice(of), fault=fault)
        case "peek":
            return Step(name, at_ns, chance.randint(1, most))
    return Step(name, at_ns, fault="" if name == "look" else fault)
