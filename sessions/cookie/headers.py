"""The session's header fields in a response: Set-Cookie, Vary and Cache-Control."""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[str, str]]

NO_STORE = ("cache-control", "private, no-store")
"""``private`` too: Fastly heeds no other directive that forbids storing, and neither do the cache
middlewares of older Djangos. Source: Fastly, "Cache-Control directives"."""


def cookie_field_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The Cookie field of an ASGI scope; None if there is none.

    HTTP/2 may split it; the parts are joined again (RFC 9113, 8.2.3).
    """
    values = [value.decode("latin-1") for name, value in headers if name.lower() == b"cookie"]
    return "; ".join(values) if values else None


def with_session_headers(headers: Headers, added: Headers) -> Headers:
    """A response's headers with the session's added.

    A name is added to the Vary that is there, since not every cache reads a second field.
    A response that sets the cookie must not be stored (RFC 9111, 5.2.2.5), whatever the application
    allowed; neither must one that gives ``no-store`` itself, since it contains a token.
    """
    merged = list(headers)
    for name, value in added:
        if name in ("set-cookie", "cache-control"):
            merged = [field for field in merged if not tells_caches(field[0])] + [NO_STORE]
        if name == "vary":
            merged = _with_vary(merged, value)
        elif name != "cache-control":
            merged.append((name, value))
    return merged


def tells_caches(name: str) -> bool:
    """Whether a field tells caches, or some of them, whether and for how long to store a response.

    A CDN follows the field that is meant for it and not Cache-Control (RFC 9213, 2.2), such as
    CDN-Cache-Control and Cloudflare-CDN-Cache-Control; so does nginx its X-Accel-Expires.
    """
    lower = name.lower()
    return lower.endswith("cache-control") or lower in _OF_SOME_CACHES


_OF_SOME_CACHES = frozenset(("surrogate-control", "x-accel-expires"))


def _with_vary(headers: Headers, name: str) -> Headers:
    """The headers with one more name in Vary."""
    values = [value for field, value in headers if field.lower() == "vary"]
    listed = {part.strip().lower() for value in values for part in value.split(",")}
    if listed & {name.lower(), "*"}:
        return headers
    vary = ", ".join([*(value for value in values if value.strip()), name])
    return [*_without(headers, "vary"), ("vary", vary)]


def _without(headers: Headers, name: str) -> Headers:
    return [(field, value) for field, value in headers if field.lower() != name]
