"""How long a login's session lives in Django: ``request.session.lifetime`` and ``set_expiry``."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import auth
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from sessions.django import SessionStore, sessions_of
from sessions.django.settings import site_config
from tests.frameworks.django_site import with_sessions as site
from tests.frameworks.django_site.session_clients import COOKIE, user_of
from tests.frameworks.seen_store import SeenStore

DAY = 86_400


def enter(request: HttpRequest, lifetime: int, expiry: int) -> HttpResponse:
    auth.login(request, site.People().get_user(7))
    request.session.lifetime = lifetime
    request.session.set_expiry(expiry)
    return HttpResponse(str(request.session.lifetime))


def cycle(request: HttpRequest) -> HttpResponse:
    request.session.cycle_key()
    return HttpResponse(str(request.session.lifetime))


urlpatterns = [
    *site.urlpatterns,
    path("remember/<int:lifetime>/<int:expiry>", enter),
    path("cycle", cycle),
]


@pytest.fixture
def store() -> Any:
    made = SeenStore()
    options = {"LIFETIME": DAY, "MAX_LIFETIME": 30 * DAY}
    with site.with_sessions(made, options=options, SESSION_COOKIE_AGE=1_200, ROOT_URLCONF=__name__):
        yield made


def test_a_remembered_login_lives_as_long_as_it_chose(store: SeenStore) -> None:
    client = Client()
    response = client.get(f"/remember/{30 * DAY}/{7 * DAY}")
    assert response.content == str(30 * DAY).encode()
    assert response.cookies[COOKIE]["max-age"] == 30 * DAY
    for _ in range(4):
        store.fake_clock.advance(6 * DAY)
        assert user_of(client) == "7"
    response = client.get("/cycle")
    assert response.content == str(30 * DAY).encode()
    assert response.cookies[COOKIE]["max-age"] == 6 * DAY
    store.fake_clock.advance(6 * DAY - 1)
    assert user_of(client) == "7"
    store.fake_clock.advance(1)
    assert user_of(client) == "None"


def test_its_idle_end_is_that_of_set_expiry(store: SeenStore) -> None:
    client = Client()
    client.get(f"/remember/{30 * DAY}/{7 * DAY}")
    store.fake_clock.advance(7 * DAY - 1)
    assert user_of(client) == "7"
    store.fake_clock.advance(7 * DAY)
    assert user_of(client) == "None"


def test_set_expiry_zero_is_a_cookie_of_the_browsers_session(store: SeenStore) -> None:
    client = Client()
    response = client.get(f"/remember/{30 * DAY}/0")
    assert response.cookies[COOKIE]["max-age"] == ""
    assert client.get("/cycle").cookies[COOKIE]["max-age"] == ""
    (info,) = sessions_of(site.People().get_user(7))
    assert info.expires_at == info.created_at + 1_200


def test_a_login_may_choose_less_than_the_sites_lifetime(store: SeenStore) -> None:
    client = Client()
    response = client.get("/remember/600/0")
    store.fake_clock.advance(599)
    assert user_of(client) == "7"
    store.fake_clock.advance(1)
    assert user_of(client) == "None"
    assert response.cookies[COOKIE]["max-age"] == ""


def test_without_a_choice_the_sites_lifetime_holds(store: SeenStore) -> None:
    client = Client()
    assert client.get("/login/7").cookies[COOKIE]["max-age"] == DAY


@pytest.mark.usefixtures("store")
def test_more_than_the_most_is_refused_where_it_is_set() -> None:
    session = SessionStore()
    with pytest.raises(ValueError, match=r"lifetime must be at most 2592000 .* not 2592001"):
        session.lifetime = 30 * DAY + 1
    with pytest.raises(ValueError, match=r"at most 86400 seconds .*session.lifetime = 604800"):
        session.set_expiry(7 * DAY)
    session.lifetime = 7 * DAY
    session.set_expiry(7 * DAY)
    with pytest.raises(ValueError, match=r"at most 604800 .*MAX_LIFETIME"):
        session.set_expiry(31 * DAY)


def test_a_most_below_the_lifetime_is_refused() -> None:
    options = {"LIFETIME": DAY, "MAX_LIFETIME": DAY - 1}
    with (
        site.with_sessions(SeenStore(), options=options, SESSION_COOKIE_AGE=1_200),
        pytest.raises(ImproperlyConfigured, match=r"MAX_LIFETIME.* must be at least .* 86400"),
    ):
        site_config()


def test_a_user_who_is_logged_in_may_choose_at_the_next_login(store: SeenStore) -> None:
    client = Client()
    client.get("/login/7")
    store.fake_clock.advance(600)
    response = client.get(f"/remember/{30 * DAY}/{7 * DAY}")
    assert response.cookies[COOKIE]["max-age"] == 30 * DAY
    assert len(sessions_of(site.People().get_user(7))) == 1
