"""A Django site for tests: importing it sets Django up, once a process.

No settings module: one that Django imports would change the process's time zone.
"""

from __future__ import annotations

import django
from django.conf import settings
from django.contrib.auth import user_logged_in

settings.configure(
    ALLOWED_HOSTS=["testserver", "localhost"],
    AUTHENTICATION_BACKENDS=[f"{__name__}.accounts.Accounts"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=["ratelimit_ddb.django.RateLimitMiddleware"],
    ROOT_URLCONF=f"{__name__}.urls",
    SECRET_KEY="of-tests",
    SESSION_ENGINE=f"{__name__}.sessions",
)
django.setup()

user_logged_in.disconnect(dispatch_uid="update_last_login")  # it would need a database
