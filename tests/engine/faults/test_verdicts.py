"""The judges find what they look for: in journals that tell of a broken promise."""

from __future__ import annotations

from ratelimit_ddb.limit import SECOND_NS, Limit
from tests.engine.faults import verdicts
from tests.engine.faults.journal import Line
from tests.engine.faults.verdicts import Verdict

LIMIT = Limit(10, 1, burst=2)
MS = 1_000_000


def admitted(*at_ms: int, source: str = "table", took_ms: int = 1, process: int = 0) -> list[Line]:
    return [
        Line(process, f"admitted:{source}", at * MS, (at + took_ms) * MS, 0, "wanted", 1)
        for at in at_ms
    ]


def held(process: int, *at_ms: int) -> list[Line]:
    return [Line(process, "held", at * MS, at * MS, 0, "0.1", 0) for at in at_ms]


def test_one_token_too_many_is_found() -> None:
    kept, broken = Verdict(), Verdict()
    verdicts.judge_limits(kept, admitted(0, 1, 100), LIMIT)
    verdicts.judge_limits(broken, admitted(0, 1, 50), LIMIT)
    assert not kept.violations
    assert len(broken.violations) == 1
    assert broken.violations[0].startswith("P1")


def test_a_decision_that_takes_longer_than_its_deadline_is_found_unless_it_stood_still() -> None:
    (slow,) = admitted(0, took_ms=500)
    broken, kept = Verdict(), Verdict()
    verdicts.judge_limits(broken, [slow], LIMIT)
    verdicts.judge_limits(kept, [slow._replace(stalled_ns=300 * MS)], LIMIT)
    assert broken.violations == ["P10: a decision took 500 ms"]
    assert not kept.violations


def test_local_buckets_are_counted_by_process() -> None:
    kept, broken = Verdict(), Verdict()
    of_two = [*admitted(0, 1, source="outage"), *admitted(0, 1, source="outage", process=1)]
    verdicts.judge_local_buckets(kept, of_two, LIMIT)
    verdicts.judge_local_buckets(broken, admitted(0, 1, 2, source="outage"), LIMIT)
    assert not kept.violations
    assert broken.violations


def test_a_fourth_decision_that_waits_for_an_outage_is_found() -> None:
    waits = admitted(0, 300, 600, 900, source="outage", took_ms=250)
    kept, broken = Verdict(), Verdict()
    verdicts.judge_breaker(kept, waits[:3])
    verdicts.judge_breaker(broken, [*waits, *admitted(1_100, 1_200, source="outage", took_ms=80)])
    assert not kept.violations
    assert broken.violations


def test_what_is_withheld_after_the_last_fault_is_found() -> None:
    kept, broken = Verdict(), Verdict()
    due = admitted(*range(0, 8_000, 100))
    verdicts.judge_recovery(kept, due, LIMIT, 0, 8 * SECOND_NS)
    verdicts.judge_recovery(broken, due[::2], LIMIT, 0, 8 * SECOND_NS)
    assert not kept.violations
    assert broken.violations


def test_a_slot_too_many_is_found_but_not_of_a_suspended_holder() -> None:
    looks = range(0, 1_000, 20)
    four = [line for process in range(4) for line in held(process, *looks)]
    broken, kept = Verdict(), Verdict()
    verdicts.judge_slots(broken, four, {})
    verdicts.judge_slots(kept, [*four[:150], *held(3, 0, 1_000)], {})
    assert broken.violations
    assert not kept.violations
