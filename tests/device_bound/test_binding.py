"""A browser that has DBSC: it registers at a login, and keeps its session by its key."""

from __future__ import annotations

import json

import pytest

from sessions import Session, StoreUnavailable
from sessions.config.device_bound import DEVICE_BINDING
from sessions.device_bound import DeviceBound
from sessions.operations.operation import Find
from sessions.operations.row import Row
from tests.device_bound.conftest import MakeSite
from tests.device_bound.device_browser import REFRESH, REGISTER, DeviceBrowser, Kept
from tests.device_bound.device_key import RSADeviceKey
from tests.sessions_web.site import Site, put, site_over

BOUND = "__Host-session-bound"


def login(session: Session) -> None:
    session.login("ada")


def row_of(site: Site, session_id: str) -> Row:
    rows: list[Row] = site.store.send(Find(session_id), 0).rows
    return rows[0]


def id_of(browser: DeviceBrowser) -> str:
    session_id: str = browser.visit(lambda session: session.id).value
    return session_id


def test_a_login_is_offered_to_be_bound_and_the_row_keeps_the_public_key(
    browser: DeviceBrowser,
) -> None:
    browser.visit(login)
    assert browser.asked[-1] == ("POST", REGISTER, 200)
    row = row_of(browser.site, id_of(browser))
    kept = {
        "identifier": browser.session.identifier,
        "key": browser.session.key.jwk,
        "bound_at": browser.clock() // 1_000_000_000,
        "proofs": 0,
    }
    assert row.data[DEVICE_BINDING] == json.dumps(kept, separators=(",", ":"))
    assert browser.site.told == ["created", "bound"]
    assert len({(one.session, one.user_id) for one in browser.site.events}) == 1


def test_a_key_of_rsa_does_as_well(site: Site) -> None:
    browser = DeviceBrowser(site, make_key=RSADeviceKey)
    browser.visit(login)
    browser.clock.advance(700)
    assert browser.user() == "ada"
    assert browser.asked[-2:] == [("POST", REFRESH, 200), ("GET", "/", 200)]


def test_an_anonymous_session_is_not_offered_it(browser: DeviceBrowser) -> None:
    response = browser.visit(put(cart=1))
    assert "secure-session-registration" not in response.headers
    assert len(response.set_cookies) == 1


def test_a_bound_session_costs_a_page_one_read_as_before(bound: DeviceBrowser) -> None:
    del bound.site.log[:]
    bound.user()
    assert bound.site.calls == ["Find"]


def test_the_browser_refreshes_its_cookie_in_two_calls(bound: DeviceBrowser) -> None:
    bound.clock.advance(600)
    del bound.asked[:], bound.site.log[:]
    assert bound.user() == "ada"
    assert bound.asked == [
        ("POST", REFRESH, 403),
        ("POST", REFRESH, 200),
        ("GET", "/", 200),
    ]
    assert bound.site.calls[:3] == ["Find", "Find", "Save"]
    assert json.loads(row_of(bound.site, id_of(bound)).data[DEVICE_BINDING])["proofs"] == 1


def test_it_goes_on_for_as_long_as_the_session_lives(bound: DeviceBrowser) -> None:
    for _ in range(30):
        bound.clock.advance(900)
        assert bound.user() == "ada"


def test_the_browser_gives_its_cookie_up_before_the_site_does(bound: DeviceBrowser) -> None:
    ends_at_ns = bound.cookies[BOUND].ends_at_ns
    assert ends_at_ns is not None
    ends_at = int(bound.cookies[BOUND].value.partition(".")[0])
    assert ends_at - ends_at_ns // 10**9 == 30


def test_a_refresh_is_no_use_of_the_session(bound: DeviceBrowser) -> None:
    for _ in range(5):
        bound.clock.advance(700)
        bound.refresh(bound.session)
    bound.clock.advance(200)  # 3,700 in all
    assert bound.refresh(bound.session).status == 401
    assert bound.user() is None


def test_a_link_of_another_site_leads_to_the_session_too(bound: DeviceBrowser) -> None:
    bound.clock.advance(700)
    assert bound.user(from_elsewhere=True) == "ada"


def test_a_login_that_another_site_led_to_is_bound_too(browser: DeviceBrowser) -> None:
    browser.visit(login, from_elsewhere=True)
    assert browser.sessions


def test_pages_that_were_asked_for_meanwhile_are_not_logged_out(browser: DeviceBrowser) -> None:
    before = browser.stolen()
    browser.visit(login)
    before.cookies = {k: v for k, v in browser.cookies.items() if k != BOUND}
    assert before.user() == "ada"
    browser.clock.advance(19)
    assert before.user() == "ada"
    browser.clock.advance(1)
    assert before.user() is None


def test_browsers_without_it_are_logged_in_as_before(site: Site) -> None:
    browser = DeviceBrowser(site, has_dbsc=False)
    browser.visit(login)
    for _ in range(3):
        browser.clock.advance(3_000)
        assert browser.user() == "ada"


def test_a_session_can_be_asked_whether_its_device_is_proven(
    bound: DeviceBrowser, site: Site
) -> None:
    def proven(session: Session) -> bool:
        return session.has_device_proof

    assert bound.visit(proven).value is True
    without = DeviceBrowser(site, has_dbsc=False)
    without.visit(login)
    assert without.visit(proven).value is False
    assert DeviceBrowser(site).visit(proven).value is False


def test_no_proof_is_claimed_while_none_is_asked_for(browser: DeviceBrowser) -> None:
    browser.visit(login)
    early = browser.stolen()
    del early.cookies[BOUND]
    assert early.visit(lambda session: session.has_device_proof).value is False


def test_the_application_does_not_see_the_binding(bound: DeviceBrowser) -> None:
    assert bound.visit(dict).value == {}


def test_a_confirmed_login_offers_it_to_a_session_that_is_not_bound(site: Site) -> None:
    old = DeviceBrowser(site, has_dbsc=False)
    old.visit(login)
    new = DeviceBrowser(site)  # the same browser, after its update
    new.cookies = old.cookies
    new.visit(lambda session: session.confirm_login("ada"))
    assert new.sessions
    response = new.visit(lambda session: session.confirm_login("ada"))
    assert "secure-session-registration" not in response.headers


def test_no_other_new_id_is_offered_it(site: Site) -> None:
    """Whoever has stolen a session that is not bound could bind it to a key of theirs."""
    browser = DeviceBrowser(site, has_dbsc=False)
    browser.visit(login)
    response = browser.visit(lambda session: session.rotate())
    assert response.set_cookies
    assert "secure-session-registration" not in response.headers


def test_a_site_may_check_without_offering(make_site: MakeSite) -> None:
    browser = DeviceBrowser(make_site({"offers": False}))
    assert "secure-session-registration" not in browser.visit(login).headers
    assert browser.user() == "ada"


@pytest.mark.parametrize("options", [{"encryption": b"k" * 32}, {"secret": "s" * 32}])
def test_it_works_with_encryption_and_signed_cookies(
    make_site: MakeSite, options: dict[str, object]
) -> None:
    browser = DeviceBrowser(make_site(**options))
    browser.visit(login)
    browser.clock.advance(700)
    assert browser.user() == "ada"
    assert isinstance(row_of(browser.site, id_of(browser)).data[DEVICE_BINDING], str | bytes)


@pytest.mark.parametrize("same_site", ["Strict", "None"])
def test_it_works_with_every_same_site(make_site: MakeSite, same_site: str) -> None:
    browser = DeviceBrowser(make_site(same_site=same_site))
    browser.visit(login)
    browser.clock.advance(700)
    assert browser.user() == "ada"


def test_a_secret_can_be_rotated(make_site: MakeSite) -> None:
    old, new = "o" * 32, "n" * 32
    browser = DeviceBrowser(make_site())
    site = browser.site
    before = site_over(site.protocol, store=site.store, device_bound=DeviceBound(old))
    after = site_over(site.protocol, store=site.store, device_bound=DeviceBound([new, old]))
    browser.site.app = before.app
    browser.visit(login)
    browser.clock.advance(60)
    browser.site.app = after.app
    del browser.asked[:]
    assert browser.user() == "ada"
    assert browser.asked == [("GET", "/", 200)]
    browser.clock.advance(700)
    assert browser.user() == "ada"


def test_an_outage_of_the_store_does_not_end_the_browsers_session(bound: DeviceBrowser) -> None:
    bound.clock.advance(700)
    bound.site.store.failures["Find"] = StoreUnavailable("down")
    refused = bound.refresh(bound.session)
    assert (refused.status, refused.body) == (503, b"Service Unavailable")
    assert bound.site.told[-1] == "unavailable"
    del bound.site.store.failures["Find"]
    assert bound.user() == "ada"


def test_a_change_of_the_session_meanwhile_is_kept_beside_the_key(browser: DeviceBrowser) -> None:
    browser.visit(login)
    browser.clock.advance(700)
    tab = browser.stolen()
    tab.cookies[BOUND] = _live_again(browser)
    saved: list[int] = []
    browser.site.store.meanwhile["Save"] = lambda: saved.append(tab.visit(put(cart=1)).status)
    assert browser.refresh(browser.session).status == 200
    assert saved == [200]
    assert browser.visit(dict).value == {"cart": 1}


def _live_again(browser: DeviceBrowser) -> Kept:
    """The bound cookie that one more refresh brings."""
    twin = browser.stolen()
    twin.refresh(browser.session)
    return twin.cookies[BOUND]
