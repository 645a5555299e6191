"""How a session's token comes to the client: by a cookie, or by ``session.issue_token()``.

    the request's cookie counts     a new token is set as the cookie
    its header counts               only ``issue_token`` gives a new one; no cookie is ever set
    neither                         as the cookie, unless ``issue_token`` was called

A client of the second kind has no other token than the one that it sent. So a new id whose token
nobody asks for is an error before anything is written, or the client would be locked out.
"""

from __future__ import annotations

from dataclasses import replace

from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import NO_STORE, Headers
from sessions.credential import Credential, CredentialKind
from sessions.device_check import DeviceCheck
from sessions.errors import SessionConflict, SessionNotSaved
from sessions.lifecycle.commit_result import CommitResult
from sessions.session_state import IdChange, SessionState
from sessions.values.changes import UNCHANGED, Changes


class ClientToken:
    """The token that the client has, and the one that its response is to bring.

    Args:
        config: the application's.
        credential: the request's.

    Attributes:
        issued: what ``issue_token`` returned last; None if it was not called.
        persistent: whether a cookie is to outlive the browser's own session, as an adapter has it;
            None where the login or the application's options say it.
    """

    __slots__ = (
        "_config",
        "_cookie_cleared",
        "_credential",
        "_for_cookie",
        "_is_asked_for",
        "issued",
        "persistent",
    )

    def __init__(self, config: SessionConfig, credential: Credential) -> None:
        self._config = config
        self._credential = credential
        self._for_cookie: str | None = None
        self._cookie_cleared = False
        self._is_asked_for = False
        self.issued: str | None = None
        self.persistent: bool | None = None

    @property
    def is_cookie(self) -> bool:
        """Whether it comes by a cookie; otherwise the client keeps it itself."""
        return self._credential.kind is not CredentialKind.BEARER and not self._is_asked_for

    def is_persistent(self, session: SessionState) -> bool:
        """Whether a cookie outlives the browser's own session."""
        for said in (self.persistent, session.lifetime.persistent):
            if said is not None:
                return said
        return self._config.cookie.persistent

    def set_as_cookie(self, token: str) -> None:
        """Have the response set it, though it is not new."""
        self._for_cookie = token

    def note(self, result: CommitResult) -> None:
        """Note what a commit did, unless it concerns no cookie: the one to be set stays then."""
        self._for_cookie, self._cookie_cleared = result.token, result.cookie_cleared

    def ask_for(self, session: SessionState) -> None:
        """Have the next commit make sure that there is one that ``issue`` can give.

        Raises:
            RuntimeError: ``bearer`` is False.
            SessionNotSaved: the request's cookie counts, or the response has started.
        """
        if not self._config.bearer:
            raise RuntimeError("session.issue_token(): the session's options need bearer=True")
        if self._credential.kind is CredentialKind.COOKIE:
            raise SessionNotSaved(
                "session.issue_token(): this request has a cookie of the session's, so the cookie "
                "counts, and its token is not for scripts; the client must send none (fetch: "
                "credentials: 'omit')"
            )
        if session.response_started:
            raise SessionNotSaved(
                "session.issue_token(): the response has started, so caches can't be told any more "
                "not to store it"
            )
        if not self._leads_to_row(session):  # rotated, and the response with its token is lost
            session.rotate()
        self._is_asked_for = True

    def issue(self, session: SessionState) -> str:
        """The token, as the client is to send it, after the commit.

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
        self.issued = self._config.tokens.in_cookie(session.token)
        return self.issued

    def require_way(self, session: SessionState, changes: Changes) -> None:
        """Check that a new id's token comes to the client, before it replaces the client's own.

        Raises:
            SessionNotSaved: no cookie can bring it, and ``issue_token`` was not called.
        """
        if self.is_cookie:
            return
        needs_row = session.row is None and session.replaced is None and bool(changes)
        if needs_row or session.id_change is not IdChange.NONE:
            raise SessionNotSaved(
                "the session gets a new id, and no cookie brings it to the client, which has sent "
                "a token: call session.issue_token() and send what it returns"
            )

    def with_way(self, session: SessionState, changes: Changes) -> Changes:
        """Those of a response's changes that can be saved; the others are dropped, and told.

        Of a token that leads to no session there is nobody whom a row could be for. That is no
        error, or each client could make one of any page.

        Raises:
            SessionNotSaved: as ``require_way``, of a login or a rotation.
        """
        if session.id_change is not IdChange.NONE:
            self.require_way(session, changes)
        has_row = session.row is not None or session.replaced is not None
        if self.is_cookie or has_row or not changes:
            return changes
        self._config.events.emit("dropped", None, None, "no_token")
        session.data.mark_saved(changes)
        return UNCHANGED

    def fields(self, session: SessionState, device_check: DeviceCheck) -> Headers:
        """The fields by which the response brings it, or clears the cookie.

        Args:
            session: the request's.
            device_check: says which cookies of a bound session go with its own.
        """
        if not self.is_cookie:
            return [NO_STORE] if self._is_asked_for else []
        row, cookie = session.row, self._config.cookie
        if self._for_cookie is not None and row is not None:
            value = self._config.tokens.in_cookie(self._for_cookie)
            persistent, age = self.is_persistent(session), row.ends_at - row.last_seen_at
            own = ("set-cookie", replace(cookie, persistent=persistent).set_to(value, age))
            return [own, *device_check.headers_beside(value, age, row, persistent=persistent)]
        if self._cookie_cleared:
            return [("set-cookie", cookie.cleared()), *device_check.cleared()]
        return []

    def _leads_to_row(self, session: SessionState) -> bool:
        """Whether the client's token, or the one that it is to get, is that of the row itself."""
        row, token = session.row, session.token
        if row is None or token is None:
            return False
        return self._config.tokens.session_id(token) == row.session_id
