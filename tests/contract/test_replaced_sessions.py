"""A session that a login replaced: what every store keeps of it, and for whom."""

from __future__ import annotations

import pytest

from tests.sessions.browser import Site, begun, logged_in

pytest_plugins = ("tests.contract.session_stores",)


@pytest.mark.parametrize("is_user", [False, True])
def test_a_replaced_id_gives_access_to_nothing_and_tells_so(
    site: Site, ada: str, is_user: bool
) -> None:
    browser = logged_in(site, ada, cart=[17]) if is_user else begun(site, cart=[17])
    before, double = site.browser(browser), site.browser(browser)
    late = site.browser(browser).open()
    with browser.request() as session:
        session.login(ada)
    for request in (late, before.open()):
        request.session["late"] = 1
        assert "set-cookie" not in dict(request.finish())
    assert before.seen() == {}
    with double.request() as session:
        session.login(ada)
    assert double.seen() == browser.seen() == {"cart": [17]}
    assert site.ids_of(ada) == {browser.session_id, double.session_id}


def test_no_end_deletes_what_tells_of_a_login(site: Site, ada: str) -> None:
    browser = logged_in(site, ada)
    before = site.browser(browser)
    late = site.browser(browser).open()
    with browser.request() as session:
        session.login(ada)
    late.session.logout()
    assert "set-cookie" not in dict(late.finish())
    assert site.call("revoke", ada, before.session_id) is False
    assert site.call("revoke_user", ada, except_=browser.session_id) == 0
    (row,) = site.rows(before.session_id)
    assert row.replaced_by == browser.session_id
    assert browser.user_id() == ada
