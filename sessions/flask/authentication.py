"""The errors that Flask answers with 401: they are HTTPExceptions too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import flask
from werkzeug.exceptions import HTTPException

from sessions.errors import AuthenticationRequired, ReauthenticationRequired


class StaleLogin(ReauthenticationRequired, HTTPException):
    """ReauthenticationRequired as an HTTPException, which Flask answers with 401."""

    code = 401

    def __init__(self, max_age: int, authenticated_at: int | None) -> None:
        ReauthenticationRequired.__init__(self, max_age, authenticated_at)
        self.description, self.response = self.detail, _answer(self)


class NotLoggedIn(AuthenticationRequired, HTTPException):
    """AuthenticationRequired as an HTTPException."""

    code = 401

    def __init__(self, error: str | None) -> None:
        AuthenticationRequired.__init__(self, error)
        self.description, self.response = self.detail, _answer(self)


@contextmanager
def answered_by_flask() -> Iterator[None]:
    """Raise AuthenticationRequired as an HTTPException."""
    try:
        yield
    except ReauthenticationRequired as refused:
        raise StaleLogin(refused.max_age, refused.authenticated_at) from None
    except AuthenticationRequired as refused:
        raise NotLoggedIn(refused.error) from None


def _answer(refused: AuthenticationRequired) -> flask.Response:
    return flask.Response(refused.detail, 401, refused.headers, mimetype="text/plain")
