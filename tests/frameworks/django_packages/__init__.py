"""Real packages of Django's on a site with a database. Importing it sets Django up.

For a process of its own: other tests of Django have a site without a database.
"""

from __future__ import annotations

import django
from django.conf import settings

from sessions import MemorySessionStore

STORE = MemorySessionStore()

settings.configure(
    ACCOUNT_EMAIL_VERIFICATION="none",
    ALLOWED_HOSTS=["testserver"],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "file:packages?mode=memory&cache=shared",  # one for all threads
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "sessions.django",
        "django.contrib.messages",
        "allauth",
        "allauth.account",
        "allauth.usersessions",
        "channels",
    ],
    LOGIN_REDIRECT_URL="/who",
    LOGGING_CONFIG=None,
    MESSAGE_STORAGE="django.contrib.messages.storage.session.SessionStorage",
    MIDDLEWARE=[
        "sessions.django.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
        "allauth.usersessions.middleware.UserSessionsMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=f"{__name__}.site",
    SECRET_KEY="of-tests",
    SESSION_ENGINE="sessions.django",
    SESSIONS={"STORE": STORE, "SECRET": "x" * 32, "LIFETIME": 43_200},
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    USE_TZ=True,
)
django.setup()
