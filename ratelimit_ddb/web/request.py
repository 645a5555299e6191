"""A request as rules see it, the same over ASGI, WSGI and the frameworks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlparse

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.web.mounting import NO_MOUNTING, Mounting

FieldsOf = Callable[[Any, str], list[str]]
"""Finds the values of a header's fields in what the server gave: (native, name in lower case)."""

_SESSION_IN_SCOPE = "session"
_SESSION_IN_ENVIRON = "sessions.session"
_SPACE = " \t"
_SLASHES = re.compile("//+")
_ESCAPED_SLASH = re.compile("%2[Ff]")
_ESCAPED = re.compile(r"\\([0-3][0-7]{2}|.)", re.DOTALL)


class Request(NamedTuple):
    """What a rule's functions may go by.

    Attributes:
        method: ``"GET"`` and so on, in capitals however it was sent; also for the
            handshake of a websocket.
        path: the path, percent-decoded, below the point where the application is mounted.
        client: the address of the peer that connected: the client, or the last proxy; None where
            there is none (a unix socket).
        native: the ASGI scope, the WSGI environ, or the framework's own request.
        fields_of: how header fields are found in ``native``.
        endpoint: the route that the framework found, such as ``"/users/{id}"``; None where the
            request was not routed yet.
        session: the session that a session middleware opened for the request; None without one,
            and where no such middleware stands outside the limiter (``has_session``).
        other_paths: the paths, besides ``path``, that the application may route the request by:
            frameworks differ in what they make of a root path, of a target in absolute form, and
            of what is not UTF-8. A rule that means one of them is about the request.
        mounts_may_stay: whether mounts in the application may fail to take their part off the path
            (``ratelimit_ddb.web.rules.path.fits_below_mounts_of``).
    """

    method: str
    path: str
    client: str | None
    native: Any
    fields_of: FieldsOf
    endpoint: str | None = None
    session: Any = None
    other_paths: tuple[str, ...] = ()
    mounts_may_stay: bool = False

    @property
    def has_session(self) -> bool:
        """Whether a session middleware that stands outside the limiter saw the request."""
        if self.session is not None:
            return True
        if isinstance(self.native, Mapping):
            return _SESSION_IN_SCOPE in self.native or _SESSION_IN_ENVIRON in self.native
        return hasattr(self.native, "session")

    def fields(self, name: str) -> list[str]:
        """The values of all fields of a name, whatever its case, in the order sent.

        A WSGI server joins them, by a comma, before anything here sees them.
        """
        return self.fields_of(self.native, name.lower())

    def fields_alike(self, name: str) -> list[str]:
        """The same, with those whose names have ``_`` for ``-``.

        A bridge from ASGI to WSGI makes one of them, as WSGI can't tell ``X_Api_Key``.
        """
        if self.fields_of is fields_of_scope:
            return fields_of_scope(self.native, name.lower(), alike=True)
        return self.fields(name)

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name; None where the request has none.

        Repeated fields are joined by commas (RFC 9110, 5.3), and Cookie by ``; `` (RFC 9113,
        8.2.3). Applications differ in which of them they take: to tell clients apart by a header
        use the identity ``ratelimit_ddb.web.header``, which charges whatever could be meant.
        """
        values = self.fields(name)
        if len(values) > 1:
            return ("; " if name.lower() == "cookie" else ", ").join(values)
        return values[0] if values else None

    def cookie(self, name: str) -> str | None:
        """A cookie's value, without quotes and escapes; None where there is none.

        Of several cookies of that name it is the first. Applications differ in that: to tell
        clients apart by a cookie use the identity ``ratelimit_ddb.web.cookie``.

        Source: RFC 6265, 4.2.1 (the Cookie header; only SP and HTAB are white space in it).
        """
        for pair in (self.header("cookie") or "").split(";"):
            found, equals, value = pair.partition("=")
            if equals and found.strip(_SPACE) == name:
                return unquoted(value.strip(_SPACE))
        return None


def of_scope(scope: MutableMapping[str, Any], mounting: Mounting = NO_MOUNTING) -> Request:
    """The request of an ASGI http or websocket scope.

    Args:
        scope: the scope.
        mounting: what is known of the application that the request goes to.
    """
    path: str = scope["path"]
    others: tuple[str, ...] = ()
    mounts_may_stay = path.endswith("\n")
    root_path: str | None = scope.get("root_path")
    if root_path or mounting.root_paths or mounting.prefixes:
        below, others = _readings(path, root_path or "", mounting)
        # A root path that a mounted application sets takes the place of its mount's.
        mounts_may_stay = (
            mounts_may_stay or bool(mounting.root_paths) or (bool(root_path) and below == path)
        )
        path = below
    if path[:1] != "/":
        others += _of_absolute_form(path, root_path or "", mounting)
    raw_path: bytes | None = scope.get("raw_path")
    if raw_path and b"%2" in raw_path:
        others += _with_escaped_slashes(raw_path, root_path or "", mounting)
    if "litestar_app" in scope:
        others += _before_litestars_router(scope, path, root_path or "", mounting)
    peer = scope.get("client")
    return tuple_new(
        Request,
        (
            scope.get("method", "GET").upper(),
            path or "/",
            peer[0] if peer else None,
            scope,
            fields_of_scope,
            None,
            scope.get(_SESSION_IN_SCOPE),
            others,
            mounts_may_stay,
        ),
    )


def of_environ(environ: MutableMapping[str, Any]) -> Request:
    """The request of a WSGI environ. Its path is bytes dressed as Latin-1 (PEP 3333): undressed."""
    path: str = environ.get("PATH_INFO", "")
    others: tuple[str, ...] = ()
    if not path.isascii():
        octets = path.encode("latin-1")
        path = octets.decode("utf-8", "replace")
        if "\ufffd" in path:  # Bottle passes over what is not UTF-8
            others = (octets.decode("utf-8", "ignore"),)
    return tuple_new(
        Request,
        (
            environ["REQUEST_METHOD"].upper(),
            path or "/",
            environ.get("REMOTE_ADDR") or None,
            environ,
            fields_of_environ,
            None,
            environ.get(_SESSION_IN_ENVIRON),
            others,
            False,
        ),
    )


def fields_of_environ(environ: MutableMapping[str, Any], name: str) -> list[str]:
    """A header's fields in a CGI-like mapping, as WSGI and Django have it: at most one."""
    cgi_name = name.upper().replace("-", "_")
    if cgi_name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        cgi_name = f"HTTP_{cgi_name}"
    value: str | None = environ.get(cgi_name)
    return [] if value is None else [value]


def unquoted(value: str) -> str:
    r"""A cookie's value as Python's http.cookies reads it: bare of quotes, and of escapes in them.

    Those are ``\`` before three octal digits or before the character that is meant (RFC 2109).
    """
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return _ESCAPED.sub(_unescape, value[1:-1])


def _unescape(found: re.Match[str]) -> str:
    meant = found[1]
    return chr(int(meant, 8)) if len(meant) == 3 else meant


def _readings(path: str, root_path: str, mounting: Mounting) -> tuple[str, tuple[str, ...]]:
    """The path below the scope's root path, and what else routers make of it.

    Servers differ in whether the path begins with the root path. Where it does, Starlette takes it
    off, Django even where no segment ends there ("/api" off "/apilogin"), Litestar wherever it is
    in the path; Falcon routes by the whole.
    """
    below = path
    if root_path and path.startswith(root_path) and path[len(root_path) :][:1] in ("/", ""):
        below = path[len(root_path) :]
    others = [path]
    if mounting.outside and root_path and below in (path, ""):
        others.append(mounting.outside)
    for root in (root_path, *mounting.root_paths):
        _, found, after = path.partition(root) if root else ("", "", "")
        if found:
            others.append(after)
    if mounting.prefixes:
        for read in (below, *others):
            shown = _SLASHES.sub("/", "/" + read)
            others += [
                f"{prefix}/{shown[len(prefix) :]}"
                for prefix in mounting.prefixes
                if shown.startswith(prefix)
            ]
    return below, tuple(other for other in dict.fromkeys(others) if other != below)


def _of_absolute_form(path: str, root_path: str, mounting: Mounting) -> tuple[str, ...]:
    """What is read of a target such as ``http://host/login``, which uvicorn gives as a path.

    Quart routes it as ``/login``; the others don't find it.
    """
    try:
        inner = urlparse(path).path
    except ValueError:
        return ()  # nor does Quart read it
    below, others = _readings(inner, root_path, mounting)
    return (below, *others)


def _with_escaped_slashes(raw_path: bytes, root_path: str, mounting: Mounting) -> tuple[str, ...]:
    """What is read of a path that is split into segments before it is decoded.

    Sanic and BlackSheep do so: to them, ``a%2Fb`` is a text of one segment.
    """
    kept, slashes = _ESCAPED_SLASH.subn("%252F", raw_path.decode("latin-1"))
    if not slashes:
        return ()
    below, others = _readings(unquote(kept), root_path, mounting)
    return (below, *others)


def _before_litestars_router(
    scope: MutableMapping[str, Any], below: str, root_path: str, mounting: Mounting
) -> tuple[str, ...]:
    """The path as it was sent: Litestar's router takes mounts off before it asks its middleware.

    It takes ``/apilogin`` for ``/api/login`` there, too.
    """
    raw_path: bytes | None = scope.get("raw_path")
    if raw_path is None:
        return ()
    sent, others = _readings(unquote(raw_path.decode("latin-1")), root_path, mounting)
    ways: list[str] = []
    for way in (sent, *others):
        shown = _SLASHES.sub("/", f"{way}/")
        ways.append(way)
        if shown.endswith(below):
            ways.append(f"{shown.removesuffix(below)}/{below}")
    return tuple(ways)


def fields_of_scope(
    scope: MutableMapping[str, Any], name: str, *, alike: bool = False
) -> list[str]:
    """The values of a header's fields in an ASGI scope; see ``Request.fields_alike``."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    if type(headers) is not list:
        # Falcon's test client gives an iterator of iterators, which can be read once.
        headers = scope["headers"] = [(found, value) for found, value in headers]
    wanted = (name.replace("_", "-") if alike else name).encode("latin-1")
    size = len(wanted)
    values = []
    for found, value in headers:
        if len(found) == size:
            found = found.lower()  # noqa: PLW2901
            if found == wanted or (alike and found.replace(b"_", b"-") == wanted):
                values.append(value.decode("latin-1"))
    return values
