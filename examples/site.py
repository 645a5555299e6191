"""A site with sessions and limits: attempts to log in by address, the rest by who is logged in.

Run it with ``python -m examples.site`` and open http://localhost:8080 in two browsers.
With SESSIONS_TABLE and RATE_LIMITS_TABLE set it uses those DynamoDB tables, otherwise this
process's memory. Over TLS leave ``cookie`` and ``secure`` out: the defaults are for that.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress

from ratelimit_ddb import DynamoDBStore, MemoryStore
from ratelimit_ddb.web import Rule, client_address, session_user
from ratelimit_ddb.wsgi import RateLimitMiddleware
from sessions import DynamoDBSessionStore, MemorySessionStore
from sessions.demo.app import Site
from sessions.demo.server import serving
from sessions.wsgi import SessionMiddleware

sessions_table = os.environ.get("SESSIONS_TABLE")
limits_table = os.environ.get("RATE_LIMITS_TABLE")

session_store = (
    DynamoDBSessionStore(sessions_table, strict_revocation=True)
    if sessions_table
    else MemorySessionStore()
)
limit_store = DynamoDBStore(limits_table) if limits_table else MemoryStore()

rules = [
    Rule("/login", "5/minute", by=client_address(), methods="POST"),
    Rule("/*", "10/second burst 40", by=session_user(), name="pages"),
]

# The limiter stands inside, where it finds the session that the middleware around it opened.
app = SessionMiddleware(
    RateLimitMiddleware(Site(session_store), store=limit_store, rules=rules),
    session_store,
    cookie="session",
    secure=False,
    secret=os.environ.get("SESSION_SECRET") or secrets.token_hex(),
)

if __name__ == "__main__":
    with serving(app, int(os.environ.get("PORT", "8080"))) as server:
        print(f"Serving {server.url}/ until Ctrl-C.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
