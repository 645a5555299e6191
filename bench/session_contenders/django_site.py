"""Django: bare, on our sessions, or on Django's own with a store on DynamoDB.

Django ships no such store, so this is its database backend's, by boto3 (django_store.py); all else,
the middleware, what it reads and when it saves, is Django's own.
"""

from __future__ import annotations

import itertools
from typing import Any

import django
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

from bench.worker.contender import Target
from bench.worker.site import WsgiSite

CART = [{"item": 17, "count": 2}]
store: Any = None
"""Our store, which the settings name."""
urlpatterns: list[Any] = []


def create(target: Target) -> WsgiSite:
    """The site, with the sessions of the target's style."""
    global store  # noqa: PLW0603 - Django's settings name it by its place in this module
    by_style: dict[str, Any] = {"MIDDLEWARE": []}
    if target.style == "ours":
        from sessions import DynamoDBSessionStore

        store = DynamoDBSessionStore(target.table, endpoint_url=target.endpoint_url)
        by_style = {
            "INSTALLED_APPS": ["sessions.django"],
            "MIDDLEWARE": ["sessions.django.SessionMiddleware"],
            "SESSION_ENGINE": "sessions.django",
            "SESSIONS": {"STORE": f"{__name__}.store", "DEADLINE": 10},
        }
    elif target.style == "django":
        from bench.session_contenders import django_store

        django_store.use(target.endpoint_url, f"{target.table}-django")
        by_style = {
            "MIDDLEWARE": ["django.contrib.sessions.middleware.SessionMiddleware"],
            "SESSION_ENGINE": django_store.__name__,
        }
    settings.configure(
        SECRET_KEY="a secret of at least thirty-two bytes",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        LOGGING_CONFIG=None,
        **by_style,
    )
    django.setup()
    urlpatterns[:] = _bare_pages() if target.style == "bare" else _pages()
    return WsgiSite(get_wsgi_application())


def _ok(request: Any) -> HttpResponse:
    return HttpResponse("ok")


def _bare_pages() -> list[Any]:
    return [path(name, _ok) for name in ("untouched", "read", "write", "login", "logout")]


def _pages() -> list[Any]:
    numbers = itertools.count()

    def read(request: Any) -> HttpResponse:
        request.session.get("theme")
        return _ok(request)

    def write(request: Any) -> HttpResponse:
        if "cart" not in request.session:
            request.session["cart"] = CART
        request.session["theme"] = f"dark {next(numbers)}"
        return _ok(request)

    def login(request: Any) -> HttpResponse:
        # What django.contrib.auth.login does to the session.
        request.session.cycle_key()
        request.session[SESSION_KEY] = "123"
        request.session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        request.session[HASH_SESSION_KEY] = "0" * 64
        return _ok(request)

    def logout(request: Any) -> HttpResponse:
        request.session.flush()
        return _ok(request)

    pages = {"untouched": _ok, "read": read, "write": write, "login": login, "logout": logout}
    return [path(name, page) for name, page in pages.items()]
