"""Django's sessions: requests that are under way while another one logs in, out, or changes keys.

No order of their responses may log the browser out, or lose what the session held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.test import Client

from sessions import SessionEvent
from sessions.django import SessionStore, sessions_of
from tests.frameworks.django_session_store.saved_sessions import again, saved
from tests.frameworks.django_site.accounts import User
from tests.frameworks.django_site.session_clients import COOKIE, copy_of, key_of, seen, user_of
from tests.frameworks.django_site.with_sessions import MEANWHILE, MIDDLEWARE, with_sessions
from tests.frameworks.seen_store import SeenStore

DJANGOS = ["django.contrib.sessions.middleware.SessionMiddleware", *MIDDLEWARE[1:]]
EVENTS: list[SessionEvent] = []


@pytest.fixture
def store() -> Iterator[SeenStore]:
    made = SeenStore()
    EVENTS.clear()
    with with_sessions(made, options={"ON_EVENT": EVENTS.append}):
        yield made


@pytest.fixture
def client(store: SeenStore) -> Client:
    return Client()


@pytest.fixture(params=[MIDDLEWARE, DJANGOS], ids=["ours", "Django's"])
def any_client(store: SeenStore, request: pytest.FixtureRequest) -> Iterator[Client]:
    with with_sessions(store, MIDDLEWARE=request.param):
        yield Client()


def under_way(client: Client, slow: str, meanwhile: str) -> Any:
    """The response to a request that has read its session when others come and are answered."""
    other = copy_of(client)
    MEANWHILE.append(lambda: other.get(meanwhile))
    response = client.get(slow)
    if COOKIE not in response.cookies:
        client.cookies[COOKIE] = key_of(other)  # the browser has one jar
    return response


CHANGES: dict[str, tuple[str, str]] = {
    "a login": ("/", "/login/7"),
    "a password change": ("/login/7", "/password"),
    "a login as another user": ("/login/7", "/login/8"),
}


@pytest.mark.parametrize("before", [True, False], ids=["read before", "came after"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_reader_neither_sets_nor_deletes_the_cookie(
    any_client: Client, change: str, before: bool
) -> None:
    first, then = CHANGES[change]
    any_client.get("/set/colour/red")
    any_client.get(first)
    if before:
        response = under_way(any_client, "/slow/seen", then)
    else:
        late = copy_of(any_client)
        any_client.get(then)
        response = late.get("/seen")
        assert response.json() == {}
    assert (response.status_code, COOKIE in response.cookies) == (200, False)
    assert user_of(any_client) == ("8" if then == "/login/8" else "7")


@pytest.mark.parametrize("before", [True, False], ids=["read before", "came after"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_writer_sets_no_cookie_and_its_change_is_dropped_and_told(
    client: Client, change: str, before: bool
) -> None:
    first, then = CHANGES[change]
    client.get("/set/colour/red")
    client.get(first)
    EVENTS.clear()
    if before:
        response = under_way(client, "/slow/shape/round", then)
    else:
        late = copy_of(client)
        client.get(then)
        response = late.get("/set/shape/round")
    assert (response.status_code, COOKIE in response.cookies) == (200, False)
    assert [event.why for event in EVENTS if event.what == "dropped"] == ["replaced"]
    assert user_of(client) == ("8" if then == "/login/8" else "7")
    assert "shape" not in seen(client)


@pytest.mark.parametrize("path", ["/", "/seen"])
def test_a_reader_drops_nothing_where_every_request_is_saved(store: SeenStore, path: str) -> None:
    with with_sessions(store, options={"ON_EVENT": EVENTS.append}, SESSION_SAVE_EVERY_REQUEST=True):
        client = Client()
        client.get("/set/colour/red")
        late = copy_of(client)
        client.get("/login/7")
        EVENTS.clear()
        response = late.get(path)
        assert (response.status_code, COOKIE in response.cookies) == (200, False)
        assert EVENTS == []
        assert client.get("/").cookies[COOKIE].value == key_of(client)
        assert user_of(client) == "7"


def test_a_writer_of_the_same_value_sets_no_cookie(client: Client) -> None:
    client.get("/login/7")
    client.get("/set/colour/red")
    response = under_way(client, "/slow/colour/red", "/password")
    assert (response.status_code, COOKIE in response.cookies) == (200, False)
    assert (user_of(client), seen(client)) == ("7", {"colour": "red"})


def test_with_djangos_own_middleware_a_writer_is_answered_400(store: SeenStore) -> None:
    with with_sessions(store, MIDDLEWARE=DJANGOS):
        client = Client()
        client.get("/login/7")
        client.get("/set/colour/red")
        for slow in ("/slow/colour/red", "/slow/shape/round"):
            response = under_way(client, slow, "/password")
            assert (response.status_code, COOKIE in response.cookies) == (400, False)
            assert (user_of(client), seen(client)) == ("7", {"colour": "red"})


@pytest.mark.parametrize("kept", ["first", "second"])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one after the other"])
def test_a_double_click_on_log_in_keeps_the_cart_whichever_cookie_comes_last(
    client: Client, kept: str, at_once: bool
) -> None:
    client.get("/add/17")
    first, second = copy_of(client), copy_of(client)
    if at_once:
        MEANWHILE.append(lambda: first.get("/login/7"))
        told = second.get("/slow/login/7")
    else:
        first.get("/login/7")
        told = second.get("/login/7")
    assert told.content.decode() == key_of(second)
    browser = {"first": first, "second": second}[kept]
    assert (user_of(browser), seen(browser)) == ("7", {"cart": {"items": [17]}})


@pytest.mark.parametrize("before", [True, False], ids=["read before", "came after"])
def test_a_logout_with_the_key_of_before_a_login_leaves_the_login_alone(
    any_client: Client, before: bool
) -> None:
    any_client.get("/set/colour/red")
    if before:
        response = under_way(any_client, "/slow/logout", "/login/7")
    else:
        late = copy_of(any_client)
        any_client.get("/login/7")
        response = late.get("/logout")
    assert COOKIE not in response.cookies
    assert user_of(any_client) == "7"


def test_a_logout_is_not_undone_and_clears_the_cookie_whatever_follows(
    client: Client, store: SeenStore
) -> None:
    client.get("/login/7")
    response = client.get("/clear/fail")
    assert response.status_code == 500
    assert store.sessions_of("7") == []
    assert user_of(client) == "None"


def test_a_key_that_was_changed_reaches_the_browser_though_the_view_fails(client: Client) -> None:
    client.get("/login/7")
    before = key_of(client)
    assert client.get("/cycle/fail").status_code == 500
    assert key_of(client) != before
    assert user_of(client) == "7"


def test_a_new_key_takes_effect_at_once_so_that_ending_the_others_spares_it(
    client: Client, store: SeenStore
) -> None:
    client.get("/login/7")
    phone = Client()
    phone.get("/login/7")
    assert client.get("/password/alone").content == b"1"
    assert (user_of(client), user_of(phone)) == ("7", "None")


def test_a_users_old_key_is_worth_nothing_as_soon_as_there_is_another(store: SeenStore) -> None:
    session = saved(_auth_user_id="7", colour="red")
    before = session.session_key
    session.cycle_key()
    assert not SessionStore().exists(before)
    assert SessionStore(session.session_key)["colour"] == "red"
    SessionStore(before).delete()  # as allauth ends the user's other sessions
    session["shape"] = "round"
    session.save()
    assert dict(again(session).items()) == {
        "_auth_user_id": "7",
        "colour": "red",
        "shape": "round",
    }
    assert [one.id for one in sessions_of(User(pk=7))] == [session.id]


def test_a_save_with_nothing_to_write_tells_that_the_session_is_gone(store: SeenStore) -> None:
    session = saved(colour="red")
    late = again(session)
    assert late["colour"] == "red"
    session.delete()
    with pytest.raises(UpdateError):
        late.save()


def test_a_request_that_deletes_its_row_and_goes_on_is_answered_400(client: Client) -> None:
    # As by Django's own middleware; flush() is what ends a session.
    client.get("/set/colour/red")
    response = client.get("/delete")
    assert (response.status_code, COOKIE in response.cookies) == (400, False)


ENDS: dict[str, Callable[[SessionStore], object]] = {
    "cycle_key": SessionStore.cycle_key,
    "flush": SessionStore.flush,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_new_key_is_refused_to_a_session_that_was_ended(
    store: SeenStore, end: Callable[[SessionStore], object]
) -> None:
    session = saved(_auth_user_id="7")
    late = again(session)
    assert late["_auth_user_id"] == "7"
    end(session)
    with pytest.raises(SessionInterrupted):  # Django answers 400
        late.cycle_key()
    assert len(store.sessions_of("7")) == (1 if end is SessionStore.cycle_key else 0)


@pytest.mark.parametrize("path", ["/clear", "/clear/fail"])
def test_a_clear_of_a_session_that_was_not_read_is_a_logout(client: Client, path: str) -> None:
    client.get("/login/7")
    client.get("/set/colour/red")
    client.get(path)
    assert (user_of(client), seen(client)) == ("None", {})
