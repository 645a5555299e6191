"""One request's session, from the cookie that came to the header fields that go.

the session is loaded     at once in an event loop, at its first use elsewhere
the response starts       it is committed, and the header fields are known
the response is over      what was changed since, and not saved, raises SessionNotSaved
there will be none        a logout is kept, and any other change is dropped
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from sessions.assignment import SessionPlace
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import NO_STORE, Headers
from sessions.credential import Credential, CredentialKind, CredentialName
from sessions.device_check import DeviceCheck
from sessions.errors import (
    SessionConflict,
    SessionNotSaved,
    SessionReplaced,
    SessionRevoked,
    TooManySessions,
)
from sessions.lifecycle.commit import commit, needs_commit
from sessions.lifecycle.commit_result import CommitResult
from sessions.lifecycle.look_again import is_still_there, read_again
from sessions.lifecycle.several_tokens import Found, end_others, load_first
from sessions.lifecycle.take_over import TakenOver, emit_taken_over
from sessions.operations.driver import run, run_async
from sessions.operations.operation import Flow
from sessions.outage import Outage
from sessions.session_state import NO_SESSION, IdChange, LoadedSession, SessionState
from sessions.values.changes import UNCHANGED, Changes
from sessions.values.csrf import secret_of

NOT_LOADED = (
    "the session is not loaded: SessionMiddleware has lazy=True; await session.load_async() first"
)


class RequestSession(SessionState):
    """A session with the store that it comes from and the cookie that it goes by.

    Args:
        config: the application's.
        cookie_field: the request's Cookie field; None if it has none.
        authorization: the values of its Authorization fields.

    Attributes:
        accessed: whether the application used the session, so that the response varies by it.
        config: the application's.
        found_by: the credential that led to it; None if none did.
        issued_token: the token that ``issue_token`` returned last; None if it was not called.
        persistent: whether its cookie is to outlive the browser's own session, as an adapter has
            it; None where the login or the application's options say it.
        device_check: whether the request shows the device that the session is bound to.
        place: where the application finds the session, and may have put something else; None if
            it can't.
        is_lazy: whether the application awaits ``load_async`` before it uses the session.
    """

    __slots__ = (
        "_cookie_cleared",
        "_credential",
        "_issues_token",
        "_new_token",
        "_outage",
        "_token",
        "accessed",
        "config",
        "device_check",
        "found_by",
        "is_lazy",
        "issued_token",
        "persistent",
        "place",
    )

    def __init__(
        self, config: SessionConfig, cookie_field: str | None, authorization: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.config = config
        self.persistent: bool | None = None
        self.place: SessionPlace | None = None
        self.is_lazy = False
        self._outage = Outage(config)
        self.accessed = False
        self._new_token: str | None = None
        self._token: str | None = None  # that leads to the session
        self._cookie_cleared = False
        self._credential = Credential.of(config, cookie_field, authorization)
        self.device_check = DeviceCheck(config, self._credential.kind, cookie_field)
        self._issues_token = False
        self.found_by: CredentialName | None = None
        self.issued_token: str | None = None

    def load(self) -> None:
        """Read the session that the cookie leads to, unless that is done.

        Raises:
            StoreUnavailable: it can't be read, or could not be when it was tried.
            RuntimeError: it is to be read by ``load_async``.
        """
        if self.is_loaded:
            return
        self._outage.require_readable("session")
        if self.is_lazy:
            raise RuntimeError(NOT_LOADED)
        with self._outage.noted(self, defers=False):
            if not self._credential.tokens:
                self.set_loaded(NO_SESSION)
            else:
                flow = load_first(self.config, self._credential.tokens)
                self._accept(run(flow, self.config.store, self.config.deadline_seconds))
            previous = self._credential.previous
            if previous is not None and self._has_none:
                self._take(previous.take_over())

    async def load_async(self, *, defers: bool = False) -> None:
        """Read it in an event loop; without a cookie nothing is read.

        Args:
            defers: whether an outage is not raised here, but where the session is used.
        """
        if self.is_loaded:
            return
        with self._outage.noted(self, defers=defers):
            if not self._credential.tokens:
                self.set_loaded(NO_SESSION)
            else:
                flow = load_first(self.config, self._credential.tokens)
                self._accept(await run_async(flow, self.config.store, self.config.deadline_seconds))
            previous = self._credential.previous
            if previous is not None and self._has_none:
                self._take(await previous.take_over_async())

    @property
    def is_persistent(self) -> bool:
        """Whether its cookie outlives the browser's own session."""
        for said in (self.persistent, self.lifetime.persistent):
            if said is not None:
                return said
        return self.config.cookie.persistent

    def logout(self) -> None:
        """End it, as ``Session.logout`` says."""
        self._outage.require_readable("session.logout()")
        super().logout()
        self.deleted_row = self.deleted_row or self.device_check.unproven

    @property
    def brought_invalid_token(self) -> bool:
        """Whether its header counts, and leads to no session."""
        return self._credential.kind is CredentialKind.BEARER and self.row is None

    @property
    def has_cookie(self) -> bool:
        """Whether a cookie leads to it, or is to; otherwise a token that the client keeps."""
        return self._credential.kind is not CredentialKind.BEARER and not self._issues_token

    def save(self) -> None:
        """Save changes now; see ``Session.save``."""
        self.take_over_assigned()
        changes = self.changes()
        self._require_way_of_token(changes)
        self._commit(changes)

    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``Session.save``."""
        await self._load_for_assigned()
        self.take_over_assigned()
        changes = self.changes()
        self._require_way_of_token(changes)
        await self._commit_async(changes)

    def issue_token(self) -> str:
        """Save changes now, and give the session's token; see ``Session.issue_token``."""
        self._require_may_issue()
        self.load()
        self._start_issuing()
        self._commit(self.changes())
        return self._issued_token()

    async def issue_token_async(self) -> str:
        """The same in an event loop."""
        self._require_may_issue()
        await self.load_async()
        self._start_issuing()
        await self._commit_async(self.changes())
        return self._issued_token()

    def still_valid(self) -> bool:
        """Whether the session has not ended; see ``Session.still_valid``."""
        self.load()
        self._outage.require_readable("session.still_valid()")
        flow = is_still_there(self.config, self)
        return run(flow, self.config.store, self.config.deadline_seconds)

    async def still_valid_async(self) -> bool:
        """The same in an event loop."""
        await self.load_async()
        self._outage.require_readable("session.still_valid()")
        flow = is_still_there(self.config, self)
        return await run_async(flow, self.config.store, self.config.deadline_seconds)

    def reload(self) -> None:
        """Read it again; see ``Session.reload``."""
        self.load()
        self._outage.require_readable("session.reload()")
        self.take_over_assigned()
        with self._revocation_handled(UNCHANGED):
            run(read_again(self.config, self), self.config.store, self.config.deadline_seconds)

    async def reload_async(self) -> None:
        """The same in an event loop."""
        await self.load_async()
        self._outage.require_readable("session.reload()")
        self.take_over_assigned()
        with self._revocation_handled(UNCHANGED):
            flow = read_again(self.config, self)
            await run_async(flow, self.config.store, self.config.deadline_seconds)

    def start_response(self) -> Headers:
        """Commit, since the response starts; the header fields to add to it."""
        self.take_over_assigned()
        if self.is_loaded:
            changes = self._changes_with_way()
            if needs_commit(self.config, self, changes):
                self._commit(changes)
        self.response_started = True
        return self._headers()

    async def start_response_async(self) -> Headers:
        """Commit in an event loop; see ``start_response``."""
        await self._load_for_assigned()
        self.take_over_assigned()
        if self.is_loaded:
            changes = self._changes_with_way()
            if needs_commit(self.config, self, changes):
                await self._commit_async(changes)
        self.response_started = True
        return self._headers()

    def start_unsent_response(self) -> None:
        """Commit, since the client closed before the response began: no cookie can be set.

        Raises:
            SessionNotSaved: what changed needs a cookie.
        """
        self._start_unsent()
        changes = self._changes_with_way()
        if needs_commit(self.config, self, changes):
            self._commit(changes)

    async def start_unsent_response_async(self) -> None:
        """Commit in an event loop; see ``start_unsent_response``."""
        await self._load_for_assigned()
        self._start_unsent()
        changes = self._changes_with_way()
        if needs_commit(self.config, self, changes):
            await self._commit_async(changes)

    def end_response(self) -> None:
        """Check that no change is lost, since the response is over. A logout is kept even now.

        Raises:
            SessionNotSaved: the session was changed after its response started, and not saved.
        """
        if not self.response_started:
            self.end_failed()
            return
        self.take_over_assigned()
        if self.deleted_row is not None:
            self._commit(UNCHANGED)
        self._require_saved()

    async def end_response_async(self) -> None:
        """Check it in an event loop; see ``end_response``."""
        await self._load_for_assigned()
        if not self.response_started:
            await self.end_failed_async()
            return
        self.take_over_assigned()
        if self.deleted_row is not None:
            await self._commit_async(UNCHANGED)
        self._require_saved()

    def end_failed(self) -> None:
        """Keep a logout, since the application failed or sends no response.

        Any other change is dropped, as far as it was not saved.
        """
        if self._is_logged_out_only():
            self._commit(UNCHANGED)

    async def end_failed_async(self) -> None:
        """Keep a logout in an event loop; see ``end_failed``."""
        await self._load_for_assigned()
        if self._is_logged_out_only():
            await self._commit_async(UNCHANGED)

    def csrf_secret(self) -> str | None:
        """The secret of its CSRF tokens; None if there is nothing yet to derive it from."""
        secret = super().csrf_secret()
        if secret is None and self.row is not None and self.login_user_id is None and self._token:
            return secret_of(self._token)
        return secret

    def take_over_assigned(self) -> None:
        """Hold what the application assigned in place of the session, if it did.

        Raises:
            TypeError, ValueError: it can't be stored.
        """
        assigned = None if self.place is None else self.place.assigned()
        if assigned is None:
            return
        self.accessed = True
        self.load()
        if assigned:
            self.set_values(assigned)
        else:
            self.logout()

    async def _load_for_assigned(self) -> None:
        if self.is_lazy and not self.is_loaded and self.place and self.place.assigned() is not None:
            await self.load_async()

    def _start_unsent(self) -> None:
        self.take_over_assigned()
        self.response_started = True

    def _is_logged_out_only(self) -> bool:
        """Drop all changes but a logout; whether there is one."""
        with suppress(TypeError, ValueError):  # the application's own error is raised
            self.take_over_assigned()
        if self.deleted_row is None:
            return False
        self.logout()
        return True

    def _require_may_issue(self) -> None:
        if not self.config.bearer:
            raise RuntimeError("session.issue_token(): the session's options need bearer=True")
        if self._credential.kind is CredentialKind.COOKIE:
            raise SessionNotSaved(
                "session.issue_token(): this request has a cookie of the session's, so the cookie "
                "counts, and its token is not for scripts; the client must send none (fetch: "
                "credentials: 'omit')"
            )
        if self.response_started:
            raise SessionNotSaved(
                "session.issue_token(): the response has started, so caches can't be told any more "
                "not to store it"
            )

    def _start_issuing(self) -> None:
        self.take_over_assigned()
        if not self._leads_to_row:  # it was rotated, and the response with its token is lost
            self.rotate()
        self._issues_token = True

    def _issued_token(self) -> str:
        if self.row is None or self._token is None:
            self._outage.require_readable("session.issue_token()")
            raise SessionNotSaved(
                "session.issue_token(): there is no session; log in, or set a value first"
            )
        if not self._leads_to_row:
            raise SessionConflict(
                "session.issue_token(): another request gave the session a new id meanwhile, and "
                "its response has the token"
            )
        self.issued_token = self.config.tokens.in_cookie(self._token)
        return self.issued_token

    @property
    def _leads_to_row(self) -> bool:
        """Whether the client's token, or the one that it is to get, is that of the row itself."""
        row, token = self.row, self._token
        if row is None or token is None:
            return False
        return self.config.tokens.session_id(token) == row.session_id

    def _require_way_of_token(self, changes: Changes) -> None:
        """Check that a new id's token comes to the client, before it takes the place of its own.

        Raises:
            SessionNotSaved: no cookie can bring it, and ``issue_token`` was not called.
        """
        if self.has_cookie:
            return
        needs_row = self.row is None and self.replaced is None and bool(changes)
        if self.id_change is not IdChange.NONE or needs_row:
            raise SessionNotSaved(
                "the session gets a new id, and no cookie brings it to the client, which has sent "
                "a token: call session.issue_token() and send what it returns"
            )

    def _changes_with_way(self) -> Changes:
        """What is to be saved when the response starts."""
        changes = self.changes()
        if self.has_cookie or self._outage.error is not None:
            return changes
        if self.id_change is not IdChange.NONE:
            self._require_way_of_token(changes)
        if self.row is not None or self.replaced is not None or not changes:
            return changes
        # No client can be made to fail by its token: nobody is logged in, and the row would be
        # nobody's, for ever.
        self.config.events.emit("dropped", None, None, "no_token")
        self.data.mark_saved(changes)
        return UNCHANGED

    def _require_saved(self) -> None:
        if self.has_changed():
            raise SessionNotSaved(
                "the session was changed after its response had started, and save() was not "
                "called: the change is lost"
            )

    def _accept(self, tried: Found) -> None:
        loaded = NO_SESSION
        for token, found in tried.items():
            if isinstance(found, LoadedSession):
                loaded, self._token = found, token
                if found.row is not None:
                    is_bearer = self._credential.kind is CredentialKind.BEARER
                    self.found_by = "bearer" if is_bearer else "cookie"
                if found.replaced is not None:
                    self.config.events.emit("invalid", found.replaced.session_id, None, "replaced")
            else:
                loaded = LoadedSession(end_reason=found.end_reason or loaded.end_reason)
                session_id = self.config.tokens.session_id(token)
                self.config.events.emit("invalid", session_id, None, found.value)
        self.set_loaded(self.device_check.admitted(loaded))
        if self.device_check.unproven is not None:
            self._token = self.found_by = None

    @property
    def _has_none(self) -> bool:
        return self.row is None and self.replaced is None

    def _take(self, taken: TakenOver | None) -> None:
        """Be the session that an old cookie led to."""
        if taken is None:
            return
        self.accessed = True  # the response depends on the cookie, whatever the application does
        self.set_loaded(taken.loaded)
        if self.row is None:
            return
        emit_taken_over(self.config, taken)
        self._token, self.found_by = taken.token, "cookie"
        if taken.cookie_is_due:
            self._new_token = taken.token

    def _commit(self, changes: Changes) -> None:
        config = self.config
        if self._outage.drops(self, changes):
            return
        with self._outage.touch_may_fail(self, changes), self._revocation_handled(changes):
            flow = self._committing(changes)
            self._note(run(flow, config.store, config.deadline_seconds))

    async def _commit_async(self, changes: Changes) -> None:
        config = self.config
        if self._outage.drops(self, changes):
            return
        with self._outage.touch_may_fail(self, changes), self._revocation_handled(changes):
            flow = self._committing(changes)
            self._note(await run_async(flow, config.store, config.deadline_seconds))

    def _committing(self, changes: Changes) -> Flow[CommitResult]:
        if self.deleted_row is not None and len(self._credential.tokens) > 1:
            yield from end_others(self.config, self._credential.tokens, self.deleted_row)
        proves_user = self.authenticates
        result = yield from commit(self.config, self, changes)
        if proves_user and result.token is not None:
            self.device_check.note_proof_of_user(self.row)
        return result

    @contextmanager
    def _revocation_handled(self, changes: Changes) -> Iterator[None]:
        row = self.row
        changed_id = self.deleted_row is not None or self.id_change is not IdChange.NONE
        try:
            yield
        except TooManySessions:
            self.withdraw_login()
            raise
        except SessionReplaced:
            if (changes or changed_id) and self.replaced is not None:
                self.config.events.emit("dropped", self.replaced.session_id, None, "replaced")
            self.reset()
            if self.config.raise_on_revoked:
                raise
        except SessionRevoked:
            if row is not None:
                why = self.end_reason
                self.config.events.emit("revoked", row.session_id, row.owner_id, why)
            self.reset()
            if self.config.raise_on_revoked:
                raise

    def _note(self, result: CommitResult) -> None:
        # A later save that sets no cookie leaves the one to be set as it is.
        if result.token is not None or result.cookie_cleared:
            self._new_token, self._cookie_cleared = result.token, result.cookie_cleared
            self._token = result.token

    def _headers(self) -> Headers:
        headers, cookie, row = [], self.config.cookie, self.row
        if not self.has_cookie:
            if self._issues_token:
                headers.append(NO_STORE)
        elif self._new_token is not None and row is not None:
            value = self.config.tokens.in_cookie(self._new_token)
            kept = replace(cookie, persistent=self.is_persistent)
            age = row.ends_at - row.last_seen_at
            headers.append(("set-cookie", kept.set_to(value, age)))
            headers += self.device_check.headers_beside(value, age, row, persistent=kept.persistent)
        elif self._cookie_cleared:
            headers += [("set-cookie", cookie.cleared()), *self.device_check.cleared()]
        if self._credential.previous is not None:
            headers += self._credential.previous.headers(cookie)
        left = self.seconds_left(self.config.timeouts)
        if self.config.seconds_left_field is not None and left is not None:
            headers.append((self.config.seconds_left_field, str(left)))
            self.accessed = True  # the response depends on the session
        if self.accessed:
            headers.append(("vary", "Cookie"))
            if self.config.bearer:
                headers.append(("vary", "Authorization"))
        return headers
