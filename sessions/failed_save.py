"""A save that raised an exception, which the application may catch, to send a response of its own.

    save() raised                         the change is saved when the response starts
    the start of a response raised        the same, when another response starts
    saving it fails again                 it is dropped, with an event, and the response is sent
    reload()                              it is dropped, to be made again on the values of now
    a login or logout came after save()   the application does not know of it yet: it raises

Otherwise the response would raise the same exception again, and the application could not send a
page for a conflict or an outage.
"""

from __future__ import annotations

from sessions.config.session_config import SessionConfig
from sessions.errors import SessionConflict, SessionNotSaved, StoreError
from sessions.session_state import SessionState

NOT_SAVED = (SessionConflict, SessionNotSaved, StoreError, TypeError, ValueError)
"""The exceptions of a save after which the session keeps the application's changes."""


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
    """Drop the changes that were not saved, and emit the event."""
    row = session.row or session.deleted_row
    session_id, owner_id = (None, None) if row is None else (row.session_id, row.owner_id)
    config.events.emit("dropped", session_id, owner_id, "not_saved")
    session.drop_unsaved()
