"""Takes over a session from those that the site had before (``sessions.previous``).

Its token is derived from the old cookie. So concurrent requests, or a repeated one whose response
was lost, begin the same session. A second row marks the old cookie as taken over: after the new
session has ended, by a logout or a timeout, the old cookie does not begin it again, though its
signature may be valid for weeks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from sessions.arguments import require_user_id
from sessions.config.session_config import GRACE_SECONDS, SessionConfig
from sessions.errors import SessionTooLarge, TooManySessions
from sessions.lifecycle.end import end
from sessions.lifecycle.load import InvalidReason, load
from sessions.lifecycle.max_sessions import create_counted
from sessions.lifecycle.new_row import new_row, with_values
from sessions.loaded_session import NO_SESSION, LoadedSession
from sessions.operations.operation import CallApplication, Create, Find, Flow, Found, ReadClock
from sessions.operations.row import Row, anonymous
from sessions.previous import PreviousSessions
from sessions.previous_cookie import PreviousCookie
from sessions.values.values import encode, require_key


class TakenOver(NamedTuple):
    """The session that an old cookie was taken over to.

    Attributes:
        token: the session's token, for the cookie.
        loaded: the session; without a row if it has ended.
        cookie_is_due: whether the response must set its cookie and remove the old one. False while
            another request does so: that one may log in, and its later cookie must count.
        is_new: whether this request began it.
        is_partial: whether values that can't be stored were dropped then.
    """

    token: str
    loaded: LoadedSession
    cookie_is_due: bool
    is_new: bool = False
    is_partial: bool = False


def take_over_first(config: SessionConfig, cookie: PreviousCookie) -> Flow[TakenOver | None]:
    """Take over the session of the first of a request's old cookies that leads to one.

    Returns:
        what became of it; None if no cookie is worth anything.
    """
    taken: TakenOver | None = None
    for value in cookie.values:
        values = yield CallApplication("previous.read", cookie.sessions.read, value)
        if values is None:
            continue
        taken = yield from take_over(config, cookie.sessions, value, values)
        cookie.is_removed = taken.cookie_is_due
        if taken.loaded.row is not None or taken.loaded.replaced is not None:
            break
    return taken


def end_previous(config: SessionConfig, cookie: PreviousCookie, own: Row) -> Flow[None]:
    """Make the old cookies worthless, since the session that the request had was logged out.

    Args:
        config: the application's.
        cookie: the request's.
        own: that session's row.
    """
    for value in cookie.values:
        yield from end_untaken(config, cookie.sessions, value, own)
    cookie.is_removed = True


def take_over(
    config: SessionConfig, previous: PreviousSessions, value: str, values: Mapping[str, Any]
) -> Flow[TakenOver]:
    """Begin the session of an old cookie, or find it.

    Args:
        config: the application's.
        previous: the sessions that the site had before.
        value: the old cookie's value.
        values: the old session's values.

    Raises:
        TypeError, ValueError: the value under ``user_key`` can't be a user's id.
    """
    token = _token_of(config, previous, value)
    taken = yield from find_taken_over(config, token, previous.max_age)
    if taken is None:
        user = None if previous.user_key is None else values.get(previous.user_key)
        taken = yield from begin(config, token, values, user, previous.max_age)
    return taken


def find_taken_over(config: SessionConfig, token: str, max_age: int) -> Flow[TakenOver | None]:
    """The session that an old cookie was taken over to; None if it was not taken over.

    Args:
        config: the application's.
        token: derived from the old cookie.
        max_age: seconds for which the old cookie may still be valid.
    """
    found = yield from load(config, token)
    if isinstance(found, LoadedSession):
        row = found.row
        yield from _mark(config, token, max_age)  # the request that began it may have failed first
        is_late = row is not None and found.loaded_at - row.created_at >= GRACE_SECONDS
        is_its_own = row is not None and row.session_id == config.tokens.session_id(token)
        return TakenOver(token, found, is_late and is_its_own)
    mark: Found = yield Find(_mark_id(config, token))
    if mark.rows or found is not InvalidReason.UNKNOWN:  # its row is over, for example
        return TakenOver(token, NO_SESSION, cookie_is_due=True)
    return None


def begin(
    config: SessionConfig, token: str, values: Mapping[str, Any], user: object, max_age: int
) -> Flow[TakenOver]:
    """Begin the session of an old cookie.

    Args:
        config: the application's.
        token: derived from the old cookie.
        values: the old session's values.
        user: the user who is logged in by it, as a str or a number; None for nobody.
        max_age: seconds for which the old cookie may still be valid.

    Raises:
        TypeError, ValueError: the user can't be a user's id.

    Returns:
        the session; without a row if the user has reached the limit and a login is refused.
    """
    session_id = config.tokens.session_id(token)
    user_id = anonymous(session_id) if user is None else _user_id(user)
    now: int = yield ReadClock()
    empty = new_row(config, session_id, user_id, now, now)
    encoded = _fitting(config, empty, _encoded(values))
    row = with_values(config, empty, encoded)
    try:
        yield from create_counted(config, row)
    except TooManySessions:
        # Not marked as taken over: a later request may find the user below the limit.
        return TakenOver(token, NO_SESSION, cookie_is_due=False)
    yield from _mark(config, token, max_age)
    is_partial = len(encoded) < len(values)
    loaded = LoadedSession(row, encoded, now)
    return TakenOver(token, loaded, cookie_is_due=True, is_new=True, is_partial=is_partial)


def end_untaken(
    config: SessionConfig, previous: PreviousSessions, value: str, own: Row
) -> Flow[None]:
    """Make an old cookie worthless, since the session of the same request was logged out.

    Args:
        config: the application's.
        previous: the sessions that the site had before.
        value: the old cookie's value.
        own: the row of the session that is logged out; the caller ends it.
    """
    token = _token_of(config, previous, value)
    session_id = config.tokens.session_id(token)
    if session_id == own.session_id:
        return  # it was taken over to that one
    found: Found = yield Find(session_id)
    for row in found.rows:
        yield from end(row.session_id, row.user_id, own.session_id)
    yield from _mark(config, token, previous.max_age)


def emit_taken_over(config: SessionConfig, taken: TakenOver) -> None:
    """Emit the events of a session that was begun, and of values that were dropped."""
    row = taken.loaded.row
    if row is not None and taken.is_new:
        config.events.emit("created", row.session_id, row.owner_id)
        if taken.is_partial:
            config.events.emit("dropped", row.session_id, row.owner_id, "unstorable")


def _token_of(config: SessionConfig, previous: PreviousSessions, value: str) -> str:
    return config.tokens.derived_from(f"{previous.cookie.name}={value}")


def _mark(config: SessionConfig, token: str, max_age: int) -> Flow[None]:
    """Mark an old cookie as taken over, for as long as it may be valid."""
    mark_id = _mark_id(config, token)
    now: int = yield ReadClock()
    yield Create(Row(mark_id, anonymous(mark_id), now, now, now + max_age, now + max_age))


def _user_id(user: object) -> str:
    try:
        return require_user_id(str(user) if type(user) is int else user)
    except (TypeError, ValueError) as refused:
        raise type(refused)(
            f"a session that the site had before names a user who can be none: {refused}; have its "
            "values name another one, or none (PreviousSessions.read)"
        ) from refused


def _mark_id(config: SessionConfig, token: str) -> str:
    return config.tokens.session_id(f"taken over: {token}")


def _fitting(config: SessionConfig, row: Row, encoded: dict[str, str]) -> dict[str, str]:
    """Those of the values that a row can hold: all of them, or without the largest."""
    smallest_first = sorted(encoded, key=lambda key: len(key) + len(encoded[key]))

    def is_too_large(many: int) -> bool:
        try:
            with_values(config, row, {key: encoded[key] for key in smallest_first[:many]})
        except SessionTooLarge:
            return True
        return False

    if not is_too_large(len(encoded)):
        return encoded
    many = bisect_left(range(len(encoded)), True, key=is_too_large) - 1
    kept = set(smallest_first[:many])
    return {key: text for key, text in encoded.items() if key in kept}


def _encoded(values: Mapping[str, Any]) -> dict[str, str]:
    """The JSON of each value that can be stored. Refusing the others would lock the user out."""
    encoded = {}
    for key, value in values.items():
        with suppress(TypeError, ValueError):
            encoded[require_key(key)] = encode(key, value)
    return encoded
