"""System checks of the settings, run by ``manage.py check``, ``runserver`` and ``migrate``.

    sessions.E001    SESSIONS or a SESSION_COOKIE_* setting is missing, unknown or invalid
    sessions.E002    SESSION_ENGINE is another one, so the sessions are not in the store
    sessions.W001    MIDDLEWARE has Django's own SessionMiddleware
    sessions.W002    SESSION_COOKIE_SECURE is False (check --deploy)
    sessions.W003    SESSION_COOKIE_HTTPONLY is False (check --deploy)

Django's own checks of the last two look for ``django.contrib.sessions`` alone.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from sessions.django.settings import site_config
from sessions.django.store import SessionStore

_DJANGOS_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"


def register() -> None:
    """Make them part of Django's checks."""
    checks.register(check_settings, checks.Tags.security)
    checks.register(check_cookie, checks.Tags.security, deploy=True)


def check_settings(app_configs: object, **_options: object) -> list[Any]:  # noqa: ARG001
    """What is wrong with the settings of sessions."""
    found = []
    try:
        site_config()
    except ImproperlyConfigured as error:
        found.append(checks.Error(str(error), id="sessions.E001"))
    if not _is_ours(settings.SESSION_ENGINE):
        found.append(
            checks.Error(
                f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, so the sessions are not in the "
                "store of SESSIONS.",
                hint="Set SESSION_ENGINE = 'sessions.django'.",
                id="sessions.E002",
            )
        )
    if _DJANGOS_MIDDLEWARE in settings.MIDDLEWARE:
        found.append(
            checks.Warning(
                "MIDDLEWARE has Django's own SessionMiddleware, which sets the cookie at each save "
                "and answers 400 to a request that was under way during a login.",
                hint="Use 'sessions.django.SessionMiddleware' in its place.",
                id="sessions.W001",
            )
        )
    return found


def check_cookie(app_configs: object, **_options: object) -> list[Any]:  # noqa: ARG001
    """Whether the cookie is kept from plain http and from scripts."""
    found = []
    if not settings.SESSION_COOKIE_SECURE:
        found.append(
            checks.Warning(
                "SESSION_COOKIE_SECURE is False, so the session's cookie is sent over plain http.",
                hint="Set SESSION_COOKIE_SECURE = True.",
                id="sessions.W002",
            )
        )
    if not settings.SESSION_COOKIE_HTTPONLY:
        found.append(
            checks.Warning(
                "SESSION_COOKIE_HTTPONLY is False, so scripts can read the session's cookie.",
                hint="Set SESSION_COOKIE_HTTPONLY = True.",
                id="sessions.W003",
            )
        )
    return found


def _is_ours(engine: str) -> bool:
    """Whether an engine's SessionStore is this one, or one derived from it."""
    try:
        store = import_string(f"{engine}.SessionStore")
    except ImportError:
        return False
    return issubclass(store, SessionStore)
