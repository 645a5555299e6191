"""The session's header fields in a response: Set-Cookie, Vary and what caches are told."""

from __future__ import annotations

Headers = list[tuple[str, str]]


def with_session_headers(headers: Headers, added: Headers) -> Headers:
    """A response's headers with the session's added.

    ``Vary: Cookie`` is added once, and a response that sets the cookie is not to be stored
    (RFC 9111, 5.2.2.5), whatever Cache-Control it had.
    """
    merged = list(headers)
    if any(name == "set-cookie" for name, _ in added):
        merged = [(name, value) for name, value in merged if name.lower() != "cache-control"]
        merged.append(("cache-control", "no-store"))
    for name, value in added:
        if name == "vary" and _varies_by_cookie(merged):
            continue
        merged.append((name, value))
    return merged


def _varies_by_cookie(headers: Headers) -> bool:
    values = [value for name, value in headers if name.lower() == "vary"]
    listed = {part.strip().lower() for value in values for part in value.split(",")}
    return bool(listed & {"cookie", "*"})
