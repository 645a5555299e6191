"""Whoever has all cookies and not the key: what is left of the session, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sessions import Session
from sessions.config.device_bound import DEVICE_BINDING
from sessions.device_bound import DeviceBound
from sessions.operations.operation import Find
from tests.device_bound.conftest import MakeSite
from tests.device_bound.device_browser import REFRESH, REGISTER, SECRET, DeviceBrowser, Kept
from tests.device_bound.device_key import DeviceKey
from tests.sessions_web.exchange import Request, over_asgi, over_wsgi
from tests.sessions_web.site import put, site_over

BOUND = "__Host-session-bound"
MAIN = "__Host-session"


def login(session: Session) -> None:
    session.login("ada")


def answering(browser: DeviceBrowser, path: str, proof: str, identifier: str | None = None) -> int:
    """The status of a call that sends a proof, whoever made it."""
    headers = [("Secure-Session-Response", proof)]
    if identifier is not None:
        headers.append(("Sec-Secure-Session-Id", identifier))
    return browser.send(path, "POST", headers).status


def challenge(browser: DeviceBrowser, identifier: str) -> str:
    """A challenge that the site gives to whoever asks."""
    response = browser.send(REFRESH, "POST", [("Sec-Secure-Session-Id", identifier)])
    assert response.status == 403
    return response.headers["secure-session-challenge"].split('"')[1]


def test_stolen_cookies_end_with_the_bound_one(bound: DeviceBrowser) -> None:
    bound.clock.advance(700)
    assert bound.user() == "ada"  # a new bound cookie, for 600 seconds
    thief = bound.stolen()
    for name, kept in thief.cookies.items():
        thief.cookies[name] = Kept(kept.value, kept.path, kept.same_site, None)
    assert thief.user() == "ada"
    thief.clock.advance(599)
    assert thief.user() == "ada"
    thief.clock.advance(1)
    assert thief.user() is None
    assert bound.user() == "ada"


def test_a_thief_who_refreshes_with_another_key_gets_nothing(bound: DeviceBrowser) -> None:
    thief, identifier = bound.stolen(), bound.session.identifier
    proof = DeviceKey().refresh(challenge(thief, identifier))
    assert answering(thief, REFRESH, proof, identifier) == 400
    assert thief.cookies[BOUND] == bound.cookies[BOUND]
    assert bound.site.told[-1] == "unproven wrong_proof"
    bind, refused = bound.site.events[-2:]
    assert (refused.session, refused.user_id) == (bind.session, "ada")
    assert bound.refresh(bound.session).status == 200  # the device is not troubled


def test_a_thief_can_not_register_another_key(bound: DeviceBrowser) -> None:
    thief = bound.stolen()
    del thief.cookies[BOUND]
    (row,) = bound.site.store.send(Find(bound.visit(lambda session: session.id).value), 0).rows
    kept = row.data[DEVICE_BINDING]
    # Even with the challenge that the site would have given.
    offer = DeviceBound(SECRET).offer(row.session_id, row.last_seen_at + 30)
    thief.has_dbsc = True
    assert thief.register(offer).status == 409
    (row,) = bound.site.store.send(Find(row.session_id), 0).rows
    assert row.data[DEVICE_BINDING] == kept


def test_of_two_registrations_at_once_one_counts(browser: DeviceBrowser) -> None:
    browser.has_dbsc = False
    offer = browser.visit(login).headers["secure-session-registration"]
    other = browser.stolen()
    statuses: list[int] = []
    browser.site.store.meanwhile["Save"] = lambda: statuses.append(other.register(offer).status)
    statuses.append(browser.register(offer).status)
    assert statuses == [200, 409]
    assert other.sessions
    assert not browser.sessions


def test_a_stolen_session_that_is_not_bound_can_not_be_bound(browser: DeviceBrowser) -> None:
    """The challenge came with the login's response, and no other page has one."""
    browser.has_dbsc = False
    browser.visit(login)
    thief = browser.stolen()
    for _ in range(3):
        assert "secure-session-registration" not in thief.visit(put(seen=1)).headers
    assert answering(thief, REGISTER, DeviceKey().registration("made-up")) == 400


def test_a_replayed_proof_is_worth_nothing(bound: DeviceBrowser) -> None:
    identifier, key = bound.session.identifier, bound.session.key
    proof = key.refresh(challenge(bound, identifier))
    thief = bound.stolen()
    assert answering(bound, REFRESH, proof, identifier) == 200
    assert answering(thief, REFRESH, proof, identifier) == 403


def test_of_one_proof_that_comes_twice_at_once_one_counts(bound: DeviceBrowser) -> None:
    identifier, key = bound.session.identifier, bound.session.key
    proof = key.refresh(challenge(bound, identifier))
    thief = bound.stolen()
    statuses: list[int] = []
    bound.site.store.meanwhile["Save"] = lambda: statuses.append(
        answering(thief, REFRESH, proof, identifier)
    )
    statuses.append(answering(bound, REFRESH, proof, identifier))
    assert statuses == [200, 403]


def test_proofs_can_not_be_signed_ahead(bound: DeviceBrowser) -> None:
    """Malware that could use the key for a while has one proof at most, for two minutes."""
    identifier, key = bound.session.identifier, bound.session.key
    ahead = [key.refresh(challenge(bound, identifier)) for _ in range(3)]
    assert [answering(bound, REFRESH, one, identifier) for one in ahead] == [200, 403, 403]
    last = key.refresh(challenge(bound, identifier))
    bound.clock.advance(120)
    assert answering(bound, REFRESH, last, identifier) == 403


def test_a_challenge_is_taken_for_two_minutes(bound: DeviceBrowser) -> None:
    identifier, key = bound.session.identifier, bound.session.key
    proof = key.refresh(challenge(bound, identifier))
    bound.clock.advance(119)
    assert answering(bound, REFRESH, proof, identifier) == 200


def test_an_older_challenge_of_several_is_taken_too(bound: DeviceBrowser) -> None:
    """The network may be slower than the browser; the draft has it so."""
    identifier, key = bound.session.identifier, bound.session.key
    first = challenge(bound, identifier)
    challenge(bound, identifier)
    assert answering(bound, REFRESH, key.refresh(first), identifier) == 200


def test_another_sessions_challenge_is_not_taken(bound: DeviceBrowser) -> None:
    other = DeviceBrowser(bound.site)
    other.visit(login)
    theirs = challenge(other, other.session.identifier)
    identifier, key = bound.session.identifier, bound.session.key
    assert answering(bound, REFRESH, key.refresh(theirs), identifier) == 403


def test_another_sessions_offer_is_not_taken(browser: DeviceBrowser) -> None:
    other = DeviceBrowser(browser.site, has_dbsc=False)
    offer = other.visit(login).headers["secure-session-registration"]
    browser.has_dbsc = False
    browser.visit(login)
    assert browser.register(offer).status == 400
    assert other.register(offer).status == 200


@pytest.mark.parametrize(
    ("seconds", "status"), [(-61, 400), (-60, 200), (119, 200), (120, 400), (3_000, 400)]
)
def test_an_offer_is_taken_for_two_minutes(
    browser: DeviceBrowser, seconds: int, status: int
) -> None:
    """And by a process whose clock is up to a minute behind."""
    browser.has_dbsc = False
    offer = browser.visit(login).headers["secure-session-registration"]
    browser.clock.advance_ns(seconds * 10**9)
    assert browser.register(offer).status == status


def test_a_challenge_to_refresh_does_not_register_and_the_other_way_round(
    browser: DeviceBrowser,
) -> None:
    browser.has_dbsc = False
    offer = browser.visit(login).headers["secure-session-registration"]
    registered = DeviceBrowser(browser.site)
    registered.visit(login)
    to_refresh = challenge(registered, registered.session.identifier)
    assert answering(browser, REGISTER, DeviceKey().registration(to_refresh)) == 400
    to_register = offer.split('challenge="')[1].rstrip('"')
    proof = registered.session.key.refresh(to_register)
    assert answering(registered, REFRESH, proof, registered.session.identifier) == 403


def test_another_sessions_bound_cookie_is_worth_nothing(bound: DeviceBrowser) -> None:
    other = DeviceBrowser(bound.site)
    other.visit(lambda session: session.login("eve"))
    thief = bound.stolen()
    thief.cookies[BOUND] = other.cookies[BOUND]
    assert thief.user() is None


@pytest.mark.parametrize(
    "forged",
    ["", ".", "9999999999.", "9999999999." + "A" * 43, "x", "1" * 5_000, "9999999999"],
)
def test_a_made_up_bound_cookie_is_worth_nothing(bound: DeviceBrowser, forged: str) -> None:
    thief = bound.stolen()
    kept = thief.cookies[BOUND]
    thief.cookies[BOUND] = Kept(forged, "/", "Lax", None)
    assert thief.user() is None
    later = str(int(kept.value.partition(".")[0]) + 1) + kept.value[10:]
    thief.cookies[BOUND] = Kept(later, "/", "Lax", None)
    assert thief.user() is None


def test_the_endpoints_own_cookie_is_no_sessions_cookie(bound: DeviceBrowser) -> None:
    thief = DeviceBrowser(bound.site, has_dbsc=False)
    own = bound.cookies["__Secure-session-device"]
    assert (own.path, own.same_site) == ("/device-bound-session", "None")
    thief.cookies = {"__Secure-session-device": Kept(own.value, "/", "None", None)}
    assert thief.user() is None


def test_a_request_without_proof_has_nothing_of_the_session_and_changes_nothing(
    bound: DeviceBrowser,
) -> None:
    bound.visit(put(cart=17))
    thief = bound.stolen()
    del thief.cookies[BOUND]
    assert thief.visit(dict).value == {}
    assert bound.site.told[-1] == "unproven no_cookie"
    assert bound.site.events[-1].session == bound.site.events[0].session
    assert bound.site.events[-1].user_id == "ada"
    token = bound.visit(lambda session: session.csrf_token()).value
    assert thief.visit(lambda session: session.is_csrf_token(token)).value is False
    response = thief.visit(lambda session: session.user_id)
    assert response.set_cookies == []
    assert bound.visit(dict).value == {"cart": 17}


def test_what_a_request_without_proof_sets_begins_another_session(bound: DeviceBrowser) -> None:
    """Its form needs a CSRF token: a browser that has lost its key can log in again."""
    lost = bound.stolen()
    del lost.cookies[BOUND]
    token = lost.visit(lambda session: session.csrf_token()).value
    assert lost.cookies[MAIN] != bound.cookies[MAIN]
    assert lost.visit(lambda session: session.is_csrf_token(token)).value is True
    lost.visit(login)
    assert lost.user() == "ada"
    assert bound.user() == "ada"


def test_a_logout_holds_without_proof_too(bound: DeviceBrowser) -> None:
    lost = bound.stolen()
    del lost.cookies[BOUND]
    lost.visit(lambda session: session.logout())
    assert bound.user() is None
    assert bound.site.store.sessions_of("ada") == []


def test_an_application_without_the_option_is_no_way_around(bound: DeviceBrowser) -> None:
    site = bound.site
    without = site_over(site.protocol, store=site.store)
    site.app = without.app
    assert bound.stolen().user() is None
    assert without.told == ["unproven no_cookie"]


def test_another_secret_makes_nothing_that_is_taken(bound: DeviceBrowser) -> None:
    site = bound.site
    other = site_over(site.protocol, store=site.store, device_bound=DeviceBound("another" * 8))
    site.app = other.app
    assert bound.stolen().user() is None


@pytest.mark.parametrize("sent", [{}, {"identifier": "x"}, {"identifier": ""}])
def test_a_refresh_that_does_not_name_the_session_ends_it_for_the_browser(
    bound: DeviceBrowser, sent: dict[str, Any]
) -> None:
    """Scripts can't set a field whose name begins with Sec-, so no page can ask."""
    identifier = sent.get("identifier")
    headers = [] if identifier is None else [("Sec-Secure-Session-Id", identifier)]
    response = bound.send(REFRESH, "POST", headers)
    assert response.status == 401
    assert "secure-session-challenge" not in response.headers


def test_a_session_that_is_not_bound_has_nothing_to_refresh(browser: DeviceBrowser) -> None:
    browser.has_dbsc = False
    browser.visit(login)
    for identifier in ("x", ""):
        headers = [("Sec-Secure-Session-Id", identifier)]
        assert browser.send(REFRESH, "POST", headers).status == 401
    assert browser.send(REFRESH, "POST").status == 401


@pytest.mark.parametrize("path", [REGISTER, REFRESH])
def test_the_endpoints_are_for_posts_and_for_nobody_else(bound: DeviceBrowser, path: str) -> None:
    response = bound.send(path, "GET")
    assert response.status == 405
    assert response.headers["allow"] == "POST"
    posted = bound.send(path, "POST")
    for fields in (response.headers, posted.headers):
        assert fields["cross-origin-resource-policy"] == "same-origin"
        assert fields["x-frame-options"] == "DENY"
        assert fields["cache-control"] == "private, no-store"
        assert fields["content-type"] == "text/plain; charset=utf-8"
    head = bound.send(path, "HEAD")
    assert (head.status, head.headers, head.body) == (405, response.headers, b"")


@pytest.mark.parametrize("path", [REGISTER, REFRESH])
def test_the_endpoints_ask_nothing_of_the_store_for_a_stranger(
    browser: DeviceBrowser, path: str
) -> None:
    assert browser.send(path, "POST").status == 401
    assert browser.site.calls == []


@pytest.mark.parametrize("which", ["refresh", "register"])
@pytest.mark.parametrize("planted", ["a session's", "of no session"])
def test_a_cookie_that_another_host_set_in_front_does_no_harm(
    browser: DeviceBrowser, which: str, planted: str
) -> None:
    attacker = DeviceBrowser(browser.site)
    attacker.visit(lambda session: session.login("eve"))
    eves = attacker.cookies["__Secure-session-device"].value
    theirs = eves if planted == "a session's" else "x" * 43

    def in_front() -> None:
        own = browser.cookies["__Secure-session-device"]
        both = f"{theirs}; __Secure-session-device={own.value}"
        browser.cookies["__Secure-session-device"] = replace(own, value=both)

    if which == "register":
        browser.has_dbsc = False
    offer = browser.visit(login).headers["secure-session-registration"]
    in_front()
    if which == "register":
        assert browser.register(offer).status == 200
    browser.clock.advance(700)
    assert browser.user() == "ada"
    assert browser.sessions


@pytest.mark.parametrize("path", ["/shop" + REFRESH, REFRESH])
def test_a_mount_is_part_of_the_path(bound: DeviceBrowser, path: str) -> None:
    site = bound.site
    option = DeviceBound(SECRET, path="/shop/device-bound-session")
    app = site_over(site.protocol, store=site.store, device_bound=option).app
    mounted = {"root_path": "/shop", "SCRIPT_NAME": "/shop", "PATH_INFO": REFRESH, "path": path}
    cookie = bound.cookies["__Secure-session-device"].value
    fields = (
        ("Cookie", f"__Secure-session-device={cookie}"),
        ("Sec-Secure-Session-Id", bound.session.identifier),
    )
    request = Request("/", "POST", fields, extra=mounted)
    over = over_asgi if site.protocol == "asgi" else over_wsgi
    assert over(app, request, []).status == 403


def test_other_paths_are_the_applications(bound: DeviceBrowser) -> None:
    for path in ("/device-bound-session", f"{REGISTER}/", "/x" + REGISTER, f"{REFRESH}x"):
        with pytest.raises(KeyError, match=r"tests\.page"):
            bound.send(path, "POST")


def test_a_token_of_a_bound_session_is_worth_nothing_in_a_header(make_site: MakeSite) -> None:
    browser = DeviceBrowser(make_site(bearer=True))
    browser.visit(login)
    browser.clock.advance(30)
    assert browser.user() == "ada"
    token, bound = browser.cookies[MAIN].value, browser.cookies[BOUND]
    thief = DeviceBrowser(browser.site, has_dbsc=False)
    header = [("Authorization", f"Bearer {token}")]
    for cookies in ({}, {BOUND: bound}):
        thief.cookies = cookies
        assert thief.visit(lambda session: session.user_id, headers=header).value is None
        assert thief.visit(lambda session: session.credential, headers=header).value is None
        assert (
            thief.visit(lambda session: session.is_csrf_token("x"), headers=header).value is False
        )


def test_a_session_of_a_header_is_not_offered_to_be_bound() -> None:
    def app_login(session: Session) -> str:
        session.login("ada")
        return session.issue_token()

    bound = DeviceBound(SECRET)
    site = site_over("wsgi", bearer=True, device_bound=bound)  # over ASGI it would be awaited
    response = DeviceBrowser(site).visit(app_login)
    assert "secure-session-registration" not in response.headers
    assert response.set_cookies == []
