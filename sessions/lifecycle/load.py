"""Loads the session of a request's tokens; one that is over, ambiguous or unreadable is invalid.

No id is ever adopted: a token that is not in the table has no session, and a new session gets a new
id.

A browser may have several cookies of the session's name: for different paths, or set by another
host of the domain. All well-formed ones are tried, so that an invalid one does not hide another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from sessions.config.device_bound import DEVICE_BINDING
from sessions.config.session_config import SessionConfig
from sessions.end_reason import LOGIN_ELSEWHERE, EndReason
from sessions.errors import StoreUnavailable
from sessions.lifecycle.outage import note_unreadable
from sessions.loaded_session import NO_SESSION, LoadedSession, Replaced
from sessions.operations.operation import Find, Flow
from sessions.operations.row import Row, StoredValue
from sessions.request_session import RequestSession
from sessions.values.cipher import Unreadable

_MAX_ROTATIONS = 100
"""How many rotations are followed from an old id, each with a read: more than a session has within
the grace of one. What leads further is a loop that somebody wrote into the table."""


class InvalidReason(Enum):
    """Why a token has no session."""

    @property
    def end_reason(self) -> EndReason | None:
        """The reason that its user may learn; None if there is none."""
        return LOGIN_ELSEWHERE if self is InvalidReason.LOGIN_ELSEWHERE else None

    UNKNOWN = "unknown"
    OVER = "over"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    LOGIN_ELSEWHERE = LOGIN_ELSEWHERE


def load_by_tokens(session: RequestSession, *, defers: bool = False) -> Flow[None]:
    """Load a request's session, unless it was loaded, by its tokens alone.

    This is ``load_session`` (``lifecycle/open.py``) for a request without an old cookie.
    """
    if session.state.is_loaded:
        return
    try:
        found = yield from load_first(session.config, session.credential.tokens)
    except StoreUnavailable as outage:
        note_unreadable(session.config, session.state, outage, defers=defers)
    else:
        accept(session, found)
        if found.invalid:
            emit_invalid(session.config, found)


class FoundSession(NamedTuple):
    """What a request's tokens led to.

    Attributes:
        loaded: the session of the first token that has one; if none has, it says why.
        token: that token; None if none led to a session.
        invalid: the ids of the tokens before it, which led to none, and why.
    """

    loaded: LoadedSession
    token: str | None
    invalid: Sequence[tuple[str, str]]


def accept(session: RequestSession, found: FoundSession) -> None:
    """Let a request have the session that was found, unless that is bound to another device."""
    state, loaded, check = session.state, found.loaded, session.device_check
    if DEVICE_BINDING in loaded.encoded:
        loaded = check.admitted(loaded)
    state.set_loaded(loaded)
    state.load_error = None
    state.token = found.token
    if loaded.row is not None:
        session.found_by = session.credential.kind
    if check.unproven is not None:
        state.token = None
        check.emit_unproven(check.unproven)


def emit_invalid(config: SessionConfig, found: FoundSession) -> None:
    """Emit an event for each token without a session.

    Not before the session is loaded: a function that is told, and uses the session, would load it
    again, and be told again.
    """
    for session_id, why in found.invalid:
        config.events.emit("invalid", session_id, None, why)


def load_first(config: SessionConfig, tokens: Iterable[str]) -> Flow[FoundSession]:
    """The session of the first token that has one. Each token costs a read."""
    loaded, leading = NO_SESSION, None
    invalid: list[tuple[str, str]] = []
    for token in tokens:
        found = yield from load(config, token)
        if isinstance(found, InvalidReason):
            loaded = LoadedSession(end_reason=found.end_reason or loaded.end_reason)
            invalid.append((config.tokens.session_id(token), found.value))
            continue
        loaded, leading = found, token
        if found.row is not None:
            break
        if found.replaced is not None:
            invalid.append((found.replaced.session_id, "replaced"))
    return FoundSession(loaded, leading, invalid)


def load(config: SessionConfig, token: str) -> Flow[LoadedSession | InvalidReason]:
    """The session of a token, or why there is none. One read; two during a rotation's grace.

    If a login replaced the id a moment ago, the session is empty, and ``replaced`` says so.
    """
    session_id, rotated = config.tokens.session_id(token), None
    for _ in range(_MAX_ROTATIONS):
        rows, now = yield Find(session_id)
        found = _unexpired(config, rows, now, rotated)
        if isinstance(found, InvalidReason):
            return found
        if isinstance(found, Replaced):
            return LoadedSession(replaced=found)
        if found.successor is None:
            encoded = decrypted(config, found)
            if isinstance(encoded, InvalidReason):
                return encoded
            return LoadedSession(found, encoded, now)
        session_id, rotated = found.successor, session_id
    return InvalidReason.OVER


def find(config: SessionConfig, session_id: str) -> Flow[Row | Replaced | InvalidReason]:
    """The row of an id; or what replaced it, or why there is none."""
    rows, now = yield Find(session_id)
    return _unexpired(config, rows, now)


def find_rotated(config: SessionConfig, session_id: str) -> Flow[Row | Replaced | InvalidReason]:
    """The same; for an id that was rotated, the row that it leads to, also after the grace.

    For a request that read the session before: it may take longer than the rotation's grace, and
    its changes still belong in the row.
    """
    rotated = None
    for _ in range(_MAX_ROTATIONS):
        rows, now = yield Find(session_id)
        if len(rows) != 1 or rows[0].successor is None:
            return _unexpired(config, rows, now, rotated)
        if not _is_led_from(config, rotated, rows[0]):
            return InvalidReason.UNREADABLE
        session_id, rotated = rows[0].successor, session_id
    return InvalidReason.OVER


def _unexpired(
    config: SessionConfig, rows: Sequence[Row], now: int, rotated: str | None = None
) -> Row | Replaced | InvalidReason:
    """The row that was found; or what replaced it, or why it is invalid.

    Args:
        config: the application's.
        rows: those with the id.
        now: in epoch seconds.
        rotated: the id that led to this one by a rotation; None if none did.
    """
    if not rows:
        return InvalidReason.UNKNOWN
    if len(rows) > 1:
        return InvalidReason.AMBIGUOUS
    row = rows[0]
    if not _is_led_from(config, rotated, row):
        return InvalidReason.UNREADABLE
    # A rotated row only leads to another one, during its grace; that one is checked by itself.
    ends_at = row.expires_at
    if row.successor is None and row.replaced_by is None and row.end_reason is None:
        ends_at = config.timeouts.end_of(row)
    if now >= ends_at:
        return InvalidReason.OVER
    if row.end_reason is not None:
        return InvalidReason.LOGIN_ELSEWHERE
    return row if row.replaced_by is None else Replaced(row.session_id, row.replaced_by)


def _is_led_from(config: SessionConfig, rotated: str | None, row: Row) -> bool:
    """Whether an id was rotated to a row, and not made to lead there by writing to the table."""
    if rotated is None or config.cipher is None:
        return True
    try:
        config.cipher.require_seal(row.seal, row.sealed)
    except Unreadable:
        return False
    return row.predecessor == rotated


def decrypted(config: SessionConfig, row: Row) -> dict[str, str] | InvalidReason:
    """The JSON of a row's values, decrypted if they are encrypted."""
    try:
        if config.cipher is not None:
            config.cipher.require_seal(row.seal, row.sealed)
        return {key: _decrypt_value(config, row, key, stored) for key, stored in row.data.items()}
    except Unreadable:
        return InvalidReason.UNREADABLE


def _decrypt_value(config: SessionConfig, row: Row, key: str, stored: StoredValue) -> str:
    if config.cipher is not None:
        return config.cipher.decrypt(row.session_id, key, stored)
    if isinstance(stored, bytes):
        raise Unreadable(f"session[{key!r}] is encrypted, and no key is given")
    return stored
