"""Whether a request comes from the device that its session is bound to (``sessions.device_bound``).

    the session is not bound              the request gets it
    it is bound, the bound cookie valid   the request gets it
    it was bound a moment ago             the request gets it: it may have been sent before that
    it is bound, without bound cookie     an empty session; a logout still ends the bound one
    it is bound, and a header led to it   an empty session: the token was copied from a cookie

The last two emit the event ``"unproven"``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sessions.config.device_bound import DEVICE_BINDING, DeviceProof
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import Headers
from sessions.credential import CredentialKind
from sessions.loaded_session import NO_SESSION, LoadedSession
from sessions.operations.row import Row


@dataclass(slots=True)
class DeviceCheck:
    """One request's.

    Attributes:
        config: the application's.
        kind: the kind of the request's credential.
        cookie_field: its Cookie field; None if it has none.
        is_proven: whether the session is bound, and the request has the bound cookie.
        unproven: the row of a bound session that the request does not get; else None.
        is_offered: whether the response offers to bind the session.
    """

    config: SessionConfig
    kind: CredentialKind
    cookie_field: str | None
    is_proven: bool = False
    unproven: Row | None = None
    is_offered: bool = False

    def admitted(self, loaded: LoadedSession) -> LoadedSession:
        """The session that the request gets, of the one that was found."""
        binding = loaded.encoded.get(DEVICE_BINDING)
        if binding is None or loaded.row is None:
            return loaded
        proof = self._proof(binding, loaded.loaded_at)
        self.is_proven = proof is DeviceProof.GIVEN
        if proof is not DeviceProof.MISSING:
            return loaded
        self.unproven = loaded.row
        return NO_SESSION

    def emit_unproven(self, row: Row) -> None:
        """Emit the event of a bound session that the request does not get."""
        self.config.events.emit("unproven", row.session_id, row.owner_id, "no_cookie")

    def note_proof_of_user(self, row: Row | None) -> None:
        """Note that a login, or its confirmation, was saved with a new id."""
        device_bound = self.config.device_bound
        self.is_offered = (
            device_bound is not None
            and device_bound.offers
            and row is not None
            and row.owner_id is not None
            and DEVICE_BINDING not in row.data
        )

    def headers_beside(
        self, value: str, max_age_seconds: int, row: Row, *, persistent: bool
    ) -> Headers:
        """The fields that go with the one that sets the session's cookie.

        Args:
            value: the cookie's.
            max_age_seconds: the rest of the session's lifetime.
            row: the session's.
            persistent: whether its cookie has a Max-Age.
        """
        device_bound = self.config.device_bound
        if device_bound is None or row.owner_id is None:
            return []
        cookie = replace(device_bound.endpoint_cookie(self.config.cookie), persistent=persistent)
        headers: Headers = [("set-cookie", cookie.set_to(value, max_age_seconds))]
        if self.is_offered:
            offer = device_bound.offer(row.session_id, row.last_seen_at)
            headers.append(("secure-session-registration", offer))
        return headers

    def cleared(self) -> Headers:
        """The fields that go with the one that removes the session's cookie."""
        device_bound, cookie = self.config.device_bound, self.config.cookie
        if device_bound is None:
            return []
        others = (device_bound.bound_cookie(cookie), device_bound.endpoint_cookie(cookie))
        return [("set-cookie", other.cleared()) for other in others]

    def _proof(self, binding: str, now: int) -> DeviceProof:
        device_bound = self.config.device_bound
        if device_bound is None or self.kind is CredentialKind.BEARER:
            return DeviceProof.MISSING
        return device_bound.proof(binding, self.config.cookie, self.cookie_field, now)
