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
    """

    mapping: MutableMapping[str, Any]
    key: str
    session: object

    def assigned(self) -> Mapping[str, Any] | None:
        """The values that the application assigned; None if it assigned nothing.

        Raises:
            TypeError: it assigned something that is not a mapping, None, or empty.
        """
        found = self.mapping.get(self.key)
        if found is self.session or _is_of_starlettes_middleware(found):
            return None
        if _has_litestars_sessions(self.mapping):
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


def _is_of_starlettes_middleware(found: object) -> bool:
    """Whether it is a session of Starlette's own middleware, in a part of the application."""
    module = sys.modules.get("starlette.middleware.sessions")
    return isinstance(found, getattr(module, "Session", ()))


def _has_litestars_sessions(scope: Mapping[str, Any]) -> bool:
    """Whether a part of the application has Litestar's own sessions."""
    types, state = sys.modules.get("litestar.types"), scope.get("state")
    if types is None or not isinstance(state, Mapping):
        return False
    connection = state.get("_ls_connection_state")
    return getattr(connection, "session_id", types.Empty) is not types.Empty


def _is_empty_in_litestar(found: object) -> bool:
    types = sys.modules.get("litestar.types")
    return types is not None and found is types.Empty
