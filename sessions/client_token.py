"""How a session's token reaches the client: in a cookie, or by ``session.issue_token()``.

    the request's cookie counts     a new token is set as the cookie
    its header counts               only ``issue_token`` returns a new one; no cookie is set
    neither                         in the cookie, unless ``issue_token`` was called

A client that sends a header has only the token that it sent. So if its session gets a new id and
``issue_token`` is not called, that is an error before anything is written: it would be locked out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sessions.commit_result import CommitResult
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import NO_STORE, Headers
from sessions.credential import Credential, CredentialKind
from sessions.device_check import DeviceCheck
from sessions.errors import SessionConflict, SessionNotSaved
from sessions.session_state import IdChange, SessionState
from sessions.values.values import UNCHANGED, Changes


@dataclass(slots=True)
class ClientToken:
    """The token that the client has, and the one that its response is to bring.

    Attributes:
        changes_response: whether the response sets or clears the cookie, or must not be stored.
        config: the application's.
        credential: the request's.
        issued: the token that ``issue_token`` returned last; None if it was not called.
        persistent: whether an adapter wants the cookie to outlive the browser's own session; None
            if the login or the application's options decide.
    """

    config: SessionConfig
    credential: Credential
    issued: str | None = None
    persistent: bool | None = None
    changes_response: bool = False
    _for_cookie: str | None = None
    _cookie_cleared: bool = False
    _is_asked_for: bool = False

    @property
    def is_cookie(self) -> bool:
        """Whether it is sent in a cookie; otherwise the client stores it itself."""
        return self.credential.kind is not CredentialKind.BEARER and not self._is_asked_for

    def is_persistent(self, session: SessionState) -> bool:
        """Whether a cookie outlives the browser's own session."""
        for said in (self.persistent, session.lifetime.persistent):
            if said is not None:
                return said
        return self.config.cookie.persistent

    def set_as_cookie(self, token: str) -> None:
        """Set the cookie in the response though the token is not new."""
        self._for_cookie, self.changes_response = token, True

    def note(self, result: CommitResult) -> None:
        """Note the token of a new id, or that the cookie is to be cleared."""
        self._for_cookie, self._cookie_cleared = result.token, result.cookie_cleared
        self.changes_response = True

    def ask_for(self, session: SessionState) -> None:
        """Make sure that the next commit makes a token that ``issue`` can return.

        Raises:
            RuntimeError: ``bearer`` is False.
            SessionNotSaved: the request's cookie counts, or the response has started.
        """
        if not self.config.bearer:
            raise RuntimeError("session.issue_token(): the session's options need bearer=True")
        if self.credential.kind is CredentialKind.COOKIE:
            raise SessionNotSaved(
                "session.issue_token(): this request has a session cookie, so the cookie counts, "
                "and scripts must not get its token; the client must send no cookie (fetch: "
                "credentials: 'omit')"
            )
        if session.response_started:
            raise SessionNotSaved(
                "session.issue_token(): the response has started, so it can't be given "
                "Cache-Control: no-store any more; call it before"
            )
        if not self._leads_to_row(session):  # rotated, and the response with its token is lost
            session.rotate()
        self._is_asked_for = self.changes_response = True

    def issue(self, session: SessionState) -> str:
        """The token for the client, after the commit.

        Raises:
            SessionNotSaved: there is no session.
            SessionConflict: another request has its token.
        """
        if session.row is None or session.token is None:
            raise SessionNotSaved(
                "session.issue_token(): there is no session; log in, or set a value first"
            )
        if not self._leads_to_row(session):
            raise SessionConflict(
                "session.issue_token(): another request gave the session a new id meanwhile, and "
                "its response has the token"
            )
        self.issued = self.config.tokens.in_cookie(session.token)
        return self.issued

    def require_way(self, session: SessionState, changes: Changes) -> None:
        """Check that the token of a new id can reach the client.

        Raises:
            SessionNotSaved: no cookie is set, and ``issue_token`` was not called.
        """
        needs_row = session.row is None and session.replaced is None and changes is not UNCHANGED
        if not self.is_cookie and (needs_row or session.id_change is not IdChange.NONE):
            raise _no_way()

    def with_way(self, session: SessionState, changes: Changes) -> Changes:
        """The changes that can be saved at the response; others are dropped, with an event.

        If a header's token leads to no session, a new row would have no client. Dropping the
        changes is not an error, or each client could cause one on any page.

        Raises:
            SessionNotSaved: as ``require_way``, of a login or a rotation.
        """
        if self.is_cookie:
            return changes
        if session.id_change is not IdChange.NONE:
            raise _no_way()
        if session.row is not None or session.replaced is not None or changes is UNCHANGED:
            return changes
        self.config.events.emit("dropped", None, None, "no_token")
        session.data.mark_saved(changes)
        return UNCHANGED

    def fields(self, session: SessionState, device_check: DeviceCheck) -> Headers:
        """The fields of the response that set or clear the cookie, or forbid caching.

        Args:
            session: the request's.
            device_check: gives the further cookies of a bound session.
        """
        if not self.is_cookie:
            return [NO_STORE] if self._is_asked_for else []
        row, cookie = session.row, self.config.cookie
        if self._for_cookie is not None and row is not None:
            value = self.config.tokens.in_cookie(self._for_cookie)
            persistent, age = self.is_persistent(session), row.ends_at - row.last_seen_at
            own = ("set-cookie", replace(cookie, persistent=persistent).set_to(value, age))
            return [own, *device_check.headers_beside(value, age, row, persistent=persistent)]
        if self._cookie_cleared:
            return [("set-cookie", cookie.cleared()), *device_check.cleared()]
        return []

    def _leads_to_row(self, session: SessionState) -> bool:
        """Whether the token that the client has, or gets, is that of the row itself."""
        row, token = session.row, session.token
        return (
            row is not None
            and token is not None
            and self.config.tokens.session_id(token) == row.session_id
        )


def _no_way() -> SessionNotSaved:
    return SessionNotSaved(
        "the session gets a new id, and the client, which sent a token in a header, gets no "
        "cookie: call session.issue_token() and send the token that it returns"
    )
