"""What Django's settings say of sessions, read once and checked."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from sessions.desk import Desk
from sessions.life import Life
from sessions.options import SessionOptions
from sessions.store.protocol import require_store

_LEAST_DEFAULT_LIFETIME_SECONDS = 43_200
_JSON = "django.contrib.sessions.serializers.JSONSerializer"
_OF_DJANGO = {
    "idle": "SESSION_COOKIE_AGE",
    "cookie": "SESSION_COOKIE_NAME",
    "secure": "SESSION_COOKIE_SECURE",
    "same_site": "SESSION_COOKIE_SAMESITE",
    "path": "SESSION_COOKIE_PATH",
    "domain": "SESSION_COOKIE_DOMAIN",
}
"""Options that Django has settings for."""
_NEEDLESS = {
    "persistent": "SESSION_EXPIRE_AT_BROWSER_CLOSE says it",
    "on_revoked": "Django's middleware answers 400 to such a request",
}
_MAY_BE_DOTTED = ("STORE", "ON_EVENT")


@dataclass(frozen=True, slots=True)
class Site:
    """What holds for every session of the site.

    Attributes:
        store: where they are kept.
        desk: its tokens, its cipher, its events.
        life: the timeouts of a session that has none of its own by ``set_expiry``.
        deadline_seconds: what a request's read, or write, may take.
    """

    store: Any
    desk: Desk
    life: Life
    deadline_seconds: float


@functools.cache
def site() -> Site:
    """The site's, by its settings.

    Raises:
        ImproperlyConfigured: a setting that is missing, unknown, or can't hold.
    """
    try:
        return _site(_given())
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"SESSIONS and SESSION_COOKIE_*: {error}") from error


def _site(given: dict[str, Any]) -> Site:
    store = require_store(given.pop("store"), "STORE")
    if settings.SESSION_SERIALIZER != _JSON:
        raise ValueError(
            f"SESSION_SERIALIZER {settings.SESSION_SERIALIZER!r}: values are stored as JSON, "
            "each by itself; leave it as it is"
        )
    idle = settings.SESSION_COOKIE_AGE
    # One of a wrong type is Life's to refuse.
    default = max(idle, _LEAST_DEFAULT_LIFETIME_SECONDS) if type(idle) is int else idle
    life = Life(idle, given.get("lifetime", default))
    options = {
        **given,
        **{name: getattr(settings, where) for name, where in _OF_DJANGO.items()},
        # Rows are over when they say so: set_expiry may give one more than the site's idle time.
        "idle": life.lifetime_seconds,
        "lifetime": life.lifetime_seconds,
        "same_site": settings.SESSION_COOKIE_SAMESITE or "Lax",  # what browsers take it for
        "domain": (settings.SESSION_COOKIE_DOMAIN or "").removeprefix(".") or None,
    }
    desk = Desk(store, cast("SessionOptions", options))
    return Site(store, desk, life, float(given.get("deadline", 1.0)))


def _given() -> dict[str, Any]:
    given = getattr(settings, "SESSIONS", None)
    if not isinstance(given, Mapping):
        raise TypeError(f"SESSIONS {given!r}: a dict with STORE is needed")
    taken = ["STORE"] + [
        name.upper()
        for name in SessionOptions.__annotations__
        if name not in _OF_DJANGO and name not in _NEEDLESS
    ]
    for name in given:
        if name not in taken:
            raise ValueError(f"{name!r} is no option{_why(name)}; there are {', '.join(taken)}")
    if "STORE" not in given:
        raise ValueError("'STORE' is needed")
    return {name.lower(): _meant(name, value) for name, value in given.items()}


def _why(name: object) -> str:
    option = str(name).lower()
    if option in _OF_DJANGO:
        return f", for {_OF_DJANGO[option]} says it"
    return f", for {_NEEDLESS[option]}" if option in _NEEDLESS else ""


def _meant(name: str, value: Any) -> Any:
    """A setting, or what it is a dotted path to."""
    if name not in _MAY_BE_DOTTED or not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as error:
        raise ValueError(f"{name} {value!r}: {error}") from error


def _read_again(*, setting: str, **_other: object) -> None:
    """Tests change settings; nobody else does."""
    if setting.startswith("SESSION"):
        site.cache_clear()


setting_changed.connect(_read_again, dispatch_uid="sessions.django")
