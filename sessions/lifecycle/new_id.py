"""Gives a session a new id: when it begins, at a login, at a rotation.

    begun                   one new row
    login                   one transaction: the new row, and the old one marked as replaced
    logout, then values     the same, without the old session's values
    rotation                one transaction: the new row, and the old one leading to it for a while

A replaced row has no data, gives access to nothing, and is kept for some seconds. It shows a
request that was under way with the old id that its changes can't be saved, and that it must set no
cookie: that would log the user out of the browser. A second login that was under way, as after a
double click, copies the values that the first one took over, so that they are there whichever of
the two cookies the browser keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from sessions.config.device_bound import DEVICE_BINDING
from sessions.config.session_config import GRACE_SECONDS, SessionConfig
from sessions.errors import SessionConflict, SessionNotSaved, SessionRevoked
from sessions.freshness import AUTHENTICATED_AT, with_proof
from sessions.given_id import GivenId
from sessions.lifecycle.load import InvalidReason, decrypted, find, find_rotated
from sessions.lifecycle.max_sessions import MAX_ATTEMPTS, count_change
from sessions.lifecycle.new_row import new_row, with_values
from sessions.lifecycle.revocation import replaced, require_still_there
from sessions.loaded_session import Replaced
from sessions.operations.operation import Create, Flow, ReadClock, Replace
from sessions.operations.row import Row, anonymous
from sessions.session_state import IdChange, SessionState
from sessions.values.csrf import CSRF
from sessions.values.values import UNCHANGED, Changes, encode

ADDED_KEYS = (AUTHENTICATED_AT, CSRF)
"""The keys under which a commit may add values of its own."""

_ROTATIONS = (IdChange.ROTATE, IdChange.REPLACE)
_MAX_REPLACEMENTS = 100
"""How many logins and rotations are followed from a replaced id, each with a read. All of them were
within some seconds, so more are a loop that somebody wrote into the table."""


class _Start(NamedTuple):
    """What an attempt starts with.

    Attributes:
        old: the row to replace; None if there is none.
        encoded: the JSON of the new row's values.
        twin: the id of the session that they were copied from, after a double click on "log in".
    """

    old: Row | None
    encoded: dict[str, str]
    twin: str | None = None


class _Taken(NamedTuple):
    """The values of the session that replaced an id, and its id."""

    encoded: Mapping[str, str]
    twin: str | None


_NOTHING = _Taken({}, None)


def give_new_id(
    config: SessionConfig, session: SessionState, changes: Changes
) -> Flow[GivenId | Row]:
    """Give a new id to a session that begins, to the user who logged in, or to the same session.

    Returns:
        the id; or, if another request rotated the session meanwhile, the row that it put, in which
        the changes are yet to be saved.

    Raises:
        SessionNotSaved, SessionConflict, SessionTooLarge, SessionRevoked, SessionReplaced,
        TooManySessions: it was not done.
    """
    _require_cookie(session)
    token = session.next_token or config.tokens.new()
    session_id = config.tokens.session_id(token)
    is_rotation = session.id_change in _ROTATIONS
    start = yield from _first_start(config, session, changes)
    for attempt in range(MAX_ATTEMPTS):
        now: int = yield ReadClock()
        old = start.old
        new = _new_row(config, session, session_id, now, old, changes)
        values = with_proof(session, start.encoded, now)
        new = with_values(config, new, values)
        count = yield from count_change(
            config,
            new,
            old,
            is_login=not is_rotation,
            is_refused=attempt > 0,
            twin=start.twin,
        )
        added = {key: values[key] for key in ADDED_KEYS if key in values}
        noted = Changes({**changes.changed, **added}, changes.removed)
        session.unanswered = given = GivenId(token, new, old, noted, session.authenticates, count)
        is_put: bool = yield _put(config, session, given, now)
        session.unanswered = None
        if is_put:
            return given
        if old is None:
            continue
        start = yield from _next_start(config, session, old, changes)
        found = start.old
        is_rotated = found is not None and found.session_id != old.session_id
        if found is not None and is_rotated and session.id_change is IdChange.ROTATE:
            session.row, session.id_change = found, IdChange.NONE
            return found  # one rotation is enough
    raise SessionConflict("the session was changed again and again while it got a new id")


def given_before(config: SessionConfig, session: SessionState) -> Flow[GivenId | None]:
    """The new id of an attempt that the store carried out, though its answer was lost.

    The client must get the token of that id, since no other response has it. If the session was
    rotated meanwhile, another response has its token.
    """
    given = session.unanswered
    if given is None:
        return None
    found = yield from find(config, given.row.session_id)
    if isinstance(found, Row) and found.successor is None:
        return given._replace(row=found)
    session.unanswered = None
    return None


def _put(
    config: SessionConfig, session: SessionState, given: GivenId, now: int
) -> Create | Replace:
    """The operation that puts the new row, and marks the old one if there is one."""
    new, old, count = given.row, given.old, given.count_change
    if old is None:
        return Create(new, count)
    old_until = min(now + GRACE_SECONDS, new.expires_at)
    alive_at = config.timeouts.alive_at(old, session.loaded_at, now)
    is_leading = session.id_change is IdChange.ROTATE
    return Replace(old, new, alive_at, old_until, is_leading, count)


def _first_start(config: SessionConfig, session: SessionState, changes: Changes) -> Flow[_Start]:
    if session.deleted_row is not None:
        return _Start(session.deleted_row, dict(changes.changed))
    if session.row is not None:
        # The row's values, not the session's: an earlier save may have kept another's change.
        encoded = decrypted(config, session.row)
        if isinstance(encoded, InvalidReason):
            raise SessionRevoked("the session can't be decrypted any more")
        return _Start(session.row, _carried_over(session, encoded, changes))
    if session.replaced is not None:
        taken = yield from _taken_along(config, session, session.replaced)
        return _Start(None, _carried_over(session, taken.encoded, changes), taken.twin)
    return _Start(None, dict(changes.changed))


def _next_start(
    config: SessionConfig, session: SessionState, refused: Row, changes: Changes
) -> Flow[_Start]:
    """What the next attempt starts with, after the store refused to replace a row."""
    found = yield from find_rotated(config, refused.session_id)
    if session.deleted_row is not None:
        # A logout came before: the session is over, and none of its values are kept.
        if isinstance(found, Replaced) and session.login_user_id is None:
            raise replaced(session, found)
        return _Start(found if isinstance(found, Row) else None, dict(changes.changed))
    if isinstance(found, Row):
        if config.strict and found.version != refused.version:
            raise SessionConflict("another request changed the session meanwhile (strict=True)")
        encoded = decrypted(config, found)
        if not isinstance(encoded, InvalidReason):
            return _Start(found, _carried_over(session, encoded, changes))
        found = encoded
    if session.login_user_id is None:
        require_still_there(session, found)
    # A user who was just authenticated gets a session even if the old one is gone.
    taken = _NOTHING
    if isinstance(found, Replaced):
        taken = yield from _taken_along(config, session, found)
    return _Start(None, _carried_over(session, taken.encoded, changes), taken.twin)


def _taken_along(config: SessionConfig, session: SessionState, replaced: Replaced) -> Flow[_Taken]:
    """The values of the session that replaced an id, if it is the same user's and not over."""
    session_id = replaced.by
    for _ in range(_MAX_REPLACEMENTS):
        found = yield from find(config, session_id)
        if isinstance(found, Replaced):
            session_id = found.by
        elif isinstance(found, InvalidReason):
            break
        elif found.successor is not None:
            session_id = found.successor
        else:
            encoded = decrypted(config, found)
            if found.owner_id != session.login_user_id or isinstance(encoded, InvalidReason):
                break
            return _Taken(encoded, found.session_id)
    return _NOTHING


def _carried_over(
    session: SessionState, encoded: Mapping[str, str], changes: Changes
) -> dict[str, str]:
    """A row's values with this request's changes, for the row with the new id."""
    values = changes.applied_to(encoded)
    if session.login_user_id is None:
        secret = session.csrf_secret()
        if secret is not None:  # it was derived from the old token
            values.setdefault(CSRF, encode(CSRF, secret))
        return values
    values.pop(DEVICE_BINDING, None)  # the browser is asked anew
    if CSRF not in changes.changed:
        values.pop(CSRF, None)  # it was that of the session before the login
    return values


def _new_row(
    config: SessionConfig,
    session: SessionState,
    session_id: str,
    now: int,
    old: Row | None,
    changes: Changes,
) -> Row:
    if session.id_change not in _ROTATIONS:
        user_id = session.login_user_id or anonymous(session_id)
        row = new_row(config, session_id, user_id, now, now, session.login_lifetime)
        return replace(row, device=session.device)
    assert old is not None  # noqa: S101 - only a session that has a row is rotated
    user_id = old.owner_id or anonymous(session_id)
    row = new_row(config, session_id, user_id, old.created_at, now, old.lifetime)
    return replace(
        row,
        ends_at=min(row.ends_at, old.ends_at),
        expires_at=min(row.expires_at, old.ends_at),
        device=old.device,
        version=old.version + (changes is not UNCHANGED),
        predecessor=old.session_id,
    )


def _require_cookie(session: SessionState) -> None:
    if session.response_started:
        raise SessionNotSaved(
            "the session is new or has a new id, and its cookie can't be set any more: the "
            "response has started, or the connection was closed without one; change it before that"
        )
