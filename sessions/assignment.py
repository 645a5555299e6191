"""What an application assigns in place of its session, to replace the session's values.

Starlette's users assign to ``scope["session"]``, and Litestar's ``set_session`` and
``clear_session`` do nothing else. If that were ignored, the latter would log nobody out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

from sessions.arguments import a_type

_GONE: Mapping[str, Any] = {}


class SessionPlace(NamedTuple):
    """Where an application finds its session.

    Attributes:
        mapping: the ASGI scope or the WSGI environ.
        key: the session's key there, such as ``"session"``.
        session: what was put there.
        app: the ``scope["app"]`` that the middleware is in; None if it is in none.
    """

    mapping: MutableMapping[str, Any]
    key: str
    session: object
    app: object = None

    def assigned(self) -> Mapping[str, Any] | None:
        """The values that the application assigned; None if it assigned nothing.

        Raises:
            TypeError: it assigned something that is not a mapping, None, or empty.
        """
        found = self.mapping.get(self.key)
        if found is self.session or self._is_of_another_middleware(found):
            return None
        if isinstance(found, Mapping):
            return found
        if found is None or _is_empty_in_litestar(found):
            return _GONE
        raise TypeError(
            f"{self.key!r} was set to {a_type(found)}: a session must be a mapping of JSON "
            "values; make a dict of it, or set None to end the session"
        )

    def put_back(self) -> None:
        """Put the session there again."""
        self.mapping[self.key] = self.session

    def _is_of_another_middleware(self, found: object) -> bool:
        """Whether a part of the application has sessions of its own, and this is one of them."""
        # starsessions first: what it puts there raises an error whatever it is asked.
        if _has_starsessions(self.mapping) or _is_starlettes(found):
            return True
        app = self.mapping.get("app")
        if app is not self.app and _has_starlettes_sessions(app):
            return True
        return _has_litestars_sessions(self.mapping)


def _has_starsessions(scope: Mapping[str, Any]) -> bool:
    module = sys.modules.get("starsessions.session")
    return isinstance(scope.get("session_handler"), getattr(module, "SessionHandler", ()))


def _is_starlettes(found: object) -> bool:
    module = sys.modules.get("starlette.middleware.sessions")
    return isinstance(found, getattr(module, "Session", ()))


def _has_starlettes_sessions(app: object) -> bool:
    """Whether an application has Starlette's middleware. Before 1.0, its session is a mere dict."""
    module = sys.modules.get("starlette.middleware.sessions")
    if module is None:
        return False
    classes = [each.cls for each in getattr(app, "user_middleware", ())]
    return any(isinstance(c, type) and issubclass(c, module.SessionMiddleware) for c in classes)


def _has_litestars_sessions(scope: Mapping[str, Any]) -> bool:
    types, state = sys.modules.get("litestar.types"), scope.get("state")
    if types is None or not isinstance(state, Mapping):
        return False
    connection = state.get("_ls_connection_state")
    return getattr(connection, "session_id", types.Empty) is not types.Empty


def _is_empty_in_litestar(found: object) -> bool:
    types = sys.modules.get("litestar.types")
    return types is not None and found is types.Empty
