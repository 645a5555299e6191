"""Keeps a user's sessions to the most that the options allow, however many log in at once.

    the first try     counts one session more, if there are fewer than the most: nothing is read
    refused           what is counted is read, and the rows of it: what has ended is forgotten, and
                      what is still too much ends with the login, or the login is refused

Both are parts of the transaction that puts the new row. So a login that was decided by a count of
before is refused by the store, and is decided anew: there is no instant at which a user has one
session too many. Of two logins at once, one comes first.

A session is counted from its login to a later login that finds it ended. Where nothing is counted
of a user yet, as when the option was switched on, the user's index says what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sessions.arguments import MAX_TIMEOUT_SECONDS
from sessions.config.session_config import SessionConfig
from sessions.end_reason import LOGIN_ELSEWHERE
from sessions.errors import SessionConflict, TooManySessions
from sessions.lifecycle.user_sessions import ids_of, rows_of
from sessions.operations.count import Count, CountChange, Counted, Recount
from sessions.operations.operation import BatchDelete, Create, Flow, Get, ReadClock, ReadCount
from sessions.operations.row import Row

MAX_ATTEMPTS = 20
"""Each that is refused was overtaken by another login of the same user."""

_LOOKED_AT_ONCE = 500
"""Rows. What is too much is ended after each so many: if the deadline comes, the next login goes on
with the rest."""

_MAX_ENDED_AT_ONCE = 50
"""Of one transaction, which has at most 100 items. Source: AWS, "TransactWriteItems"."""


class _Place(NamedTuple):
    """A session that begins, or gets another id.

    Attributes:
        new: its row.
        old: the row whose place it takes; None if it takes none's.
        twin: the id of a session that the same browser began a moment ago, as by a double click.
        is_login: whether it is one session more; otherwise it is only rotated.
    """

    new: Row
    old: Row | None
    twin: str | None
    is_login: bool

    @property
    def leaving(self) -> frozenset[str]:
        """The id that is not counted any more."""
        is_its_own = self.old is not None and self.old.user_id == self.new.user_id
        return frozenset([self.old.session_id]) if self.old and is_its_own else frozenset()


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
        is_login: whether it is one session more; otherwise it is only rotated.
        is_refused: whether it was tried before, and refused.
        twin: the id of a session that the same browser began a moment ago, as by a double click:
            the first to end.

    Raises:
        TooManySessions: the options have ``on_max_sessions="refuse"``, and there are the most.
    """
    if config.max_sessions is None or new.owner_id is None:
        return None
    place = _Place(new, old, twin, is_login)
    if is_refused:
        return (yield from _recount(config, place))
    most = config.max_sessions.most if is_login else None
    return Count(
        new.user_id, new.namespace, new.session_id, place.leaving, most, _ends_at(new.last_seen_at)
    )


def create_counted(config: SessionConfig, row: Row) -> Flow[None]:
    """Put the row of a user's session that the site had before.

    Raises:
        TooManySessions, SessionConflict: it was not done.
    """
    for attempt in range(MAX_ATTEMPTS):
        count = yield from count_change(config, row, None, is_login=True, is_refused=attempt > 0)
        if (yield Create(row, count)):
            emit_ended(config, count)
            return
        if (yield Get(row.session_id, row.user_id)) is not None:
            return  # a request beside this one has put it
    raise conflict()


def emit_ended(config: SessionConfig, count: CountChange) -> None:
    """Tell which sessions ended with a login."""
    if isinstance(count, Recount):
        _emit_ended(config, count.ended)


def conflict() -> SessionConflict:
    """The error of a login that others overtook again and again."""
    return SessionConflict(
        f"the user's sessions changed {MAX_ATTEMPTS} times while one of them got a new id"
    )


def _recount(config: SessionConfig, place: _Place) -> Flow[Recount]:
    new = place.new
    now: int = yield ReadClock()
    known: Counted | None = yield ReadCount(new.user_id, new.namespace)
    if known is None and not place.is_login:
        return _recounted(place, None, None, now)  # a login will find it by the index
    if known is None:
        ids, _ = yield from ids_of(new.user_id, config.store.is_exact_by_owner)
    else:
        ids = sorted(known.ids)
    live: dict[str, Row] = {}
    for start in range(0, len(ids), _LOOKED_AT_ONCE):
        live |= yield from _live(config, place, ids[start : start + _LOOKED_AT_ONCE], now)
        before = _surplus(config, place, live)[:-_MAX_ENDED_AT_ONCE]
        if before:  # of a user who had them when the option was switched on
            yield BatchDelete([(row.session_id, row.user_id) for row in before])
            _emit_ended(config, before)
            live = {row.session_id: row for row in live.values() if row not in before}
    ended = _surplus(config, place, live)
    staying = live.keys() - {row.session_id for row in ended}
    return _recounted(place, known, staying | {new.session_id}, now, ended)


def _live(
    config: SessionConfig, place: _Place, ids: Iterable[str], now: int
) -> Flow[dict[str, Row]]:
    """The rows of these sessions that have not ended; what is over is deleted for good.

    Else a request that came before the idle end could go on with it.
    """
    limit = config.max_sessions
    assert limit is not None  # noqa: S101 - else nothing is counted
    live: dict[str, Row] = {}
    over: list[Row] = []
    seen = set(place.leaving)
    wanted = set(ids) - seen
    while wanted:
        seen |= wanted
        rows: list[Row] = yield from rows_of([(one, place.new.user_id) for one in sorted(wanted)])
        for row in rows:
            if row.namespace != place.new.namespace:
                continue
            if row.successor is not None or row.is_tombstone:
                continue
            # Not by the timeouts of this session, which may be its own.
            if now < limit.timeouts.end_of(row):
                live[row.session_id] = row
            else:
                over.append(row)
        # Of a process that does not count: it may have rotated one.
        wanted = {row.successor for row in rows if row.successor is not None} - seen
    if over:
        yield BatchDelete([(row.session_id, row.user_id) for row in over])
    return live


def _surplus(config: SessionConfig, place: _Place, live: Mapping[str, Row]) -> list[Row]:
    """The rows that must end for one session more, the oldest first.

    Raises:
        TooManySessions: the login is to be refused instead.
    """
    limit = config.max_sessions
    assert limit is not None  # noqa: S101 - else nothing is counted
    many = len(live) + 1 - limit.most
    if many <= 0 or not place.is_login:
        return []
    if limit.refuses and not (many == 1 and place.twin in live):
        config.events.emit("refused", None, place.new.owner_id, "too_many_sessions")
        raise TooManySessions(
            f"the user has {len(live)} sessions, and max_sessions_per_user is {limit.most}: the "
            "login was refused; end one by store.revoke(), or log in where one is",
            place.new.user_id,
        )

    def first_to_end(row: Row) -> tuple[bool, int, str]:
        return row.session_id != place.twin, row.created_at, row.session_id

    return sorted(live.values(), key=first_to_end)[:many]


def _recounted(
    place: _Place,
    known: Counted | None,
    ids: Iterable[str] | None,
    now: int,
    ended: Iterable[Row] = (),
) -> Recount:
    counted = None if ids is None else frozenset(ids)
    new = place.new
    return Recount(new.user_id, new.namespace, known, counted, _ends_at(now), tuple(ended))


def _emit_ended(config: SessionConfig, ended: Iterable[Row]) -> None:
    for row in ended:
        config.events.emit("destroyed", row.session_id, row.owner_id, LOGIN_ELSEWHERE)


def _ends_at(now: int) -> int:
    """When no session is left that is counted now, whatever the timeouts are in other processes."""
    return now + MAX_TIMEOUT_SECONDS
