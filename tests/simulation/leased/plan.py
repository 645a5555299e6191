"""What a seed makes of a history of one hot key."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ratelimit_ddb.limit import SECOND_NS, AnyLimit, Limit
from ratelimit_ddb.quota import Quota

MILLISECOND_NS = 1_000_000
MINUTE_NS = 60 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Host:
    """One process, before it runs.

    Attributes:
        lease_ns: for how long it leases at most; 0 for never, None for a limiter without a queue,
            whose requests don't know of each other.
        offset_ns: how wrong its reading of the table's time is.
        a_second: how many requests it gets.
    """

    lease_ns: int | None
    offset_ns: int
    a_second: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One history, before it is played.

    Attributes:
        limits: of all processes; in some histories a quota is the last of them, and its window ends
            while there are requests.
        hosts: the processes.
        seconds: for how long there are requests.
        floods: how probable a flood is after requests that were steady.
        most_cost: tokens of a request.
        wait_ns: how long some requests may wait.
        waits, refunds, cancels: how probable it is that a request waits, is given back, is
            cancelled.
        one_way_ns: how long a request or a reply is under way, at most.
        lost, late, repeated, throttled: how probable it is for a write that its reply is lost, that
            it is lost and carried out later, that it is carried out twice, that it is throttled.
        crashes, forks, suspensions, wall_steps: how many there are.
    """

    limits: tuple[AnyLimit, ...]
    hosts: tuple[Host, ...]
    seconds: float
    floods: float
    most_cost: int
    wait_ns: int
    waits: float
    refunds: float
    cancels: float
    one_way_ns: int
    lost: float
    late: float
    repeated: float
    throttled: float
    crashes: int
    forks: int
    suspensions: int
    wall_steps: int

    @property
    def buckets(self) -> tuple[Limit, ...]:
        """Those limits that are no quota; the first one is the fastest."""
        return tuple(limit for limit in self.limits if isinstance(limit, Limit))

    @property
    def error_ns(self) -> int:
        """How wrong the clocks are, at most."""
        return max(abs(host.offset_ns) for host in self.hosts)

    @property
    def lease_ns(self) -> int:
        """For how long anybody can lease."""
        longest_ns = max(host.lease_ns or 0 for host in self.hosts)
        return min(longest_ns, *(limit.window_ns // 4 for limit in self.buckets))


def plan_of(random: Random) -> Plan:
    """Draw a plan. Each trouble is in some histories, and none of them in many."""
    unit_ns = random.choice((2, 5, 10, 20)) * MILLISECOND_NS
    burst = random.choice((24, 40, 80, 160))
    limits: list[AnyLimit] = [_limit(unit_ns, burst)]
    if random.random() < 0.25:
        limits.append(_limit(unit_ns * random.choice((2, 5)), burst * 2))
    if random.random() < 0.15:
        limits.append(Quota(random.choice((50, 150, 100_000)), "minute"))
    due_a_second = SECOND_NS / unit_ns
    hosts = random.choice((1, 2, 2, 3, 4))
    load = random.choice((0.5, 1.5, 1.5, 4.0)) * due_a_second / hosts
    seconds = min(3.0, random.uniform(60, 120) / (load * hosts))
    error_ns = random.choice((0, 0, 5, 50)) * MILLISECOND_NS
    has_suspensions = random.random() < 0.2

    def sometimes(most: float, share: float) -> float:
        return random.random() * most if random.random() < share else 0.0

    return Plan(
        limits=tuple(limits),
        hosts=tuple(
            Host(
                random.choice((None, 0, *(5 * [_lease_ns(random)]))),
                random.randint(-error_ns, error_ns),
                load * random.uniform(0.5, 1.5),
            )
            for _ in range(hosts)
        ),
        seconds=seconds,
        floods=random.choice((0, 0.5, 1)),
        most_cost=random.choice((1, 1, 1, 3)),
        wait_ns=int(random.random() * burst * unit_ns / 2),
        waits=sometimes(0.3, 0.2),
        refunds=sometimes(0.4, 0.35),
        cancels=sometimes(0.2, 0.3),
        one_way_ns=random.choice((1, 3, 30)) * MILLISECOND_NS,
        lost=sometimes(0.2, 0.3),
        late=sometimes(0.1, 0.2),
        repeated=sometimes(0.1, 0.2),
        throttled=sometimes(0.3, 0.2),
        crashes=random.choice((0, 0, 0, 1, 2)),
        forks=random.choice((0, 0, 1, 2)),
        suspensions=random.choice((1, 2)) if has_suspensions else 0,
        wall_steps=0 if has_suspensions else random.choice((0, 0, 2)),
    )


def _limit(unit_ns: int, burst: int) -> Limit:
    return Limit(SECOND_NS // unit_ns, 1, burst=burst)


def _lease_ns(random: Random) -> int:
    return random.choice((500, int(random.uniform(20, 1000)))) * MILLISECOND_NS
