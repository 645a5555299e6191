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

    The middlewares and adapters answer it with 401 and a challenge of the scheme ``Bearer``. A
    client whose token is malformed, or leads to no session, is told ``error="invalid_token"``: it
    must log in again. One that sent none is not, as RFC 6750, 3.1 has it.

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
    """``require_fresh`` found that the user has not proved lately enough who they are.

    The middlewares and adapters answer it with 401 and the challenge of RFC 9470, by which an app
    knows what to do: have the user authenticate again, then ``session.confirm_login(user_id)``.

    Attributes:
        max_age: how many seconds ago the proof may be, such as 300.
        authenticated_at: the epoch second of the last one; None if there is none.
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

    What was ended stays ended. Call it again: it goes on with the rest.

    Attributes:
        ended: how many were ended, at least: replies may have been lost.
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

    Its changes were not saved, and no cookie is set: that would undo the login in the browser.
    Raised with ``on_revoked="raise"``; by default such changes are dropped.
    """


class TooManySessions(Exception):
    """A login was refused: the user has as many sessions as ``max_sessions_per_user`` allows.

    Raised with ``on_max_sessions="refuse"``, by ``session.save()`` after ``session.login()``, or
    else when the response starts. Nobody is logged in, and the session is as it was before.

    Attributes:
        user_id: who was to be logged in, such as ``"user-456"``.
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
    """The session was changed after its response had started, in a way that can't be saved.

    The session is committed before the first byte of the response. Later changes, in a stream or a
    websocket, are saved by ``save()``; those that need another cookie can't be.

    With ``bearer=True``, also raised where a new token would have no way to the client: a login
    that no ``issue_token()`` follows, or that method in a request whose cookie counts.
    """
