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
    for now in range(5_000):
        match chance.randrange(5):
            case 0 | 1:
                row = row_of(now, owner=chance.choice(["ada", "bob", None]), seconds=now % 97 + 1)
                if len(model) == 20:
                    over = min(each.expires_at for each in model.values()) <= now
                    doomed = (
                        {key for key, each in model.items() if each.expires_at <= now}
                        if over
                        else {next(iter(model))}
                    )
                    model = {key: each for key, each in model.items() if key not in doomed}
                assert rows.add(row, now)
                assert not rows.add(row, now)
                model[row.session_id] = row
            case 2 if model:
                used = chance.choice(list(model))
                assert rows.use(used) == model[used]
                model[used] = model.pop(used)
            case 3 if model:
                old = model[chance.choice(list(model))]
                changed = row_of(now, owner=old.owner_id, seconds=50, session_id=old.session_id)
                rows.change(changed)
                model[old.session_id] = changed
            case 4 if model:
                removed = chance.choice(list(model))
                rows.remove(removed)
                del model[removed]
        assert list(rows.values()) == list(model.values())
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
