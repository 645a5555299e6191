"""What becomes of the binding: at rotations, logouts, logins anew, revocations."""

from __future__ import annotations

import pytest

from sessions import Session
from sessions.config.device_bound import DEVICE_BINDING
from sessions.operations.operation import Find
from tests.device_bound.conftest import MakeSite
from tests.device_bound.device_browser import REFRESH, DeviceBrowser
from tests.sessions_web.site import in_turn, put

BOUND = "__Host-session-bound"


def login(session: Session) -> None:
    session.login("ada")


def kept(browser: DeviceBrowser) -> object:
    """What the row keeps of the binding."""
    session_id = browser.visit(lambda session: session.id).value
    (row,) = browser.site.store.send(Find(session_id), 0).rows
    return row.data.get(DEVICE_BINDING)


@pytest.mark.parametrize("act", ["rotate", "confirm_login"])
def test_a_rotation_takes_the_binding_along(bound: DeviceBrowser, act: str) -> None:
    before, identifier = kept(bound), bound.session.identifier
    bound.visit(
        lambda session: session.rotate() if act == "rotate" else session.confirm_login("ada")
    )
    assert kept(bound) == before
    assert bound.user() == "ada"
    bound.clock.advance(700)
    assert bound.user() == "ada"
    assert bound.session.identifier == identifier


def test_a_rotated_sessions_old_cookie_is_worth_nothing_without_the_proof(
    bound: DeviceBrowser,
) -> None:
    old = bound.stolen()
    del old.cookies[BOUND]
    bound.visit(lambda session: session.rotate())
    assert old.user() is None


def test_a_login_anew_begins_without_the_binding_and_registers_anew(bound: DeviceBrowser) -> None:
    identifier = bound.session.identifier
    bound.visit(login)
    assert bound.user() == "ada"
    assert set(bound.sessions) > {identifier}
    bound.clock.advance(700)
    assert bound.user() == "ada"  # the browser was told to forget the first one
    assert bound.session.identifier != identifier


def test_a_login_anew_in_a_browser_without_dbsc_is_not_bound(bound: DeviceBrowser) -> None:
    bound.has_dbsc = False
    bound.visit(login)
    bound.sessions.clear()
    bound.clock.advance(3_000)
    assert bound.user() == "ada"


def test_a_login_while_the_key_is_refreshed_begins_without_the_binding(
    bound: DeviceBrowser,
) -> None:
    bound.has_dbsc = False
    (session,) = bound.sessions.values()
    bound.site.store.meanwhile["Replace"] = lambda: bound.stolen().refresh(session)
    bound.visit(login)
    assert kept(bound) is None


def test_a_login_of_another_user_begins_without_it(bound: DeviceBrowser) -> None:
    bound.has_dbsc = False
    bound.visit(lambda session: session.login("eve"))
    assert kept(bound) is None


def test_a_logout_ends_it_and_removes_all_three_cookies(bound: DeviceBrowser) -> None:
    response = bound.visit(lambda session: session.logout())
    assert {one.partition("=")[0] for one in response.set_cookies} == {
        "__Host-session",
        BOUND,
        "__Secure-session-device",
    }
    assert bound.user() is None
    assert not bound.sessions
    assert bound.stolen().user() is None


def test_a_revocation_ends_the_refresh(bound: DeviceBrowser) -> None:
    bound.site.store.revoke_user("ada")
    assert bound.user() is None
    bound.clock.advance(700)
    assert bound.user() is None
    assert not bound.sessions
    assert ("POST", REFRESH, 401) in bound.asked


def test_the_lifetime_ends_the_refresh(make_site: MakeSite) -> None:
    browser = DeviceBrowser(make_site(idle=3_600, lifetime=3_600))
    browser.visit(login)
    browser.clock.advance(3_600)
    assert browser.user() is None
    assert not browser.sessions


def test_what_is_set_and_cleared_leaves_the_binding(bound: DeviceBrowser) -> None:
    before = kept(bound)
    bound.visit(put(cart=1))
    bound.visit(lambda session: session.pop("cart"))
    assert kept(bound) == before


def test_a_logout_and_a_login_in_one_request_register_anew(bound: DeviceBrowser) -> None:
    first = bound.session.identifier
    bound.visit(in_turn(lambda session: session.logout(), login))
    bound.clock.advance(700)
    assert bound.user() == "ada"
    assert bound.session.identifier != first


def test_the_cookies_live_as_long_as_the_login_chose(make_site: MakeSite) -> None:
    browser = DeviceBrowser(make_site(max_idle=7_200, max_lifetime=86_400))
    browser.visit(
        lambda session: session.login("ada", idle=7_200, lifetime=86_400, persistent=True)
    )
    main, device = (browser.cookies[n] for n in ("__Host-session", "__Secure-session-device"))
    assert main.ends_at_ns is not None
    assert main.ends_at_ns == device.ends_at_ns
