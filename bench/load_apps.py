"""The applications that are loaded: bare, behind the limiter, with sessions too; ASGI and WSGI.

``python -m bench.load_apps asgi --port 8000 --store memory`` serves one, by uvicorn or waitress.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from bench.cores import SERVER, pin_to_core
from bench.engine import set_dummy_credentials
from bench.load_keys import KEY_FIELD
from bench.middleware import bare as bare_asgi

SITES = ("site-asgi", "site-wsgi")
APPS = ("asgi", "wsgi", "bare-asgi", "bare-wsgi", *SITES)
WSGI_THREADS = 8


def bare_wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """An application that does no more than answer."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]


def app(name: str, store: str, table: str, limit: str, sessions_table: str = "") -> Any:
    """An application by its name.

    Args:
        name: one of APPS.
        store: ``memory``, or the URL of a DynamoDB endpoint.
        table: on that endpoint.
        limit: in the notation of limits.
        sessions_table: on that endpoint too; for those of SITES.
    """
    if name == "bare-asgi":
        return bare_asgi
    if name == "bare-wsgi":
        return bare_wsgi
    if name in SITES:
        return _site(name, store, table, limit, sessions_table)
    from ratelimit_ddb import asgi, wsgi
    from ratelimit_ddb.web import Rule, header

    middleware: Any = {"asgi": asgi, "wsgi": wsgi}[name]
    rules = [Rule("/*", limit, by=header(KEY_FIELD))]
    bare: Any = bare_asgi if name == "asgi" else bare_wsgi
    return middleware.RateLimitMiddleware(bare, store=store_of(store, table), rules=rules)


def _site(name: str, store: str, table: str, limit: str, sessions_table: str) -> Any:
    from bench.site_apps import asgi_site, wsgi_site
    from sessions import DynamoDBSessionStore, MemorySessionStore

    sessions: Any = MemorySessionStore()
    if store != "memory":
        sessions = DynamoDBSessionStore(sessions_table, endpoint_url=store)
    site = asgi_site if name == "site-asgi" else wsgi_site
    return site(store_of(store, table), sessions, limit)


def store_of(store: str, table: str) -> Any:
    """A store by its name: ``memory``, or the URL of a DynamoDB endpoint."""
    from ratelimit_ddb import DynamoDBStore, MemoryStore

    return MemoryStore() if store == "memory" else DynamoDBStore(table, endpoint_url=store)


def main() -> None:
    """Serve one until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", choices=APPS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--store", default="memory")
    parser.add_argument("--table", default="rate-limits")
    parser.add_argument("--sessions-table", default="user-sessions")
    parser.add_argument("--limit", default="10/second burst 20")
    args = parser.parse_args()
    set_dummy_credentials()
    pin_to_core(SERVER)
    served = app(args.app, args.store, args.table, args.limit, args.sessions_table)
    if args.app.endswith("asgi"):
        import uvicorn

        uvicorn.run(served, host="127.0.0.1", port=args.port, log_level="error", access_log=False)
    else:
        import waitress

        waitress.serve(served, host="127.0.0.1", port=args.port, threads=WSGI_THREADS, backlog=512)


if __name__ == "__main__":
    main()
