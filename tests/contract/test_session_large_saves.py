"""A save is one step, whatever the number of its keys: all of them are kept, or none is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ddbwire import AnsweredCall
from sessions import DynamoDBSessionStore, SessionConflict, SessionRevoked
from tests.sessions.browser import Site, begun, logged_in, rotated

if TYPE_CHECKING:
    from tests.contract.session_stores import Backend

pytest_plugins = ("tests.contract.session_stores",)

MANY = {f"key-{number}": number for number in range(1_000)}

COUNTS = pytest.mark.parametrize("count", [1, 90, 91, 148, 149, 300, 1_000])


def first(count: int) -> dict[str, int]:
    return dict(list(MANY.items())[:count])


@COUNTS
def test_a7_any_number_of_keys_is_set_and_removed(site: Site, count: int) -> None:
    browser = begun(site, seed=0)
    with browser.request() as session:
        session.update(first(count))
    assert browser.seen() == {"seed": 0, **first(count)}
    with browser.request() as session:
        for key in first(count):
            del session[key]
    assert browser.seen() == {"seed": 0}


@COUNTS
def test_a7_keys_are_set_and_removed_in_one_save(site: Site, count: int) -> None:
    browser = begun(site, **{f"old-{number}": 0 for number in range(count)})
    with browser.request() as session:
        for key in list(session):
            del session[key]
        session.update(first(count))
    assert browser.seen() == first(count)


def test_a7_what_another_request_changes_meanwhile_is_kept_beside_a_large_save(site: Site) -> None:
    browser = begun(site, seed=0, old=1)
    large, small = browser.open(), site.browser(browser).open()
    large.session.update(MANY)
    small.session["other"] = 2
    del small.session["old"]
    small.finish()
    large.finish()
    assert browser.seen() == {"seed": 0, "other": 2, **MANY}


def test_a7_what_another_request_changes_between_read_and_write_is_kept(
    table_backend: Backend,
) -> None:
    store, clock, endpoint_url = table_backend
    assert isinstance(store, DynamoDBSessionStore)
    browser = begun(Site(store, clock), seed=0)
    reads = []

    def change_meanwhile(call: AnsweredCall) -> None:
        if call.operation == "Query":
            reads.append(call)
            if len(reads) == 2:  # the first is the request's, the second the save's own
                with Site(store, clock).browser(browser).request() as session:
                    session["other"] = 2

    watched = DynamoDBSessionStore(
        store.table,
        endpoint_url=endpoint_url,
        layout=store.layout,
        clock=clock,
        on_call=change_meanwhile,
    )
    with Site(watched, clock).browser(browser).request() as session:
        session.update(MANY)
    assert len(reads) == 3
    assert browser.seen() == {"seed": 0, "other": 2, **MANY}
    watched.close()


def test_a7_a_large_save_of_a_strict_session_meets_another_and_says_so(site: Site) -> None:
    browser = site.browser(strict=True)
    with browser.request() as session:
        session["seed"] = 0
    large, small = browser.open(), site.browser(browser, strict=True).open()
    large.session.update(MANY)
    small.session["other"] = 2
    small.finish()
    with pytest.raises(SessionConflict):
        large.begin()
    assert browser.seen() == {"seed": 0, "other": 2}
    with browser.request() as session:
        session.update(MANY)
    assert browser.seen() == {"seed": 0, "other": 2, **MANY}


def test_a7_a_large_save_does_not_restore_a_session_that_was_ended(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    large = site.browser(browser, on_revoked="raise").open()
    large.session.update(MANY)
    site.call("revoke_user", ada)
    with pytest.raises(SessionRevoked):
        large.begin()
    assert site.rows(browser.session_id) == []


def test_a7_a_large_save_follows_a_rotation(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    large = site.browser(browser).open()
    large.session.update(MANY)
    rotated(site, browser)
    large.finish()
    assert browser.seen() == {"seed": 0, **MANY}


def test_a7_a_large_save_of_encrypted_values_is_one_too(site: Site) -> None:
    browser = site.browser(encryption=b"k" * 32)
    with browser.request() as session:
        session["seed"] = 0
    with browser.request() as session:
        session.update(MANY)
    assert browser.seen() == {"seed": 0, **MANY}
