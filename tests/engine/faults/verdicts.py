"""The promises, by number, judged by what the processes of a fleet have noted.

What may be true after a fault, and is documented as such, is an edge (Verdict.edges); all else that
breaks a promise is a violation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bench.hot_keys.figures import excess
from ratelimit_ddb import ConcurrencyLimiter, DynamoDBStore, Limit
from ratelimit_ddb.limit import SECOND_NS
from tests.engine.faults import limits, slots
from tests.engine.faults.browsers import NO_COOKIE, Site, site_store
from tests.engine.faults.journal import Line

_SCHEDULING_NS = SECOND_NS // 10
"""What waking up may add to a deadline."""
_SLOW_NS = SECOND_NS // 20
_LOOKS_NS = SECOND_NS // 10
"""Between two looks so close to each other a process was not suspended."""
RECOVERS_WITHIN_SECONDS = 5
"""After the last fault, until when all must be as if there had been none: a probe a second, replies
by which a clock is corrected, and the requests that arrive late."""
_WINDOW_NS = 2 * SECOND_NS
_DUE = 0.99
_PATIENCE_SECONDS = 10.0
_SAME_SECOND_NS = SECOND_NS
"""Saves are dated in seconds: decision 025."""


@dataclass(slots=True)
class Verdict:
    """What came of a story.

    Attributes:
        violations: a sentence for each promise that was broken.
        edges: what is documented as possible, counted by its name.
        looked_at: how much was judged, counted by the promise.
    """

    violations: list[str] = field(default_factory=list)
    edges: Counter[str] = field(default_factory=Counter)
    looked_at: Counter[str] = field(default_factory=Counter)

    def require(self, promise: str, kept: bool, otherwise: str) -> None:
        """Count one more that was judged."""
        self.looked_at[promise] += 1
        if not kept:
            self.violations.append(f"{promise}: {otherwise}")


def judge_limits(
    verdict: Verdict, lines: Sequence[Line], limit: Limit, *, clock_error_ns: int = 0
) -> None:
    """P1, of all that the table gave; P10, how long each decision took, and how many waited."""
    by_table = [
        line
        for line in lines
        if line.what.startswith("admitted:") and not line.what.endswith(":outage")
    ]
    _require_not_over(verdict, "P1", by_table, limit, clock_error_ns)
    for line in lines:
        took_ns = line.to_ns - line.from_ns - line.stalled_ns
        most_ns = round(limits.DEADLINE_SECONDS * SECOND_NS) + _SCHEDULING_NS
        verdict.require("P10", took_ns <= most_ns, f"a decision took {took_ns / 1e6:.0f} ms")


def judge_local_buckets(verdict: Verdict, lines: Iterable[Line], limit: Limit) -> None:
    """P10: in an outage each process admits the whole limit by itself, and no more."""
    by_process: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        if line.what == "admitted:outage":
            by_process[line.process].append(line)
    for of_process in by_process.values():
        _require_not_over(verdict, "P10", of_process, limit, 0)


def judge_breaker(verdict: Verdict, lines: Iterable[Line]) -> None:
    """P10: of an outage three decisions wait, and no more; where nothing is answered by halves."""
    by_process: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        by_process[line.process].append(line)
    for of_process in by_process.values():
        outage: list[Line] = []
        for one in [*of_process, None]:
            if one is not None and one.what.endswith(":outage"):
                outage.append(one)
                continue
            if one is None or not one.what.endswith(":seen"):
                _require_few_waited(verdict, outage)
                outage = []


def judge_recovery(
    verdict: Verdict, lines: Iterable[Line], limit: Limit, healed_ns: int, ended_ns: int
) -> None:
    """P2, after the last fault: in some 2 s of those that follow, all that is due is given.

    In some, for a machine that stands still meanwhile withholds what nobody else does.
    """
    begin_ns = healed_ns + RECOVERS_WITHIN_SECONDS * SECOND_NS
    instants_ns = sorted(
        line.to_ns
        for line in lines
        for _ in range(line.value)
        if line.what.startswith("admitted:") and line.to_ns >= healed_ns
    )
    due = _WINDOW_NS / limit.unit_ns
    best, begin = 0, 0
    for end, instant_ns in enumerate(instants_ns):
        while instants_ns[begin] < instant_ns - _WINDOW_NS:
            begin += 1
        if instant_ns <= min(begin_ns + _WINDOW_NS, ended_ns):
            best = max(best, end - begin + 1)
    verdict.require(
        "P2", best >= _DUE * due, f"{best} of {due:.0f} that are due after the last fault"
    )


def judge_slots(verdict: Verdict, lines: Iterable[Line], killed_ns: dict[int, int]) -> None:
    """P16: never more than N are held. Between two looks, close to each other, one is held."""
    holds: dict[tuple[int, str], list[Line]] = defaultdict(list)
    for line in lines:
        if line.what == "held":
            holds[line.process, line.subject].append(line)
    edges: list[tuple[int, int]] = []
    for (process, _), looks in holds.items():
        for before, after in pairwise(looks):
            end_ns = min(after.from_ns, killed_ns.get(process, after.from_ns))
            if before.to_ns < end_ns <= before.to_ns + _LOOKS_NS:
                edges += [(before.to_ns, 1), (end_ns, -1)]
    at_once = 0
    # Ends come first at one instant.
    for _, change in sorted(edges):
        at_once += change
        if change > 0:
            verdict.require("P16", at_once <= slots.SLOTS, f"{at_once} slots are held at once")


def judge_healed_slots(verdict: Verdict, url: str, table: str) -> None:
    """P16: all slots are free again, a lifetime after their holders were killed."""
    with DynamoDBStore(table, endpoint_url=url) as store:
        limiter = ConcurrencyLimiter(
            store, slots.SLOTS, lifetime=slots.LIFETIME_SECONDS, deadline=10
        )
        remaining = limiter.peek(slots.KEY).remaining
    verdict.require("P16", remaining == slots.SLOTS, f"{remaining} slots are free after all ended")


def judge_sessions(verdict: Verdict, lines: Iterable[Line], url: str, table: str) -> None:
    """What was saved is there, whole; what ended stays ended; and no id is adopted."""
    sessions: dict[str, _Known] = defaultdict(_Known)
    ended: list[str] = []
    for line in lines:
        name, _, cookie = line.subject.partition("|")
        known = sessions[name]
        match line.what:
            case "may:save":
                known.attempts[line.value] = line.from_ns
            case "did:save":
                known.saved(line.value, line.to_ns)
            case "saw:a":
                known.a = line.value
            case "saw:b":
                _judge_values(verdict, known, (known.a, line.value))
            case "ended":
                ended.append(cookie)
            case "resurrected" | "still:ended":
                verdict.require(
                    "ended stays ended", line.what == "still:ended", f"{line.subject} came back"
                )
            case "adopted" | "not:adopted":
                verdict.require("no id adopted", line.what != "adopted", f"{cookie} was adopted")
        if line.what.startswith("may:") and line.what not in {"may:save", "may:look"}:
            known.is_certain = False
        elif line.what.startswith("did:") and cookie != NO_COOKIE:
            known.cookie = cookie
            known.is_certain = line.what not in {"did:logout", "did:revoke"}
    site = Site(site_store(table, endpoint_url=url, deadline=_PATIENCE_SECONDS))
    for cookie in ended:
        site.request(cookie)
        verdict.require("ended stays ended", site.seen is None, f"{cookie} came back")
    for known in sessions.values():
        if known.cookie and known.is_certain:
            site.request(known.cookie)
            _judge_values(verdict, known, site.seen or (0, 0))
    site.store.close()


class _Known:
    """What is known of a session: what was saved last, and what may have been saved since."""

    def __init__(self) -> None:
        self.attempts: dict[int, int] = {}
        self.at_ns = 0
        self.value = 0
        self.a = 0
        self.cookie = ""
        self.is_certain = False
        self.stale: dict[int, int] = {}

    def saved(self, value: int, now_ns: int) -> None:
        """A save was acknowledged: what was attempted before it must not come after it."""
        self.stale |= {one: at for one, at in self.attempts.items() if one < value}
        self.attempts = {one: at for one, at in self.attempts.items() if one > value}
        self.value, self.at_ns = value, now_ns


def _judge_values(verdict: Verdict, known: _Known, seen: tuple[int, int]) -> None:
    a, b = seen
    verdict.require("none torn", a == b, f"a = {a} and b = {b} were saved together")
    is_known = a == known.value or a in known.attempts
    if not is_known and known.at_ns - known.stale.get(a, 0) < _SAME_SECOND_NS:
        verdict.edges["a save of the same second that arrived late"] += 1
        return
    verdict.require("saved is there", is_known, f"{a} is there, and {known.value} was saved last")


def _require_not_over(
    verdict: Verdict, promise: str, admitted: Iterable[Line], limit: Limit, clock_error_ns: int
) -> None:
    spans = [(line.from_ns, line.to_ns) for line in admitted for _ in range(line.value)]
    over = excess(spans, limit) - 2 * clock_error_ns / limit.unit_ns
    verdict.looked_at[promise] += len(spans)
    verdict.require(promise, over <= 0, f"{over:.2f} tokens too many in some interval")


def _require_few_waited(verdict: Verdict, outage: Sequence[Line]) -> None:
    if not outage:
        return
    waited = sum(line.to_ns - line.from_ns - line.stalled_ns > _SLOW_NS for line in outage)
    seconds = (outage[-1].to_ns - outage[0].from_ns) / SECOND_NS
    verdict.require(
        "P10", waited <= 3 + seconds, f"{waited} decisions waited in an outage of {seconds:.1f} s"
    )
