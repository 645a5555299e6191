"""Freshness in Django: when a user has logged in, and views that need that lately."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from sessions import MemorySessionStore
from sessions.django import (
    aauthenticated_at,
    aconfirm_login,
    authenticated_at,
    confirm_login,
    require_fresh,
)
from tests.fake_clock import FakeClock
from tests.frameworks.django_site import with_sessions as site
from tests.frameworks.django_site.session_clients import COOKIE, copy_of, key_of, user_of


@require_fresh(300)
def transfer(request: HttpRequest) -> HttpResponse:
    """Send money."""
    return HttpResponse("sent")


@require_fresh(300)
async def transfer_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(await aauthenticated_at(request)))


def by_hand(request: HttpRequest) -> HttpResponse:
    request.session.require_fresh(300)
    return HttpResponse("sent")


def proved(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(authenticated_at(request)))


def confirm(request: HttpRequest, user_id: int) -> HttpResponse:
    confirm_login(request, site.People().get_user(user_id))
    return by_hand(request)


def confirm_slowly(request: HttpRequest, user_id: int) -> HttpResponse:
    str(request.user)
    while site.MEANWHILE:
        site.MEANWHILE.pop()()
    return confirm(request, user_id)


def change_slowly(request: HttpRequest) -> HttpResponse:
    str(request.user)
    while site.MEANWHILE:
        site.MEANWHILE.pop()()
    return site.change_password(request)


async def confirm_async(request: HttpRequest, user_id: int) -> HttpResponse:
    await aconfirm_login(request, site.People().get_user(user_id))
    return HttpResponse("confirmed")


def enter_and_transfer(request: HttpRequest) -> HttpResponse:
    site.enter(request, 7)
    return by_hand(request)


def leave_and_transfer(request: HttpRequest) -> HttpResponse:
    request.session.clear()
    return by_hand(request)


urlpatterns = [
    *site.urlpatterns,
    path("transfer", transfer),
    path("transfer/async", transfer_async),
    path("by-hand", by_hand),
    path("proved", proved),
    path("confirm/<int:user_id>", confirm),
    path("confirm/slowly/<int:user_id>", confirm_slowly),
    path("password/slowly", change_slowly),
    path("async/confirm/<int:user_id>", confirm_async),
    path("enter-and-transfer", enter_and_transfer),
    path("leave-and-transfer", leave_and_transfer),
]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> Iterator[Client]:
    with site.with_sessions(MemorySessionStore(clock=clock), ROOT_URLCONF=__name__):
        yield Client()


def now(clock: FakeClock) -> str:
    return str(clock() // 1_000_000_000)


def require_refused(answer: Any, *, cache_control: str = "no-store") -> None:
    assert answer.status_code == 401
    assert 'error="insufficient_user_authentication"' in answer.headers["WWW-Authenticate"]
    assert 'max_age="300"' in answer.headers["WWW-Authenticate"]
    assert answer.headers["Cache-Control"] == cache_control
    assert answer.headers["Vary"] == "Cookie"


@pytest.mark.parametrize("where", ["/transfer", "/by-hand"])
def test_a_view_that_needs_a_fresh_login_is_refused(
    client: Client, clock: FakeClock, where: str
) -> None:
    require_refused(client.get(where))
    client.get("/login/7")
    clock.advance(299)
    assert client.get(where).content == b"sent"
    clock.advance(1)
    require_refused(client.get(where))
    assert user_of(client) == "7"


def test_a_view_of_the_event_loop_too(client: Client, clock: FakeClock) -> None:
    import asyncio

    browser = AsyncClient()
    browser.cookies = client.cookies
    client.get("/login/7")
    assert asyncio.run(browser.get("/transfer/async")).content.decode() == now(clock)
    clock.advance(300)
    require_refused(asyncio.run(browser.get("/transfer/async")))
    assert asyncio.run(browser.get("/async/confirm/7")).status_code == 200
    client.cookies = browser.cookies
    assert client.get("/proved").content.decode() == now(clock)


def test_changes_and_new_keys_keep_it_exactly(client: Client, clock: FakeClock) -> None:
    client.get("/login/7")
    began = now(clock)
    for where in ("/set/colour/red", "/password", "/add/1"):
        clock.advance(400)
        client.get(where)
        assert client.get("/proved").content.decode() == began


def test_a_login_of_the_same_user_renews_it(client: Client, clock: FakeClock) -> None:
    client.get("/login/7")
    client.get("/set/colour/red")
    clock.advance(1_000)
    require_refused(client.get("/transfer"))
    client.get("/login/7")
    assert client.get("/proved").content.decode() == now(clock)
    assert client.get("/seen").json() == {"colour": "red"}


def test_a_confirmation_renews_it_under_another_key_and_the_session_goes_on(
    client: Client, clock: FakeClock
) -> None:
    client.get("/login/7")
    client.get("/set/colour/red")
    tab, before = copy_of(client), key_of(client)
    clock.advance(1_000)
    assert client.get("/confirm/7").content == b"sent"
    assert key_of(client) != before
    assert client.get("/proved").content.decode() == now(clock)
    assert client.get("/seen").json() == {"colour": "red"}
    assert user_of(tab) == "7", "a request that was under way"


def test_a_double_click_on_confirm_lasts_whichever_response_comes_last(
    client: Client, clock: FakeClock
) -> None:
    client.get("/login/7")
    clock.advance(1_000)
    first, second = copy_of(client), copy_of(client)
    site.MEANWHILE.append(lambda: first.get("/confirm/7"))
    response = second.get("/confirm/slowly/7")
    assert (response.content, COOKIE in response.cookies) == (b"sent", False)
    clock.advance(1_000)
    assert user_of(first) == "7"


def test_a_password_change_under_way_has_the_last_key_after_a_confirmation(
    client: Client,
) -> None:
    client.get("/login/7")
    first, second = copy_of(client), copy_of(client)
    site.MEANWHILE.append(lambda: first.get("/confirm/7"))
    assert second.get("/password/slowly").status_code == 200
    assert (user_of(second), user_of(first), user_of(client)) == ("7", "None", "None")


def test_nobody_else_can_confirm_it(client: Client) -> None:
    client.get("/login/7")
    with pytest.raises(ValueError, match="another user, or nobody"):
        client.get("/confirm/8")
    with pytest.raises(ValueError, match="another user, or nobody"):
        Client().get("/confirm/7")


def test_a_login_of_the_same_request_is_fresh_and_a_logout_is_not(
    client: Client, clock: FakeClock
) -> None:
    assert client.get("/enter-and-transfer").content == b"sent"
    # The logout deletes the cookie.
    require_refused(client.get("/leave-and-transfer"), cache_control="private, no-store")
    require_refused(client.get("/transfer"))


def test_another_user_does_not_inherit_it(client: Client, clock: FakeClock) -> None:
    client.get("/login/7")
    clock.advance(1_000)
    client.get("/login/8")
    assert client.get("/proved").content.decode() == now(clock)


def test_the_seconds_are_checked_where_they_are_written() -> None:
    with pytest.raises(ValueError, match="seconds"):
        require_fresh(0)
    assert transfer.__doc__ == "Send money."
