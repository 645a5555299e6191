"""So many seconds of faults, one after the other and some at once, by chance and a seed."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from time import monotonic_ns

from ratelimit_ddb import DynamoDBStore, StoreError
from tests.engine.faults.durable_engine import DurableEngine
from tests.engine.faults.fleet import Fleet
from tests.engine.faults.proxy import FAIR, Proxy, Weather

KINDS = (
    "kill a worker",
    "suspend a worker",
    "kill the engine",
    "suspend the engine",
    "partition",
    "cut all",
    "set a clock",
)
_SECONDS_TO_GET_WARM = 20.0
_QUICK_SECONDS, _QUICK_IN_A_ROW = 0.05, 30
_NO_TABLE = "no-such-table"
_WRONG_SECONDS = (-86_000, -3_600, -5, -0.08, 0, 0.03, 0.08, 5, 3_600, 86_000)


@dataclass(frozen=True, slots=True)
class Story:
    """What may happen.

    Attributes:
        seconds: for how long.
        kinds: which of KINDS.
        weather: what single requests meet beside them.
        seed: of all chances.
        pause_seconds: from one fault to the next one, at most.
        wrong_seconds: what clocks are set to.
        least: how many faults there are at least, however long they take.
    """

    seconds: float
    kinds: Sequence[str]
    weather: Weather
    seed: int
    pause_seconds: float = 0.8
    wrong_seconds: Sequence[float] = _WRONG_SECONDS
    least: int = 0


class Storyteller:
    """Makes the faults of a story.

    Args:
        story: what may happen.
        fleet: the workers, each in its place from 0 on.
        size: how many.
        proxy: between them and the engine.
        engine: the engine; None where it is to be left alone.

    Attributes:
        counts: how often each of KINDS was made.
        healed_ns: when the last fault was over.
    """

    def __init__(
        self, story: Story, fleet: Fleet, size: int, proxy: Proxy, engine: DurableEngine | None
    ) -> None:
        self._story = story
        self._fleet = fleet
        self._size = size
        self._proxy = proxy
        self._engine = engine
        self._chance = Random(story.seed)
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self._busy: set[object] = set()
        self.counts: Counter[str] = Counter()
        self.healed_ns = 0

    def tell(self) -> None:
        """Make the faults, and at the end heal all."""
        story, chance = self._story, self._chance
        self._proxy.weather = story.weather
        until = time.monotonic() + story.seconds
        next_fault = time.monotonic()
        while (now := time.monotonic()) < until or self.counts.total() < story.least:
            self._end_those_before(now)
            if now >= next_fault and story.kinds:
                self._make(chance.choice(story.kinds))
                next_fault = time.monotonic() + chance.uniform(0, story.pause_seconds)
            time.sleep(0.01)
        self._proxy.weather = FAIR
        self._end_those_before(float("inf"))
        if self._engine is not None and self.counts["kill the engine"]:
            _wait_until_it_is_warm(self._engine.url)
        self.healed_ns = monotonic_ns()

    def _end_those_before(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            heappop(self._ends)[2]()

    def _make(self, kind: str) -> None:
        chance, engine = self._chance, self._engine
        place = chance.randrange(self._size)
        fleet, proxy = self._fleet, self._proxy
        match kind:
            case "kill a worker" if place not in self._busy:
                fleet.kill(place)
            case "suspend a worker" if place not in self._busy:
                fleet.suspend(place)
                self._end(place, chance.choice([0.1, 0.5, 1, 3]), lambda: fleet.resume(place))
            case "kill the engine" if engine is not None and engine not in self._busy:
                engine.kill()
                self._end(engine, chance.uniform(0, 0.5), engine.start)
            case "suspend the engine" if engine is not None and engine not in self._busy:
                engine.suspend()
                self._end(engine, chance.choice([0.1, 0.3, 1, 2]), engine.resume)
            case "partition" if proxy not in self._busy:
                proxy.part()
                self._end(proxy, chance.choice([0.1, 0.3, 1, 2]), proxy.heal)
            case "cut all":
                proxy.cut_all()
            case "set a clock":
                fleet.set_clock(place, chance.choice(self._story.wrong_seconds))
            case _:
                return
        self.counts[kind] += 1

    def _end(self, what: object, seconds: float, end: Callable[[], None]) -> None:
        def ended() -> None:
            self._busy.discard(what)
            end()

        self._busy.add(what)
        heappush(self._ends, (time.monotonic() + seconds, len(self._ends) + monotonic_ns(), ended))


def _wait_until_it_is_warm(url: str) -> None:
    """A Java process that has just begun is slow for some seconds, which is no fault to be judged.

    Returns once it has answered quickly some times in a row, or is slow for long.
    """
    until = time.monotonic() + _SECONDS_TO_GET_WARM
    quick = 0
    with DynamoDBStore(_NO_TABLE, endpoint_url=url) as store:
        while quick < _QUICK_IN_A_ROW and time.monotonic() < until:
            began = time.monotonic()
            with contextlib.suppress(StoreError):
                store.check()
            quick = quick + 1 if time.monotonic() - began < _QUICK_SECONDS else 0
