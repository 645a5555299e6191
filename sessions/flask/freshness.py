"""Views that need a fresh login, in Flask."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import flask

from sessions.arguments import require_positive_int
from sessions.flask.authentication import answered_by_flask
from sessions.session_of_request import session_of

P = ParamSpec("P")


def require_fresh(seconds: int) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """A decorator for views that need a user who authenticated less than ``seconds`` ago.

        @app.post("/account/delete")
        @require_fresh(300)
        def delete_account(): ...

    Otherwise the answer is 401 with the challenge of RFC 9470; an error handler for
    ReauthenticationRequired can show the password form instead.

    Args:
        seconds: the age that the authentication must be below.

    Raises:
        TypeError, ValueError: ``seconds`` is not an int of at least 1.
    """
    require_positive_int("seconds", seconds)

    def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> Any:
            with answered_by_flask():
                session_of(flask.request).require_fresh(seconds)
            return flask.current_app.ensure_sync(view)(*args, **kwargs)

        return checked

    return decorate
