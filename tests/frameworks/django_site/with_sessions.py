"""The site with its sessions in a store: settings that last for a test, users, and pages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import auth, messages
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.test import override_settings
from django.urls import path

from sessions.django import SessionStore, revoke_user
from tests.frameworks.django_site.accounts import User

SECRET = "x" * 32
MIDDLEWARE = [
    "sessions.django.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


class People(BaseBackend):
    """Users without a database: a name is its password, and any number a primary key."""

    def authenticate(
        self, request: HttpRequest | None, username: str = "", password: str = ""
    ) -> User | None:
        return self.get_user(int(username)) if username == password else None

    def get_user(self, user_id: int) -> User:
        return User(pk=user_id, username=str(user_id), password=PASSWORDS.get(user_id, ""))

    async def aget_user(self, user_id: int) -> User:
        return self.get_user(user_id)


PASSWORDS: dict[int, str] = {}
"""Hashes of those who changed theirs."""


@contextlib.contextmanager
def with_sessions(store: Any, *, options: Any = None, **settings: Any) -> Iterator[None]:
    """The site's settings, for sessions in a store.

    Args:
        store: the store.
        options: of SESSIONS.
        settings: any other.
    """
    given = {
        "SESSION_ENGINE": "sessions.django",
        "SESSIONS": {"STORE": store, "SECRET": SECRET, "DEADLINE": 5, **(options or {})},
        "AUTHENTICATION_BACKENDS": [f"{__name__}.People"],
        "MIDDLEWARE": MIDDLEWARE,
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
        "ROOT_URLCONF": __name__,
        **settings,
    }
    PASSWORDS.clear()
    with override_settings(**given):
        yield


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def put(request: HttpRequest, key: str, value: str) -> HttpResponse:
    request.session[key] = value
    return HttpResponse("set")


MEANWHILE: list[Callable[[], object]] = []
"""What happens while a slow request is under way."""


def put_slowly(request: HttpRequest, key: str, value: str) -> HttpResponse:
    request.session[key] = value
    while MEANWHILE:
        MEANWHILE.pop()()
    return HttpResponse("set")


def expire(request: HttpRequest, seconds: int) -> HttpResponse:
    request.session.set_expiry(seconds)
    return HttpResponse("set")


def read_slowly(request: HttpRequest) -> HttpResponse:
    found = request.session.get("colour")
    while MEANWHILE:
        MEANWHILE.pop()()
    return HttpResponse(str(found))


def enter_slowly(request: HttpRequest, user_id: int) -> HttpResponse:
    str(request.session.get("colour"))
    while MEANWHILE:
        MEANWHILE.pop()()
    return enter(request, user_id)


def leave_slowly(request: HttpRequest) -> HttpResponse:
    str(request.user)
    while MEANWHILE:
        MEANWHILE.pop()()
    return leave(request)


def seen(request: HttpRequest) -> JsonResponse:
    """The session's data, but for what Django's auth keeps there."""
    return JsonResponse({k: v for k, v in request.session.items() if not k.startswith("_auth")})


def add(request: HttpRequest, item: int) -> HttpResponse:
    """Changes a value from within, and does not say so."""
    request.session.setdefault("cart", {"items": []})["items"].append(item)
    return HttpResponse("added")


def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user.pk))


def enter(request: HttpRequest, user_id: int) -> HttpResponse:
    user = auth.authenticate(request, username=str(user_id), password=str(user_id))
    request.session.device = "a test"
    auth.login(request, user)
    told = request.session.session_key
    return HttpResponse(told)


def leave(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return HttpResponse("out")


def change_password(request: HttpRequest) -> HttpResponse:
    request.user.password = PASSWORDS[request.user.pk] = "another"
    auth.update_session_auth_hash(request, request.user)
    return HttpResponse("changed")


def cycle_and_fail(request: HttpRequest) -> HttpResponse:
    request.session.cycle_key()
    return HttpResponse("broken", status=500)


def delete(request: HttpRequest) -> HttpResponse:
    request.session["colour"] = "blue"
    request.session.delete()
    return HttpResponse("deleted")


def clear(request: HttpRequest) -> HttpResponse:
    request.session.clear()
    return HttpResponse("cleared")


def clear_and_fail(request: HttpRequest) -> HttpResponse:
    request.session.clear()
    return HttpResponse("broken", status=500)


def end_others(request: HttpRequest) -> HttpResponse:
    """A new key, and the end of the user's other sessions, the old key's among them."""
    before = request.session.session_key
    change_password(request)
    SessionStore(before).delete()
    return HttpResponse(str(revoke_user(request.user, except_=request.session)))


def say(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Saved & done")
    return HttpResponse("said")


def hear(request: HttpRequest) -> HttpResponse:
    return HttpResponse("; ".join(str(one) for one in messages.get_messages(request)))


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse("sent" if request.method == "POST" else get_token(request))


def broken(request: HttpRequest) -> HttpResponse:
    request.session["colour"] = "black"
    auth.login(request, People().get_user(9))
    return HttpResponse("broken", status=500)


async def put_async(request: HttpRequest, key: str, value: str) -> HttpResponse:
    await request.session.aset(key, value)
    return HttpResponse("set")


async def seen_async(request: HttpRequest) -> JsonResponse:
    items = await request.session.aitems()
    return JsonResponse({k: v for k, v in items if not k.startswith("_auth")})


async def who_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str((await request.auser()).pk))


async def enter_async(request: HttpRequest, user_id: int) -> HttpResponse:
    await auth.alogin(request, People().get_user(user_id))
    return HttpResponse(request.session.session_key)


async def leave_async(request: HttpRequest) -> HttpResponse:
    await auth.alogout(request)
    return HttpResponse("out")


urlpatterns = [
    path("", hello),
    path("set/<key>/<value>", put),
    path("slow/seen", read_slowly),
    path("slow/login/<int:user_id>", enter_slowly),
    path("slow/logout", leave_slowly),
    path("expire/<int:seconds>", expire),
    path("slow/<key>/<value>", put_slowly),
    path("seen", seen),
    path("add/<int:item>", add),
    path("who", who),
    path("login/<int:user_id>", enter),
    path("logout", leave),
    path("password", change_password),
    path("cycle/fail", cycle_and_fail),
    path("password/alone", end_others),
    path("clear", clear),
    path("delete", delete),
    path("clear/fail", clear_and_fail),
    path("say", say),
    path("hear", hear),
    path("form", form),
    path("broken", broken),
    path("async/set/<key>/<value>", put_async),
    path("async/seen", seen_async),
    path("async/who", who_async),
    path("async/login/<int:user_id>", enter_async),
    path("async/logout", leave_async),
]
