"""Sessions on Amazon DynamoDB: exact under concurrency, ended on time, safe by default.

    store = DynamoDBSessionStore("quikapp-prod-user-sessions")
    app = SessionMiddleware(app, store, idle=3600, lifetime=43200)

    session["cart"] = [...]
    session.login("user-456", device="Firefox on Linux")
    store.sessions_of("user-456")
    store.revoke_user("user-456")

Everything public is named here, but for the middleware: sessions.asgi and sessions.wsgi.
"""

from sessions.cookie import Cookie
from sessions.errors import (
    AccessDenied,
    SessionConflict,
    SessionNotSaved,
    SessionRevoked,
    SessionTooLarge,
    StoreUnavailable,
    TableNotFound,
)
from sessions.event import SessionEvent
from sessions.flash import Flash
from sessions.of_user import SessionInfo
from sessions.session import Session
from sessions.store.dynamodb import DynamoDBSessionStore
from sessions.store.memory import MemorySessionStore

__all__ = [
    "AccessDenied",
    "Cookie",
    "DynamoDBSessionStore",
    "Flash",
    "MemorySessionStore",
    "Session",
    "SessionConflict",
    "SessionEvent",
    "SessionInfo",
    "SessionNotSaved",
    "SessionRevoked",
    "SessionTooLarge",
    "StoreUnavailable",
    "TableNotFound",
]
