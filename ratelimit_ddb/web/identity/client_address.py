"""The client's address, as far as it can't be made up: what trusted proxies say, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ratelimit_ddb.arguments import is_list_like, require_int_from
from ratelimit_ddb.web.identity.address import NetworkSet, grouped, network, parsed
from ratelimit_ddb.web.identity.forwarded import READERS
from ratelimit_ddb.web.identity.function_of_request import makes_identities

if TYPE_CHECKING:
    from ratelimit_ddb.web.request import Request

UNKNOWN = "unknown"
"""Who has no known address, such as the peer at a unix socket. All of them share it."""

UNIX = "unix"
"""How a peer at a unix socket is listed among the trusted."""

LONGEST_ADDRESS = 128
"""Characters, with brackets, zone and port. A longer text is taken for no address."""

MOST_HOPS = 16
REMEMBERED_ADDRESSES = 4_096


@makes_identities("client_address()")
def client_address(
    *,
    trusted_hops: int = 0,
    trusted: Iterable[str] = (),
    field: str = "x-forwarded-for",
    ipv6_prefix: int = 64,
    ipv4_prefix: int = 32,
) -> Callable[[Request], str]:
    """A function that gives the address a request came from, as a key.

    Nobody is trusted by default: it is the peer's address. Behind proxies, say which to trust, by
    number or by address; each must append to ``field`` the address of whoever it heard from. The
    field is read from the right, so what clients write into it is not believed. An entry without
    an address (``unknown``, ``_hidden``) stands for the proxy that reported it: all its unknown
    clients share the proxy's own key.

    Where the server itself replaces the peer, trust in one place only. uvicorn does, from
    X-Forwarded-For, for peers in ``--forwarded-allow-ips`` (127.0.0.1 unless given): either keep to
    the defaults here and list the proxies there, never ``*``; or list them here and start it with
    ``--no-proxy-headers``, as one must where they write Forwarded and let X-Forwarded-For pass.
    gunicorn leaves the peer as it is; waitress removes the field unless its settings say who may
    send it (``trusted_proxy``, ``trusted_proxy_headers``).

    A proxy must quote what it copies into Forwarded (``host``), and a WSGI server must drop fields
    with underscores in their names, as WSGI can't tell ``X_Forwarded_For`` from the true one.

    Args:
        trusted_hops: how many proxies every request passes, 0 to 16. A request that can come by a
            shorter way can forge its address.
        trusted: the proxies' addresses and networks, such as ``"10.0.0.0/8"``, and ``"unix"`` for
            peers at a unix socket. The client is the first that is not among them.
        field: which field the proxies write, ``"x-forwarded-for"`` or ``"forwarded"`` (RFC 7239).
            The other is not read: clients could send the one that the proxies leave alone.
        ipv6_prefix: bits that tell IPv6 clients apart, 1 to 128. One subscriber has a whole /64 at
            least (RFC 6177), so it counts as one client: ``"2001:db8::/64"``.
        ipv4_prefix: the same for IPv4, 1 to 32.

    Returns:
        a function for ``by=``. It gives an address or its network; the peer as it is, where that
        is no address; ``UNKNOWN`` where there is neither. Never None: nobody goes unlimited.

    Raises:
        TypeError, ValueError: an argument is invalid, or both sorts of trust are given.
    """
    require_int_from("trusted_hops", trusted_hops, 0, MOST_HOPS)
    require_int_from("ipv6_prefix", ipv6_prefix, 1, 128)
    require_int_from("ipv4_prefix", ipv4_prefix, 1, 32)
    listed = _listed(trusted)
    if trusted_hops and listed:
        raise ValueError(f"trusted_hops {trusted_hops} and trusted {listed}: give one of them")
    networks, whole = _networks(listed), None
    for prefixes in ((32, 128), (ipv4_prefix, ipv6_prefix)):
        whole = route = _Route(
            known=_remembering(networks, *prefixes),
            unix_peer=_Hop(UNKNOWN, trusted=UNIX in listed),
            field=_field_name(field),
            hops=trusted_hops,
            whole=whole,
        )
    if trusted_hops:
        return route.beyond_hops
    return route.beyond_trusted if listed else route.peer_itself


def whole_address_of(identity: object) -> Callable[[Request], str] | None:
    """What tells the whole address where a ``client_address(...)`` tells its network.

    Args:
        identity: what may be one.

    Returns:
        a function that trusts the same proxies; None where it is something else.
    """
    route = getattr(identity, "__self__", None)
    if not isinstance(route, _Route):
        return None
    found: Callable[[Request], str] = getattr(route.whole or route, identity.__name__)  # type: ignore[attr-defined]
    return found


class _Hop(NamedTuple):
    """One that the request passed, or its origin."""

    identity: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class _Route:
    """The way requests come. Each public method tells where one began, under its sort of trust."""

    known: Callable[[str], _Hop | None] = dataclass_field(repr=False)
    unix_peer: _Hop = dataclass_field(repr=False)
    field: str
    hops: int
    whole: _Route | None = dataclass_field(repr=False)
    """The same, telling whole addresses and not their networks."""

    def peer_itself(self, request: Request) -> str:
        peer = request.client
        # The hot path, so what _peer does is written out for most of its requests.
        hop = self.known(peer) if peer and len(peer) <= LONGEST_ADDRESS else None
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

    def _peer(self, request: Request) -> _Hop:
        peer = request.client
        if not peer:
            return self.unix_peer
        return self._hop(peer) or _Hop(peer, trusted=False)

    def _hop(self, text: str) -> _Hop | None:
        # The length is bounded before the text is remembered: it may be a stranger's.
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
            "value, which your proxy overwrites, is request.header(...) in a function of your own"
        )
    return field.lower()
