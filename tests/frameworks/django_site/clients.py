"""Clients of the site, behind the limits that a test puts into the settings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.test import Client, override_settings

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule
from tests.fake_clock import FakeClock

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
LIMITS = "ratelimit_ddb.django.RateLimitMiddleware"

Behind = Callable[..., Client]


def behind_in(
    stack: ExitStack,
    *rules: Rule,
    middleware: tuple[str, ...] = (LIMITS,),
    raises: bool = True,
    **options: Any,
) -> Client:
    """A client of the site with these rules and options, for as long as the stack is open.

    Args:
        stack: what the settings last for.
        rules: the rules.
        middleware: the setting MIDDLEWARE.
        raises: whether the client raises what a view raises, in place of a 500.
        options: of ``RATELIMIT_DDB``.
    """
    given = {"STORE": MemoryStore(clock=FakeClock()), "RULES": list(rules), **options}
    stack.enter_context(override_settings(RATELIMIT_DDB=given, MIDDLEWARE=list(middleware)))
    return Client(raise_request_exception=raises)


def statuses(client: Client, *paths: str) -> list[int]:
    return [client.get(path).status_code for path in paths]
