"""A site with limits and sessions, for ASGI and for WSGI: what a long load asks.

Every request is under two rules: one of its client, one of the whole site, which is one hot key.
The pages are ``/login``, ``/look``, ``/cart``, which puts one more thing into the session's cart,
and ``/logout``; each answers with the number of things in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.load_keys import KEY_FIELD
from ratelimit_ddb.web import Rule, header
from sessions.session_of_request import session_of

SITE_LIMIT = "5000/second"
COOKIE: dict[str, Any] = {"cookie": "session", "secure": False}
"""Over plain HTTP, a browser sends no secure cookie back."""


def asgi_site(limit_store: Any, session_store: Any, limit: str) -> Any:
    """The ASGI application, limits outside."""
    from ratelimit_ddb.asgi import RateLimitMiddleware
    from sessions.asgi import SessionMiddleware

    site = SessionMiddleware(_asgi_pages, session_store, **COOKIE)
    return RateLimitMiddleware(site, store=limit_store, rules=_rules(limit))


def wsgi_site(limit_store: Any, session_store: Any, limit: str) -> Any:
    """The WSGI application, limits outside."""
    from ratelimit_ddb.wsgi import RateLimitMiddleware
    from sessions.wsgi import SessionMiddleware

    site = SessionMiddleware(_wsgi_pages, session_store, **COOKIE)
    return RateLimitMiddleware(site, store=limit_store, rules=_rules(limit))


def _rules(limit: str) -> list[Rule]:
    return [
        Rule("/*", SITE_LIMIT, name="site"),
        Rule("/*", limit, by=header(KEY_FIELD), name="client"),
    ]


def _page(path: str, session: Any) -> bytes:
    if path == "/login":
        session.login("user-123")
    elif path == "/logout":
        session.logout()
        return b"0"
    elif path == "/cart":
        session["cart"] = [*session.get("cart", []), 17]
    return str(len(session.get("cart", []))).encode()


async def _asgi_pages(scope: Any, receive: Any, send: Any) -> None:
    body = _page(scope["path"], session_of(scope))
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _wsgi_pages(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    body = _page(environ["PATH_INFO"], session_of(environ))
    fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("200 OK", fields)
    return [body]
