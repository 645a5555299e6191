"""The session of a request in any framework, with its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.lifecycle.open import put_back_assigned
from sessions.request_session import RequestSession
from sessions.session import Session

REQUEST_SESSION = "sessions.request_session"
"""Where an ASGI scope or a WSGI environ holds it, even if the application replaces the session."""


def session_of(request: object) -> Session:
    """The session of a request. No key of the application's hides its attributes.

        session_of(request).login("user-456")

    Args:
        request: a request or websocket of Starlette, FastAPI, Litestar or Flask; an ASGI scope or
            WSGI environ; or the session itself, such as ``flask.session``.

    Raises:
        TypeError: it is none of these, or there is no session middleware around the caller.
    """
    found = request._request_session if isinstance(request, Session) else _in(request)
    return Session(found, names_give_way=False)


def _in(request: Any) -> RequestSession:
    for place in (request, getattr(request, "scope", None), getattr(request, "environ", None)):
        found = place.get(REQUEST_SESSION) if isinstance(place, Mapping) else None
        if isinstance(found, RequestSession):
            is_awaited = found.is_lazy and not found.state.is_loaded  # ``load_async`` does it then
            if not is_awaited and found.place is not None and found.place.assigned() is not None:
                found.driver.run(put_back_assigned(found))
            return found
    raise TypeError(
        f"session_of({type(request).__name__}): no session in it; it must be a request, scope or "
        "environ that passed through a SessionMiddleware or SessionInterface, or a session"
    )
