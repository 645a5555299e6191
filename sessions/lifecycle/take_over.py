"""Takes a session over from those that the site had before (``sessions.previous``).

Its token is derived from the old cookie, so requests that come side by side, or again because a
response was lost, begin the same session. Beside its row one is put that says that it was taken
over: where the session has ended, by a logout or by its idle time, the old cookie does not begin it
anew, though its own signature may hold for weeks.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from sessions.arguments import require_key, require_user_id
from sessions.config.session_config import GRACE_SECONDS, SessionConfig
from sessions.errors import TooManySessions
from sessions.lifecycle.end import end
from sessions.lifecycle.load import load
from sessions.lifecycle.max_sessions import create_counted
from sessions.lifecycle.new_row import new_row, with_values
from sessions.loaded_session import NO_SESSION, LoadedSession
from sessions.operations.operation import Create, Find, Flow, ReadClock
from sessions.operations.row import Row, anonymous
from sessions.previous import PreviousSessions
from sessions.values.json_value import encode


class TakenOver(NamedTuple):
    """What became of an old cookie.

    Attributes:
        token: the token of its session, for the cookie.
        loaded: the session; without a row if it has ended.
        cookie_is_due: whether the response is to set its cookie, and to remove the old one. Not
            while another request does so: that may log in, and its later cookie be the one that
            counts.
        is_new: whether it was begun just now.
        is_partial: whether it then left values behind, which can't be stored.
    """

    token: str
    loaded: LoadedSession
    cookie_is_due: bool
    is_new: bool = False
    is_partial: bool = False


def take_over(
    config: SessionConfig, previous: PreviousSessions, value: str, values: Mapping[str, Any]
) -> Flow[TakenOver]:
    """Begin the session of an old cookie, or find it.

    Args:
        config: the application's.
        previous: those that the site had before.
        value: the old cookie's.
        values: what was read of it.

    Raises:
        TypeError, ValueError: what ``user_key`` names can't be a user.
        SessionTooLarge: the values don't fit into an item.
    """
    token = _token_of(config, previous, value)
    taken = yield from find_taken_over(config, token)
    if taken is None:
        user = None if previous.user_key is None else values.get(previous.user_key)
        taken = yield from begin(config, token, values, user, previous.max_age)
    return taken


def find_taken_over(config: SessionConfig, token: str) -> Flow[TakenOver | None]:
    """What an old cookie was taken over to; None if it was not yet.

    Args:
        config: the application's.
        token: derived from the old cookie.
    """
    found = yield from load(config, token)
    if isinstance(found, LoadedSession):
        row = found.row
        is_late = row is not None and found.loaded_at - row.created_at >= GRACE_SECONDS
        is_its_own = row is not None and row.session_id == config.tokens.session_id(token)
        return TakenOver(token, found, is_late and is_its_own)
    if (yield Find(_mark_id(config, token))):
        return TakenOver(token, NO_SESSION, cookie_is_due=True)
    return None


def begin(
    config: SessionConfig, token: str, values: Mapping[str, Any], user: object, max_age: int
) -> Flow[TakenOver]:
    """Begin the session of an old cookie.

    Args:
        config: the application's.
        token: derived from the old cookie.
        values: what was read of it.
        user: who is logged in by it, as a str or a number; None for nobody.
        max_age: seconds for which the old cookie may be valid yet.

    Raises:
        TypeError, ValueError: that can't be a user.
        SessionTooLarge: the values don't fit into an item.

    Returns:
        the session; none if its user has the most sessions, and a further one is refused.
    """
    session_id = config.tokens.session_id(token)
    user_id = anonymous(session_id) if user is None else _user_id(user)
    encoded = _encoded(values)
    now: int = yield ReadClock()
    row = with_values(config, new_row(config, session_id, user_id, now, now), encoded)
    try:
        yield from create_counted(config, row)
    except TooManySessions:
        # Not marked as taken over: there may be room the next time.
        return TakenOver(token, NO_SESSION, cookie_is_due=False)
    yield from _mark(config, token, max_age)
    is_partial = len(encoded) < len(values)
    loaded = LoadedSession(row, encoded, now)
    return TakenOver(token, loaded, cookie_is_due=True, is_new=True, is_partial=is_partial)


def end_untaken(
    config: SessionConfig, previous: PreviousSessions, value: str, own: Row
) -> Flow[None]:
    """Have an old cookie begin nothing any more, since the session beside it was logged out.

    Args:
        config: the application's.
        previous: those that the site had before.
        value: the old cookie's.
        own: the row of the session that is logged out, which is ended elsewhere.
    """
    token = _token_of(config, previous, value)
    session_id = config.tokens.session_id(token)
    if session_id == own.session_id:
        return  # it was taken over to that one
    rows: list[Row] = yield Find(session_id)
    for row in rows:
        yield from end(row.session_id, row.user_id, own.session_id)
    yield from _mark(config, token, previous.max_age)


def emit_taken_over(config: SessionConfig, taken: TakenOver) -> None:
    """Tell that a session was begun, and what was left behind."""
    row = taken.loaded.row
    if row is not None and taken.is_new:
        config.events.emit("created", row.session_id, row.owner_id)
        if taken.is_partial:
            config.events.emit("dropped", row.session_id, row.owner_id, "unstorable")


def _token_of(config: SessionConfig, previous: PreviousSessions, value: str) -> str:
    return config.tokens.derived_from(f"{previous.cookie.name}={value}")


def _mark(config: SessionConfig, token: str, max_age: int) -> Flow[None]:
    """Note that an old cookie was taken over, for as long as it may be valid yet."""
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


def _encoded(values: Mapping[str, Any]) -> dict[str, str]:
    """The JSON of each value that has one. A session that can't be read would lock its user out."""
    encoded = {}
    for key, value in values.items():
        with suppress(TypeError, ValueError):
            encoded[require_key(key)] = encode(key, value)
    return encoded
