"""Sessions of Django that have been saved, without a request."""

from __future__ import annotations

from typing import Any

from sessions.django import SessionStore


def saved(**data: Any) -> SessionStore:
    session = SessionStore()
    session.update(data)
    session.save()
    return session


def again(session: SessionStore) -> SessionStore:
    """The session of another request with the same cookie."""
    return SessionStore(session.session_key)
