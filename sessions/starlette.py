"""Views that need a login, and steps that need a fresh one, in Starlette and FastAPI.

    @app.get("/account")                                                       # FastAPI
    async def account(user_id: Annotated[str, Depends(require_user)]): ...

    @app.post("/account/delete", dependencies=[Depends(require_fresh(300))])   # FastAPI
    async def delete_account(): ...

    async def delete_account(request):                                         # Starlette
        await require_fresh(300)(request)

A request that does not qualify is answered with 401.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ddbwire.shared.optional_package import optional_package

with optional_package("sessions.starlette", "starlette"):
    from starlette.exceptions import HTTPException
    from starlette.requests import HTTPConnection

from sessions.arguments import require_positive_int
from sessions.errors import AuthenticationRequired, ReauthenticationRequired
from sessions.session_of_request import session_of

__all__ = ["require_fresh", "require_user"]


class StaleLogin(ReauthenticationRequired, HTTPException):  # type: ignore[misc]  # one is wider
    """ReauthenticationRequired as an HTTPException, which Starlette answers with 401."""


class NotLoggedIn(AuthenticationRequired, HTTPException):  # type: ignore[misc]  # one is wider
    """AuthenticationRequired as an HTTPException."""


async def require_user(request: HTTPConnection) -> str:
    """The user who is logged in: a dependency in FastAPI; a view of Starlette awaits it.

    If nobody is logged in, the answer is 401 with the challenge of RFC 6750, or that of the
    application's exception handler for AuthenticationRequired.
    """
    session = await session_of(request).load_async()
    try:
        return session.require_user()
    except AuthenticationRequired as refused:
        raise NotLoggedIn(refused.error) from None


def require_fresh(seconds: int) -> Callable[[HTTPConnection], Awaitable[None]]:
    """A function that checks that the user authenticated less than ``seconds`` ago.

    If they did not, the answer is 401 with the challenge of RFC 9470, or that of the application's
    exception handler for ReauthenticationRequired.

    Args:
        seconds: the age that the authentication must be below.

    Returns:
        a dependency for FastAPI; a view of Starlette calls it with its request, and awaits it.

    Raises:
        TypeError, ValueError: ``seconds`` is not an int of at least 1.
    """
    require_positive_int("seconds", seconds)

    async def check(request: HTTPConnection) -> None:
        session = await session_of(request).load_async()
        try:
            session.require_fresh(seconds)
        except ReauthenticationRequired as refused:
            raise StaleLogin(refused.max_age, refused.authenticated_at) from None

    return check
