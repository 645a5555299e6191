"""Sessions for Django: ``SESSION_ENGINE = "sessions.django"``, on this package's stores.

    INSTALLED_APPS = [..., "sessions.django"]    # in the place of django.contrib.sessions
    MIDDLEWARE = [..., "sessions.django.SessionMiddleware"]    # in the place of Django's own
    SESSION_ENGINE = "sessions.django"
    SESSIONS = {"STORE": "shop.sessions.store", "SECRET": [...], "LIFETIME": 86_400}

SESSIONS takes STORE (a store, or the dotted path to one) and in capitals the options of
``sessions.SessionOptions``: LIFETIME, SECRET, NAMESPACE, ENCRYPTION, STRICT, ON_OUTAGE, DEADLINE,
ON_EVENT (a function, or the dotted path to one) and EVENT_SALT. The rest is in Django's settings:

    SESSION_COOKIE_AGE                seconds without a request after which a session is over
    SESSION_COOKIE_NAME, _DOMAIN,     the cookie, checked as ``sessions.Cookie`` does; it is kept
    _PATH, _SECURE, _SAMESITE         until the session's LIFETIME is over
    SESSION_EXPIRE_AT_BROWSER_CLOSE   a cookie that is gone with the browser's own session

LIFETIME is SESSION_COOKIE_AGE unless given, and at least 12 hours; SESSION_COOKIE_AGE is Django's
two weeks unless given, and at most LIFETIME. SESSION_SAVE_EVERY_REQUEST is
not needed: reading a session notes its use, at most once a minute or a tenth of the idle timeout.
"""

from ddbwire.shared.optional_package import optional_package

with optional_package("sessions.django", "django"):
    import django  # noqa: F401 - is it there?

from sessions.django.freshness import (
    aauthenticated_at,
    aconfirm_login,
    authenticated_at,
    confirm_login,
    require_fresh,
)
from sessions.django.middleware import SessionMiddleware
from sessions.django.store import SessionStore
from sessions.django.user_sessions import (
    arevoke,
    arevoke_user,
    asessions_of,
    revoke,
    revoke_user,
    sessions_of,
)

__all__ = [
    "SessionMiddleware",
    "SessionStore",
    "aauthenticated_at",
    "aconfirm_login",
    "arevoke",
    "arevoke_user",
    "asessions_of",
    "authenticated_at",
    "confirm_login",
    "require_fresh",
    "revoke",
    "revoke_user",
    "sessions_of",
]
