"""One story on a fleet of one role, and what is to be said of it."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns
from typing import NamedTuple
from urllib.parse import urlsplit

from ratelimit_ddb.limit import SECOND_NS
from tests.engine.faults import limits, slots, verdicts
from tests.engine.faults.durable_engine import DurableEngine
from tests.engine.faults.fleet import fleet_of
from tests.engine.faults.nursery import Nursery
from tests.engine.faults.proxy import proxy_to
from tests.engine.faults.storyteller import Story, Storyteller
from tests.engine.faults.verdicts import Verdict
from tests.rate_limit_table import rate_limit_table
from tests.session_table import session_table

SIZE = 3
_LIMITS = {"limiter": limits.SINGLE, "leases": limits.HOT, "local": limits.LOCAL}
_CLOCK_ERROR_NS = SECOND_NS // 20


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried.

    Attributes:
        name: what it is called.
        role: what the workers do.
        story: the faults.
        seconds_after: how long they work on when all is healed; from RECOVERS_WITHIN_SECONDS and
            two more on, it is judged whether they recover.
    """

    name: str
    role: str
    story: Story
    seconds_after: float = 1.0


class Outcome(NamedTuple):
    """What came of it.

    Attributes:
        faults: how often each kind was made.
        verdict: what was judged.
        requests: how many there were.
    """

    faults: Counter[str]
    verdict: Verdict
    requests: int


def tried(trial: Trial, nursery: Nursery, url: str, engine: DurableEngine | None = None) -> Outcome:
    """Run it.

    Args:
        trial: what to try.
        nursery: what the workers are forked of.
        url: the endpoint of an engine on this machine.
        engine: the same, if it may be killed.
    """
    port = urlsplit(url).port
    assert port is not None
    table_of = session_table if trial.role == "sessions" else rate_limit_table
    has_clocks = "set a clock" in trial.story.kinds
    with (
        table_of(url) as table,
        proxy_to(port, trial.story.seed) as proxy,
        tempfile.TemporaryDirectory() as folder,
    ):
        with fleet_of(
            nursery, trial.role, proxy.url, table, Path(folder), SIZE, has_clocks=has_clocks
        ) as fleet:
            teller = Storyteller(trial.story, fleet, SIZE, proxy, engine)
            teller.tell()
            time.sleep(trial.seconds_after)
            ended_ns = monotonic_ns()
        lines = fleet.lines()
        verdict = Verdict()
        if trial.role in _LIMITS:
            limit = _LIMITS[trial.role]
            wanted = [line for line in lines if line.subject == limits.KEY]
            error_ns = _CLOCK_ERROR_NS if has_clocks else 0
            verdicts.judge_limits(verdict, wanted, limit, clock_error_ns=error_ns)
            verdicts.judge_local_buckets(verdict, wanted, limit)
            if not trial.story.weather:
                verdicts.judge_breaker(verdict, wanted)
            if trial.seconds_after >= verdicts.RECOVERS_WITHIN_SECONDS + 2:
                verdicts.judge_recovery(verdict, wanted, limit, teller.healed_ns, ended_ns)
        elif trial.role == "slots":
            verdicts.judge_slots(verdict, lines, fleet.killed_ns)
            time.sleep(1.1 * slots.LIFETIME_SECONDS)
            verdicts.judge_healed_slots(verdict, url, table)
        else:
            # What the proxy still carries late.
            time.sleep(3)
            verdicts.judge_sessions(verdict, lines, url, table)
        return Outcome(teller.counts + proxy.counts, verdict, proxy.requests)
