"""What Django's session store does to the table: flows that serve both its flavours."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.contrib.sessions.backends.base import UpdateError

from sessions.commit import Kept, commit
from sessions.django.expiry import EXPIRY, is_over, life_of
from sessions.errors import SessionRevoked
from sessions.load import Invalid, load
from sessions.operation import Delete, Flow, ReadClock
from sessions.row import Row
from sessions.session import Opened, Session
from sessions.visit import Visit

if TYPE_CHECKING:
    from sessions.django.settings import Site
    from sessions.terms import Terms
    from sessions.token import Tokens

NOTHING = Opened()


def new(site: Site, read: Opened = NOTHING) -> Session:
    """A session, as it was read; one that has no row unless told."""
    session = Visit(site.desk, None).session
    session.adopt(read)
    return session


def found(site: Site, token: str) -> Flow[Opened | Invalid]:
    """What a token leads to, or why it leads to nothing. One read."""
    read = yield from load(site.desk.terms, token)
    if isinstance(read, Opened) and read.row is not None:
        return Invalid.OVER if is_over(site.life, _expiry(read), read.row, read.now) else read
    return read


def opened(site: Site, token: str) -> Flow[Session]:
    """The session of a token, with its use noted if that is due; a new one if there is none."""
    read = yield from found(site, token)
    if isinstance(read, Opened):
        session = new(site, read)
        life = life_of(site.life, _expiry(read), read.now)
        try:
            yield from commit(replace(site.desk.terms, life=life), session)
        except SessionRevoked:
            read = Invalid.UNKNOWN
        else:
            return session
    site.desk.tell("invalid", site.desk.terms.tokens.session_id(token), None, read.value)
    return new(site)


def written(site: Site, session: Session, expiry: Any, token: str | None) -> Flow[Kept]:
    """Write what is to be written of a session.

    Args:
        site: the site's.
        session: with its changes, and what is to become of its id.
        expiry: what ``set_expiry`` noted.
        token: what a new id is to be; any other if None.

    Raises:
        UpdateError: the session was ended meanwhile, or given another id by another request.
    """
    now: int = yield ReadClock()
    terms = replace(site.desk.terms, life=life_of(site.life, expiry, now))
    before, ended, is_login = session.row, session.ended, session.login_as is not None
    try:
        kept = yield from commit(_giving(terms, token), session)
    except SessionRevoked as error:
        if before is not None:
            site.desk.tell("revoked", before.session_id, before.owner_id)
        raise UpdateError(str(error)) from error
    if ended is not None:
        site.desk.tell("destroyed", ended.session_id, ended.owner_id)
    if kept.event is not None and session.row is not None:
        site.desk.tell(kept.event, session.row.session_id, session.row.owner_id)
    if token is not None and kept.token is None:
        raise UpdateError("another request gave the session another id meanwhile")
    if kept.token is not None and before is not None and not is_login:
        # Django's cycle_key leaves nothing of the old id, and no grace.
        yield Delete(before.session_id, before.user_id)
    return kept


def deleted(site: Site, row: Row) -> Flow[None]:
    """Delete a row, there or not."""
    was_there: bool = yield Delete(row.session_id, row.user_id)
    if was_there:
        site.desk.tell("destroyed", row.session_id, row.owner_id)


def _expiry(read: Opened) -> Any:
    return json.loads(read.texts.get(EXPIRY, "null"))


def _giving(terms: Terms, token: str | None) -> Terms:
    """The terms, where a new token is one that was chosen before."""
    if token is None:
        return terms
    return replace(terms, tokens=cast("Tokens", _Chosen(terms.tokens, token)))


class _Chosen:
    """Tokens the next of which is known: cycle_key has told it already."""

    __slots__ = ("_token", "session_id")

    def __init__(self, tokens: Tokens, token: str) -> None:
        self._token = token
        self.session_id = tokens.session_id

    def new(self) -> str:
        return self._token
