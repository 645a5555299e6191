"""Limits how many sessions a user has (``max_sessions_per_user``), however many log in at once.

    first attempt     adds one session to the count if it is below the limit; reads nothing
    if refused        reads the count and the rows of its sessions, forgets those that have ended,
                      and ends the oldest with the login, or refuses the login

Each changes the count in the transaction that puts the new row. A login that was decided on an old
count is refused by the store and decided again, so a user never has more sessions than the limit,
not for an instant. Of two logins at the same time, one comes first.

A session stays counted until a later login finds that it has ended. If a user has no count yet, as
after the option was switched on, the index lists the user's sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sessions.arguments import MAX_TIMEOUT_SECONDS
from sessions.config.max_sessions import MaxSessions
from sessions.config.session_config import SessionConfig
from sessions.end_reason import LOGIN_ELSEWHERE
from sessions.errors import SessionConflict, TooManySessions
from sessions.lifecycle.user_sessions import ids_of, rows_of
from sessions.operations.count import Count, CountChange, Counted, Recount
from sessions.operations.operation import BatchDelete, Create, Flow, Get, ReadClock, ReadCount
from sessions.operations.row import Row

MAX_ATTEMPTS = 20
"""To give a session a new id. One is refused if another request changed the session, or, where the
user's sessions are counted, another login of the same user came first.
"""

_ROWS_AT_ONCE = 500
"""How many rows are read before the surplus sessions among them are ended. If the deadline passes,
the next login continues."""

_MAX_ENDED_AT_ONCE = 50
"""How many sessions one transaction ends. It has at most 100 items. Source: AWS,
"TransactWriteItems"."""


class _NewSession(NamedTuple):
    """A session that begins, or that gets another id.

    Attributes:
        new: its row.
        old: the row whose place it takes; None if it takes none's.
        twin: the id of a session that the same browser began a moment ago, as by a double click.
        is_login: whether it adds a session; otherwise it is only rotated.
    """

    new: Row
    old: Row | None
    twin: str | None
    is_login: bool

    @property
    def leaving(self) -> frozenset[str]:
        """The id that leaves the count: that of the old row, if it is the same user's."""
        if self.old is None or self.old.user_id != self.new.user_id:
            return frozenset()
        return frozenset([self.old.session_id])


def count_change(
    config: SessionConfig,
    new: Row,
    old: Row | None,
    *,
    is_login: bool,
    is_refused: bool,
    twin: str | None = None,
) -> Flow[CountChange]:
    """What a login or rotation does to its user's count.

    Args:
        config: the application's.
        new: the row of the session.
        old: the row whose place it takes; None if it takes none's.
        is_login: whether it adds a session; otherwise it is only rotated.
        is_refused: whether an earlier attempt was refused.
        twin: the id of a session that the same browser began a moment ago, as by a double click; it
            is the first to end.

    Raises:
        TooManySessions: the limit is reached, and the options have ``on_max_sessions="refuse"``.
    """
    limit = config.max_sessions
    if limit is None or new.owner_id is None:
        return None
    session = _NewSession(new, old, twin, is_login)
    if is_refused:
        return (yield from _recount(config, limit, session))
    most = limit.most if is_login else None
    return Count(
        new.user_id,
        new.namespace,
        new.session_id,
        session.leaving,
        most,
        _ends_at(new.last_seen_at),
    )


def create_counted(config: SessionConfig, row: Row) -> Flow[None]:
    """Put the row of a session that was taken over from those that the site had before.

    Raises:
        TooManySessions, SessionConflict: it was not done.
    """
    for attempt in range(MAX_ATTEMPTS):
        count = yield from count_change(config, row, None, is_login=True, is_refused=attempt > 0)
        if (yield Create(row, count)):
            emit_ended(config, count)
            return
        if (yield Get(row.session_id, row.user_id)) is not None:
            return  # a concurrent request has put it
    raise conflict()


def emit_ended(config: SessionConfig, count: CountChange) -> None:
    """Emit an event for each session that ended with a login."""
    if isinstance(count, Recount):
        _emit_ended(config, count.ended)


def conflict() -> SessionConflict:
    """The error of a login that other logins overtook in every attempt."""
    return SessionConflict(
        f"the user's sessions changed {MAX_ATTEMPTS} times while one of them got a new id"
    )


def _recount(config: SessionConfig, limit: MaxSessions, session: _NewSession) -> Flow[Recount]:
    new = session.new
    now: int = yield ReadClock()
    known: Counted | None = yield ReadCount(new.user_id, new.namespace)
    if known is None and not session.is_login:
        return _recounted(session, None, None, now)  # a later login reads the index
    if known is None:
        ids, _ = yield from ids_of(new.user_id, config.store.is_exact_by_owner)
    else:
        ids = sorted(known.ids)
    live: dict[str, Row] = {}
    ended: list[Row] = []
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        live |= yield from _live(limit, session, ids[start : start + _ROWS_AT_ONCE], now)
        surplus = _surplus(config, limit, session, live)
        before, ended = surplus[:-_MAX_ENDED_AT_ONCE], surplus[-_MAX_ENDED_AT_ONCE:]
        if before:  # the user had them when the option was switched on
            yield BatchDelete([(row.session_id, row.user_id) for row in before])
            _emit_ended(config, before)
            live = {row.session_id: row for row in live.values() if row not in before}
    staying = live.keys() - {row.session_id for row in ended}
    return _recounted(session, known, staying | {new.session_id}, now, ended)


def _live(
    limit: MaxSessions, session: _NewSession, ids: Iterable[str], now: int
) -> Flow[dict[str, Row]]:
    """The rows of these sessions that have not ended. Those that are over are deleted.

    Otherwise a request that came before the idle end could still continue such a session.
    """
    live: dict[str, Row] = {}
    over: list[Row] = []
    seen = set(session.leaving)
    wanted = set(ids) - seen
    while wanted:
        seen |= wanted
        rows: list[Row] = yield from rows_of([(one, session.new.user_id) for one in sorted(wanted)])
        for row in rows:
            if row.namespace != session.new.namespace:
                continue
            if row.successor is not None or row.is_tombstone:
                continue
            # By the application's timeouts: those of the new session may be its own.
            if now < limit.timeouts.end_of(row):
                live[row.session_id] = row
            else:
                over.append(row)
        # A process without the option may have rotated one, and left the count as it was.
        wanted = {row.successor for row in rows if row.successor is not None} - seen
    if over:
        yield BatchDelete([(row.session_id, row.user_id) for row in over])
    return live


def _surplus(
    config: SessionConfig, limit: MaxSessions, session: _NewSession, live: Mapping[str, Row]
) -> list[Row]:
    """The rows that must end so that one more session fits, the oldest first.

    Raises:
        TooManySessions: the options refuse the login instead.
    """
    many = len(live) + 1 - limit.most
    if many <= 0 or not session.is_login:
        return []
    if limit.refuses and not (many == 1 and session.twin in live):
        config.events.emit("refused", None, session.new.owner_id, "too_many_sessions")
        raise TooManySessions(
            f"the user has {len(live)} sessions, and max_sessions_per_user is {limit.most}: the "
            "login was refused; end one by store.revoke(), or log in where one is",
            session.new.user_id,
        )

    def first_to_end(row: Row) -> tuple[bool, int, str]:
        return row.session_id != session.twin, row.created_at, row.session_id

    return sorted(live.values(), key=first_to_end)[:many]


def _recounted(
    session: _NewSession,
    known: Counted | None,
    ids: Iterable[str] | None,
    now: int,
    ended: Iterable[Row] = (),
) -> Recount:
    counted = None if ids is None else frozenset(ids)
    new = session.new
    return Recount(new.user_id, new.namespace, known, counted, _ends_at(now), tuple(ended))


def _emit_ended(config: SessionConfig, ended: Iterable[Row]) -> None:
    for row in ended:
        config.events.emit("destroyed", row.session_id, row.owner_id, LOGIN_ELSEWHERE)


def _ends_at(now: int) -> int:
    """When every session that is counted now has ended, whatever timeouts other processes have."""
    return now + MAX_TIMEOUT_SECONDS
