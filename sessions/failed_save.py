"""A save that raised to the application, which may catch that and answer with a page of its own.

    save() raised                         the change is tried once more when the response starts
    the start of a response raised        the same, when another response starts
    it fails again                        it is dropped, with an event, and the page is shown
    reload()                              it is dropped, to be made anew on what others have saved
    a login or logout came after save()   the application does not know of it yet: that raises

Otherwise the response would raise again what the application has caught, and no page of its own for
a conflict or an outage could be shown.
"""

from __future__ import annotations

from sessions.config.session_config import SessionConfig
from sessions.errors import SessionConflict, SessionNotSaved, StoreError
from sessions.session_state import SessionState

NOT_SAVED = (SessionConflict, SessionNotSaved, StoreError, TypeError, ValueError)
"""What a save raises, for which the session stays as the application has changed it."""


def is_known(failed: SessionState | None, session: SessionState) -> bool:
    """Whether the application knows that the session can't be saved.

    Args:
        failed: a copy of it from when a save failed; None if none did, or a later one succeeded.
        session: the request's, as it is now.
    """
    if failed is None or session.is_ended_or_begun_since(failed):
        return False
    return session.id_change is failed.id_change


def drop_unsaved(config: SessionConfig, session: SessionState) -> None:
    """Drop what was not saved, and emit the event."""
    row = session.row or session.deleted_row
    session_id, owner_id = (None, None) if row is None else (row.session_id, row.owner_id)
    config.events.emit("dropped", session_id, owner_id, "not_saved")
    session.drop_unsaved()
