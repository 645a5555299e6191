"""One request's session, from the cookie that came to the header fields that go.

the session is loaded     at once in an event loop, at its first use elsewhere
the response starts       it is committed, and the header fields are known
the response is over      what was changed since, and not saved, raises SessionNotSaved
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import Headers
from sessions.errors import SessionNotSaved, SessionRevoked
from sessions.lifecycle.commit import CommitResult, commit, needs_commit
from sessions.lifecycle.load import InvalidReason, load
from sessions.operations.driver import run, run_async
from sessions.session_state import NO_SESSION, LoadedSession, SessionState
from sessions.values.changes import Changes


class RequestSession(SessionState):
    """A session with the store that it comes from and the cookie that it goes by.

    Args:
        config: the application's.
        cookie_header: the request's Cookie field; None if it has none.

    Attributes:
        accessed: whether the application used the session, so that the response varies by it.
        config: the application's.
        cookie: the cookie to set, which is the application's unless an adapter changes it.
    """

    __slots__ = ("_cookie_cleared", "_new_token", "_token", "accessed", "config", "cookie")

    def __init__(self, config: SessionConfig, cookie_header: str | None) -> None:
        super().__init__()
        self.config = config
        self.cookie = config.cookie
        self.accessed = False
        self._token: str | None = None
        self._new_token: str | None = None
        self._cookie_cleared = False
        value = config.cookie.value_in(cookie_header)
        if value is not None:
            self._token = config.tokens.of_cookie(value)
            if self._token is None:
                config.events.emit("invalid", None, None, "malformed")

    def load(self) -> None:
        """Read the session that the cookie leads to, unless that is done."""
        if not self.is_loaded:
            config, token = self.config, self._token
            if token is None:
                self.set_loaded(NO_SESSION)
            else:
                flow = load(config, token)
                self._accept(token, run(flow, config.store, config.deadline_seconds))

    async def load_async(self) -> None:
        """Read it in an event loop; without a cookie nothing is read."""
        config, token = self.config, self._token
        if token is None:
            self.set_loaded(NO_SESSION)
        else:
            flow = load(config, token)
            self._accept(token, await run_async(flow, config.store, config.deadline_seconds))

    def save(self) -> None:
        """Save changes now; see ``Session.save``."""
        self._commit(self.changes())

    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``Session.save``."""
        await self._commit_async(self.changes())

    def start_response(self) -> Headers:
        """Commit, since the response starts; the header fields to add to it."""
        if self.is_loaded:
            changes = self.changes()
            if needs_commit(self.config, self, changes):
                self._commit(changes)
        self.response_started = True
        return self._headers()

    async def start_response_async(self) -> Headers:
        """Commit in an event loop; see ``start_response``."""
        changes = self.changes()
        if needs_commit(self.config, self, changes):
            await self._commit_async(changes)
        self.response_started = True
        return self._headers()

    async def close_websocket_async(self) -> None:
        """Commit, since a websocket is closed that was never accepted: it can set no cookie."""
        if not self.response_started:
            self.response_started = True
            changes = self.changes()
            if needs_commit(self.config, self, changes):
                await self._commit_async(changes)

    def end_response(self) -> None:
        """Check that no change is lost, since the response is over.

        Raises:
            SessionNotSaved: the session was changed after its response started, and not saved.
        """
        if self.response_started and self.has_changed():
            raise SessionNotSaved(
                "the session was changed after its response had started, and save() was not "
                "called: the change is lost"
            )

    def _accept(self, token: str, found: LoadedSession | InvalidReason) -> None:
        if isinstance(found, InvalidReason):
            session_id = self.config.tokens.session_id(token)
            self.config.events.emit("invalid", session_id, None, found.value)
            found = NO_SESSION
        self.set_loaded(found)

    def _commit(self, changes: Changes) -> None:
        config = self.config
        with self._revocation_handled():
            flow = commit(config, self, changes)
            self._note(run(flow, config.store, config.deadline_seconds))

    async def _commit_async(self, changes: Changes) -> None:
        config = self.config
        with self._revocation_handled():
            flow = commit(config, self, changes)
            self._note(await run_async(flow, config.store, config.deadline_seconds))

    @contextmanager
    def _revocation_handled(self) -> Iterator[None]:
        row = self.row
        try:
            yield
        except SessionRevoked:
            if row is not None:
                self.config.events.emit("revoked", row.session_id, row.owner_id)
            self.reset()
            if self.config.raise_on_revoked:
                raise

    def _note(self, result: CommitResult) -> None:
        # A later save that sets no cookie leaves the one to be set as it is.
        if result.token is not None or result.cookie_cleared:
            self._new_token, self._cookie_cleared = result.token, result.cookie_cleared

    def _headers(self) -> Headers:
        headers, cookie, row = [], self.cookie, self.row
        if self._new_token is not None and row is not None:
            value = self.config.tokens.in_cookie(self._new_token)
            headers.append(("set-cookie", cookie.set_to(value, row.ends_at - row.last_seen_at)))
        elif self._cookie_cleared:
            headers.append(("set-cookie", cookie.cleared()))
        if self.accessed:
            headers.append(("vary", "Cookie"))
        return headers
