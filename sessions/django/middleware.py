"""Django's own session middleware, which says more of caching."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions import middleware

from sessions.django.settings import site

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase


class SessionMiddleware(middleware.SessionMiddleware):  # type: ignore[misc]  # Django has no types
    """Django's own, for which it may stand in MIDDLEWARE; it says more of caching.

    A response that sets the session's cookie says ``Cache-Control: no-store``. The settings are
    checked when the site starts, not at its first request.

    Raises:
        ImproperlyConfigured: a setting that is missing, unknown, or can't hold.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        site()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Save the session and set its cookie, as Django does."""
        made: HttpResponseBase = super().process_response(request, response)
        if settings.SESSION_COOKIE_NAME in made.cookies:
            made.headers["Cache-Control"] = "no-store"
        return made
