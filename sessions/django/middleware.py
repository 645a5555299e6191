"""Django's session middleware, which sets the cookie only if it changes.

Django's own middleware sets the cookie at each save. So a response that is under way while the user
logs in could overwrite the login's cookie with the old key. Here the cookie lasts as long as the
session may, and is set only if its key is new, or ``set_expiry`` has changed its expiry.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions import middleware
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import ImproperlyConfigured
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.http import http_date

from sessions.cookie.headers import NO_STORE, cookie_field_in, tells_caches
from sessions.django.flow import KeyReplaced
from sessions.django.freshness import refusal
from sessions.django.settings import site_config
from sessions.django.store import SessionStore
from sessions.errors import ReauthenticationRequired
from sessions.failed_save import NOT_SAVED

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase


class SessionMiddleware(middleware.SessionMiddleware):  # type: ignore[misc]  # Django has no types
    """The session middleware for this package's sessions, used instead of Django's own.

    It saves the session and sets its cookie before the response is sent, as Django's does, with
    these differences:

    - If several cookies have the session's name, the first that leads to a session counts. Django's
      own takes the last, and accepts a name with a leading no-break space, with which another host
      of the domain circumvents ``__Host-``.
    - The cookie is set only if its key is new, if ``set_expiry`` has changed its expiry, or if
      SESSION_SAVE_EVERY_REQUEST is True. It is deleted only if this request ended the session, or
      if its value is malformed.
    - A logout in a StreamingHttpResponse is kept; for any other change that it does not save, the
      event ``"dropped"`` is emitted.
    - It lasts for the rest of the session's lifetime, whatever the idle timeout.
    - A response that sets or deletes it has ``Cache-Control: private, no-store``.
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
        # In ASGI requests, Django joins a split Cookie field with commas.
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
        """Save the session, and set or delete its cookie if that is needed.

        Raises:
            SessionInterrupted: it was ended while the request used it; Django answers 400.
        """
        session = getattr(request, "session", None)
        if not isinstance(session, SessionStore):
            return response
        if session.accessed:
            patch_vary_headers(response, ("Cookie",))
        is_answer = response.status_code < 500
        if session.is_empty():
            if session.has_ended and settings.SESSION_COOKIE_NAME in request.COOKIES:
                _delete_cookie(response)
        else:
            every_time = is_answer and settings.SESSION_SAVE_EVERY_REQUEST
            if not _commit(session, is_answer=is_answer, every_time=every_time):
                return response
            if every_time or session.has_other_cookie():
                _set_cookie(session, response)
        if response.streaming and is_answer:
            response._resource_closers.append(partial(_end_stream, session))
        return response


def _commit(session: SessionStore, *, is_answer: bool, every_time: bool) -> bool:
    """Save the session if that is needed; False if its cookie must be left alone.

    Raises:
        SessionInterrupted: it was ended while the request used it; Django answers 400.
    """
    is_known_to_fail = session.is_known_to_fail
    try:
        if every_time or (session.has_unsaved() and (is_answer or session.is_logout())):
            session.save()
    except KeyReplaced:
        return False  # its cookie would overwrite the login's
    except (*NOT_SAVED, UpdateError) as error:
        if is_known_to_fail:
            session.drop_unsaved()
            return False
        if not isinstance(error, UpdateError):
            raise
        raise SessionInterrupted(
            "The session was ended before the request completed, as by a logout elsewhere."
        ) from error
    return True


def _end_stream(session: SessionStore) -> None:
    """When a stream is over, keep a logout in it, and tell what else it changed and did not save.

    By an event, since Django ignores what is raised here.
    """
    if session.is_logout():
        session.flush()
    elif session.has_unsaved():
        session.drop_unsaved()


def _is_changed(request: HttpRequest) -> bool:
    """Whether a middleware has put a key into ``request.COOKIES``, from a header for example."""
    cookies = vars(request).get("COOKIES")
    if cookies is None:  # they were not read yet
        return False
    name, parsed = settings.SESSION_COOKIE_NAME, getattr(type(request), "COOKIES", None)
    return not isinstance(parsed, cached_property) or (
        cookies.get(name) != parsed.func(request).get(name)
    )


def _set_cookie(session: SessionStore, response: HttpResponseBase) -> None:
    max_age = session.get_cookie_max_age()
    expires = None if max_age is None else http_date(time.time() + max_age)
    _put_cookie(response, session.session_key, max_age, expires)


def _delete_cookie(response: HttpResponseBase) -> None:
    # Not by response.delete_cookie, which leaves out attributes that a name's prefix needs.
    _put_cookie(response, "", 0, http_date(0))


def _put_cookie(
    response: HttpResponseBase, value: str | None, max_age: int | None, expires: str | None
) -> None:
    response.set_cookie(
        settings.SESSION_COOKIE_NAME,
        value,
        max_age=max_age,
        expires=expires,
        domain=settings.SESSION_COOKIE_DOMAIN,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE or None,
        httponly=settings.SESSION_COOKIE_HTTPONLY or None,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )
    _keep_from_caches(response)


def _keep_from_caches(response: HttpResponseBase) -> None:
    patch_vary_headers(response, ("Cookie",))
    for name in [name for name in response.headers if tells_caches(name)]:
        del response.headers[name]
    response.headers["Cache-Control"] = NO_STORE[1]
