"""The client's address, by what trusted proxies say: a client can't forge it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ddbwire.arguments import plain_text
from ratelimit_ddb.arguments import is_list_like, require_int_from
from ratelimit_ddb.web.identity.address import NetworkSet, grouped, network, parsed
from ratelimit_ddb.web.identity.forwarded import (
    READERS,
    WITH_PORT,
    without_port,
    x_forwarded_for,
)
from ratelimit_ddb.web.identity.function_of_request import makes_identities

if TYPE_CHECKING:
    from ratelimit_ddb.web.request import Request

UNKNOWN = "unknown"
"""The identity of all clients without a known address, such as the peer at a unix socket."""

UNIX = "unix"
"""The name of a peer at a unix socket in ``trusted``."""

LONGEST_ADDRESS = 128
"""Characters, with brackets, zone and port. A longer text is no address."""

_FIELD_NAME = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+")
"""A header field's name (RFC 9110, 5.6.2), without the underscore, which WSGI can't distinguish
from a hyphen."""

MOST_HOPS = 16
REMEMBERED_ADDRESSES = 4_096


@makes_identities("client_address()")
def client_address(
    *,
    trusted_hops: int = 0,
    trusted: Iterable[str] = (),
    field: str = "x-forwarded-for",
    overwritten_field: str | None = None,
    ipv6_prefix: int = 64,
    ipv4_prefix: int = 32,
) -> Callable[[Request], str]:
    """A function that returns the address that a request came from, as a key.

    By default no proxy is trusted, and it is the peer's address. Behind proxies, say which to
    trust, by number or by address; each must append the address of its own peer to ``field``. The
    field is read from the right, so what clients write into it has no effect. An entry without an
    address (``unknown``, ``_hidden``) stands for the proxy that reported it: all its unknown
    clients share the proxy's own key.

    If the server itself replaces the peer, configure trust in one place only. uvicorn replaces it
    from X-Forwarded-For for peers in ``--forwarded-allow-ips`` (127.0.0.1 unless given). Either
    keep the defaults here and list the proxies there, never ``*``; or list them here and start
    uvicorn with ``--no-proxy-headers``, which is necessary if the proxies write Forwarded and pass
    X-Forwarded-For on. gunicorn does not change the peer; waitress removes the field unless its
    settings say who may send it (``trusted_proxy``, ``trusted_proxy_headers``).

    A proxy must quote what it copies into Forwarded (``host``). A WSGI server must drop fields with
    underscores in their names, since WSGI can't distinguish ``X_Forwarded_For`` from the real
    field.

    Args:
        trusted_hops: how many proxies every request passes, 0 to 16. A client that can reach the
            server through fewer proxies can forge its address.
        trusted: the proxies' addresses and networks, such as ``"10.0.0.0/8"``, and ``"unix"`` for
            peers at a unix socket. The client is the first address that is not among them.
        field: the field that the proxies write, ``"x-forwarded-for"`` or ``"forwarded"`` (RFC
            7239). The other one is not read, since clients could send it.
        overwritten_field: a field with one address, which a proxy overwrites whatever the client
            sent, such as ``"x-real-ip"``, ``"cf-connecting-ip"`` or
            ``"cloudfront-viewer-address"``. It is read in the place of ``field``, if the peer is
            ``trusted`` or there are ``trusted_hops``. If it is missing or no address, the peer's
            address counts.
        ipv6_prefix: the bits that distinguish IPv6 clients, 1 to 128. A subscriber has at least a
            /64 (RFC 6177), which counts as one client: ``"2001:db8::/64"``.
        ipv4_prefix: the same for IPv4, 1 to 32.

    Returns:
        a function for ``by=``. It returns an address or its network; the peer as it is, if that is
        no address; ``UNKNOWN`` if there is no peer. It never returns None, so every request is
        limited.

    Raises:
        TypeError, ValueError: an argument is invalid, or both ``trusted_hops`` and ``trusted`` are
            given.
    """
    require_int_from("trusted_hops", trusted_hops, 0, MOST_HOPS)
    require_int_from("ipv6_prefix", ipv6_prefix, 1, 128)
    require_int_from("ipv4_prefix", ipv4_prefix, 1, 32)
    listed = _listed(trusted)
    if trusted_hops and listed:
        raise ValueError(f"trusted_hops {trusted_hops} and trusted {listed}: give one of them")
    overwritten = None if overwritten_field is None else _overwritten(overwritten_field, field)
    if overwritten and not trusted_hops and not listed:
        raise ValueError(
            f"overwritten_field {overwritten_field!r}: give trusted_hops or trusted too; a client "
            "that reaches the server without the proxy would write it"
        )
    networks, whole = _networks(listed), None
    for prefixes in ((32, 128), (ipv4_prefix, ipv6_prefix)):
        whole = route = _Route(
            known=_remembering(networks, *prefixes),
            unix_peer=_Hop(UNKNOWN, trusted=UNIX in listed),
            field=_field_name(field) if overwritten is None else overwritten,
            hops=trusted_hops,
            whole=whole,
        )
    if overwritten is not None:
        return route.in_field
    if trusted_hops:
        return route.beyond_hops
    return route.beyond_trusted if listed else route.peer_itself


def whole_address_of(identity: object) -> Callable[[Request], str] | None:
    """A function that returns the whole address if a ``client_address(...)`` returns its network.

    Args:
        identity: the identity.

    Returns:
        a function that trusts the same proxies; None for other identities.
    """
    route = getattr(identity, "__self__", None)
    if not isinstance(route, _Route):
        return None
    found: Callable[[Request], str] = getattr(route.whole or route, identity.__name__)  # type: ignore[attr-defined]
    return found


def trusts_nobody(identity: object) -> bool:
    """Whether an identity is the peer's address, a ``client_address()`` that trusts no proxy."""
    route = getattr(identity, "__self__", None)
    return isinstance(route, _Route) and identity == route.peer_itself


class _Hop(NamedTuple):
    """A proxy that the request passed, or its client."""

    identity: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class _Route:
    """How requests reach the server. Each public method finds the client by one kind of trust."""

    known: Callable[[str], _Hop | None] = dataclass_field(repr=False)
    unix_peer: _Hop = dataclass_field(repr=False)
    field: str
    hops: int
    whole: _Route | None = dataclass_field(repr=False)
    """The same for whole addresses instead of networks."""

    def peer_itself(self, request: Request) -> str:
        client = request.client
        # The hot path, so what _peer does is written out for most of its requests.
        hop = self.known(client) if client and len(client) <= LONGEST_ADDRESS else None
        return (hop or self._peer(request)).identity

    def beyond_hops(self, request: Request) -> str:
        origin = self._peer(request)
        for entry in islice(self._entries(request), self.hops):
            origin = self._hop(entry) or origin
        return origin.identity

    def beyond_trusted(self, request: Request) -> str:
        origin = self._peer(request)
        if not origin.trusted:
            return origin.identity
        for entry in self._entries(request):
            further = self._hop(entry)
            if further is None:
                break
            origin = further
            if not origin.trusted:
                break
        return origin.identity

    def in_field(self, request: Request) -> str:
        origin = self._peer(request)
        if self.hops or origin.trusted:
            # A list, or a repeated field, is no address: one of them may be the client's.
            address = (request.header(self.field) or "").strip(" \t")
            if self.field == WITH_PORT:
                address = without_port(address)
            origin = self._hop(address) or origin
        return origin.identity

    def _peer(self, request: Request) -> _Hop:
        peer = request.client
        if peer and "," in peer:
            # Mangum takes the whole X-Forwarded-For of a load balancer for the peer.
            peer = next(x_forwarded_for(peer), None) or UNKNOWN
        if not peer:
            return self.unix_peer
        return self._hop(peer) or _Hop(peer, trusted=False)

    def _hop(self, text: str) -> _Hop | None:
        # The length is bounded before the text is cached: a client may have written it.
        return self.known(text) if len(text) <= LONGEST_ADDRESS else None

    def _entries(self, request: Request) -> Iterator[str]:
        return READERS[self.field](request.header(self.field) or "")


def _remembering(
    networks: NetworkSet, ipv4_prefix: int, ipv6_prefix: int
) -> Callable[[str], _Hop | None]:
    @lru_cache(maxsize=REMEMBERED_ADDRESSES)
    def known(text: str) -> _Hop | None:
        address = parsed(text)
        if address is None:
            return None
        identity = grouped(address, ipv4_prefix=ipv4_prefix, ipv6_prefix=ipv6_prefix)
        return _Hop(identity, trusted=address in networks)

    return known


def _listed(trusted: object) -> tuple[str, ...]:
    if isinstance(trusted, str) or not is_list_like(trusted):
        raise TypeError(f"trusted {trusted!r}: must be a list of str such as '10.0.0.0/8'")
    listed = tuple(trusted)
    for each in listed:
        if not isinstance(each, str):
            raise TypeError(f"trusted {each!r}: must be a str such as '10.0.0.0/8' or 'unix'")
    return listed


def _networks(listed: tuple[str, ...]) -> NetworkSet:
    try:
        return NetworkSet(network(each) for each in listed if each != UNIX)
    except ValueError as error:
        raise ValueError(f"trusted {error}") from None


def _field_name(field: str) -> str:
    if not isinstance(field, str):
        raise TypeError(f"field {field!r}: must be the name of a header field")
    if field.lower() not in READERS:
        raise ValueError(
            f"field {field!r}: must be {' or '.join(map(repr, READERS))}; one with a single "
            f"address, which your proxy overwrites, is overwritten_field={field.lower()!r}, rather "
            "than request.header(...) in a function of your own, which does not group IPv6"
        )
    return field.lower()


def _overwritten(name: object, field: str) -> str:
    if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
        raise ValueError(
            f"overwritten_field {name!r}: must be the name of a header field, such as 'x-real-ip'"
        )
    if name.lower() in READERS:
        raise ValueError(f"overwritten_field {name!r}: is a list; write field={name.lower()!r}")
    if field != "x-forwarded-for":
        raise ValueError(f"overwritten_field {name!r} and field {field!r}: give one of them")
    return plain_text(name).lower()
