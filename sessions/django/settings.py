"""Django's settings of sessions, read once and checked."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from sessions.arguments import require_timeout_seconds
from sessions.config.options import SessionOptions
from sessions.config.session_config import SessionConfig
from sessions.config.timeouts import Timeouts
from sessions.cookie.cookie import without_leading_dot
from sessions.cookie.token import Tokens
from sessions.django.key import KEY
from sessions.operations.store import require_store

_LEAST_DEFAULT_LIFETIME_SECONDS = 43_200
_JSON = "django.contrib.sessions.serializers.JSONSerializer"
_DJANGO_SETTINGS = {
    "idle": "SESSION_COOKIE_AGE",
    "cookie": "SESSION_COOKIE_NAME",
    "secure": "SESSION_COOKIE_SECURE",
    "same_site": "SESSION_COOKIE_SAMESITE",
    "path": "SESSION_COOKIE_PATH",
    "domain": "SESSION_COOKIE_DOMAIN",
}
"""Options for which Django has settings."""
_UNUSED = {
    "persistent": "use SESSION_EXPIRE_AT_BROWSER_CLOSE",
    "max_idle": "set_expiry may have as much as the session's lifetime",
    "bearer": "Django's CsrfViewMiddleware and auth know sessions by cookies alone",
    "partitioned": "Django's middleware, which sets the cookie, has no such setting",
    "on_revoked": "Django's middleware answers 400 to such a request",
    "previous": "use PREVIOUS_ENGINE",
    "device_bound": "it works with sessions.asgi and sessions.wsgi",
    "seconds_left_field": "a middleware of your own can set it by session.seconds_left",
}
_MAY_BE_PATHS = ("STORE", "ON_EVENT")


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """The configuration of the site's sessions.

    Attributes:
        sessions: the store and the options. Its idle timeout is the longest lifetime, since
            ``set_expiry`` may give a session more than the site's idle timeout.
        timeouts: the timeouts of a session without its own expiry by ``set_expiry``.
        previous_engine: the SessionStore of the engine that the site had before; None if it had
            none.
    """

    sessions: SessionConfig
    timeouts: Timeouts
    previous_engine: type[Any] | None = None


@functools.cache
def site_config() -> SiteConfig:
    """The site's configuration, by its settings.

    Raises:
        ImproperlyConfigured: a setting is missing, unknown or invalid.
    """
    try:
        return _site_config(_options())
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"SESSIONS and SESSION_COOKIE_*: {error}") from error


def _site_config(given: dict[str, Any]) -> SiteConfig:
    store = require_store(given.pop("store"), "STORE")
    previous_engine = _engine(given.pop("previous_engine", None))
    if settings.SESSION_SERIALIZER != _JSON:
        raise ValueError(
            f"SESSION_SERIALIZER must be {_JSON!r}, not {settings.SESSION_SERIALIZER!r}: "
            "each value is stored as JSON"
        )
    timeouts = _timeouts(given.get("lifetime"), given.pop("max_lifetime", None))
    options = {
        **given,
        **{name: getattr(settings, where) for name, where in _DJANGO_SETTINGS.items()},
        "idle": timeouts.lifetime_seconds,
        "lifetime": timeouts.lifetime_seconds,
        "same_site": _same_site(settings.SESSION_COOKIE_SAMESITE),
        "domain": without_leading_dot(settings.SESSION_COOKIE_DOMAIN or None),
    }
    config = SessionConfig.of(store, cast("SessionOptions", options))
    tokens = Tokens(given.get("secret"), given.get("namespace", ""), KEY)
    longest = replace(timeouts, idle_seconds=timeouts.max_lifetime_seconds)
    most = config.max_sessions and replace(config.max_sessions, timeouts=longest)
    sessions = replace(config, tokens=tokens, timeouts=longest, max_sessions=most)
    return SiteConfig(sessions, timeouts, previous_engine)


def _same_site(given: Any) -> Any:
    """The setting, in any case as Django takes it; without one, as browsers read its absence."""
    return given.title() if isinstance(given, str) and given else given or "Lax"


def _timeouts(lifetime: Any, max_lifetime: Any) -> Timeouts:
    timeouts = _configured(lifetime)
    if max_lifetime is None:
        return timeouts
    most: int = require_timeout_seconds("SESSIONS['MAX_LIFETIME']", max_lifetime)
    if most < timeouts.lifetime_seconds:
        raise ValueError(
            f"SESSIONS['MAX_LIFETIME'] must be at least SESSIONS['LIFETIME'], "
            f"{timeouts.lifetime_seconds}, not {most}"
        )
    return replace(timeouts, max_lifetime_seconds=most)


def _configured(lifetime: Any) -> Timeouts:
    """The idle timeout and the lifetime. If one is a default, it is adapted to the other."""
    idle: int = require_timeout_seconds("SESSION_COOKIE_AGE", settings.SESSION_COOKIE_AGE)
    if lifetime is None:
        return Timeouts.of(idle, max(idle, _LEAST_DEFAULT_LIFETIME_SECONDS))
    require_timeout_seconds("SESSIONS['LIFETIME']", lifetime)
    if not settings.is_overridden("SESSION_COOKIE_AGE"):
        idle = min(idle, lifetime)
    if idle > lifetime:
        raise ValueError(
            f"SESSION_COOKIE_AGE must be at most SESSIONS['LIFETIME'], {lifetime}, not {idle}: a "
            "session expires SESSION_COOKIE_AGE seconds after its last request, and LIFETIME "
            "seconds after it started even if it is used"
        )
    return Timeouts.of(idle, lifetime)


def _options() -> dict[str, Any]:
    given = getattr(settings, "SESSIONS", None)
    if not isinstance(given, Mapping):
        raise TypeError(f"SESSIONS must be a dict with STORE, not {given!r}")
    options = [
        name.upper()
        for name in SessionOptions.__annotations__
        if name not in _DJANGO_SETTINGS and name not in _UNUSED
    ]
    names = ["STORE", *options, "PREVIOUS_ENGINE"]
    for name in given:
        if name not in names:
            raise ValueError(
                f"unknown option {name!r}{_instead(name)}; expected one of {', '.join(names)}"
            )
    if "STORE" not in given:
        raise ValueError("SESSIONS must have 'STORE'")
    return {name.lower(): _imported(name, value) for name, value in given.items()}


def _instead(name: object) -> str:
    option = str(name).lower()
    if option in _DJANGO_SETTINGS:
        return f" (use {_DJANGO_SETTINGS[option]})"
    return f" ({_UNUSED[option]})" if option in _UNUSED else ""


def _imported(name: str, value: Any) -> Any:
    """A setting, or the object whose dotted path it is."""
    if name not in _MAY_BE_PATHS or not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as error:
        raise ValueError(f"{name} {value!r}: {error}") from error


def _engine(path: object) -> type[Any] | None:
    """The SessionStore of an engine, by the path of its module, as SESSION_ENGINE has it."""
    if path is None:
        return None
    if not isinstance(path, str) or path == "sessions.django":
        raise ValueError(
            "PREVIOUS_ENGINE must be the SESSION_ENGINE that the site had before, such as "
            f"'django.contrib.sessions.backends.db', not {path!r}"
        )
    try:
        engine: type[Any] = import_string(f"{path}.SessionStore")
    except ImportError as error:
        raise ValueError(f"PREVIOUS_ENGINE {path!r}: {error}") from error
    return engine


def _forget(*, setting: str, **_other: object) -> None:
    """Read the settings again: tests change them."""
    if setting.startswith("SESSION"):
        site_config.cache_clear()


setting_changed.connect(_forget, dispatch_uid="sessions.django")
