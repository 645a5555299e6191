"""What it costs a long request to look at its session again."""

from __future__ import annotations

from tests.sessions.browser import logged_in, rotated
from tests.sessions.recording import recorded_site


def test_a_websocket_of_days_reads_what_was_rotated_since_it_last_looked() -> None:
    site, store = recorded_site()
    browser = logged_in(site, "ada")
    long = site.browser(browser).open()
    long.finish()
    for _ in range(9):
        site.clock.advance(60)
        rotated(site, browser)
        store.asked()
        assert long.still_valid()
        assert len(store.asked()) == 2, "the row of the last look, and the one after it"
