"""One request's session, from the request's credential to the response's header fields.

    load               reads it: at once in an event loop, otherwise at its first use
    start_response     commits it, and returns the header fields
    end_response       raises SessionNotSaved if a later change was not saved
    end_failed         without a response: commits a logout, and drops any other change

All but the first are flows, as are the methods of ``Session`` that ask the store. ``run`` runs a
flow blocking, ``run_async`` in an event loop: ``session.run(session.start_response())``.

Tasks and threads of one request take turns to load and save the session. For example, one task of a
websocket reads, another one writes, and both save. Without turns, two first saves would begin two
sessions, of which only one could have the cookie.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import RLock

from sessions.assignment import SessionPlace
from sessions.client_token import ClientToken
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import Headers
from sessions.credential import Credential, CredentialKind
from sessions.device_check import DeviceCheck
from sessions.errors import SessionNotSaved, SessionRevoked, StoreUnavailable, TooManySessions
from sessions.failed_save import NOT_SAVED, drop_unsaved, is_known
from sessions.lifecycle.commit import commit, needs_commit
from sessions.lifecycle.commit_result import SAVED, CommitResult
from sessions.lifecycle.load import load_first
from sessions.lifecycle.reload import CHANGED, is_still_valid, reload_values
from sessions.lifecycle.take_over import TakenOver, emit_taken_over
from sessions.loaded_session import LoadedSession
from sessions.operations import driver
from sessions.operations.operation import Flow, T
from sessions.outage import drop_changes, note_unreadable, note_unsaved
from sessions.previous_cookie import PreviousCookie
from sessions.revocation import drop_revoked
from sessions.session_state import SessionState
from sessions.task_turn import TaskTurn
from sessions.values.values import UNCHANGED, Changes

_NOT_LOADED = (
    "the session is not loaded: SessionMiddleware has lazy=True; await session.load_async() first"
)


class RequestSession:
    """A session with its store and the credential that leads to it.

    Args:
        config: the application's.
        cookie_field: the request's Cookie field; None if it has none.
        authorization: the values of its Authorization fields.

    Attributes:
        accessed: whether the application used the session, so that the response varies by it.
        client_token: how its token reaches the client.
        config: the application's.
        device_check: whether the request comes from the device that the session is bound to.
        found_by: the kind of credential that led to it; NONE if none did.
        is_lazy: whether the application awaits ``load_async`` before it uses the session.
        place: where the application finds the session, and may assign to it; None if it can't.
        state: what was read, and what the request did to it.
    """

    __slots__ = (
        "_credential",
        "_failed_save",
        "_task_turn",
        "_thread_lock",
        "accessed",
        "client_token",
        "config",
        "device_check",
        "found_by",
        "is_lazy",
        "place",
        "state",
    )

    def __init__(
        self, config: SessionConfig, cookie_field: str | None, authorization: Sequence[str] = ()
    ) -> None:
        self.config = config
        self.state = SessionState()
        self.accessed = False
        self.is_lazy = False
        self.place: SessionPlace | None = None
        self.found_by = CredentialKind.NONE
        self._failed_save: SessionState | None = None
        self._credential = Credential.of(config, cookie_field, authorization)
        self.client_token = ClientToken(config, self._credential)
        self.device_check = DeviceCheck(config, self._credential.kind, cookie_field)
        self._thread_lock = RLock()  # a thread may have it already: a flow may load the session
        self._task_turn = TaskTurn(self._thread_lock)

    @property
    def brought_invalid_token(self) -> bool:
        """Whether the request has a header with a token that leads to no session."""
        return self._credential.kind is CredentialKind.BEARER and self.state.row is None

    def logout(self) -> None:
        """End it; see ``Session.logout``."""
        self.state.require_readable("session.logout()")
        with self.state.lock:
            self.state.logout()
            self.state.deleted_row = self.state.deleted_row or self.device_check.unproven

    def confirm_login(self, user_id: str) -> None:
        """Note that its user authenticated again; see ``Session.confirm_login``."""
        self.state.require_readable("session.confirm_login()")
        self.state.confirm_login(user_id)

    def take_over_assigned(self) -> None:
        """Take over the values that the application assigned in place of the session, if any.

        Raises:
            TypeError, ValueError: they can't be stored.
        """
        assigned = None if self.place is None else self.place.assigned()
        if assigned is None:
            return
        self.accessed = True
        self.load()
        if assigned:
            self.state.set_values(assigned)
        else:
            self.logout()

    # How it is loaded

    def load(self) -> None:
        """Read the session that the credential leads to, unless it was read.

        Raises:
            StoreUnavailable: it can't be read, or an earlier attempt failed.
            RuntimeError: it must be read by ``load_async``.
        """
        with self._thread_lock:
            if self.state.is_loaded:
                return
            self.state.require_readable("session")
            if self.is_lazy:
                raise RuntimeError(_NOT_LOADED)
            try:
                flow = load_first(self.config, self._credential.tokens)
                found = driver.run(flow, self.config.store, self.config.deadline_seconds)
                previous = self._previous_to_take_over(found[0])
                taken = None if previous is None else previous.take_over()
            except StoreUnavailable as outage:
                note_unreadable(self.config, self.state, outage)
                if not self.state.is_loaded:
                    raise
            else:
                self._accept(found, taken)

    async def load_async(self, *, defers: bool = False) -> None:
        """Read it in an event loop; without a credential nothing is read.

        Args:
            defers: whether an outage is not raised here, but where the session is used.
        """
        async with self._task_turn:
            if self.state.is_loaded:
                return
            try:
                flow = load_first(self.config, self._credential.tokens)
                found = await driver.run_async(
                    flow, self.config.store, self.config.deadline_seconds
                )
                previous = self._previous_to_take_over(found[0])
                taken = None if previous is None else await previous.take_over_async()
            except StoreUnavailable as outage:
                note_unreadable(self.config, self.state, outage)
                if not (defers or self.state.is_loaded):
                    raise
            else:
                self._accept(found, taken)

    def _previous_to_take_over(self, loaded: LoadedSession) -> PreviousCookie | None:
        has_none = loaded.row is None and loaded.replaced is None
        return self._credential.previous if has_none else None

    def _accept(self, found: tuple[LoadedSession, str | None], taken: TakenOver | None) -> None:
        """Become the session that was found, or that an old cookie led to.

        Only when both are known: otherwise an outage in between would leave an empty session.
        """
        loaded, token = found
        admitted = self.device_check.admitted(loaded)
        self.state.set_loaded(admitted)
        self.state.load_error = None
        self.state.token = None if self.device_check.unproven is not None else token
        if admitted.row is not None:
            self.found_by = self._credential.kind
        if taken is not None:
            self._take(taken)

    def _take(self, taken: TakenOver) -> None:
        self.accessed = True  # the response depends on the cookie, whatever the application does
        self.state.set_loaded(taken.loaded)
        if self.state.row is None:
            return
        emit_taken_over(self.config, taken)
        self.state.token, self.found_by = taken.token, self._credential.kind
        if taken.cookie_is_due:
            self.client_token.set_as_cookie(taken.token)

    # How its flows are run

    def run(self, flow: Flow[T]) -> T:
        """Run one of the flows below, blocking, when those of other threads are over."""
        with self._thread_lock:
            return driver.run(flow, self.config.store, self.config.deadline_seconds)

    async def run_async(self, flow: Flow[T]) -> T:
        """Run one of the flows below in an event loop, when those of other tasks are over."""
        is_awaited = self.is_lazy and not self.state.is_loaded
        if is_awaited and self.place and self.place.assigned() is not None:
            await self.load_async()  # the flow is to take over what the application assigned
        async with self._task_turn:
            return await driver.run_async(flow, self.config.store, self.config.deadline_seconds)

    # Flows: the response

    def start_response(self, *, is_sent: bool = True) -> Flow[Headers]:
        """Commit it, and return the header fields to add to the response.

        Args:
            is_sent: False if the client closed the connection, so that no cookie can be set.

        Raises:
            SessionNotSaved: the change needs a new token, which can't reach the client.
        """
        self.state.response_started = self.state.response_started or not is_sent
        try:
            yield from self._commit_for_response()
        except NOT_SAVED:
            if not is_known(self._failed_save, self.state):
                raise
            drop_unsaved(self.config, self.state)
            if self.place is not None:
                self.place.put_back()
        self.state.response_started = True
        return self._headers()

    def _commit_for_response(self) -> Flow[None]:
        self.take_over_assigned()
        with self.state.lock:
            changes = self.state.data.changes()
            if not needs_commit(self.config, self.state, changes):
                return
            begun = self.state.copy()
        if self.config.bearer and begun.load_error is None:  # else the commit drops them
            changes = self.client_token.with_way(begun, changes)
        yield from self._commit(begun, changes)

    def end_response(self) -> Flow[None]:
        """Check that no change is lost when the response is over. A logout is committed even now.

        Raises:
            SessionNotSaved: the session was changed after its response started, and not saved.
        """
        if not self.state.response_started:
            yield from self.end_failed()
            return
        self.take_over_assigned()
        if self.state.deleted_row is not None:
            yield from self._commit(self.state.copy(), UNCHANGED)
        if self.state.has_changed():
            raise SessionNotSaved(
                "the session was changed after its response had started, and save() was not "
                "called: the change is lost"
            )

    def end_failed(self) -> Flow[None]:
        """Commit a logout though the application failed or sends no response.

        Any other change that was not saved is dropped.
        """
        with suppress(TypeError, ValueError):  # the application's own error is raised
            self.take_over_assigned()
        if self.state.deleted_row is not None:
            self.state.logout()
            yield from self._commit(self.state.copy(), UNCHANGED)

    # Flows: methods of ``Session``

    def save(self) -> Flow[None]:
        """Save changes now; see ``Session.save``."""
        return self._noting_failure(self._save())

    def _save(self) -> Flow[None]:
        self.take_over_assigned()
        begun, changes = self.state.begin_commit()
        self.client_token.require_way(begun, changes)
        yield from self._commit(begun, changes)

    def issue_token(self) -> Flow[str]:
        """Save changes now, and return the token; see ``Session.issue_token``."""
        return self._noting_failure(self._issue_token())

    def _issue_token(self) -> Flow[str]:
        self.take_over_assigned()
        self.client_token.ask_for(self.state)
        yield from self._commit(*self.state.begin_commit())
        if self.state.row is None:
            self.state.require_readable("session.issue_token()")
        return self.client_token.issue(self.state)

    def _noting_failure(self, saving: Flow[T]) -> Flow[T]:
        try:
            result = yield from saving
        except NOT_SAVED:
            self._failed_save = self.state.copy()
            raise
        self._failed_save = None
        return result

    def still_valid(self) -> Flow[bool]:
        """Whether the session has not ended; see ``Session.still_valid``."""
        self.state.require_readable("session.still_valid()")
        return (yield from is_still_valid(self.config, self.state))

    def reload(self) -> Flow[None]:
        """Read it again; see ``Session.reload``."""
        self.state.require_readable("session.reload()")
        self.take_over_assigned()
        if is_known(self._failed_save, self.state):
            drop_unsaved(self.config, self.state)
        self._failed_save = None
        begun, read = self.state.copy(), self.state.copy()
        try:
            yield from reload_values(self.config, read)
        except SessionRevoked as revoked:
            self._take_over_read(begun, read)
            drop_revoked(self.config, self.state, begun, UNCHANGED, revoked)
        else:
            self._take_over_read(begun, read)

    def _take_over_read(self, begun: SessionState, read: SessionState) -> None:
        if self.state.has_changed():  # by another task: that is not to be overwritten
            raise SessionNotSaved(CHANGED)
        self.state.take_over_commit(begun, read)

    # How it is committed

    def _commit(self, begun: SessionState, changes: Changes) -> Flow[None]:
        """Commit it, and handle an outage or the end of the session meanwhile.

        Args:
            begun: a copy of its state: a thread of the request may change that meanwhile.
            changes: the changes of the copy's values.
        """
        config, state = self.config, self.state
        if begun.load_error is not None and begun.login_user_id is None:
            drop_changes(config, begun, changes)  # a login begins a session of its own
            return
        if begun.deleted_row is not None:
            yield from self._credential.end_others(config, begun.deleted_row)
        try:
            result = yield from self._commit_copy(begun, changes)
        except StoreUnavailable as outage:
            note_unsaved(config, state, changes, outage)
        except SessionRevoked as revoked:
            drop_revoked(config, state, begun, changes, revoked)
        except TooManySessions:
            state.withdraw_login()
            raise
        else:
            if begun.authenticates and result.token is not None:
                self.device_check.note_proof_of_user(state.row)
            if result is not SAVED:
                state.token = result.token
                self.client_token.note(result)

    def _commit_copy(self, begun: SessionState, changes: Changes) -> Flow[CommitResult]:
        """Commit the session as it was begun; another task may change it before that is done."""
        committed = begun.copy()
        try:
            return (yield from commit(self.config, committed, changes))
        except SessionRevoked:
            if not self.state.is_ended_or_begun_since(begun):
                raise
            return SAVED  # what another task has asked for meanwhile is committed next
        finally:
            self.state.take_over_commit(begun, committed)

    def _headers(self) -> Headers:
        headers = self.client_token.fields(self.state, self.device_check)
        if self._credential.previous is not None:
            headers += self._credential.previous.headers(self.config.cookie)
        left_field = self.config.seconds_left_field
        left = None if left_field is None else self.state.seconds_left(self.config.timeouts)
        if left_field is not None and left is not None:
            headers.append((left_field, str(left)))
            self.accessed = True  # the response depends on the session
        if self.accessed:
            headers.append(("vary", "Cookie"))
            if self.config.bearer:
                headers.append(("vary", "Authorization"))
        return headers
