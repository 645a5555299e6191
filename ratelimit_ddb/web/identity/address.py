"""Addresses as servers and proxies write them, and the networks that stand for one client."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_interface, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_AFTER_HOST = re.compile(r"(?: : (?: [0-9]{1,5} | _[A-Za-z0-9._-]+ ) )?", re.VERBOSE)
_OF_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""The networks whose addresses end in an IPv4 address and stand for it: IPv4-mapped (RFC 4291,
2.5.5.2), and translated by NAT64 or SIIT with the well-known prefix (RFC 6052, 2.1), as a server
without IPv4 sees its IPv4 clients. In a /64 all of them would be one."""
_LOW_BITS = 0xFFFF_FFFF


def parsed(text: str) -> Address | None:
    """The address in a text such as ``192.0.2.7:80``, ``2001:db8::7`` or ``[2001:db8::7]:80``.

    A port is dropped, and so is a zone (``%eth0``), which has a meaning on one host only. An
    IPv6 address that stands for an IPv4 address becomes that one: ``::ffff:192.0.2.7``. Octets with
    leading zeros are not accepted: some programs read them as octal (RFC 6943, 3.1.1).

    Returns:
        the address, or None if the text is none. It never raises.
    """
    if text.startswith("["):
        host, bracket, after = text[1:].partition("]")
        return _ipv6(host) if bracket and _AFTER_HOST.fullmatch(after) else None
    host, colon, port = text.partition(":")
    if ":" in port:
        return _ipv6(text)
    return _ipv4(host) if _AFTER_HOST.fullmatch(colon + port) else None


def grouped(address: Address, *, ipv4_prefix: int, ipv6_prefix: int) -> str:
    """The address itself, or its network if the prefix is shorter: ``2001:db8::/64``."""
    prefix = ipv4_prefix if address.version == 4 else ipv6_prefix
    if prefix == address.max_prefixlen:
        return str(address)
    return str(ip_network((address, prefix), strict=False))


def network(text: str) -> Network:
    """The network of addresses in a text such as ``10.0.0.0/8`` or ``10.0.0.1``.

    A network of addresses that stand for IPv4 addresses becomes the IPv4 network, as ``parsed``
    does with addresses.

    Raises:
        ValueError: the text is no network, has bits set after its prefix, or has a zone.
    """
    try:
        written = ip_interface(text)
    except ValueError:
        written = None
    if written is None or "%" in text:
        raise ValueError(f"{text!r}: must be an address or a network such as '10.0.0.0/8'")
    found = written.network
    if written.ip != found.network_address:
        raise ValueError(f"{text!r}: bits are set after the prefix; did you mean {str(found)!r}?")
    if isinstance(found, IPv6Network) and any(map(found.subnet_of, _OF_IPV4)):
        return IPv4Network((int(found.network_address) & _LOW_BITS, found.prefixlen - 96))
    return found


class NetworkSet:
    """Any number of networks; an address is found by binary search.

    ``address in NetworkSet([network("10.0.0.0/8")])``; an empty set is false.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, networks: Iterable[Network]) -> None:
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._ends: dict[int, list[int]] = {4: [], 6: []}
        ranges = [
            (one.version, int(one.network_address), int(one.broadcast_address)) for one in networks
        ]
        # Of networks with the same first address the widest comes first and has the others in it.
        for version, first, last in sorted(ranges, key=lambda one: (*one[:2], -one[2])):
            ends = self._ends[version]
            if not ends or first > ends[-1]:  # two networks are nested or disjoint
                self._starts[version].append(first)
                ends.append(last)

    def __contains__(self, address: Address) -> bool:
        number = int(address)
        last = bisect_right(self._starts[address.version], number) - 1
        return last >= 0 and number <= self._ends[address.version][last]

    def __bool__(self) -> bool:
        return any(self._starts.values())


def _ipv4(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None


def _ipv6(text: str) -> Address | None:
    try:
        address = IPv6Address(text)
    except ValueError:
        return None
    if any(address in one for one in _OF_IPV4):
        return IPv4Address(int(address) & _LOW_BITS)
    return IPv6Address(int(address))  # without its zone
