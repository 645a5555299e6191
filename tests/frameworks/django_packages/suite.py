"""What Django's admin and messages, django-allauth and Channels do with these sessions.

Run by ``test_django_packages.py`` in a process of its own, for they need a database.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from allauth.usersessions.models import UserSession
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from sessions.django import revoke_user, sessions_of
from tests.frameworks.django_packages import STORE
from tests.frameworks.django_packages.site import chat

COOKIE = "sessionid"
PASSWORD = "correct horse"


@pytest.fixture(autouse=True, scope="module")
def database() -> None:
    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    yield
    User.objects.all().delete()


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", "ada@example.com", PASSWORD)


def logged_in(*, put: bool = False) -> Client:
    client = Client()
    if put:
        client.get("/put")
    response = client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert response.status_code == 302
    return client


def user_of(client: Client) -> Any:
    return client.get("/who").json()["user"]


def key_of(client: Client) -> str:
    return str(client.cookies[COOKIE].value)


# django.contrib.admin, django.contrib.messages


def test_the_admin_logs_in_adds_says_so_and_logs_out(ada: User) -> None:
    client = Client()
    client.get("/put")
    before = key_of(client)
    data = {"username": "ada", "password": PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", data).headers["location"] == "/admin/"
    assert key_of(client) != before
    assert client.get("/who").json() == {"user": "ada", "cart": [17]}
    added = client.post("/admin/auth/group/add/", {"name": "editors", "_save": "Save"}, follow=True)
    assert "was added successfully" in added.content.decode()
    assert client.get("/hear").json() == {"messages": []}
    client.post("/admin/logout/")
    assert user_of(client) == ""
    assert sessions_of(ada) == []


def test_a_password_changed_in_the_admin_keeps_the_one_who_changed_it(ada: User) -> None:
    here, elsewhere = logged_in(), logged_in()
    before = key_of(here)
    new = {"old_password": PASSWORD, "new_password1": "battery!1", "new_password2": "battery!1"}
    assert here.post("/admin/password_change/", new).status_code == 302
    assert key_of(here) != before
    assert (user_of(here), user_of(elsewhere)) == ("ada", "")


# django-allauth


def test_allauth_logs_in_takes_the_cart_along_and_lists_the_session(ada: User) -> None:
    client = logged_in(put=True)
    assert client.get("/who").json() == {"user": "ada", "cart": [17]}
    (listed,) = UserSession.objects.filter(user=ada)
    assert listed.session_key == key_of(client)
    UserSession._meta.get_field("session_key").run_validators(listed.session_key)
    assert "Successfully signed in as ada." in client.get("/hear").json()["messages"]
    assert len(sessions_of(ada)) == 1


def test_allauth_signs_up_and_logs_out() -> None:
    client = Client()
    client.get("/put")
    data = {"username": "grace", "password1": PASSWORD, "password2": PASSWORD, "email": "g@e.com"}
    assert client.post("/accounts/signup/", data).status_code == 302
    assert client.get("/who").json() == {"user": "grace", "cart": [17]}
    thief = Client()
    thief.cookies[COOKIE] = key_of(client)
    client.post("/accounts/logout/")
    assert (user_of(client), user_of(thief)) == ("", "")


def test_allauth_ends_the_users_other_sessions(ada: User) -> None:
    laptop, phone = logged_in(), logged_in()
    assert laptop.post("/accounts/sessions/").status_code == 302
    assert (user_of(laptop), user_of(phone)) == ("ada", "")
    assert [one.session_key for one in UserSession.objects.filter(user=ada)] == [key_of(laptop)]


def test_allauth_changes_the_password_then_ends_the_others_and_spares_the_current(
    ada: User,
) -> None:
    laptop, phone = logged_in(), logged_in()
    before = key_of(laptop)
    new = {"oldpassword": PASSWORD, "password1": "battery!1staple", "password2": "battery!1staple"}
    assert laptop.post("/accounts/password/change/", new).status_code == 302
    assert key_of(laptop) != before
    laptop.post("/accounts/sessions/")  # the old key is among those that it ends
    assert (user_of(laptop), user_of(phone)) == ("ada", "")
    assert len(sessions_of(ada)) == 1


def test_allauth_sees_that_a_session_was_revoked(ada: User) -> None:
    laptop, phone = logged_in(), logged_in()
    assert revoke_user(ada, except_=laptop.session) == 1
    assert (user_of(laptop), user_of(phone)) == ("ada", "")
    assert [one.session_key for one in UserSession.objects.purge_and_list(ada)] == [key_of(laptop)]


# Channels


def talk(client: Client, *said: Any) -> list[Any]:
    """What the websocket answers."""

    async def talking() -> list[Any]:
        cookie = f"{COOKIE}={key_of(client)}".encode()
        scope = {"type": "websocket", "path": "/chat", "headers": [(b"cookie", cookie)]}
        socket: Any = cast("Any", ApplicationCommunicator)(chat, scope)
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output())["type"] == "websocket.accept"
        heard = []
        for one in said:
            if callable(one):
                one()
                continue
            await socket.send_input({"type": "websocket.receive", "text": json.dumps(one)})
            heard.append(json.loads((await socket.receive_output())["text"]))
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait()
        return heard

    return asyncio.run(talking())


def test_a_websocket_of_channels_has_the_user_and_the_session(ada: User) -> None:
    client = logged_in(put=True)
    assert talk(client, {}, {"set": [1, 2]}) == [
        {"user": "ada", "cart": [17]},
        {"user": "ada", "cart": [1, 2]},
    ]
    assert client.get("/who").json() == {"user": "ada", "cart": [1, 2]}


def test_a_save_of_a_websocket_tells_that_its_session_was_ended(ada: User) -> None:
    client = logged_in()

    def revoke() -> None:
        assert STORE.revoke_user(str(ada.pk)) == 1

    assert talk(client, {}, revoke, {"set": [1]}) == [{"user": "ada", "cart": None}, "ended"]


def test_a_logout_in_a_websocket_ends_the_session(ada: User) -> None:
    client = logged_in()
    assert talk(client, {"log out": 1}) == [{"user": "", "cart": None}]
    assert user_of(client) == ""
    assert sessions_of(ada) == []
