"""A session middleware inside another one: each has its own session, and its own cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.config.session_config import SessionConfig
from sessions.request_session import RequestSession
from sessions.session_of_request import REQUEST_SESSION


def require_own_cookie(config: SessionConfig, place: Mapping[str, Any]) -> None:
    """Check that a middleware around this one does not set the same cookie for other sessions.

    Args:
        config: this one's.
        place: the ASGI scope or the WSGI environ.

    Raises:
        ValueError: it does: each login by one of them would be a logout from the other.
    """
    outer = place.get(REQUEST_SESSION)
    if not isinstance(outer, RequestSession) or outer.config.cookie.place != config.cookie.place:
        return
    if outer.config.store is config.store and outer.config.namespace == config.namespace:
        return
    raise ValueError(
        f"the cookie {config.cookie.name!r} is set by two session middlewares, one inside the "
        "other, which have different stores or namespaces: give one of them another cookie="
    )
