"""What a seed makes of a history: the limits, the hosts, the network, the demand."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ratelimit_ddb.limit import SECOND_NS, Limit
from tests.simulation.network import Weather
from tests.simulation.process import LocalClock

_MILLISECOND_NS = 1_000_000
_HOUR_NS = 3_600 * SECOND_NS
_UNITS_NS = (50 * _MILLISECOND_NS, 200 * _MILLISECOND_NS, SECOND_NS, 15 * SECOND_NS, _HOUR_NS // 2)


@dataclass(frozen=True, slots=True)
class Plan:
    """One history, before it is played.

    Attributes:
        limits: what all processes start with.
        next_limits: what each changes to on its way, under the same names or under names of their
            own; None in most histories.
        clocks: one of each process.
        callers: how many calls a process may have under way.
        calls: how many each caller makes.
        pause_ns: the mean time between a caller's calls.
        waits_ns: what callers may be ready to wait.
        suspended: how probable it is that a process is suspended in mid-decision.
        refunds, resets: how probable it is that a call is one.
    """

    limits: tuple[Limit, ...]
    next_limits: tuple[Limit, ...] | None
    clocks: tuple[LocalClock, ...]
    weather: Weather
    callers: int
    calls: int
    pause_ns: int
    keys: int
    waits_ns: tuple[int, ...]
    deny_cache_ns: int
    suspended: float
    refunds: float
    resets: float


def plan_of(random: Random) -> Plan:
    """Draw a plan. Half of the histories have neither refunds nor resets nor changed limits."""
    unit_ns = random.choice(_UNITS_NS)
    limits = _limits(random, unit_ns)
    lowering = random.random()
    processes = random.choice((2, 2, 3, 4))
    callers = random.choice((1, 1, 1, 2))
    ties = unit_ns <= SECOND_NS and random.random() < 0.25
    latency_ns = random.choice((2, 20, 200)) * _MILLISECOND_NS
    tokens_a_call = sum(range(1, limits[0].burst + 1)) / limits[0].burst
    waits_ns = _waits_ns(random, unit_ns)
    refunds = 0.6 <= lowering < 0.9
    # Where a name is shared, a refund by one limit can't tell who waits for the other (decision 9).
    same_names = random.random() < 0.5 and not (refunds and max(waits_ns))
    return Plan(
        limits=limits,
        next_limits=_changed(random, limits, same_names) if 0.5 < lowering < 0.7 else None,
        clocks=tuple(_clock(random, ties) for _ in range(processes)),
        weather=_weather(random, latency_ns),
        callers=callers,
        calls=random.choice((4, 8, 12)) // callers,
        pause_ns=int(processes * callers * unit_ns * tokens_a_call * random.uniform(0.2, 1.5)),
        keys=random.choice((1, 1, 1, 2)),
        waits_ns=waits_ns,
        deny_cache_ns=random.choice((0, 1, 5, 5)) * SECOND_NS,
        suspended=random.choice((0.0, 0.0, 0.05)),
        refunds=0.35 if refunds else 0.0,
        resets=0.1 if lowering >= 0.8 else 0.0,
    )


def _limits(random: Random, unit_ns: int) -> tuple[Limit, ...]:
    limits = []
    for index in range(random.choice((1, 1, 1, 2, 2, 3))):
        burst = random.choice((1, 2, 3, 5, 10))
        quantity = random.choice((1, 3, 10)) if burst > 1 else 1
        period_ns = unit_ns * quantity + random.choice((0, 0, 1))
        limits.append(Limit(quantity, period_ns / SECOND_NS, burst, f"limit{index}"))
        unit_ns *= random.choice((1, 2, 5))
    limits.sort(key=lambda limit: limit.burst)
    return tuple(limits)


def _changed(random: Random, limits: tuple[Limit, ...], same_names: bool) -> tuple[Limit, ...]:
    """Other quantities and bursts; now and then a hundredth of them."""
    factors = (0.01, 0.2, 0.5, 2, 10)
    return tuple(
        Limit(
            max(1, int(limit.quantity * random.choice(factors))),
            limit.period_seconds * random.choice(factors),
            max(1, int(limit.burst * random.choice(factors))),
            limit.name if same_names else f"next-{limit.name}",
        )
        for limit in limits
    )


def _clock(random: Random, ties: bool) -> LocalClock:
    """A host's clock. Where ties are wanted, good clocks tick so coarsely that instants meet."""
    if ties:
        return LocalClock(0, 0, 50 * _MILLISECOND_NS)
    wrong_by_ns = random.choice((0, 5 * _MILLISECOND_NS, SECOND_NS, 60 * SECOND_NS, 5 * _HOUR_NS))
    offset_ns = int(wrong_by_ns * random.uniform(-1.0, 1.0))
    return LocalClock(offset_ns, random.choice((0, 0, -200, 50, 200)), 1)


def _weather(random: Random, latency_ns: int) -> Weather:
    bad = random.choice((0.0, 0.0, 0.02, 0.1))
    return Weather(
        latency_ns=latency_ns,
        request_lost=bad,
        reply_lost=bad,
        repeated=bad,
        throttled=bad,
        attempt_ns=2 * latency_ns,
        deadline_ns=random.choice((3, 10)) * latency_ns,
        late_ns=random.choice((latency_ns, SECOND_NS, 60 * SECOND_NS)),
    )


def _waits_ns(random: Random, unit_ns: int) -> tuple[int, ...]:
    longest_ns = min(30 * SECOND_NS, 3 * unit_ns)
    return random.choice(((0,), (0,), (0, longest_ns), (0, longest_ns // 6, longest_ns)))
