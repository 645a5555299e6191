"""A request with several cookies of the session's name: the first that leads to a session counts.

A browser may have several: of different paths, or set by another host of the domain. Each that is
well-formed can be the one, so a dead one in front must not hide it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sessions.config.session_config import SessionConfig
from sessions.lifecycle.end import end
from sessions.lifecycle.load import InvalidReason, load
from sessions.operations.operation import Find, Flow
from sessions.operations.row import Row
from sessions.session_state import NO_SESSION, LoadedSession

Found = dict[str, LoadedSession | InvalidReason]
"""What each token that was tried led to; the last is what counts."""


def load_first(config: SessionConfig, tokens: Iterable[str]) -> Flow[Found]:
    """Try tokens until one leads to a session. One read for each, as ``load``."""
    tried: Found = {}
    for token in tokens:
        found = tried[token] = yield from load(config, token)
        if isinstance(found, LoadedSession) and found.row is not None:
            break
    return tried


def session_of_tokens(config: SessionConfig, tried: Found) -> tuple[LoadedSession, str | None]:
    """The session that tokens led to, and the one that did; the others are told."""
    loaded, leading = NO_SESSION, None
    for token, found in tried.items():
        if isinstance(found, LoadedSession):
            loaded, leading = found, token
            if found.replaced is not None:
                config.events.emit("invalid", found.replaced.session_id, None, "replaced")
        else:
            loaded = LoadedSession(end_reason=found.end_reason or loaded.end_reason)
            config.events.emit("invalid", config.tokens.session_id(token), None, found.value)
    return loaded, leading


def end_others(config: SessionConfig, tokens: Iterable[str], own: Row) -> Flow[None]:
    """End the sessions of all tokens: else a logout would leave the next cookie's logged in.

    Args:
        config: the application's.
        tokens: the request's.
        own: the row of the session that is logged out, which is ended elsewhere.
    """
    for token in tokens:
        session_id = config.tokens.session_id(token)
        if session_id != own.session_id:
            rows: list[Row] = yield Find(session_id)
            for row in rows:
                yield from end(row.session_id, row.user_id, own.session_id)
