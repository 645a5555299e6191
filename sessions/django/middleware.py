"""Django's session middleware, which sets the cookie only where it is another one.

Django's own sets the cookie at each save. A response that is under way while the user logs in could
so put the key of before over the login's. Here the cookie lasts as long as the session may, and is
set where its key is new, or ``set_expiry`` has it kept until another time.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions import middleware
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import ImproperlyConfigured
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.http import http_date

from sessions.cookie.headers import cookie_field_in, tells_caches
from sessions.django.flow import KeyReplaced
from sessions.django.freshness import refusal
from sessions.django.settings import site_config
from sessions.django.store import SessionStore
from sessions.errors import ReauthenticationRequired

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase


class SessionMiddleware(middleware.SessionMiddleware):  # type: ignore[misc]  # Django has no types
    """Django's session middleware for this package's sessions, in the place of Django's own.

    It saves the session and sets its cookie before the response is sent, as Django's does, with
    these differences:

    - Of several cookies of the session's name, the first that leads to a session counts. Django's
      own takes the last, and takes a name with a no-break space in front for the same, with which
      another host of the domain gets round ``__Host-``.
    - The cookie is set only if its key is new, ``set_expiry`` has it kept until another time, or
      SESSION_SAVE_EVERY_REQUEST is True; it is deleted only if this request ended the session, or
      it is none of ours.
    - It lasts for the rest of the session's lifetime, whatever its idle timeout.
    - A response that sets or deletes it has ``Cache-Control: no-store``.
    - The settings are checked when the site starts, not at its first request.

    Raises:
        ImproperlyConfigured: a setting is missing, unknown or invalid.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        site_config()
        if not issubclass(self.SessionStore, SessionStore):
            raise ImproperlyConfigured(
                f"SESSION_ENGINE must be 'sessions.django', not {settings.SESSION_ENGINE!r}"
            )

    def process_request(self, request: HttpRequest) -> None:
        """Give the request the session that its cookies lead to; it is read at its first use."""
        # Of an event loop's request Django joins a split field with commas.
        scope = getattr(request, "scope", None)
        field = cookie_field_in(scope["headers"]) if scope else request.META.get("HTTP_COOKIE")
        if field is None or _is_changed(request):
            super().process_request(request)
        else:
            request.session = self.SessionStore.of_cookie_field(field)
        request.session.is_of_request = True

    def process_exception(
        self,
        request: HttpRequest,  # noqa: ARG002
        exception: Exception,
    ) -> HttpResponseBase | None:
        """Answer 401 to a view that needs a fresher login; see ``require_fresh``."""
        if isinstance(exception, ReauthenticationRequired):
            return refusal(exception)
        return None

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Save the session, and set or delete its cookie where that is needed.

        Raises:
            SessionInterrupted: it was ended while the request used it; Django answers 400.
        """
        session = getattr(request, "session", None)
        if not isinstance(session, SessionStore):
            return response
        if session.accessed:
            patch_vary_headers(response, ("Cookie",))
        if session.is_empty():
            if session.has_ended and settings.SESSION_COOKIE_NAME in request.COOKIES:
                _delete_cookie(response)
            return response
        is_answer = response.status_code < 500
        every_time = is_answer and settings.SESSION_SAVE_EVERY_REQUEST
        if every_time or (session.has_unsaved() and (is_answer or session.is_logout())):
            try:
                session.save()
            except KeyReplaced:
                return response  # its cookie would take the place of the login's
            except UpdateError as error:
                raise SessionInterrupted(
                    "The session was ended before the request completed, as by a logout elsewhere."
                ) from error
        if every_time or session.has_other_cookie():
            _set_cookie(session, response)
        return response


def _is_changed(request: HttpRequest) -> bool:
    """Whether a middleware has put a key into ``request.COOKIES``, as from another field."""
    cookies = vars(request).get("COOKIES")
    if cookies is None:  # nobody has asked for them
        return False
    name, parsed = settings.SESSION_COOKIE_NAME, getattr(type(request), "COOKIES", None)
    return not isinstance(parsed, cached_property) or (
        cookies.get(name) != parsed.func(request).get(name)
    )


def _set_cookie(session: SessionStore, response: HttpResponseBase) -> None:
    max_age = session.get_cookie_max_age()
    response.set_cookie(
        settings.SESSION_COOKIE_NAME,
        session.session_key,
        max_age=max_age,
        expires=None if max_age is None else http_date(time.time() + max_age),
        domain=settings.SESSION_COOKIE_DOMAIN,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE or None,
        httponly=settings.SESSION_COOKIE_HTTPONLY or None,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )
    _keep_from_caches(response)


def _delete_cookie(response: HttpResponseBase) -> None:
    response.delete_cookie(
        settings.SESSION_COOKIE_NAME,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )
    _keep_from_caches(response)


def _keep_from_caches(response: HttpResponseBase) -> None:
    patch_vary_headers(response, ("Cookie",))
    for name in [name for name in response.headers if tells_caches(name)]:
        del response.headers[name]
    response.headers["Cache-Control"] = "no-store"
