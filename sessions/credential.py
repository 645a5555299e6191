"""Which credential of a request counts for its session: a cookie, or a token in a header.

It is decided once, when the request's session is made, by the request's fields alone:

    a cookie that could be one of ours          the cookie counts; the header is not looked at
    else, with ``bearer=True``, a Bearer token  the header counts
    else                                        none counts, and the session is empty

What becomes of the credential when it is looked up changes nothing of that: a cookie that leads to
no session is not made good by a header. So a request that a browser was tricked into, which brings
its cookies, can't shed the checks against CSRF by a header; and one that brings no cookie has no
authority but the token that its sender knows. A cookie is malformed, or its MAC is wrong, if it
could be none of ours: no session can come of it, so it counts as none.

Source: RFC 6750, 5.3; OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from sessions.authorization import bearer_token_in
from sessions.config.session_config import SessionConfig
from sessions.lifecycle.end import end_others
from sessions.operations.operation import Flow
from sessions.operations.row import Row
from sessions.previous_cookie import PreviousCookie


class CredentialKind(Enum):
    """What of a request's fields counts."""

    NONE = auto()
    COOKIE = auto()
    BEARER = auto()
    """Its header, also one whose token is malformed."""


class Credential(NamedTuple):
    """The credential of a request that counts.

    Attributes:
        kind: what it is.
        tokens: the tokens to try, in their order; a header has one at the most.
        previous: a cookie of the sessions that the site had before; it counts as a cookie.
    """

    kind: CredentialKind
    tokens: Sequence[str]
    previous: PreviousCookie | None = None

    @classmethod
    def of(
        cls, config: SessionConfig, cookie_field: str | None, authorization: Sequence[str]
    ) -> Credential:
        """The one that counts. Of a malformed one an event is told.

        Args:
            config: the application's.
            cookie_field: the request's Cookie field; None if it has none.
            authorization: the values of its Authorization fields.
        """
        values = config.cookie.values_in(cookie_field)
        tokens = list(config.tokens.of_cookies(values).values()) if values else []
        previous = None if config.previous is None else PreviousCookie.of(config, cookie_field)
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

    def end_others(self, config: SessionConfig, own: Row) -> Flow[None]:
        """End what else it leads to: a logout would leave that logged in.

        Args:
            config: the application's.
            own: the row of the session that is logged out, which is ended elsewhere.
        """
        if len(self.tokens) > 1:
            yield from end_others(config, self.tokens, own)
        if self.previous is not None:
            yield from self.previous.end(own)


_NO_CREDENTIAL = Credential(CredentialKind.NONE, ())
