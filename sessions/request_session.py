"""One request's session: the credential that leads to it, its state, and the driver of its flows.

    load_session       reads it: at once in an event loop, otherwise at its first use
    start_response     commits it, and returns the header fields
    end_response       raises SessionNotSaved if a later change was not saved
    end_failed         without a response: commits a logout, and drops any other change

These are flows of ``lifecycle/open.py`` and ``lifecycle/commit.py``, as are those behind the
methods of ``Session`` that ask the store: ``session.driver.run(start_response(session))``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sessions.assignment import SessionPlace
from sessions.client_token import ClientToken
from sessions.config.session_config import SessionConfig
from sessions.credential import Credential, CredentialKind
from sessions.device_check import DeviceCheck
from sessions.operations.driver import Driver
from sessions.session_state import SessionState
from sessions.values.values import NO_VALUES


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
        credential: what of the request counts.
        device_check: whether the request comes from the device that the session is bound to.
        driver: runs its flows on the store, those of several tasks or threads in turn.
        failed_save: a copy of its state from when a save failed; None if none did, or a later one
            succeeded.
        follow_user: logs in or out the user that an extension of a framework has named in the
            session's values; None if there is nothing to follow.
        found_by: the kind of credential that led to it; NONE if none did.
        is_lazy: whether the application awaits ``load_async`` before it uses the session.
        place: where the application finds the session, and may assign to it; None if it can't.
        state: what was read, and what the request did to it.
    """

    __slots__ = (
        "accessed",
        "client_token",
        "config",
        "credential",
        "device_check",
        "driver",
        "failed_save",
        "follow_user",
        "found_by",
        "is_lazy",
        "place",
        "state",
    )

    def __init__(
        self, config: SessionConfig, cookie_field: str | None, authorization: Sequence[str] = ()
    ) -> None:
        self.config = config
        self.credential = credential = Credential.of(config, cookie_field, authorization)
        self.driver = Driver(config.store, config.deadline_seconds)
        self.state = SessionState(NO_VALUES)
        self.client_token = ClientToken(config, credential)
        self.device_check = DeviceCheck(config, credential.kind, cookie_field)
        self.found_by = CredentialKind.NONE
        self.accessed = False
        self.is_lazy = False
        self.place: SessionPlace | None = None
        self.failed_save: SessionState | None = None
        self.follow_user: Callable[[], None] | None = None

    @property
    def brought_invalid_token(self) -> bool:
        """Whether the request has a header with a token that leads to no session."""
        return self.credential.kind is CredentialKind.BEARER and self.state.row is None

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
