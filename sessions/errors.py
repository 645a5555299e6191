"""Errors of sessions, by what one can do about them.

The errors of a store are classes that ``ratelimit_ddb`` has too.
"""

from __future__ import annotations

from typing import Any

from ddbwire.errors import AccessDenied, StoreError, StoreUnavailable, TableNotFound

__all__ = [
    "AccessDenied",
    "AuthenticationRequired",
    "ReauthenticationRequired",
    "RevocationIncomplete",
    "SessionConflict",
    "SessionNotSaved",
    "SessionReplaced",
    "SessionRevoked",
    "SessionTooLarge",
    "StoreError",
    "StoreUnavailable",
    "TableNotFound",
    "TooManySessions",
]


class AuthenticationRequired(Exception):
    """``require_user`` found nobody logged in.

    The middlewares and adapters answer it with 401 and a challenge of the scheme ``Bearer``. The
    challenge has ``error="invalid_token"`` if the client sent a token that is malformed or leads to
    no session: the client must log in again. Without a token it has no ``error`` (RFC 6750, 3.1).

    Attributes:
        error: the code of RFC 6750, 3.1, such as ``"invalid_token"``; None for a request that
            brought no token.
        status_code: 401.
        headers: the fields of its answer, by their names.
        detail: the text of its answer.
    """

    status_code = 401

    def __init__(self, error: str | None) -> None:
        Exception.__init__(  # an adapter's class is an HTTPException too
            self, "nobody is logged in: authenticate the user, and call session.login(user_id)"
        )
        self.error = error
        self.detail = "Authentication is required."
        described = f' error="{error}", error_description="The token leads to no session"'
        self.headers = {
            "WWW-Authenticate": "Bearer" + ("" if error is None else described),
            "Cache-Control": "no-store",
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.error,)


class ReauthenticationRequired(AuthenticationRequired):
    """``require_fresh`` found that the user did not authenticate recently enough.

    The middlewares and adapters answer it with 401 and the challenge of RFC 9470, which tells the
    client to have the user authenticate again. Call ``session.confirm_login(user_id)`` then.

    Attributes:
        max_age: the greatest age of the authentication in seconds, such as 300.
        authenticated_at: the epoch second of the last authentication; None if there is none.
        error: the code of RFC 9470, ``"insufficient_user_authentication"``.
        status_code: 401.
        headers: the fields of its answer, by their names.
        detail: the text of its answer.
    """

    def __init__(self, max_age: int, authenticated_at: int | None) -> None:
        Exception.__init__(  # an adapter's class is an HTTPException too
            self,
            f"the user must have authenticated less than {max_age} seconds ago: authenticate them "
            "again, and call session.confirm_login(user_id), or session.login(user_id)",
        )
        self.error = "insufficient_user_authentication"
        self.max_age = max_age
        self.authenticated_at = authenticated_at
        self.detail = f"Authentication within the last {max_age} seconds is required."
        description = "Authenticate again, then repeat the request"
        self.headers = {
            "WWW-Authenticate": f'Bearer error="{self.error}", '
            f'error_description="{description}", max_age="{max_age}"',
            "Cache-Control": "no-store",
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.max_age, self.authenticated_at)


class RevocationIncomplete(StoreUnavailable):
    """``revoke_user`` ended some of a user's sessions, and then the table could not be reached.

    Sessions that were ended stay ended. Call it again to end the rest.

    Attributes:
        ended: how many were ended, at least: responses may have been lost.
        remaining: how many are left, at most.
    """

    def __init__(self, message: str, ended: int, remaining: int) -> None:
        super().__init__(message)
        self.ended = ended
        self.remaining = remaining

    def __reduce__(self) -> tuple[type[RevocationIncomplete], tuple[str, int, int]]:
        return type(self), (str(self), self.ended, self.remaining)


class SessionRevoked(Exception):
    """The session ended elsewhere while this request was using it: its changes were not saved.

    Raised with ``on_revoked="raise"``; by default such changes are dropped.
    """


class SessionReplaced(SessionRevoked):
    """A login, or another new session, took the session's place while this request used it.

    Its changes were not saved, and no cookie is set: a cookie would undo the login in the browser.
    Raised with ``on_revoked="raise"``; by default such changes are dropped.
    """


class TooManySessions(Exception):
    """A login was refused: the user has as many sessions as ``max_sessions_per_user`` allows.

    Raised with ``on_max_sessions="refuse"``, by ``session.save()`` after ``session.login()``, or
    else when the response starts. Nobody is logged in, and the session is as it was before.

    Attributes:
        user_id: the user whose login was refused, such as ``"user-456"``.
    """

    def __init__(self, message: str, user_id: str) -> None:
        super().__init__(message)
        self.user_id = user_id

    def __reduce__(self) -> tuple[type[TooManySessions], tuple[str, str]]:
        return type(self), (str(self), self.user_id)


class SessionConflict(Exception):
    """Another request changed the session meanwhile, and the options have ``strict=True``.

    Also raised if a login or rotation met other changes five times in a row, and by
    ``issue_token()`` if another request gave the session a new id meanwhile.
    """


class SessionTooLarge(ValueError):
    """The session is larger than a DynamoDB item can be. The message names the largest keys.

    Source: AWS, "Quotas and limits in DynamoDB" (item size, 400 KB).
    """


class SessionNotSaved(RuntimeError):
    """The session was changed in a way that can't be saved, mostly after its response had started.

    The session is committed before the first byte of the response. Later changes, in a stream or a
    websocket, are saved by ``save()``. A change that needs a new cookie can't be saved then.

    With ``bearer=True``, it is also raised if a new token can't reach the client: after a login
    without ``issue_token()``, or by ``issue_token()`` in a request with a session cookie.
    """
