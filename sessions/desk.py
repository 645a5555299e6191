"""The desk: where a request's cookie is handed in and its session comes out, and back again.

Both middlewares and the frameworks' adapters ask it. It reads nothing until it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypedDict

from sessions.cipher import Cipher
from sessions.commit import Kept, commit
from sessions.cookie import Cookie, SameSite
from sessions.deadline import deadline_seconds
from sessions.driver import run, run_async
from sessions.errors import SessionRevoked
from sessions.event import Salt, SessionEvent, What
from sessions.life import Life
from sessions.load import Invalid, load
from sessions.operation import Flow
from sessions.session import Opened, Session
from sessions.store.protocol import Store, require_store
from sessions.terms import Terms
from sessions.token import Tokens

OnRevoked = Literal["ignore", "raise"]


class SessionOptions(TypedDict, total=False):
    """What every middleware and adapter takes beside the store, by these names.

    Keys:
        idle: seconds without a request after which a session is over; 3,600 unless given.
        lifetime: seconds after its start when it is over in any case; 43,200 unless given.
        cookie: the cookie's name; ``"__Host-session"`` unless given.
        secure, same_site, path, domain, persistent: its attributes, see ``sessions.Cookie``.
        secret: one secret or several (the first signs) for a MAC in the cookie, so that forged
            cookies cost no read; none unless given.
        namespace: keeps apart the sessions of applications that share a table.
        encryption: one key of 32 bytes or several (the first encrypts) for the values.
        strict: whether a save that meets another request's raises SessionConflict.
        on_revoked: what becomes of changes to a session that was ended meanwhile: ``"ignore"``
            (default) drops them, ``"raise"`` raises SessionRevoked.
        deadline: seconds that a request's read, or write, may take; 1.0 unless given.
        on_event: told of each SessionEvent.
        event_salt: the salt of what events call sessions; one of the process's own unless given.
    """

    idle: int
    lifetime: int
    cookie: str
    secure: bool
    same_site: SameSite
    path: str
    domain: str | None
    persistent: bool
    secret: str | bytes | Iterable[str | bytes] | None
    namespace: str
    encryption: bytes | Iterable[bytes] | None
    strict: bool
    on_revoked: OnRevoked
    deadline: float
    on_event: Callable[[SessionEvent], None]
    event_salt: bytes


class Desk:
    """Sessions for an application.

    Args:
        store: where they are kept.
        options: see SessionOptions.

    Raises:
        TypeError, ValueError: something given can't hold; the message names it and the rule.
    """

    __slots__ = ("_deadline_seconds", "_on_event", "_raises", "_salt", "_store", "cookie", "terms")

    def __init__(self, store: Store, options: SessionOptions) -> None:
        for name in options:
            if name not in SessionOptions.__annotations__:
                known = ", ".join(SessionOptions.__annotations__)
                raise TypeError(f"{name!r} is no option; there are {known}")
        self._store = require_store(store)
        self.cookie = _cookie(options)
        self.terms = _terms(options)
        on_revoked = options.get("on_revoked", "ignore")
        if on_revoked not in ("ignore", "raise"):
            raise ValueError(f"on_revoked {on_revoked!r}: 'ignore' or 'raise'")
        self._raises = on_revoked == "raise"
        self._deadline_seconds = deadline_seconds(options.get("deadline", 1.0))
        self._on_event = options.get("on_event")
        if self._on_event is not None and not callable(self._on_event):
            raise TypeError(f"on_event {self._on_event!r}: a function is needed")
        self._salt = Salt(options.get("event_salt"))

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


def _cookie(options: SessionOptions) -> Cookie:
    given: dict[str, Any] = {
        name: options[name]
        for name in ("secure", "same_site", "path", "domain", "persistent")
        if name in options
    }
    if "cookie" in options:
        given["name"] = options["cookie"]
    return Cookie(**given)


def _terms(options: SessionOptions) -> Terms:
    keys = options.get("encryption")
    strict = options.get("strict", False)
    if not isinstance(strict, bool):
        raise TypeError(f"strict {strict!r}: True or False")
    return Terms(
        Life(options.get("idle", 3_600), options.get("lifetime", 43_200)),
        Tokens(options.get("secret"), options.get("namespace", "")),
        None if keys is None else Cipher(keys),
        strict,
    )
