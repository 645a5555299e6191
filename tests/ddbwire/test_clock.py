"""The table's clock, told from whole seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddbwire import TableClock

SECOND = 1_000_000_000
MS = 1_000_000
START_NS = 1_764_000_000 * SECOND


class Host:
    """A host's clock, and a table whose clock is ``offset_ns`` ahead of it."""

    def __init__(self, offset_ns: int) -> None:
        self.offset_ns = offset_ns
        self.local_ns = START_NS
        self.clock = TableClock(lambda: self.local_ns)

    def call(self, there_ns: int = 2 * MS, back_ns: int = 2 * MS) -> None:
        sent_ns = self.local_ns
        stamped_ns = sent_ns + there_ns + self.offset_ns
        self.local_ns = sent_ns + there_ns + back_ns
        date = formatdate(stamped_ns // SECOND, usegmt=True).encode()
        self.clock.observe(date, sent_ns, self.local_ns)

    def calls(self, seconds: float, per_second: float) -> None:
        for _ in range(int(seconds * per_second)):
            self.call()
            self.local_ns += int(SECOND / per_second) - 4 * MS

    @property
    def error_ns(self) -> int:
        return abs(self.clock.offset_ns - self.offset_ns)


def test_a_date_is_utc_whatever_the_hosts_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        host = Host(offset_ns=0)
        host.call()
        assert host.clock.known
        assert host.clock.offset_ns == 0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_local_time_at_first() -> None:
    clock = TableClock()
    assert not clock.known
    assert clock.offset_ns == 0
    assert clock.uncertainty_ns is None
    assert abs(clock.now_ns() - time.time_ns()) < SECOND


def test_a_step_of_the_hosts_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = TableClock()
    before_ns = clock.now_ns()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert 0 <= clock.now_ns() - before_ns < SECOND


def test_the_hosts_clock_is_read_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 5 * SECOND)
    assert 5 * SECOND <= TableClock().now_ns() < 6 * SECOND


@pytest.mark.parametrize("offset_ns", [0, 300 * MS, -300 * MS])
def test_a_well_kept_clock_is_never_touched(offset_ns: int) -> None:
    host = Host(0)
    host.local_ns += offset_ns
    host.calls(600, 5)
    assert host.clock.offset_ns == 0
    assert host.clock.known


@pytest.mark.parametrize("offset_s", [60, -60, 3600, -3600, 0.5, 86_000, -86_000])
@pytest.mark.parametrize("phase_ms", [0, 300, 990])
def test_a_wrong_clock_is_set_right(offset_s: float, phase_ms: int) -> None:
    host = Host(int(offset_s * SECOND))
    host.local_ns += phase_ms * MS
    host.call()
    host.call()
    assert host.clock.known
    assert host.error_ns < 1.005 * SECOND
    host.calls(2, 20)
    assert host.error_ns < 30 * MS + 20 * MS
    assert host.clock.uncertainty_ns is not None
    assert host.clock.uncertainty_ns < 100 * MS


@pytest.mark.parametrize("fast_ms", [30, 80, 150, 3_600_000])
def test_p11_a_clock_fast_by_any_amount_errs_late_once_known_well(fast_ms: int) -> None:
    host = Host(-fast_ms * MS)
    host.calls(20, 47)
    assert host.clock.offset_ns <= host.offset_ns
    assert host.error_ns < 30 * MS


def test_a_clock_hardly_fast_is_not_put_back_by_a_second() -> None:
    host = Host(-1 * MS)
    host.local_ns += 2 * MS  # the table's second has just begun: its Date proves the host fast
    host.call(there_ns=0, back_ns=0)
    assert -200 * MS <= host.clock.offset_ns <= 0


def test_now_is_local_time_and_offset() -> None:
    host = Host(60 * SECOND)
    host.calls(3, 20)
    assert host.clock.now_ns() == host.clock.local_ns() + host.clock.offset_ns


@given(
    offset_ns=st.integers(-7200 * SECOND, 7200 * SECOND),
    trips=st.lists(
        st.tuples(st.integers(0, 300 * MS), st.integers(0, 300 * MS), st.integers(0, 400 * SECOND)),
        min_size=1,
        max_size=60,
    ),
)
def test_the_true_offset_is_always_within_the_bounds(
    offset_ns: int, trips: Iterable[tuple[int, int, int]]
) -> None:
    host, calls = Host(offset_ns), 0
    for there_ns, back_ns, idle_ns in trips:
        host.call(there_ns, back_ns)
        calls += 1
        width_ns = host.clock.uncertainty_ns
        if width_ns is None:
            # Far from the host's clock, the first reply is not believed without a second.
            assert calls == 1
            assert (host.clock.known, host.clock.offset_ns) == (False, 0)
            host.local_ns += idle_ns
            continue
        assert host.error_ns <= width_ns <= SECOND + there_ns + back_ns
        hardly_moved = -200 * MS <= host.clock.offset_ns <= 0
        if not hardly_moved or (host.clock.offset_ns != 0 and width_ns <= 100 * MS):
            # A wrong clock errs late, so that its host is never first at what comes due.
            assert host.clock.offset_ns <= offset_ns
        host.local_ns += idle_ns


def test_a_table_whose_clock_jumps_is_followed() -> None:
    host = Host(0)
    host.calls(3, 20)
    host.offset_ns = 10 * SECOND
    host.call()
    assert (host.clock.doubted, host.clock.offset_ns) == (True, 0)
    host.call()
    assert not host.clock.doubted
    assert host.error_ns < 1.005 * SECOND
    host.calls(3, 20)
    assert host.error_ns < 60 * MS


def test_a_slight_contradiction_moves_it_by_the_least() -> None:
    host = Host(5 * SECOND)
    host.calls(3, 50)
    before_ns = host.clock.offset_ns
    host.offset_ns += 60 * MS
    host.calls(1, 50)
    assert 0 < host.clock.offset_ns - before_ns <= 60 * MS
    assert host.error_ns < 60 * MS


def test_a_drift_is_followed() -> None:
    host = Host(5 * SECOND)
    for _ in range(3600):
        host.offset_ns += SECOND // 10_000
        host.call()
        host.local_ns += SECOND - 7 * MS
    assert host.error_ns < 100 * MS


def test_what_was_learnt_is_forgotten_in_minutes() -> None:
    host = Host(0)
    host.calls(3, 20)
    narrow_ns = host.clock.uncertainty_ns
    assert narrow_ns is not None
    host.local_ns += 121 * SECOND
    host.call()
    assert host.clock.uncertainty_ns is not None
    assert host.clock.uncertainty_ns <= narrow_ns
    host.local_ns += 121 * SECOND
    host.call()
    assert host.clock.uncertainty_ns > narrow_ns


@pytest.mark.parametrize(
    "date",
    [
        b"",
        b"soon",
        b"Sun, 06 Nov 1994 08:49:37 CET",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 8:49:37 GMT ",
        b"Sun, 06 Foo 1994 08:49:37 GMT",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 25:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"Sun, 06 Nov 1994 08:49:3x GMT",
        "Sun, 06 Nov 1994 08:49:3\xb9 GMT".encode("latin-1"),
    ],
)
def test_garbage_is_ignored(date: bytes) -> None:
    then_ns = 784_111_777 * SECOND  # what they were meant to say: 1994-11-06 08:49:37
    clock = TableClock(lambda: then_ns)
    clock.observe(date, then_ns, then_ns)
    assert (clock.known, clock.doubted) == (False, False)
    clock.observe(b"Sun, 06 Nov 1994 08:49:37 GMT", then_ns, then_ns)
    assert clock.known


@given(st.binary(max_size=40))
def test_any_bytes_may_come_as_a_date(date: bytes) -> None:
    TableClock(lambda: START_NS).observe(date, START_NS, START_NS)


@given(st.integers(0, 4_000_000_000))
def test_every_date_is_read(second: int) -> None:
    local_ns = second * SECOND - 3600 * SECOND
    clock = TableClock(lambda: local_ns)
    for _ in range(2):
        clock.observe(formatdate(second, usegmt=True).encode(), local_ns, local_ns)
    assert clock.offset_ns == 3600 * SECOND


class Liar(Host):
    """A host whose clock is right, and a table of which some replies tell another time."""

    def __init__(self) -> None:
        super().__init__(0)

    def lie(self, wrong_by_s: float) -> None:
        self.offset_ns = int(wrong_by_s * SECOND)
        self.call()
        self.offset_ns = 0


WRONG: list[float] = [3600, -3600, 250, -250, 86_000, -86_000, 2.5, -2.5]
UNBELIEVABLE: list[float] = [86_500, -86_500, 86_400 * 365, -86_400 * 365, 86_400 * 365 * 200]


@pytest.mark.parametrize("wrong_by_s", WRONG + UNBELIEVABLE)
@pytest.mark.parametrize("before", [0, 1, 60])
def test_a_single_wrong_date_moves_nothing(wrong_by_s: float, before: int) -> None:
    host = Liar()
    host.calls(before / 20, 20)
    for _ in range(4):
        host.lie(wrong_by_s)
        assert host.clock.offset_ns == 0
        host.call()
        assert (host.clock.known, host.clock.doubted, host.clock.offset_ns) == (True, False, 0)


@given(
    offset_s=st.integers(-7200, 7200),
    lies=st.lists(
        st.tuples(
            st.sampled_from([-1, 1]), st.floats(3, 80_000), st.integers(1, 4), st.integers(0, 400)
        ),
        max_size=20,
    ),
)
def test_p11_no_wrong_date_between_right_ones_moves_the_clock_by_what_it_says(
    offset_s: int, lies: list[tuple[int, float, int, int]]
) -> None:
    host = Host(offset_s * SECOND)
    host.call()
    host.call()
    for sign, wrong_by_s, truths, idle_s in lies:
        host.offset_ns += int(sign * wrong_by_s * SECOND)
        host.call()
        host.offset_ns = offset_s * SECOND
        assert host.error_ns <= 1.01 * SECOND
        for _ in range(truths):
            host.call()
            assert host.error_ns <= 1.01 * SECOND
            host.local_ns += 300 * MS
        host.local_ns += idle_s * SECOND


@pytest.mark.parametrize("wrong_by_s", [1.5, -1.5, 0.9, -0.9])
def test_a_date_wrong_by_less_than_dates_can_tell_moves_a_second_at_most(wrong_by_s: float) -> None:
    host = Liar()
    host.call()
    host.lie(wrong_by_s)
    assert abs(host.clock.offset_ns) <= SECOND
    host.calls(2, 20)
    assert host.error_ns < 60 * MS


def test_wrong_dates_with_right_ones_between_do_not_confirm_each_other() -> None:
    host = Liar()
    host.calls(3, 20)
    for _ in range(200):
        host.lie(3600)
        host.call()
    assert host.clock.offset_ns == 0


def test_wrong_dates_that_differ_do_not_confirm_each_other() -> None:
    host = Liar()
    for wrong_by_s in (3600, 60, -3600, 7200, 90, 3600):
        host.lie(wrong_by_s)
        assert (host.clock.known, host.clock.offset_ns) == (False, 0)
    host.call()
    assert (host.clock.known, host.clock.offset_ns) == (True, 0)


@pytest.mark.parametrize("wrong_by_s", UNBELIEVABLE)
def test_a_date_more_than_a_day_from_the_hosts_clock_is_never_believed(wrong_by_s: float) -> None:
    host = Liar()
    for _ in range(50):
        host.lie(wrong_by_s)
    assert not host.clock.known
    host.calls(3, 20)
    for _ in range(50):
        host.lie(wrong_by_s)
    assert host.clock.offset_ns == 0
    assert host.clock.uncertainty_ns is not None


def test_right_replies_correct_a_clock_that_lies_had_moved() -> None:
    host = Liar()
    host.calls(1, 20)
    host.lie(3600)
    host.lie(3600)
    assert host.clock.offset_ns > 3599 * SECOND
    host.call()
    host.call()
    assert host.error_ns < 1.005 * SECOND


def test_a_host_that_slept_for_days_is_corrected_though_its_monotonic_clock_stood_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = TableClock()
    days_on = time.time() + 3 * 86_400
    monkeypatch.setattr(clock, "wall_ns", lambda: int(days_on * SECOND))
    for _ in range(2):
        now_ns = clock.local_ns()
        clock.observe(formatdate(days_on, usegmt=True).encode(), now_ns - MS, now_ns)
    assert abs(clock.now_ns() - days_on * SECOND) < 2 * SECOND


def test_local_time_can_be_trusted_for_want_of_better() -> None:
    clock = TableClock()
    clock.trust_local()
    assert clock.known
    assert clock.offset_ns == 0
    assert clock.uncertainty_ns is None


def test_a_date_100_ms_from_a_clock_that_was_trusted_is_doubted() -> None:
    now_ns = START_NS - 100 * MS
    clock = TableClock(lambda: now_ns)
    clock.trust_local()
    clock.observe(formatdate(START_NS // SECOND, usegmt=True).encode(), now_ns, now_ns)
    assert clock.doubted


def test_threads_may_observe_at_once() -> None:
    clock = TableClock()
    date = formatdate(time.time() + 3600, usegmt=True).encode()

    def observe() -> None:
        for _ in range(2000):
            now_ns = clock.local_ns()
            clock.observe(date, now_ns - MS, now_ns)

    threads = [threading.Thread(target=observe) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert abs(clock.offset_ns - 3600 * SECOND) < 2 * SECOND


# The exact edges of what the module's rules say


def edge(offsets: Iterable[tuple[int, int]], *, start_ns: int = 0) -> TableClock:
    """A clock that was told, at each local time, the interval of the offset from ``low_ns`` on.

    Args:
        offsets: when after the start, and the lowest offset that the response allows. The highest
            is a second more.
        start_ns: the second's fraction at the start.
    """
    now_ns = START_NS + start_ns
    clock = TableClock(lambda: now_ns)
    for after_ns, low_ns in offsets:
        now_ns = START_NS + start_ns + after_ns
        date_ns = now_ns + low_ns
        assert date_ns % SECOND == 0, "a Date has whole seconds"
        date = formatdate(date_ns // SECOND, usegmt=True).encode()
        clock.observe(date, now_ns, now_ns)
    return clock


@pytest.mark.parametrize(
    ("fast_ns", "offset_ns"),
    [
        (0, 0),
        (1, -100 * MS - 1),
        (50 * MS, -150 * MS),
        (100 * MS, -200 * MS),
        (100 * MS + 1, -1_100 * MS - 1),
        (400 * MS, -1_400 * MS),
    ],
)
def test_a_slightly_fast_host_is_set_back_a_little_further_than_required(
    fast_ns: int, offset_ns: int
) -> None:
    # Fast by so much more than the response can explain. The second one confirms it.
    low_ns = -SECOND - fast_ns
    clock = edge([(0, low_ns), (SECOND, low_ns)], start_ns=fast_ns % SECOND)
    assert clock.offset_ns == offset_ns


@pytest.mark.parametrize(("days_seconds", "considered"), [(86_400, True), (86_401, False)])
def test_a_date_a_day_from_the_hosts_clock_is_the_furthest_considered(
    days_seconds: int, considered: bool
) -> None:
    assert edge([(0, days_seconds * SECOND)]).doubted == considered
    assert edge([(0, -days_seconds * SECOND)]).doubted == considered


def test_a_correction_is_known_as_well_as_a_first_response() -> None:
    clock = edge([(0, 0), (SECOND, 10 * SECOND), (2 * SECOND, 10 * SECOND)])
    assert (clock.offset_ns, clock.uncertainty_ns) == (10 * SECOND, SECOND)
    clock.renew_lock()  # as in a child that was forked
    clock.observe(formatdate(START_NS // SECOND + 13, usegmt=True).encode(), *[START_NS] * 2)
    assert clock.doubted


@pytest.mark.parametrize(("slow_ns", "offset_ns"), [(0, 0), (1, 1), (99 * MS, 99 * MS)])
def test_a_slow_host_is_set_forward_by_what_is_required(slow_ns: int, offset_ns: int) -> None:
    clock = edge([(0, slow_ns)], start_ns=SECOND - slow_ns)
    assert clock.offset_ns == offset_ns


@pytest.mark.parametrize(("apart_ns", "doubted"), [(100 * MS - 1, False), (100 * MS, True)])
def test_a_first_response_is_doubted_from_100_ms_on(apart_ns: int, doubted: bool) -> None:
    clock = edge([(0, apart_ns)], start_ns=SECOND - apart_ns)
    assert clock.doubted == doubted
    assert clock.known == (not doubted)
    # A host that is fast by as much.
    assert edge([(0, -SECOND - apart_ns)], start_ns=apart_ns).doubted == doubted


@pytest.mark.parametrize(("apart_ns", "uncertainty_ns"), [(-1, 1), (0, 0), (1, SECOND)])
def test_of_a_suspect_and_the_response_that_confirms_it_both_count_if_both_can_be_right(
    apart_ns: int, uncertainty_ns: int
) -> None:
    suspect_ns = 10 * SECOND
    later_ns = suspect_ns + SECOND + apart_ns
    clock = edge([(0, suspect_ns), (SECOND - apart_ns, later_ns)])
    assert clock.uncertainty_ns == uncertainty_ns
    assert clock.offset_ns == later_ns


@pytest.mark.parametrize(("apart_ns", "confirmed"), [(100 * MS - 1, True), (100 * MS, False)])
def test_a_suspect_is_confirmed_by_a_response_within_100_ms(apart_ns: int, confirmed: bool) -> None:
    suspect_ns = 10 * SECOND
    later_ns = suspect_ns + SECOND + apart_ns
    clock = edge([(0, suspect_ns), (SECOND - apart_ns, later_ns)])
    assert clock.known == confirmed
    assert clock.doubted == (not confirmed)


def told_apart(apart_ns: int) -> TableClock:
    """A clock that learnt an interval, and a minute later one that lies so far beyond it."""
    now_ns = START_NS
    clock = TableClock(lambda: now_ns)
    # Under way for so long that the offset may be up to 2 s less what lies between.
    sent_ns = now_ns - (SECOND - apart_ns)
    clock.observe(formatdate(now_ns // SECOND, usegmt=True).encode(), sent_ns, now_ns)
    assert clock.uncertainty_ns == 2 * SECOND - apart_ns
    now_ns += 60 * SECOND
    clock.observe(formatdate(now_ns // SECOND + 2, usegmt=True).encode(), now_ns, now_ns)
    return clock


@pytest.mark.parametrize(("apart_ns", "doubted"), [(130 * MS - 1, False), (130 * MS, True)])
def test_a_minute_of_silence_explains_30_ms_of_drift(apart_ns: int, doubted: bool) -> None:
    clock = told_apart(apart_ns)
    assert clock.doubted == doubted
    now_ns = START_NS + 60 * SECOND
    clock.observe(formatdate(now_ns // SECOND + 2, usegmt=True).encode(), now_ns, now_ns)
    # What two responses say is no drift, but where the clock is.
    assert clock.uncertainty_ns == (SECOND if doubted else apart_ns)


@pytest.mark.parametrize("apart_ns", [1, 2, 50 * MS])
def test_a_drift_is_followed_by_the_least_it_takes(apart_ns: int) -> None:
    clock = told_apart(apart_ns)
    assert (clock.offset_ns, clock.uncertainty_ns) == (2 * SECOND, apart_ns)
    now_ns = START_NS + 120 * SECOND  # a new generation, whose first response agrees
    clock.observe(formatdate(now_ns // SECOND + 2, usegmt=True).encode(), now_ns, now_ns)
    assert (clock.offset_ns, clock.uncertainty_ns) == (2 * SECOND, apart_ns)


def test_intervals_that_meet_leave_one_offset() -> None:
    clock = told_apart(0)
    assert (clock.offset_ns, clock.uncertainty_ns) == (2 * SECOND, 0)


@pytest.mark.parametrize(("late_ns", "remembered"), [(-1, True), (0, False)])
def test_a_generation_that_ended_long_ago_is_forgotten(late_ns: int, remembered: bool) -> None:
    now_ns = START_NS
    clock = TableClock(lambda: now_ns)
    clock.observe(formatdate(now_ns // SECOND, usegmt=True).encode(), now_ns, now_ns)
    assert clock.uncertainty_ns == SECOND
    now_ns += 240 * SECOND + late_ns
    # It was under way for half a second, so it says less than the first one.
    date = formatdate((now_ns + 1) // SECOND, usegmt=True).encode()
    clock.observe(date, now_ns - SECOND // 2, now_ns)
    assert (clock.uncertainty_ns == 3 * SECOND // 2) == (not remembered)


def test_a_generation_ends_after_exactly_two_minutes() -> None:
    now_ns = START_NS
    clock = TableClock(lambda: now_ns)
    for seconds, under_way_ns in [(0, 0), (120, 0), (240, SECOND // 2)]:
        now_ns = START_NS + seconds * SECOND
        date = formatdate(now_ns // SECOND, usegmt=True).encode()
        clock.observe(date, now_ns - under_way_ns, now_ns)
    assert clock.uncertainty_ns == SECOND, "what the second one said is remembered"
