"""Sessions that a site had before go on in every store."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sessions.browser import Site
from tests.sessions.old_browser import OldBrowser

pytest_plugins = ("tests.contract.session_stores",)

OPTIONS = pytest.mark.parametrize(
    "options", [{}, {"encryption": b"k" * 32}, {"secret": "s" * 32, "namespace": "shop"}]
)


def old(site: Site, user_id: str, **options: Any) -> OldBrowser:
    """A browser with an old cookie of this user."""
    values = {"cart": [17], "user": user_id}
    return OldBrowser(
        site,
        f"of-{user_id}",
        previous={"user_key": "user", "read": lambda _: values},
        **options,
    )


@OPTIONS
def test_b20_an_old_session_goes_on_as_its_users(site: Site, ada: str, options: Any) -> None:
    browser = old(site, ada, **options)
    assert browser.user_id() == ada
    with browser.request() as session:
        session["cart"].append(18)
    assert browser.seen() == {"cart": [17, 18], "user": ada}
    assert len(site.ids_of(ada)) == 1
    assert old(site, ada, **options).seen() == {"cart": [17, 18], "user": ada}


@OPTIONS
def test_b20_an_old_cookie_begins_nothing_after_its_session_was_ended(
    site: Site, ada: str, options: Any
) -> None:
    browser = old(site, ada, **options)
    browser.seen()
    assert site.call("revoke_user", ada) == 1
    assert browser.seen() == {}
    assert old(site, ada, **options).seen() == {}
    assert site.ids_of(ada) == set()


def test_b20_an_old_cookie_in_another_namespace_is_another_session(site: Site, ada: str) -> None:
    shop, office = old(site, ada, namespace="shop"), old(site, ada, namespace="office")
    shop.seen()
    office.seen()
    assert len(site.ids_of(ada)) == 2
    site.call("revoke_user", ada)


def test_b20_an_old_session_is_in_the_register_of_a_strict_store(
    lagging_site: Site, ada: str
) -> None:
    browser = old(lagging_site, ada)
    browser.seen()
    assert len(lagging_site.ids_of(ada)) == 1
    assert lagging_site.call("revoke_user", ada) == 1
    assert browser.seen() == {}
