"""A memory store that is full: whom it drops, and how long that takes."""

from __future__ import annotations

import random
import secrets
import statistics
import time

import pytest

from sessions import MemorySessionStore
from sessions.operations.operation import Create
from sessions.operations.row import Row, anonymous
from sessions.store.memory_rows import MemoryRows
from tests.fake_clock import FakeClock
from tests.sessions.browser import Browser, Site, begun, logged_in

FULL = 100_000
MILLISECOND = 0.001


def full_site(most: int) -> Site:
    """A site that has room for so many sessions."""
    clock = FakeClock()
    return Site(MemorySessionStore(max_sessions=most, clock=clock), clock)


def short(site: Site, **values: int) -> Browser:
    """A browser whose session is over two minutes after its last use."""
    browser = site.browser(idle=120)
    with browser.request() as session:
        session.update(values or {"seed": 0})
    return browser


def there(site: Site, *browsers: Browser) -> list[bool]:
    """Whose rows are there, over or not; not counted as a use."""
    assert isinstance(site.store, MemorySessionStore)
    ids = {row.session_id for row in site.store._rows.values()}
    return [browser.session_id in ids for browser in browsers]


def test_a11_what_is_over_is_dropped_before_anything_that_is_not() -> None:
    site = full_site(3)
    idle = begun(site)
    site.clock.advance(1_000)
    over, active = short(site), begun(site)
    site.clock.advance(120)
    begun(site)
    assert there(site, idle, over, active) == [True, False, True]


def test_a11_who_is_active_stays_and_the_longest_idle_goes() -> None:
    site = full_site(4)
    user = logged_in(site, "ada", seed=0)
    site.clock.advance(100)
    bots = [begun(site) for _ in range(3)]
    site.clock.advance(100)
    assert user.user_id() == "ada"  # a read: its use is not even noted in the row
    begun(site)
    assert there(site, user, *bots) == [True, False, True, True]
    begun(site)
    assert there(site, user, *bots) == [True, False, False, True]


def test_a11_yesterdays_bots_go_before_who_is_active_whatever_came_first() -> None:
    site = full_site(4)
    user = logged_in(site, "ada", seed=0)
    yesterday = site.clock() // 10**9 - 86_400
    bots = [row_of(yesterday, seconds=10 * 86_400) for _ in range(3)]
    for bot in bots:
        site.send(Create(bot))
    browsers = [begun(site) for _ in range(3)]
    assert there(site, user, *browsers) == [True] * 4


def test_a11_a_session_that_was_prolonged_is_not_taken_for_one_that_is_over() -> None:
    site = full_site(2)
    prolonged = short(site)
    site.clock.advance(60)
    prolonged.seen()
    site.clock.advance(60)
    other = begun(site)
    site.clock.advance(30)
    prolonged.seen()
    begun(site)
    assert there(site, prolonged, other) == [True, False]


@pytest.mark.parametrize("how_they_are", ["all live", "all over"])
def test_a11_a_new_session_in_a_full_store_takes_no_milliseconds(how_they_are: str) -> None:
    site = full_site(FULL)
    now = site.clock() // 10**9
    for row in (row_of(now) for _ in range(FULL)):
        site.send(Create(row))
    if how_they_are == "all over":
        site.clock.advance(3_600)
    times = []
    for _ in range(200):
        create = Create(row_of(site.clock() // 10**9))
        started = time.perf_counter()
        site.send(create)
        times.append(time.perf_counter() - started)
    assert statistics.median(times) < MILLISECOND


def test_a11_a_users_sessions_are_found_among_many_without_a_search() -> None:
    site = full_site(FULL)
    now = site.clock() // 10**9
    for row in (row_of(now) for _ in range(FULL - 1)):
        site.send(Create(row))
    browser = logged_in(site, "ada")
    times = []
    for _ in range(20):
        started = time.perf_counter()
        assert site.ids_of("ada") == {browser.session_id}
        times.append(time.perf_counter() - started)
    assert statistics.median(times) < MILLISECOND


def test_a11_all_orders_of_the_rows_agree_whatever_is_done() -> None:
    chance = random.Random(11)
    rows, model = MemoryRows(20), dict[str, Row]()
    used: dict[str, tuple[int, int]] = {}
    for step in range(5_000):
        now = step // 3
        known = chance.choice(list(model)) if model else None
        match chance.randrange(6):
            case 0 | 1 | 2:
                row = row_of(now, owner=chance.choice(["ada", "bob", None]), seconds=now % 97 + 1)
                if len(model) == 20:
                    over = [key for key, each in model.items() if each.expires_at <= now]
                    for key in over or [min(used, key=lambda key: used[key])]:
                        del model[key], used[key]
                assert not rows.put([row], rows.writes + 1)
                assert rows.put([row], rows.writes)
                rows.make_room(now)
                model[row.session_id], used[row.session_id] = row, (now, step)
            case 3 if known:
                assert rows.use(known, now) == model[known]
                used[known] = (now, step)
            case 4 if known:
                old = model[known]
                changed = row_of(now, owner=old.owner_id, seconds=50, session_id=known)
                assert rows.put([changed], rows.writes)
                model[known], used[known] = changed, (now, step)
            case 5 if known:
                assert not rows.remove(known, rows.writes + 1)
                assert rows.remove(known, rows.writes)
                del model[known], used[known]
        assert {row.session_id: row for row in rows.values()} == model
        assert len(rows) == len(model)
        for owner in ("ada", "bob"):
            owned = {row.session_id for row in model.values() if row.owner_id == owner}
            assert {row.session_id for row in rows.owned_by(owner)} == owned


def row_of(
    now: int, *, owner: str | None = None, seconds: int = 3_600, session_id: str | None = None
) -> Row:
    """A new row."""
    session_id = session_id or secrets.token_urlsafe(32)
    user_id = owner or anonymous(session_id)
    return Row(session_id, user_id, now, now, now + seconds, now + 43_200)
