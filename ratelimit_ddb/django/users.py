"""The identity of a logged-in Django user."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Awaitable

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from ddbwire.concurrency.in_event_loop import in_event_loop
from ratelimit_ddb.web.identity.function_of_request import makes_identities
from ratelimit_ddb.web.identity.identity import Identified, Identity, fallback_of, other_of
from ratelimit_ddb.web.identity.identity_source import IdentitySource, note_source
from ratelimit_ddb.web.request import Request


@makes_identities("user()")
def user(*, otherwise: Identity | None = None) -> Identity:
    """The primary key of the logged-in user (``request.user``).

    Args:
        otherwise: the identity of requests without a user; the client's address by default.

    Raises:
        TypeError: ``otherwise`` is not an identity.
        ImproperlyConfigured: at a request, if it has no ``user``.
    """
    fallback = fallback_of(otherwise)

    async def when_loaded(request: Request) -> Identified | None:
        found = await sync_to_async(_user_key)(request.native) or fallback(request)
        return await found if isinstance(found, Awaitable) else found

    def identity(request: Request) -> Identified | Awaitable[Identified | None] | None:
        if in_event_loop():
            return when_loaded(request)
        return _user_key(request.native) or fallback(request)

    what = "the primary key of a user"
    note_source(identity, IdentitySource(what, None, other_of(otherwise)))
    return identity


def _user_key(native: HttpRequest) -> str | None:
    found = getattr(native, "user", None)
    if found is None:
        raise ImproperlyConfigured(
            "user() needs AuthenticationMiddleware above RateLimitMiddleware"
        )
    return str(found.pk) if found.is_authenticated else None
