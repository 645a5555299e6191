"""Sessions around the limiter: buckets by who is logged in, and denials that leave sessions be."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, asgi, wsgi
from ratelimit_ddb.web import Rule, session_user
from sessions import Session
from tests.fake_clock import FakeClock
from tests.sessions_web.conversation import chat, converse, names
from tests.sessions_web.site import (
    Act,
    MakeSite,
    Site,
    Visitor,
    asgi_pages,
    everything,
    put,
    site_over,
    wsgi_pages,
)

PAGES = {"asgi": asgi_pages, "wsgi": wsgi_pages}
LIMITERS: dict[str, Any] = {"asgi": asgi.RateLimitMiddleware, "wsgi": wsgi.RateLimitMiddleware}
USERS = Rule("/*", "2/minute", by=session_user(), name="users", methods="GET")


def limited_site(protocol: str, rule: Rule = USERS, app: Any = None) -> Site:
    """The session middleware outside, the limiter inside; only GETs are limited."""
    limiter = LIMITERS[protocol](
        app or PAGES[protocol], store=MemoryStore(clock=FakeClock()), rules=[rule]
    )
    return site_over(protocol, limiter)


@pytest.fixture(params=["asgi", "wsgi"])
def make_limited(request: pytest.FixtureRequest) -> MakeSite:
    return partial(limited_site, request.param)


@pytest.fixture
def site(make_limited: MakeSite) -> Site:
    return make_limited()


def login(user_id: str) -> Act:
    return lambda session: session.login(user_id)


def logged_in(site: Site, user_id: str, **sent: Any) -> Visitor:
    visitor = site.visitor(**sent)
    visitor.visit(login(user_id), method="POST")
    return visitor


def statuses(visitor: Visitor, times: int) -> list[int]:
    return [visitor.visit(len).status for _ in range(times)]


def test_each_user_has_a_bucket_whatever_the_browser_and_address(site: Site) -> None:
    at_work = logged_in(site, "ada", client="192.0.2.1")
    at_home = logged_in(site, "ada", client="192.0.2.2")
    bob = logged_in(site, "bob", client="192.0.2.1")
    assert statuses(at_work, 1) == [200]
    assert statuses(at_home, 2) == [200, 429]
    assert statuses(at_work, 1) == [429]
    assert statuses(bob, 3) == [200, 200, 429]


def test_visitors_without_a_user_share_their_addresss_bucket(site: Site) -> None:
    one, other = site.visitor(client="192.0.2.1"), site.visitor(client="192.0.2.1")
    one.visit(put(cart=[1]), method="POST")
    assert [statuses(one, 1), statuses(other, 2)] == [[200], [200, 429]]
    assert statuses(one, 1) == [429]
    assert statuses(site.visitor(client="192.0.2.9"), 1) == [200]
    assert statuses(logged_in(site, "ada", client="192.0.2.1"), 1) == [200]


def test_a_user_who_is_named_like_an_address_is_apart_from_it(site: Site) -> None:
    visitor = site.visitor(client="192.0.2.1")
    assert statuses(visitor, 3) == [200, 200, 429]
    assert statuses(logged_in(site, "192.0.2.1", client="192.0.2.1"), 1) == [200]


def test_a_logout_leads_back_to_the_addresss_bucket(site: Site) -> None:
    visitor = logged_in(site, "ada")
    assert statuses(visitor, 3) == [200, 200, 429]
    visitor.visit(lambda session: session.logout(), method="POST")
    assert statuses(visitor, 3) == [200, 200, 429]


def test_a_session_that_was_ended_elsewhere_is_nobodys(site: Site) -> None:
    visitor = logged_in(site, "ada")
    assert statuses(visitor, 3) == [200, 200, 429]
    site.store.revoke_user("ada")
    assert statuses(visitor, 3) == [200, 200, 429]


def test_a_denial_reads_the_session_once_and_leaves_it_as_it_is(site: Site) -> None:
    visitor = logged_in(site, "ada")
    visitor.visit(put(a=1), method="POST")
    statuses(visitor, 2)
    site.log.clear()
    denied = visitor.visit(put(a=2))
    assert (denied.status, denied.set_cookies) == (429, [])
    assert site.calls == ["Find"]
    assert visitor.visit(everything, method="POST").value == {"a": 1}


def test_answers_that_depend_on_the_user_vary_by_cookie(site: Site) -> None:
    for visitor in (logged_in(site, "ada"), site.visitor(client="192.0.2.1")):
        for _ in range(3):
            response = visitor.visit(lambda session: None)
            assert "Cookie" in response.headers["vary"].split(", ")
            assert "ratelimit" in response.headers
            assert "set-cookie" not in response.headers
    assert response.status == 429


def test_a_request_that_no_rule_is_about_does_not_use_the_session(site: Site) -> None:
    visitor = logged_in(site, "ada")
    assert "vary" not in visitor.visit(lambda session: None, method="POST").headers


def test_a_cookie_and_the_limits_are_told_together(site: Site) -> None:
    response = site.visitor().visit(put(a=1))
    assert response.headers["cache-control"] == "private, no-store"
    assert len(response.set_cookies) == 1
    assert response.headers["ratelimit"] == '"users";r=1;t=30'


def test_a_key_of_the_session_may_name_the_user(make_limited: MakeSite) -> None:
    site = make_limited(
        Rule("/*", "1/minute", by=session_user("account"), methods="GET", name="accounts")
    )
    for account in ("one", "two"):
        visitor = site.visitor()
        visitor.visit(put(account=account), method="POST")
        assert statuses(visitor, 2) == [200, 429]


def test_a_limiters_read_and_the_applications_are_one(site: Site) -> None:
    visitor = logged_in(site, "ada")
    site.log.clear()

    def look(session: Session) -> Any:
        return [session.user_id, len(session)]

    assert visitor.visit(look).value == ["ada", 0]
    assert site.calls == ["Find"]


def test_a_websockets_handshake_is_limited_by_its_user() -> None:
    rule = Rule("/chat", "1/minute", by=session_user(), name="chat")
    site = limited_site("asgi", rule, chat)
    pages = site_over("asgi", store=site.store)
    cookies = [logged_in(pages, user_id).cookie for user_id in ("ada", "bob")]
    site.log.clear()
    for cookie in cookies:
        accepted, _ = converse(site, "hello", cookie=cookie)
        assert names(accepted) == [b"x-own", b"ratelimit-policy", b"ratelimit", b"vary"]
        (closed,) = converse(site, "hello", cookie=cookie)
        assert closed["code"] == 1013
    assert site.writes == []
