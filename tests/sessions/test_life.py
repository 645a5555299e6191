"""How long a session lives: idle timeout, lifetime and touch, to the second."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sessions import MemorySessionStore
from sessions.arguments import MAX_TIMEOUT_SECONDS, MIN_TIMEOUT_SECONDS
from sessions.config.timeouts import Timeouts
from sessions.operations.count import Count, Recount
from sessions.operations.operation import Create
from tests.fake_clock import FakeClock
from tests.sessions.browser import Browser, Site
from tests.sessions.recording import recorded_site

IDLE = 3_600
LIFETIME = 43_200
TOUCH = 360


def begun(site: Site, **options: Any) -> Browser:
    browser = site.browser(**{"idle": IDLE, "lifetime": LIFETIME, **options})
    with browser.request() as session:
        session["a"] = 1
    return browser


def is_alive(browser: Browser) -> bool:
    """Whether its session is served, without a note of its use."""
    return "a" in browser.open().session


# Idle timeout and lifetime


def test_an_idle_session_is_over_at_the_second(site: Site) -> None:
    browser = begun(site)
    site.clock.advance(IDLE - 1)
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_a_fraction_of_a_second_does_not_count(site: Site) -> None:
    site.clock.advance(0.999)
    browser = begun(site)
    site.clock.advance(IDLE - 1)
    assert is_alive(browser)
    site.clock.advance_ns(10**6)
    assert not is_alive(browser)


def test_activity_never_passes_the_absolute_deadline(site: Site) -> None:
    browser = begun(site)
    for _ in range(LIFETIME // (IDLE - 1)):
        site.clock.advance(IDLE - 1)
        assert browser.seen() == {"a": 1}
    (row,) = site.rows(browser.session_id)
    assert row.expires_at == row.ends_at == row.created_at + LIFETIME
    site.clock.advance(row.ends_at - site.clock() // 10**9 - 1)
    with browser.request() as session:
        session["a"] = 2
    (row,) = site.rows(browser.session_id)
    assert row.expires_at == row.created_at + LIFETIME
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_options_that_are_raised_prolong_no_session_that_is_rotated(site: Site) -> None:
    browser = begun(site)
    site.clock.advance(IDLE - 1)
    later = site.browser(browser, idle=2 * LIFETIME, lifetime=3 * LIFETIME)
    with later.request() as session:
        session.rotate()
    (row,) = site.rows(later.session_id)
    assert row.expires_at == row.ends_at == row.created_at + LIFETIME


@pytest.mark.parametrize("use", ["look", "change", "rotate"])
def test_no_use_of_any_kind_passes_the_absolute_deadline(site: Site, use: str) -> None:
    browser = begun(site, idle=1_000, lifetime=2_500)
    for _ in range(4):
        site.clock.advance(500)
        with browser.request() as session:
            assert session["a"]
            if use == "change":
                session["a"] += 1
            elif use == "rotate":
                session.rotate()
    site.clock.advance(499)
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_a_login_begins_another_lifetime(site: Site) -> None:
    browser = begun(site, idle=1_000, lifetime=1_500)
    site.clock.advance(999)
    with browser.request() as session:
        session.login("ada")
    site.clock.advance(999)
    assert browser.seen() == {"a": 1}
    site.clock.advance(500)
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_shorter_timeouts_hold_for_sessions_that_are_there(site: Site) -> None:
    browser = begun(site)
    site.clock.advance(600)
    assert is_alive(site.browser(browser, idle=601, lifetime=LIFETIME))
    assert not is_alive(site.browser(browser, idle=600, lifetime=LIFETIME))
    browser.seen()
    assert is_alive(site.browser(browser, idle=600, lifetime=601))
    assert not is_alive(site.browser(browser, idle=600, lifetime=600))


def test_a_session_keeps_the_end_that_it_began_with(site: Site) -> None:
    browser = begun(site, idle=1_000, lifetime=1_000)
    site.clock.advance(999)
    longer = site.browser(browser, idle=IDLE, lifetime=LIFETIME)
    assert longer.seen() == {"a": 1}
    site.clock.advance(1)
    assert not is_alive(longer)


def test_a_row_that_ttl_has_not_deleted_is_left_as_it_is(site: Site) -> None:
    browser = begun(site)
    rows = site.rows(browser.session_id)
    site.clock.advance(IDLE)
    with browser.request() as session:
        session["a"] = 2
    assert site.rows(rows[0].session_id) == rows
    assert browser.session_id != rows[0].session_id


def test_a_users_count_is_kept_until_all_that_it_counts_has_ended() -> None:
    site, store = recorded_site()
    for _ in range(2):
        with site.browser(max_sessions_per_user=1).request() as session:
            session.login("ada")
        site.clock.advance(1)
    counts = [operation.count for operation in store.operations if isinstance(operation, Create)]
    assert [type(count) for count in counts] == [Count, Count, Recount]
    began = site.clock() // 10**9 - 2
    assert [count.expires_at - began for count in counts if count is not None] == [
        MAX_TIMEOUT_SECONDS,
        MAX_TIMEOUT_SECONDS + 1,
        MAX_TIMEOUT_SECONDS + 1,
    ]


# Touch


def test_a_look_that_asks_whether_the_session_was_revoked_is_a_read() -> None:
    site, store = recorded_site()
    browser = begun(site, on_revoked="raise")
    store.asked()
    browser.seen()
    assert store.asked() == ["Find", "Find"]


@pytest.mark.parametrize(
    ("idle", "touch"), [(120, 60), (599, 60), (600, 60), (610, 61), (3_600, 360), (43_200, 4_320)]
)
def test_a_use_is_noted_once_in_a_tenth_of_the_idle_timeout(idle: int, touch: int) -> None:
    assert Timeouts.of(idle, 2 * LIFETIME).touch_seconds == touch
    site, store = recorded_site()
    browser = begun(site, idle=idle, lifetime=2 * LIFETIME)
    store.asked()
    site.clock.advance(touch - 1)
    browser.seen()
    assert store.asked() == ["Find"]
    site.clock.advance(1)
    browser.seen()
    assert store.asked() == ["Find", "Save"]
    browser.seen()
    assert store.asked() == ["Find"]
    (row,) = site.rows(browser.session_id)
    assert row.last_seen_at == row.created_at + touch
    assert row.expires_at == row.last_seen_at + idle


def test_a_touch_changes_no_version_and_no_data(site: Site) -> None:
    browser = begun(site)
    (before,) = site.rows(browser.session_id)
    site.clock.advance(TOUCH)
    browser.seen()
    (after,) = site.rows(browser.session_id)
    assert (after.version, after.data) == (before.version, before.data)
    assert after.last_seen_at == before.last_seen_at + TOUCH


def test_a_change_notes_the_use_too() -> None:
    site, store = recorded_site()
    browser = begun(site)
    site.clock.advance(TOUCH - 1)
    with browser.request() as session:
        session["a"] = 2
    store.asked()
    site.clock.advance(TOUCH - 1)
    browser.seen()
    assert store.asked() == ["Find"]


def test_no_touch_is_due_when_nothing_more_can_be_gained(site: Site) -> None:
    browser = begun(site, idle=1_000, lifetime=1_000)
    (before,) = site.rows(browser.session_id)
    site.clock.advance(999)
    browser.seen()
    (after,) = site.rows(browser.session_id)
    assert after.expires_at == before.expires_at


# What can't hold


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"idle": MIN_TIMEOUT_SECONDS - 1}, "idle must be from 120 to .*, not 119"),
        ({"idle": 0}, "idle .*, not 0"),
        ({"idle": -1}, "idle .*, not -1"),
        (
            {"lifetime": MAX_TIMEOUT_SECONDS + 1},
            "lifetime .* to 34560000 seconds, not 34560001",
        ),
        (
            {"idle": 601, "lifetime": 600},
            "idle must be at most the lifetime of 600 .* 601",
        ),
        ({"lifetime": 600}, "idle must be at most the lifetime of 600 seconds, not 3600"),
    ],
)
def test_timeouts_out_of_range_are_refused(
    site: Site, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        site.browser(**options)


@pytest.mark.parametrize("given", [3_600.0, "3600", None, True])
@pytest.mark.parametrize("what", ["idle", "lifetime"])
def test_timeouts_are_whole_seconds(site: Site, what: str, given: Any) -> None:
    with pytest.raises(TypeError, match=rf"{what} must be an int \(seconds\), not "):
        site.browser(**{what: given})


@pytest.mark.parametrize(("idle", "lifetime"), [(120, 120), (120, 34_560_000)])
def test_the_extremes_are_taken(site: Site, idle: int, lifetime: int) -> None:
    assert is_alive(begun(site, idle=idle, lifetime=lifetime))


# The time of a store in memory


def test_in_memory_a_session_ages_by_the_monotonic_clock_whatever_the_wall_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monotonic, wall = FakeClock(0), FakeClock()
    monkeypatch.setattr(time, "monotonic_ns", monotonic)
    monkeypatch.setattr(time, "time_ns", wall)
    browser = begun(Site(MemorySessionStore(), wall))
    for step_seconds in (10 * LIFETIME, -20 * LIFETIME):
        wall.advance(step_seconds)
        assert is_alive(browser)
    monotonic.advance(IDLE - 1)
    assert is_alive(browser)
    monotonic.advance(1)
    assert not is_alive(browser)


def test_where_there_are_more_sessions_than_may_be_a_rotation_asks_for_no_count() -> None:
    site, store = recorded_site()
    for _ in range(2):
        browser = site.browser(max_sessions_per_user=2)
        with browser.request() as session:
            session.login("ada")
    rotating = site.browser(browser, max_sessions_per_user=1)
    store.asked()
    with rotating.request() as session:
        session.rotate()
    assert "ReadCount" not in store.asked()
    assert rotating.open().session.user_id == "ada"


def test_a_session_that_was_logged_out_is_valid_no_more(site: Site) -> None:
    browser = site.browser()
    with browser.request() as session:
        session["a"] = 1
    request = browser.open()
    assert request.still_valid()
    request.session.logout()
    assert not request.still_valid()
    request.finish()
