"""Opens a request's session: loads it, or takes over the one that the site had before.

In an event loop it is loaded before the application is called, or where that awaits it; otherwise
at its first use.
"""

from __future__ import annotations

from sessions.errors import StoreUnavailable
from sessions.lifecycle.load import accept, emit_invalid, load_by_tokens, load_first
from sessions.lifecycle.outage import note_unreadable
from sessions.lifecycle.take_over import TakenOver, emit_taken_over, take_over_first
from sessions.operations.operation import Flow
from sessions.previous_cookie import PreviousCookie
from sessions.request_session import RequestSession

_NOT_LOADED = (
    "the session is not loaded: SessionMiddleware has lazy=True; await session.load_async() first"
)


def load_session(session: RequestSession, *, defers: bool = False) -> Flow[None]:
    """Load a request's session, unless it was loaded; without a credential nothing is read.

    Args:
        session: the request's.
        defers: whether an outage is not raised here, but where the session is used.

    Raises:
        StoreUnavailable: it can't be read, and ``on_outage`` is ``"raise"``.
    """
    previous = session.credential.previous
    if previous is None:
        return load_by_tokens(session, defers=defers)
    return _load_or_take_over(session, previous, defers=defers)


def load_at_first_use(session: RequestSession) -> None:
    """Load it now, blocking, unless it was loaded: the application uses it.

    Raises:
        StoreUnavailable: it can't be read, or an earlier attempt failed.
        RuntimeError: it must be loaded by ``load_async``.
    """
    if not session.state.is_loaded:
        session.driver.run(_load_once(session))


def take_over_assigned(session: RequestSession) -> Flow[None]:
    """Take over the values that the application assigned in place of the session, if any.

    Raises:
        TypeError, ValueError: they can't be stored.
        StoreUnavailable: the session can't be read.
    """
    assigned = None if session.place is None else session.place.assigned()
    if assigned is None:
        return
    session.accessed = True
    if session.is_lazy:
        yield from load_session(session)
    else:
        yield from _load_once(session)
    if assigned:
        session.state.set_values(assigned)
    else:
        session.logout()


def put_back_assigned(session: RequestSession) -> Flow[None]:
    """Take over what the application assigned, if anything, and put the session back there.

    Raises:
        TypeError, ValueError: the values can't be stored.
        StoreUnavailable: the session can't be read.
    """
    place = session.place
    if place is not None and place.assigned() is not None:
        yield from take_over_assigned(session)
        place.put_back()


def load_awaited(session: RequestSession) -> Flow[None]:
    """Load it where the application awaits that, with the values that it assigned before.

    Raises:
        TypeError, ValueError: those values can't be stored.
        StoreUnavailable: it can't be read, and ``on_outage`` is ``"raise"``.
    """
    yield from load_session(session)
    yield from put_back_assigned(session)


def _load_once(session: RequestSession) -> Flow[None]:
    if session.state.is_loaded:
        return
    session.state.require_readable("session")
    if session.is_lazy:
        raise RuntimeError(_NOT_LOADED)
    yield from load_session(session)


def _load_or_take_over(
    session: RequestSession, previous: PreviousCookie, *, defers: bool
) -> Flow[None]:
    if session.state.is_loaded:
        return
    taken = None
    try:
        found = yield from load_first(session.config, session.credential.tokens)
        if found.loaded.row is None and found.loaded.replaced is None:
            taken = yield from take_over_first(session.config, previous)
    except StoreUnavailable as outage:
        note_unreadable(session.config, session.state, outage, defers=defers)
        return
    # Only when both are known: otherwise an outage in between would leave an empty session.
    accept(session, found)
    if taken is not None:
        _accept_taken(session, taken)
    emit_invalid(session.config, found)
    if taken is not None:
        emit_taken_over(session.config, taken)


def _accept_taken(session: RequestSession, taken: TakenOver) -> None:
    session.accessed = True  # the response depends on the cookie, whatever the application does
    session.state.set_loaded(taken.loaded)
    if session.state.row is None:
        return
    session.state.token, session.found_by = taken.token, session.credential.kind
    if taken.cookie_is_due:
        session.client_token.set_as_cookie(taken.token)
