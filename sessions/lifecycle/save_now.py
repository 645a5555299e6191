"""Saves a session before its response starts, or after: ``Session.save``, ``issue_token``."""

from __future__ import annotations

from sessions.failed_save import NOT_SAVED
from sessions.lifecycle.commit import commit_request
from sessions.lifecycle.open import take_over_assigned
from sessions.operations.operation import Flow, T
from sessions.request_session import RequestSession


def save(session: RequestSession) -> Flow[None]:
    """Save changes now; see ``Session.save``."""
    return _noting_failure(session, _save(session))


def _save(session: RequestSession) -> Flow[None]:
    yield from take_over_assigned(session)
    begun, changes = session.state.begin_commit()
    session.client_token.require_way(begun, changes)
    yield from commit_request(session, begun, changes)


def issue_token(session: RequestSession) -> Flow[str]:
    """Save changes now, and return the token; see ``Session.issue_token``."""
    return _noting_failure(session, _issue_token(session))


def _issue_token(session: RequestSession) -> Flow[str]:
    state = session.state
    yield from take_over_assigned(session)
    session.client_token.ask_for(state)
    yield from commit_request(session, *state.begin_commit())
    if state.row is None:
        state.require_readable("session.issue_token()")
    return session.client_token.issue(state)


def _noting_failure(session: RequestSession, saving: Flow[T]) -> Flow[T]:
    try:
        result = yield from saving
    except NOT_SAVED:
        session.failed_save = session.state.copy()
        raise
    session.failed_save = None
    return result
