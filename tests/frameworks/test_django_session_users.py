"""Django's sessions in a store: logins, logouts and what they end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from sessions import SessionEvent
from sessions.django import SessionStore, revoke, revoke_user, sessions_of
from tests.frameworks.django_site.accounts import User
from tests.frameworks.django_site.session_clients import COOKIE, copy_of, key_of, seen, user_of
from tests.frameworks.django_site.with_sessions import MEANWHILE, with_sessions
from tests.frameworks.seen_store import SeenStore


@pytest.fixture
def store() -> Iterator[SeenStore]:
    made = SeenStore()
    with with_sessions(made):
        yield made


@pytest.fixture
def client(store: SeenStore) -> Client:
    return Client()


def test_a_login_is_one_transaction_under_the_key_that_it_told(
    client: Client, store: SeenStore
) -> None:
    client.get("/set/colour/red")
    thief, before = copy_of(client), key_of(client)
    store.seen.clear()
    told = client.get("/login/7").content.decode()
    assert store.seen == ["Find", "Replace"]
    assert told == key_of(client) != before
    assert (user_of(client), seen(client)) == ("7", {"colour": "red"})
    assert (user_of(thief), seen(thief)) == ("None", {})
    assert len(store) == 1


def test_a_login_without_a_session_before_is_one_write(client: Client, store: SeenStore) -> None:
    told = client.get("/login/7").content.decode()
    assert store.seen == ["Create"]
    assert told == key_of(client)
    assert user_of(client) == "7"


def test_a_logout_deletes_the_row_and_clears_the_cookie(client: Client, store: SeenStore) -> None:
    client.get("/login/7")
    thief = copy_of(client)
    response = client.get("/logout")
    assert response.cookies[COOKIE]["max-age"] == 0
    assert len(store) == 0
    assert user_of(thief) == "None"


def test_another_users_login_finds_nothing_of_the_one_before(
    client: Client, store: SeenStore
) -> None:
    client.get("/login/7")
    client.get("/set/colour/red")
    client.get("/login/8")
    assert (user_of(client), seen(client)) == ("8", {})
    assert store.sessions_of("7") == []
    assert len(store) == 1


def test_a_users_sessions_are_listed_and_ended(store: SeenStore) -> None:
    laptop, phone, stranger = Client(), Client(), Client()
    for client, user_id in ((laptop, 7), (phone, 7), (stranger, 8)):
        client.get(f"/login/{user_id}")
    found = sessions_of(User(pk=7))
    assert [(one.user_id, one.device) for one in found] == [("7", "a test")] * 2
    assert revoke_user(User(pk=7), except_=SessionStore(key_of(phone))) == 1
    assert [user_of(client) for client in (laptop, phone, stranger)] == ["None", "7", "8"]


def test_one_of_a_users_sessions_is_ended(store: SeenStore) -> None:
    laptop, phone, stranger = Client(), Client(), Client()
    for client, user_id in ((laptop, 7), (phone, 7), (stranger, 8)):
        client.get(f"/login/{user_id}")
    (others,) = sessions_of(User(pk=8))
    assert not revoke(User(pk=7), others.id)
    assert revoke(User(pk=7), str(SessionStore(key_of(phone)).id))
    assert [user_of(client) for client in (laptop, phone, stranger)] == ["7", "None", "8"]


def test_the_users_of_two_sites_on_one_store_are_kept_apart(store: SeenStore) -> None:
    ids = {}
    for name in ("shop", "office"):
        with with_sessions(store, options={"NAMESPACE": name}):
            Client().get("/login/7")
            (info,) = sessions_of(User(pk=7))
            ids[name] = info.id
    with with_sessions(store, options={"NAMESPACE": "shop"}):
        assert not revoke(User(pk=7), ids["office"])
        assert revoke_user(User(pk=7)) == 1
    with with_sessions(store, options={"NAMESPACE": "office"}):
        assert [one.id for one in sessions_of(User(pk=7))] == [ids["office"]]


@pytest.mark.parametrize("device", ["x" * 300, ""])
def test_a_browsers_name_of_any_length_is_no_error(store: SeenStore, device: str) -> None:
    session = SessionStore()
    session.device = device
    session["_auth_user_id"] = "7"
    session.save()
    (info,) = sessions_of(User(pk=7))
    assert info.device == (device[:256] or None)


def test_a_password_change_alters_the_key_and_the_old_one_fails_at_once(
    client: Client, store: SeenStore
) -> None:
    client.get("/login/7")
    client.get("/set/colour/red")
    thief, before = copy_of(client), key_of(client)
    client.get("/password")
    assert key_of(client) != before
    assert (user_of(client), seen(client)) == ("7", {"colour": "red"})
    assert user_of(thief) == "None"
    assert [one.device for one in store.sessions_of("7")] == ["a test"]
    assert len(store) == 1


def test_a_login_whose_response_is_an_error_has_not_happened(
    client: Client, store: SeenStore
) -> None:
    client.get("/set/colour/red")
    assert client.get("/broken").status_code == 500
    assert (user_of(client), seen(client)) == ("None", {"colour": "red"})


def test_a_slow_request_does_not_undo_a_logout_and_is_told(
    client: Client, store: SeenStore
) -> None:
    client.get("/login/7")
    other = copy_of(client)
    MEANWHILE.append(lambda: other.get("/logout"))
    assert client.get("/slow/colour/red").status_code == 400
    assert len(store) == 0
    assert (user_of(client), seen(client)) == ("None", {})


def test_a_login_takes_along_what_another_request_changes_meanwhile(client: Client) -> None:
    client.get("/set/colour/red")
    other = copy_of(client)
    real = SessionStore(key_of(client))
    real["size"] = "large"
    other.get("/set/shape/round")
    real["_auth_user_id"] = "7"
    real.save()
    client.cookies[COOKIE] = real.session_key
    assert seen(client) == {"colour": "red", "shape": "round", "size": "large"}
    assert [one.user_id for one in sessions_of(User(pk=7))] == ["7"]


def test_csrf_secrets_in_the_session_are_renewed_by_a_login() -> None:
    store = SeenStore()
    with with_sessions(store, CSRF_USE_SESSIONS=True):
        client = Client(enforce_csrf_checks=True)
        token = client.get("/form").content.decode()
        assert client.post("/form").status_code == 403
        sent = {"csrfmiddlewaretoken": token}
        assert client.post("/form", sent).content == b"sent"
        client.get("/login/7")
        assert client.post("/form", sent).status_code == 403


def test_the_test_client_logs_in_and_out_and_looks_at_the_session(
    client: Client, store: SeenStore
) -> None:
    session = client.session
    session["colour"] = "red"
    session.save()
    assert client.session["colour"] == "red"
    client.force_login(User(pk=7, username="7"))
    assert (user_of(client), seen(client)) == ("7", {"colour": "red"})
    assert len(store.sessions_of("7")) == 1
    client.logout()
    assert user_of(client) == "None"
    assert len(store) == 0
    assert client.login(username="8", password="8")
    assert user_of(client) == "8"


def test_events_tell_of_sessions(client: Client) -> None:
    events: list[SessionEvent] = []
    with with_sessions(SeenStore(), options={"ON_EVENT": events.append}):
        client.get("/set/colour/red")
        client.get("/login/7")
        client.get("/password")
        client.get("/logout")
        client.cookies[COOKIE] = "made up"
        client.get("/seen")
    assert [(one.what, one.user_id, one.why) for one in events] == [
        ("created", None, None),
        ("renewed", "7", None),
        ("renewed", "7", None),
        ("destroyed", "7", None),
        ("invalid", None, "malformed"),
    ]
