"""A table that is out of reach: whose requests fail for it, and what becomes of their changes.

    a session that is not used      no request fails
    one that can't be read          its use raises; or with on_outage="empty" it is an empty one
    a use that can't be noted       no request fails
    a change that can't be saved    raises

Whatever ``on_outage`` is, a login or logout that can't be done raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sessions.config.session_config import SessionConfig
from sessions.errors import StoreUnavailable
from sessions.session_state import NO_SESSION, SessionState
from sessions.values.changes import Changes


class Outage:
    """What a request knows of it.

    Args:
        config: the application's.

    Attributes:
        error: why the session could not be read; None if it could, or was not tried.
    """

    __slots__ = ("_config", "error")

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self.error: StoreUnavailable | None = None

    def require_readable(self, what: str) -> None:
        """Check that the session could be read, if it was tried.

        Raises:
            StoreUnavailable: it could not.
        """
        if self.error is not None:
            raise StoreUnavailable(
                f"{what}: the session could not be read: {self.error}"
            ) from self.error

    @contextmanager
    def noted(self, session: SessionState, *, defers: bool) -> Iterator[None]:
        """Note that a session can't be read; raise that now, unless it defers it to its use."""
        try:
            yield
        except StoreUnavailable as error:
            self.error = error
            self._config.events.emit("unavailable", None, None)
            if self._config.empty_on_outage:
                session.set_loaded(NO_SESSION)
            elif not defers:
                raise
        else:
            self.error = None

    def drops(self, session: SessionState, changes: Changes) -> bool:
        """Whether changes are dropped, since it is not known what session they belong to.

        Not those of a login, which begins one.
        """
        if session.login_user_id is not None:
            return False
        if changes:
            self._config.events.emit("dropped", None, None, "unavailable")
        session.data.mark_saved(changes)
        return True

    @contextmanager
    def touch_may_fail(self, session: SessionState, changes: Changes) -> Iterator[None]:
        """Let no page fail because the use of its session can't be noted.

        With ``on_revoked="raise"`` it fails: whether the session was ended is not known then.
        """
        try:
            yield
        except StoreUnavailable:
            if changes or session.has_changed() or self._config.raise_on_revoked:
                raise
            self._config.events.emit("unavailable", None, None)
