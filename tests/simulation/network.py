"""The simulated network: it delays, loses and repeats; and the wire's part, which tries again."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from random import Random
from typing import Protocol

from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import GiveBack, Operation, OperationResult, ReadClock
from tests.simulation.record import Event, Reply, Request
from tests.simulation.scheduler import Scheduler
from tests.simulation.table import Table


class Unanswered(Exception):
    """No answer by the deadline, or none to an operation that may not be repeated."""


class Listener(Protocol):
    """The process that sends: its local clock, and what it learns from a reply."""

    def local_ns(self) -> int: ...

    def learn(self, date: bytes, reply: Reply, sent_ns: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the network is in one history: probabilities, and times in nanoseconds."""

    latency_ns: int
    request_lost: float
    reply_lost: float
    repeated: float
    throttled: float
    attempt_ns: int
    """How long the wire waits for a reply before it tries again."""
    deadline_ns: int
    """How long a call may take, attempts and pauses together."""
    late_ns: int
    """How long a request may stay on its way after its caller has lost patience."""


class Network:
    """Carries operations to the table and answers back."""

    __slots__ = ("_random", "_scheduler", "_table", "_weather", "story")

    def __init__(
        self, scheduler: Scheduler, table: Table, weather: Weather, random: Random
    ) -> None:
        self._scheduler = scheduler
        self._table = table
        self._weather = weather
        self._random = random.random
        self.story: list[Event] = []

    def call(
        self, operation: Operation, request: Request, sender: Listener
    ) -> Generator[int, None, OperationResult | None]:
        """The table's answer; attempts until the deadline, as the wire makes them."""
        weather, scheduler, random = self._weather, self._scheduler, self._random
        deadline_ns = scheduler.now_ns + weather.deadline_ns
        while scheduler.now_ns < deadline_ns:
            sent_ns = sender.local_ns()
            fate = random()
            if fate < weather.request_lost:
                self._lost(operation, request, "request lost")
                if random() < 0.5:
                    late_ns = weather.attempt_ns + int(random() * weather.late_ns)
                    scheduler.start(self._deliver_late(operation, request), late_ns)
                yield weather.attempt_ns
                self._refuse_to_repeat(operation)
                continue
            yield int(random() * weather.latency_ns)
            stamp = scheduler.now_ns // SECOND_NS
            fate -= weather.request_lost
            if fate < weather.throttled:
                yield int(random() * weather.latency_ns)
                self._learn(sender, stamp, sent_ns)
                yield int(random() * weather.attempt_ns)
                continue
            outcome = self._apply(operation, request, "applied")
            fate -= weather.throttled
            if fate < weather.reply_lost:
                self._lost(operation, request, "reply lost")
                yield weather.attempt_ns
                self._refuse_to_repeat(operation)
                continue
            if fate - weather.reply_lost < weather.repeated and _repeatable(operation):
                self._lost(operation, request, "to be repeated")
                late_ns = int(random() * weather.late_ns)
                scheduler.start(self._deliver_late(operation, request), late_ns)
            yield int(random() * weather.latency_ns)
            self._learn(sender, stamp, sent_ns)
            return outcome
        raise Unanswered

    def _deliver_late(self, operation: Operation, request: Request) -> Generator[int, None, None]:
        self._apply(operation, request, "applied late")
        yield from ()

    def _apply(self, operation: Operation, request: Request, what: str) -> OperationResult | None:
        asked = type(operation) is ReadClock
        outcome = None if asked else self._table.apply(operation, request)
        self.story.append(Event(self._scheduler.now_ns, request, what, operation, outcome))
        return outcome

    def _lost(self, operation: Operation, request: Request, what: str) -> None:
        request.disturbed = True
        self.story.append(Event(self._scheduler.now_ns, request, what, operation, None))

    def _learn(self, sender: Listener, stamp_seconds: int, sent_ns: int) -> None:
        received_ns = sender.local_ns()
        stamp_ns = stamp_seconds * SECOND_NS
        least_ns, most_ns = stamp_ns - received_ns, stamp_ns + SECOND_NS - sent_ns
        bounds = Reply(self._scheduler.now_ns, received_ns, least_ns, most_ns)
        sender.learn(_date(stamp_seconds), bounds, sent_ns)

    def _refuse_to_repeat(self, operation: Operation) -> None:
        if not _repeatable(operation):
            raise Unanswered


def _repeatable(operation: Operation) -> bool:
    return type(operation) is not GiveBack


@lru_cache(maxsize=100_000)
def _date(stamp_seconds: int) -> bytes:
    return formatdate(stamp_seconds, usegmt=True).encode()
