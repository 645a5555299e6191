"""The desk: where a request's cookie is handed in and its session comes out, and back again.

Both middlewares and the frameworks' adapters ask it. It reads nothing until it is asked to.
"""

from __future__ import annotations

from typing import Any

from sessions.cipher import Cipher
from sessions.commit import Kept, commit
from sessions.cookie import Cookie
from sessions.deadline import deadline_seconds
from sessions.driver import run, run_async
from sessions.errors import SessionRevoked
from sessions.event import Salt, SessionEvent, What
from sessions.life import Life
from sessions.load import Invalid, load
from sessions.operation import Flow
from sessions.options import DEFAULTS, OF_THE_COOKIE, SessionOptions, require_options
from sessions.session import Opened, Session
from sessions.store.protocol import Store, require_store
from sessions.terms import Terms
from sessions.token import Tokens


class Desk:
    """Sessions for an application.

    Args:
        store: where they are kept.
        options: see ``sessions.SessionOptions``.

    Raises:
        TypeError, ValueError: something given can't hold; the message names it and the rule.
    """

    __slots__ = ("_deadline_seconds", "_on_event", "_raises", "_salt", "_store", "cookie", "terms")

    def __init__(self, store: Store, options: SessionOptions) -> None:
        require_options(options)
        chosen = {**DEFAULTS, **options}
        self._store = require_store(store)
        self.cookie = Cookie(
            name=chosen["cookie"], **{name: chosen[name] for name in OF_THE_COOKIE}
        )
        self.terms = _terms(chosen)
        on_revoked = chosen["on_revoked"]
        if on_revoked not in ("ignore", "raise"):
            raise ValueError(f"on_revoked {on_revoked!r}: 'ignore' or 'raise'")
        self._raises = on_revoked == "raise"
        self._deadline_seconds = deadline_seconds(chosen["deadline"])
        self._on_event = chosen["on_event"]
        if self._on_event is not None and not callable(self._on_event):
            raise TypeError(f"on_event {self._on_event!r}: a function is needed")
        self._salt = Salt(chosen["event_salt"])

    def token_in(self, cookies: str | None) -> str | None:
        """The token in a request's Cookie field, if there is one and it could be ours."""
        value = self.cookie.value_in(cookies)
        token = None if value is None else self.terms.tokens.of_cookie(value)
        if value is not None and token is None:
            self.tell("invalid", None, None, "malformed")
        return token

    def load(self, token: str) -> Opened:
        """The session of a token, read; an empty one if there is none."""
        return self._found(token, run(load(self.terms, token), self._store, self._deadline_seconds))

    async def load_async(self, token: str) -> Opened:
        """The same in an event loop."""
        flow = load(self.terms, token)
        return self._found(token, await run_async(flow, self._store, self._deadline_seconds))

    def commit(self, session: Session) -> Kept:
        """Write what is to be written."""
        flow = self._commit(session)
        return run(flow, self._store, self._deadline_seconds)

    async def commit_async(self, session: Session) -> Kept:
        """The same in an event loop."""
        flow = self._commit(session)
        return await run_async(flow, self._store, self._deadline_seconds)

    def tell(
        self, what: What, session_id: str | None, user_id: str | None, why: Any = None
    ) -> None:
        """Tell of an event."""
        if self._on_event is not None:
            digest = None if session_id is None else self._salt.digest(session_id)
            self._on_event(SessionEvent(what, digest, user_id, why))

    def _found(self, token: str, found: Opened | Invalid) -> Opened:
        if isinstance(found, Opened):
            return found
        self.tell("invalid", self.terms.tokens.session_id(token), None, found.value)
        return Opened()

    def _commit(self, session: Session) -> Flow[Kept]:
        before, ended = session.row, session.ended
        try:
            kept = yield from commit(self.terms, session)
        except SessionRevoked:
            if before is not None:
                self.tell("revoked", before.session_id, before.owner_id)
            session.forget()
            if self._raises:
                raise
            return Kept()
        if ended is not None:
            self.tell("destroyed", ended.session_id, ended.owner_id)
        if kept.event is not None and session.row is not None:
            self.tell(kept.event, session.row.session_id, session.row.owner_id)
        return kept


def _terms(options: dict[str, Any]) -> Terms:
    keys, strict = options["encryption"], options["strict"]
    if not isinstance(strict, bool):
        raise TypeError(f"strict {strict!r}: True or False")
    return Terms(
        Life(options["idle"], options["lifetime"]),
        Tokens(options["secret"], options["namespace"]),
        None if keys is None else Cipher(keys),
        strict,
    )
