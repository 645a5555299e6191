"""A table that is out of reach: which pages of a Django site fail, and which changes are lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from sessions import SessionEvent, StoreUnavailable
from sessions.django import SessionMiddleware, SessionStore
from tests.frameworks.django_site.session_clients import COOKIE, copy_of, key_of, seen, user_of
from tests.frameworks.django_site.with_sessions import MIDDLEWARE, with_sessions
from tests.frameworks.seen_store import SeenStore

EVENTS: list[SessionEvent] = []


class Failing(SeenStore):
    """A store that is out of reach for some operations."""

    ready = False

    def __init__(self) -> None:
        super().__init__()
        self.failing: tuple[str, ...] = ()

    def prepare(self) -> None:
        if "prepare" in self.failing:
            raise StoreUnavailable("out of reach")

    def send(self, operation: Any, deadline_ns: int) -> Any:
        if type(operation).__name__ in self.failing:
            self.seen.append(type(operation).__name__)
            raise StoreUnavailable("out of reach")
        return super().send(operation, deadline_ns)


@pytest.fixture
def store() -> Failing:
    EVENTS.clear()
    return Failing()


@pytest.fixture(params=["raise", "empty"])
def on_outage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(store: Failing, on_outage: str) -> Iterator[Client]:
    with with_sessions(store, options={"ON_OUTAGE": on_outage, "ON_EVENT": EVENTS.append}):
        client = Client()
        client.get("/set/colour/red")
        client.get("/login/7")
        del EVENTS[:], store.seen[:]
        yield client


def told() -> list[tuple[str, str | None]]:
    return [(event.what, event.why) for event in EVENTS]


def test_a_page_that_does_not_use_its_session_is_shown(client: Client, store: Failing) -> None:
    store.failing = ("Find", "prepare")
    response = client.get("/")
    assert (response.status_code, COOKIE in response.cookies) == (200, False)
    assert told() == []


@pytest.mark.parametrize("failing", ["Find", "prepare"])
@pytest.mark.parametrize("path", ["/seen", "/who", "/set/shape/round"])
def test_one_that_does_raises_or_has_an_empty_one(
    client: Client, store: Failing, on_outage: str, path: str, failing: str
) -> None:
    store.failing = (failing,)
    if on_outage == "raise":
        with pytest.raises(StoreUnavailable):
            client.get(path)
    else:
        response = client.get(path)
        assert (response.status_code, COOKIE in response.cookies) == (200, False)
    dropped = [("dropped", "unavailable")] if path[:4] == "/set" and on_outage == "empty" else []
    assert told() == [("unavailable", None), *dropped]
    store.failing = ()
    assert (user_of(client), seen(client)) == ("7", {"colour": "red"})


@pytest.mark.parametrize("on_outage", ["raise"], indirect=True)
def test_a_request_asks_once(client: Client, store: Failing) -> None:
    store.failing = ("Find",)
    session = SessionStore(key_of(client))
    session.is_of_request = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            session.get("colour")
    assert store.seen == ["Find"]
    store.failing = ()
    lasting = SessionStore(key_of(client))
    store.failing = ("Find",)
    with pytest.raises(StoreUnavailable):
        lasting.get("colour")
    store.failing = ()  # as a websocket's, which goes on
    assert lasting.get("colour") == "red"


@pytest.mark.parametrize("path", ["/logout", "/clear"])
def test_a_logout_is_never_dropped(client: Client, store: Failing, path: str) -> None:
    store.failing = ("Find",)
    with pytest.raises(StoreUnavailable):
        client.get(path)
    store.failing = ()
    assert user_of(client) == "7"


def test_a_flush_of_a_session_that_was_not_read_raises_too(client: Client, store: Failing) -> None:
    store.failing = ("Find",)
    with pytest.raises(StoreUnavailable):
        SessionStore(key_of(client)).flush()


@pytest.mark.parametrize("on_outage", ["empty"], indirect=True)
def test_a_login_raises_or_begins_a_session(client: Client, store: Failing) -> None:
    store.failing = ("Find", "Create")
    with pytest.raises(StoreUnavailable):
        copy_of(client).get("/login/7")
    store.failing = ("Find",)
    other = copy_of(client)
    other.get("/login/7")
    store.failing = ()
    assert (user_of(other), seen(other)) == ("7", {})


def test_who_is_logged_in_is_not_known_where_a_login_is_confirmed(
    client: Client, store: Failing
) -> None:
    session = SessionStore(key_of(client))
    store.failing = ("Find",)
    with pytest.raises(StoreUnavailable):
        session.confirm_login("7")


def test_a_use_that_cant_be_noted_fails_no_page(client: Client, store: Failing) -> None:
    store.fake_clock.advance(200_000)
    store.failing = ("Save",)
    assert (user_of(client), seen(client)) == ("7", {"colour": "red"})
    assert set(told()) == {("unavailable", None)}


def test_a_change_that_cant_be_saved_raises(client: Client, store: Failing) -> None:
    store.failing = ("Save",)
    with pytest.raises(StoreUnavailable):
        client.get("/set/shape/round")


def test_a_session_of_an_engine_of_before_is_not_lost_by_an_outage(
    store: Failing, on_outage: str
) -> None:
    cache = "django.contrib.sessions.backends.cache"
    djangos = ["django.contrib.sessions.middleware.SessionMiddleware", *MIDDLEWARE[1:]]
    with with_sessions(store, SESSION_ENGINE=cache, MIDDLEWARE=djangos):
        before = Client()
        before.get("/set/colour/red")
    with with_sessions(store, options={"ON_OUTAGE": on_outage, "PREVIOUS_ENGINE": cache}):
        client = Client()
        client.cookies[COOKIE] = before.cookies[COOKIE].value
        store.failing = ("Find",)
        if on_outage == "empty":
            assert seen(client) == {}
        else:
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    client.get("/seen")
        store.failing = ()
        assert seen(client) == {"colour": "red"}


def _saving_and_catching(
    later: Callable[[HttpRequest], object], inside: object = 1
) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        colours: list[object] = ["blue"]
        request.session["colour"] = colours
        colours.append(inside)
        with contextlib.suppress(StoreUnavailable, TypeError):
            request.session.save()
            raise AssertionError("it was saved")
        later(request)
        return HttpResponse("sorry", status=409)

    return view


def _answer_to(client: Client, view: Callable[..., HttpResponse]) -> Any:
    request = RequestFactory().get("/", headers={"cookie": f"{COOKIE}={key_of(client)}"})
    return SessionMiddleware(view)(request)


@pytest.mark.parametrize("inside", [1, b""], ids=["out of reach", "not storable"])
def test_a_view_that_caught_what_save_raised_answers(
    client: Client, store: Failing, inside: object
) -> None:
    store.failing = ("Save",)
    answer = _answer_to(client, _saving_and_catching(lambda request: None, inside))
    assert (answer.status_code, answer.content, answer.cookies) == (409, b"sorry", {})
    assert told() == [("dropped", "not_saved")]
    store.failing = ()
    assert (seen(client), user_of(client)) == ({"colour": "red"}, "7")


def test_a_logout_after_it_was_not_told_and_raises(client: Client, store: Failing) -> None:
    store.failing = ("Save", "Delete", "Replace")
    with pytest.raises(StoreUnavailable):
        _answer_to(client, _saving_and_catching(auth.logout))
    with pytest.raises(StoreUnavailable):
        _answer_to(client, _saving_and_catching(lambda request: request.session.clear()))
