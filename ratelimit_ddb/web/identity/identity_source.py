"""What an identity reads of a request, so that it can be evaluated for a value alone."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

from ratelimit_ddb.web.request import Request, fields_of_scope

_SOURCE = "_source"


class IdentitySource(NamedTuple):
    """What one of this package's identities reads of a request.

    Attributes:
        what: in words, such as ``"a value of the header 'x-api-key'"``; None if it reads nothing.
        request_with: returns a request with a text there, and nothing else; None if the text is the
            key itself, which only the application can read.
        otherwise: the identity of requests without it; None if there is none.
    """

    what: str | None
    request_with: Callable[[str], Request] | None
    otherwise: Callable[[Request], object] | None


def note_source(identity: Callable[[Request], object], source: IdentitySource) -> None:
    """Note what an identity reads."""
    setattr(identity, _SOURCE, source)


def source_of(identity: object) -> IdentitySource | None:
    """What an identity reads; None if that is not known, as for a function of the application."""
    source = getattr(identity, _SOURCE, None)
    return source if isinstance(source, IdentitySource) else None


def request_with_header(name: str) -> Callable[[str], Request]:
    """A maker of requests with one header field."""
    field = name.lower().encode()
    # Bytes, as clients send them; those that a shell could not decode are restored.
    return lambda text: _request([(field, text.encode("utf-8", "surrogateescape"))])


def request_with_cookie(name: str) -> Callable[[str], Request]:
    """A maker of requests with one cookie."""
    with_header = request_with_header("cookie")
    return lambda text: with_header(f"{name}={text}")


def request_with_session(field: str) -> Callable[[str], Request]:
    """A maker of requests whose session has one field."""
    return lambda text: _request([])._replace(session=SimpleNamespace(**{field: text}))


def request_from(address: str | None) -> Request:
    """A request of a peer; None for one without an address."""
    return _request([])._replace(client=address)


def _request(headers: list[tuple[bytes, bytes]]) -> Request:
    return Request("GET", "/", None, {"headers": headers}, fields_of_scope)
