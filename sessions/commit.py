"""From what a request did to its session to the least that has to be written.

    nothing done              nothing, or one touch when it is due
    values changed            one save of the keys that changed, if the row is there and not over
    first value               one new row
    login, rotation           one transaction: the new row, and the old one gone or pointing to it
    logout                    one deletion

What two requests did to different keys is both kept: a save names its keys, and a login or rotation
that finds the old row changed takes the change along. A row that is gone stays gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from sessions.changes import Changes
from sessions.csrf import CSRF
from sessions.end import end
from sessions.errors import SessionConflict, SessionNotSaved, SessionRevoked
from sessions.event import What
from sessions.load import Invalid, find, opened
from sessions.operation import Create, Flow, ReadClock, Replace, Save
from sessions.row import Row, Stored, anonymous
from sessions.session import Opened, Session, Turn
from sessions.size import require_room
from sessions.terms import GRACE_SECONDS, Terms

_MOST_TRIES = 5


class Kept(NamedTuple):
    """What a commit came to.

    Attributes:
        token: the token of a new id, for the cookie; None where the id stays.
        cleared: whether the cookie is to be cleared.
        event: what happened to the session, in a word; None for a save or a touch.
    """

    token: str | None = None
    cleared: bool = False
    event: What | None = None


_NOTHING = Kept()


def commit(terms: Terms, session: Session) -> Flow[Kept]:
    """Write what a session's request did.

    Raises:
        SessionRevoked: its row is gone or over.
        SessionConflict: others changed it meanwhile, where that matters.
        SessionTooLarge: it would not fit.
        SessionNotSaved: it needs a cookie, and the response has begun.
    """
    changes = session.values_.changes()
    ended = session.ended
    if ended is not None:
        yield from end(ended.session_id, ended.user_id)
        session.ended = None
    if session.login_as is not None:
        return (yield from _turned(terms, session, changes, session.login_as))
    if session.row is None:
        kept = yield from _began(terms, session, changes)
        return kept._replace(cleared=ended is not None)
    if session.turn is Turn.ROTATE:
        return (yield from _turned(terms, session, changes, None))
    yield from _saved(terms, session, changes)
    return _NOTHING


def is_idle(terms: Terms, session: Session) -> bool:
    """Whether a commit would write nothing, told without asking the store for the time."""
    if session.has_changed():
        return False
    row = session.row
    return row is None or not terms.life.touch_is_due(row.last_seen_at, session.read_at)


def _began(terms: Terms, session: Session, changes: Changes) -> Flow[Kept]:
    """A first row, if there is anything to keep in it."""
    if not changes.changed:
        return _NOTHING
    _require_cookie(session)
    now: int = yield ReadClock()
    token = terms.tokens.new()
    session_id = terms.tokens.session_id(token)
    row = _new_row(terms, session_id, anonymous(session_id), now, now)
    row = replace(row, data=_stored(terms, session_id, changes.changed))
    require_room(row.data)
    yield Create(row)
    _keep(session, row, changes.changed)
    return Kept(token, event="created")


def _saved(terms: Terms, session: Session, changes: Changes) -> Flow[None]:
    row = session.row
    assert row is not None  # noqa: S101 - commit saw to it
    sent = session.values_.texts()
    expected = row.version if terms.strict and changes else None  # wherever the row went meanwhile
    for _ in range(_MOST_TRIES):
        now: int = yield ReadClock()
        if not changes and not terms.life.touch_is_due(row.last_seen_at, now):
            return
        stored = _stored(terms, row.session_id, changes.changed)
        require_room({**_without(row.data, changes.removed), **stored})
        expires_at = min(terms.life.expires_at(row.created_at, now), row.ends_at)
        done = yield Save(
            row.session_id,
            row.user_id,
            now,
            now,
            expires_at,
            stored,
            changes.removed,
            expected,
        )
        if done:
            data = {**_without(row.data, changes.removed), **stored}
            version = row.version + bool(changes)
            kept = replace(row, data=data, version=version, last_seen_at=now, expires_at=expires_at)
            _keep(session, kept, sent)
            return
        # Gone; or rotated meanwhile, and then the change belongs to where it went.
        row = yield from _moved(terms, row)
    raise SessionConflict("the session was rotated again and again while it was saved")


def _moved(terms: Terms, row: Row) -> Flow[Row]:
    """Where a row went that refused a save."""
    found = yield from find(terms, row.session_id)
    if isinstance(found, Row) and found.successor is not None:
        found = yield from find(terms, found.successor)
    elif isinstance(found, Row):
        raise SessionConflict("another request changed the session meanwhile (strict=True)")
    if isinstance(found, Invalid):
        raise SessionRevoked("the session was ended while this request used it")
    return found


def _turned(terms: Terms, session: Session, changes: Changes, user_id: str | None) -> Flow[Kept]:
    """A new id: for a user who logged in, or (None) for the same session."""
    _require_cookie(session)
    token = terms.tokens.new()
    session_id = terms.tokens.session_id(token)
    old = session.row
    sent = texts = session.values_.texts()
    for _ in range(_MOST_TRIES):
        now: int = yield ReadClock()
        new = _successor_of(terms, session, session_id, now, old, changes)
        new = replace(new, data=_stored(terms, session_id, texts))
        require_room(new.data)
        if old is None:
            yield Create(new)
            break
        grace_until = None if user_id else min(now + GRACE_SECONDS, new.expires_at)
        if (yield Replace(old, new, now, grace_until)):
            break
        was = old
        old, texts = yield from _again(terms, was, changes, login=user_id is not None)
        if terms.strict and old is not None and old.version != was.version:
            raise SessionConflict("another request changed the session meanwhile (strict=True)")
        if old is not None and user_id is None and old.session_id != was.session_id:
            # Another request rotated it: its cookie is on the way, and a second one is not needed.
            session.row, session.turn = old, Turn.STAY
            yield from _saved(terms, session, changes)
            return _NOTHING
    else:
        raise SessionConflict("the session was changed again and again while it got a new id")
    _keep(session, new, sent)
    session.turn, session.login_as = Turn.STAY, None
    return Kept(token, event="renewed" if old else "created")


def _again(
    terms: Terms, was: Row, changes: Changes, *, login: bool
) -> Flow[tuple[Row | None, dict[str, str]]]:
    """The row to begin the next try with, and its values with this request's changes."""
    found = yield from find(terms, was.session_id)
    if isinstance(found, Row) and found.successor is not None:
        found = yield from find(terms, found.successor)
    read = opened(terms, found, 0) if isinstance(found, Row) else found
    if isinstance(read, Opened):
        texts = changes.applied_to(read.texts)
        if login and CSRF not in changes.changed:
            texts.pop(CSRF, None)  # made meanwhile, for the session before the login
        return read.row, texts
    if login:
        # Whoever just proved who they are gets a session, though the one before is gone.
        return None, dict(changes.changed)
    raise SessionRevoked("the session was ended while this request used it")


def _successor_of(
    terms: Terms, session: Session, session_id: str, now: int, old: Row | None, changes: Changes
) -> Row:
    if session.login_as is not None:
        row = _new_row(terms, session_id, session.login_as, now, now)
        return replace(row, device=session.device)
    assert old is not None  # noqa: S101 - only a login begins without a row
    user_id = old.owner_id or anonymous(session_id)
    row = _new_row(terms, session_id, user_id, old.created_at, now)
    return replace(
        row,
        ends_at=min(row.ends_at, old.ends_at),
        expires_at=min(row.expires_at, old.ends_at),
        device=old.device,
        version=old.version + bool(changes),
    )


def _new_row(terms: Terms, session_id: str, user_id: str, created_at: int, now: int) -> Row:
    life = terms.life
    expires_at, ends_at = life.expires_at(created_at, now), life.ends_at(created_at)
    return Row(session_id, user_id, created_at, now, expires_at, ends_at)


def _stored(terms: Terms, session_id: str, texts: Mapping[str, str]) -> dict[str, Stored]:
    if terms.cipher is None:
        return dict(texts)
    return {key: terms.cipher.sealed(session_id, key, text) for key, text in texts.items()}


def _without(data: Mapping[str, Stored], removed: frozenset[str]) -> dict[str, Stored]:
    return {key: stored for key, stored in data.items() if key not in removed}


def _keep(session: Session, row: Row, sent: Mapping[str, str]) -> None:
    # What was sent, not what is there now: another task may have changed it meanwhile.
    session.row = row
    session.values_.saved(sent)


def _require_cookie(session: Session) -> None:
    if session.began:
        raise SessionNotSaved(
            "the session is new or has a new id, and its response has begun: the cookie can't be "
            "set any more; begin or change it before the response does"
        )
