"""Which credential of a request counts for its session: a cookie, or a token in a header.

It is decided once, when the request's session is made, by the request's fields alone:

    a well-formed session cookie                the cookie counts; the header is ignored
    else, with ``bearer=True``, a Bearer token  the header counts
    else                                        none counts, and the session is empty

The result of the lookup does not change that: if the cookie leads to no session, the header is
still ignored. So a forged request, to which the browser adds its cookies, can't avoid the CSRF
checks by a header, and a request without cookies has only the authority of the token that its
sender knows. A cookie that is malformed, or has a wrong MAC, can lead to no session and counts as
none.

Source: RFC 6750, 5.3; OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from sessions.authorization import bearer_token_in
from sessions.config.session_config import SessionConfig
from sessions.previous_cookie import PreviousCookie


class CredentialKind(Enum):
    """The kind of credential that counts."""

    NONE = auto()
    COOKIE = auto()
    BEARER = auto()
    """The Authorization field, even if its token is malformed."""


class Credential(NamedTuple):
    """The credential of a request that counts.

    Attributes:
        kind: its kind.
        tokens: the tokens to try, in order; a header has at most one.
        previous: a cookie of the sessions that the site had before; it counts as a cookie.
    """

    kind: CredentialKind
    tokens: Sequence[str]
    previous: PreviousCookie | None = None

    @classmethod
    def of(
        cls, config: SessionConfig, cookie_field: str | None, authorization: Sequence[str]
    ) -> Credential:
        """The credential that counts. For a malformed one an event is emitted.

        Args:
            config: the application's.
            cookie_field: the request's Cookie field; None if it has none.
            authorization: the values of its Authorization fields.
        """
        values = config.cookie.values_in(cookie_field)
        tokens = list(config.tokens.of_cookies(values).values()) if values else []
        before = config.previous
        previous = None if before is None else PreviousCookie.of(before, cookie_field)
        if values and not tokens and (previous is None or values[0] not in previous.values):
            config.events.emit("invalid", None, None, "malformed")
        if tokens or previous is not None:
            return cls(CredentialKind.COOKIE, tokens, previous)
        given = bearer_token_in(authorization) if config.bearer else None
        if given is None:
            return _NO_CREDENTIAL
        token = config.tokens.of_cookie(given)
        if token is None:
            config.events.emit("invalid", None, None, "malformed")
        return cls(CredentialKind.BEARER, [] if token is None else [token])


_NO_CREDENTIAL = Credential(CredentialKind.NONE, ())
