"""Sessions on Amazon DynamoDB: exact under concurrency, ended on time, safe by default.

    store = DynamoDBSessionStore("quikapp-prod-user-sessions")
    app = SessionMiddleware(app, store, idle=3600, lifetime=43200)

    session["cart"] = [...]
    session.login("user-456", device="Firefox on Linux")
    store.sessions_of("user-456")
    store.revoke_user("user-456")

Everything public is named here, but for the middleware: sessions.asgi and sessions.wsgi.
"""

from typing import TYPE_CHECKING

from sessions.config.options import DEFAULTS, SessionOptions
from sessions.cookie.cookie import Cookie
from sessions.cookie.token import UNSIGNED
from sessions.errors import (
    AccessDenied,
    AuthenticationRequired,
    ReauthenticationRequired,
    RevocationIncomplete,
    SessionConflict,
    SessionNotSaved,
    SessionReplaced,
    SessionRevoked,
    SessionTooLarge,
    StoreError,
    StoreUnavailable,
    TableNotFound,
    TooManySessions,
)
from sessions.event import SessionEvent
from sessions.lifecycle.user_sessions import SessionInfo
from sessions.operations.store import Store
from sessions.session import Session
from sessions.session_of_request import session_of
from sessions.store.dynamodb.store import DynamoDBSessionStore
from sessions.store.memory import MemorySessionStore
from sessions.values.cipher import UNENCRYPTED
from sessions.values.flash import Flash

if TYPE_CHECKING:  # few processes need it, and the others need not load it
    from ddbwire.shared.single_table import SingleTable

__all__ = [
    "DEFAULTS",
    "UNENCRYPTED",
    "UNSIGNED",
    "AccessDenied",
    "AuthenticationRequired",
    "Cookie",
    "DynamoDBSessionStore",
    "Flash",
    "MemorySessionStore",
    "ReauthenticationRequired",
    "RevocationIncomplete",
    "Session",
    "SessionConflict",
    "SessionEvent",
    "SessionInfo",
    "SessionNotSaved",
    "SessionOptions",
    "SessionReplaced",
    "SessionRevoked",
    "SessionTooLarge",
    "SingleTable",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "TableNotFound",
    "TooManySessions",
    "session_of",
]

__version__: str
"""The version of ratelimit-ddb that is installed."""

if not TYPE_CHECKING:  # else every name would be one of the package, to a type checker

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from ddbwire.shared.version import installed_version

            return installed_version()
        if name == "SingleTable":
            from ddbwire.shared.single_table import SingleTable

            return SingleTable
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), "SingleTable", "__version__"})
