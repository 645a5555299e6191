"""Django's own session middleware, with a stricter Cache-Control."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions import middleware

from sessions.cookie.headers import cookie_field_in
from sessions.django.settings import site_config

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase


class SessionMiddleware(middleware.SessionMiddleware):  # type: ignore[misc]  # Django has no types
    """Django's own session middleware, with a stricter Cache-Control and a stricter Cookie.

    It takes the place of Django's own in MIDDLEWARE. A response that sets the session's cookie has
    ``Cache-Control: no-store``. Of several cookies of the session's name, the first that leads to a
    session counts; Django's own takes the last, and takes a name with a no-break space in front for
    the same, with which another host of the domain gets round ``__Host-``. The settings are checked
    when the site starts, not at its first request.

    Raises:
        ImproperlyConfigured: a setting is missing, unknown or invalid.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        site_config()

    def process_request(self, request: HttpRequest) -> None:
        """Give the request the session that its cookies lead to; it is read at its first use."""
        # Of an event loop's request Django joins a split field with commas.
        scope = getattr(request, "scope", None)
        field = cookie_field_in(scope["headers"]) if scope else request.META.get("HTTP_COOKIE")
        if field is None:
            super().process_request(request)
        else:
            request.session = self.SessionStore.of_cookie_field(field)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Save the session and set its cookie, as Django does."""
        sent: HttpResponseBase = super().process_response(request, response)
        if settings.SESSION_COOKIE_NAME in sent.cookies:
            sent.headers["Cache-Control"] = "no-store"
        return sent
