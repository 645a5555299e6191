"""Freshness in Django: how long ago the user authenticated, and views that need a recent login.

``django.contrib.auth.login`` counts, also for a user who is logged in already. Keeping the session
when the password changes does not.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from asgiref.sync import markcoroutinefunction
from django.contrib.auth.signals import user_logged_in
from django.http import HttpResponse

from sessions.arguments import require_positive_int
from sessions.errors import ReauthenticationRequired

if TYPE_CHECKING:
    from django.http import HttpRequest

View = Callable[..., Any]


def authenticated_at(request: HttpRequest) -> int | None:
    """The epoch second of the user's last login or confirmation; None if there is none."""
    at: int | None = request.session.authenticated_at
    return at


async def aauthenticated_at(request: HttpRequest) -> int | None:
    """The same in an event loop."""
    await request.session.aid()
    return authenticated_at(request)


def confirm_login(request: HttpRequest, user: Any) -> None:
    """Note that the user has just authenticated again, and change the session's key.

    Args:
        request: the request.
        user: the user whom you authenticated; it must be the session's user.

    Raises:
        ValueError: it is another user, or nobody is logged in.
        SessionInterrupted: the session was ended meanwhile; Django answers 400.
    """
    request.session.confirm_login(_id_of(user))
    request.session.cycle_key()


async def aconfirm_login(request: HttpRequest, user: Any) -> None:
    """The same in an event loop."""
    await request.session.aid()
    request.session.confirm_login(_id_of(user))
    await request.session.acycle_key()


def require_fresh(seconds: int) -> Callable[[View], View]:
    """A decorator for views that need a user who authenticated less than ``seconds`` ago.

        @require_fresh(300)
        def delete_account(request): ...

    Otherwise the answer is 401 with the challenge of RFC 9470. To show a password form instead, a
    view calls ``request.session.require_fresh(seconds)`` and catches ReauthenticationRequired.

    Args:
        seconds: the age that the authentication must be below.

    Raises:
        TypeError, ValueError: ``seconds`` is not an int of at least 1.
    """
    require_positive_int("seconds", seconds)

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                request.session.require_fresh(seconds)
            except ReauthenticationRequired as refused:
                return refusal(refused)
            return view(request, *args, **kwargs)

        @wraps(view)
        async def checked_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            await request.session.aid()
            try:
                request.session.require_fresh(seconds)
            except ReauthenticationRequired as refused:
                return refusal(refused)
            return await view(request, *args, **kwargs)

        return markcoroutinefunction(checked_async) if iscoroutinefunction(view) else checked

    return decorate


def refusal(refused: ReauthenticationRequired) -> HttpResponse:
    """The 401 with its challenge."""
    return HttpResponse(
        refused.detail, status=401, headers=refused.headers, content_type="text/plain"
    )


def _note_login(*, request: Any, user: Any, **_other: object) -> None:
    """Note that ``django.contrib.auth.login`` was called, also for a user who was logged in."""
    session: Any = getattr(request, "session", None)
    if hasattr(session, "_keyed"):
        session._keyed.record.confirm_login(_id_of(user))


def _id_of(user: Any) -> str:
    return str(user._meta.pk.value_to_string(user))


user_logged_in.connect(_note_login, dispatch_uid="sessions.django.freshness")
