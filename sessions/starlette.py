"""Steps that need a fresh login, in Starlette and FastAPI.

@app.post("/account/delete", dependencies=[Depends(require_fresh(300))])   # FastAPI
async def delete_account(): ...

async def delete_account(request):                                         # Starlette
await require_fresh(300)(request)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from sessions.arguments import require_positive_int
from sessions.errors import ReauthenticationRequired
from sessions.session_of import session_of

__all__ = ["require_fresh"]


class StaleLogin(ReauthenticationRequired, HTTPException):  # type: ignore[misc]  # one is wider
    """ReauthenticationRequired as an HTTPException, which Starlette answers with 401 by itself."""


def require_fresh(seconds: int) -> Callable[[HTTPConnection], Awaitable[None]]:
    """What checks that a login, or its confirmation, was less than so long ago.

    Others are answered with 401 and the challenge of RFC 9470, wherever the session middleware
    stands; an exception handler for ReauthenticationRequired can answer otherwise.

    Args:
        seconds: less than so many ago.

    Returns:
        a dependency of FastAPI, or what a view of Starlette awaits with its request.

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
