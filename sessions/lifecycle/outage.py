"""A table that is out of reach: whose requests fail for it, and what becomes of their changes.

    a session that is not used      no request fails
    one that can't be read          its use raises; or with on_outage="empty" it is an empty one
    a use that can't be noted       no request fails
    a change that can't be saved    raises

Whatever ``on_outage`` is, a login or logout that can't be done raises.
"""

from __future__ import annotations

from sessions.config.session_config import SessionConfig
from sessions.errors import StoreUnavailable
from sessions.loaded_session import NO_SESSION
from sessions.session_state import SessionState
from sessions.values.values import UNCHANGED, Changes


def note_unreadable(
    config: SessionConfig, session: SessionState, outage: StoreUnavailable, *, defers: bool
) -> None:
    """Note that a session can't be read. With ``on_outage="empty"`` it is loaded, and empty.

    Args:
        config: the application's.
        session: the request's.
        outage: why it can't be read.
        defers: whether that is not raised here, but where the session is used.

    Raises:
        StoreUnavailable: the outage.
    """
    session.load_error = outage
    if config.empty_on_outage:
        session.set_loaded(NO_SESSION)
    config.events.emit("unavailable", None, None)
    if not (defers or session.is_loaded):
        raise outage


def drop_changes(config: SessionConfig, session: SessionState, changes: Changes) -> None:
    """Drop the changes of a session that could not be read: whose they are is not known."""
    if changes is not UNCHANGED:
        config.events.emit("dropped", None, None, "unavailable")
    session.data.mark_saved(changes)


def note_unsaved(config: SessionConfig, outage: StoreUnavailable) -> None:
    """Note that a session's use can't be saved, for which no request fails.

    With ``on_revoked="raise"`` it fails: whether the session was ended is not known then.

    Raises:
        StoreUnavailable: the outage, with that option.
    """
    if config.raise_on_revoked:
        raise outage
    config.events.emit("unavailable", None, None)
