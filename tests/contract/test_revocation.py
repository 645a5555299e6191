"""Whose sessions are listed and ended, whatever else happens meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions import DynamoDBSessionStore
from tests.sessions.browser import Browser, Site, alive, logged_in, rotated

if TYPE_CHECKING:
    from tests.contract.session_stores import Backend

pytest_plugins = ("tests.contract.session_stores",)

HOUR_SECONDS = 3_600


def again(backend: Backend, *, late_seconds: int = 0) -> DynamoDBSessionStore:
    """Another process's store on the same table, with strict revocation."""
    assert isinstance(backend.store, DynamoDBSessionStore)
    return DynamoDBSessionStore(
        backend.store.table,
        endpoint_url=backend.endpoint_url,
        layout=backend.store.layout,
        clock=lambda: backend.clock() - late_seconds * 10**9,
        strict_revocation=True,
    )


# Strict revocation


def test_strict_revocation_switched_on_ends_what_began_without_it(
    table_backend: Backend, ada: str
) -> None:
    before = Site(table_backend.store, table_backend.clock)
    old = logged_in(before, ada, seed=0)
    with again(table_backend) as store:
        after = Site(store, table_backend.clock)
        new = logged_in(after, ada, seed=0)
        assert after.ids_of(ada) == {old.session_id, new.session_id}
        assert store.revoke_user(ada) == 2
    assert alive(before, old, new) == [False, False]


def test_a_list_forgets_no_session_that_a_slower_clock_prolongs(
    table_backend: Backend, ada: str
) -> None:
    with again(table_backend) as store, again(table_backend, late_seconds=2) as late_store:
        site = Site(store, table_backend.clock)
        late = Site(late_store, table_backend.clock)
        browser = logged_in(site, ada, seed=0)
        table_backend.clock.advance(HOUR_SECONDS)
        slow = late.browser(browser).open()
        assert slow.session.user_id == ada
        assert site.ids_of(ada) == set()
        slow.session["seed"] = 1
        slow.finish()
        table_backend.clock.advance(5)
        assert alive(site, browser) == [True]
        assert store.revoke_user(ada) == 1
        assert alive(site, browser) == [False]


# But one


@pytest.mark.parametrize("by", ["rotation", "two rotations", "login"])
def test_the_one_that_asks_is_kept_though_its_id_is_another_by_now(
    site: Site, ada: str, by: str
) -> None:
    browser, other = logged_in(site, ada, seed=0), logged_in(site, ada, seed=0)
    asking = site.browser(browser).open()
    own_id = asking.session.id
    if by == "login":
        with browser.request() as session:
            session.login(ada)
    else:
        rotated(site, browser)
    if by == "two rotations":
        rotated(site, browser)
    assert site.call("revoke_user", ada, except_=own_id) == 1
    assert alive(site, browser, other) == [True, False]


def test_a_request_under_way_with_the_id_of_before_a_rotation_keeps_its_grace(
    site: Site, ada: str
) -> None:
    browser, other = logged_in(site, ada, seed=0), logged_in(site, ada, seed=0)
    first = rotated(site, browser)
    second = rotated(site, browser)
    assert site.call("revoke_user", ada, except_=browser.session_id) == 1
    for before in (first, second):
        with before.request() as session:
            assert session.user_id == ada
    assert alive(site, browser, other) == [True, False]
    assert site.call("revoke_user", ada) == 1
    assert alive(site, first, second, browser) == [False] * 3


@pytest.mark.parametrize("except_", ["", "x", "A" * 43, "é" * 43])
def test_an_id_that_is_nobodys_keeps_nothing(site: Site, ada: str, except_: str) -> None:
    browser = logged_in(site, ada, seed=0)
    assert site.call("revoke_user", ada, except_=except_) == 1
    assert alive(site, browser) == [False]


def test_an_id_of_another_users_keeps_nothing(site: Site, ada: str, bob: str) -> None:
    hers, his = logged_in(site, ada, seed=0), logged_in(site, bob, seed=0)
    assert site.call("revoke_user", ada, except_=his.session_id) == 1
    assert alive(site, hers, his) == [False, True]


# Namespaces


def in_namespace(site: Site, namespace: str, user_id: str) -> Browser:
    browser = site.browser(namespace=namespace)
    with browser.request() as session:
        session.login(user_id, device=namespace or "none")
    return browser


def test_users_of_one_id_in_two_applications_are_two_users(site: Site, ada: str) -> None:
    shop, office, plain = (in_namespace(site, name, ada) for name in ("shop", "office", ""))
    before = rotated(site, shop)

    def devices(**namespace: str) -> list[str]:
        return sorted(one.namespace for one in site.call("sessions_of", ada, **namespace))

    assert devices(namespace="shop") == ["shop"]
    assert devices(namespace="") == [""]
    assert devices() == ["", "office", "shop"]
    assert site.call("revoke", ada, office.session_id, namespace="shop") is False
    assert site.call("revoke_user", ada, namespace="shop") == 1
    assert [one.user_id() for one in (before, shop, office, plain)] == [None, None, ada, ada]
    assert site.call("revoke", ada, office.session_id, namespace="office") is True
    assert site.call("revoke_user", ada) == 1
    assert plain.user_id() is None


def test_a_namespace_is_a_text_or_none(site: Site, ada: str) -> None:
    for method, arguments in [("sessions_of", ()), ("revoke", ("A" * 43,)), ("revoke_user", ())]:
        with pytest.raises(TypeError, match="namespace must be a str or None, not 7"):
            site.call(method, ada, *arguments, namespace=7)


@pytest.mark.parametrize("namespace", ["n" * 257, "\udcff"])
def test_a_namespace_that_no_application_can_have_is_refused(
    site: Site, ada: str, namespace: str
) -> None:
    for method, arguments in [("sessions_of", ()), ("revoke", ("A" * 43,)), ("revoke_user", ())]:
        with pytest.raises(ValueError, match="namespace must "):
            site.call(method, ada, *arguments, namespace=namespace)
