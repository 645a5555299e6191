"""Whose request it is, whatever the request says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import pytest

from ratelimit_ddb.web.identity.client_address import (
    MOST_HOPS,
    UNKNOWN,
    client_address,
    whole_address_of,
)

PROXY = "10.0.0.1"
CLIENT = "203.0.113.9"


@dataclass(frozen=True, slots=True)
class Heard:
    """A request from a peer, with lines such as ``"X-Forwarded-For: 203.0.113.9"``."""

    client: str | None
    lines: str = ""
    asked_for: list[str] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        self.asked_for.append(name)
        fields = [line.partition(": ") for line in self.lines.splitlines()]
        values = [value for title, _, value in fields if title.lower() == name.lower()]
        return ", ".join(values) if values else None


def address_of(peer: str | None, lines: str = "", **config: Any) -> str:
    request: Any = Heard(peer, lines)
    return client_address(**config)(request)


NOBODY: dict[str, Any] = {}
ONE: dict[str, Any] = {"trusted_hops": 1}
TWO: dict[str, Any] = {"trusted_hops": 2}
NETS: dict[str, Any] = {"trusted": ["10.0.0.0/8", "fd00::/8"]}
ALIKE: dict[str, Any] = {"trusted": ["10.0.0.0/24", "10.0.0.0/8", "10.0.0.0/16"]}
UNIX: dict[str, Any] = {"trusted": ["unix", "10.0.0.0/8"]}
RFC: dict[str, Any] = {"field": "Forwarded"}

# The trick, what the proxy at PROXY sends, whose request it is. 6.6.6.6 is always a forgery.
Tricks = list[tuple[str, str, str]]

ONE_PROXY: Tricks = [
    ("an entry on the left", "6.6.6.6, 203.0.113.9", CLIENT),
    ("many on the left", "6.6.6.6, " * 99 + "203.0.113.9", CLIENT),
    ("a line of its own", "6.6.6.6\nx-forwarded-for: 203.0.113.9", CLIENT),
    ("the proxy's address on the left", "10.0.0.1, 203.0.113.9", CLIENT),
    ("a client that could be a proxy", "6.6.6.6, 10.0.0.9", "10.0.0.9"),
    ("empty entries push nothing along", "6.6.6.6,, 203.0.113.9, ,\t,", CLIENT),
    ("nothing but commas", ",,, ,", PROXY),
    ("an open quote", '"6.6.6.6, 203.0.113.9', CLIENT),
    ("an open quote, the proxy quotes", '"6.6.6.6, "203.0.113.9"', CLIENT),
    ("quotes around several", '"6.6.6.6, 203.0.113.9"', PROXY),
    ("a backslash before the comma", "6.6.6.6\\, 203.0.113.9", CLIENT),
    ("the other field's syntax", "6.6.6.6, for=6.6.6.6", PROXY),
    ("unknown is its reporter's", "6.6.6.6, unknown", PROXY),
    ("octal octets", "6.6.6.6, 010.0.0.1", PROXY),
    ("a number for an address", "6.6.6.6, 101058054", PROXY),
    ("a host name", "6.6.6.6, localhost", PROXY),
    ("digits beyond ASCII", "6.6.6.6, 1.2.3.\u0664", PROXY),
    ("two addresses in one entry", "6.6.6.6, 6.6.6.6 203.0.113.9", PROXY),
    ("too long to be an address", "6.6.6.6, fe80::1%" + "e" * 200, PROXY),
]
TWO_PROXIES: Tricks = [
    ("an entry on the left", "6.6.6.6, 203.0.113.9, 10.0.0.2", CLIENT),
    ("the nearer one's client is unknown", "6.6.6.6, 203.0.113.9, unknown", CLIENT),
    ("the farther one's client is unknown", "6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
    ("both are", "6.6.6.6, unknown, junk", PROXY),
    ("fewer entries than proxies", "203.0.113.9", CLIENT),
    ("no entries at all", " ", PROXY),
]
TRUSTED_NETWORKS: Tricks = [
    ("an entry on the left", "6.6.6.6, 203.0.113.9", CLIENT),
    ("a forged proxy on the left", "6.6.6.6, 10.0.0.7, 203.0.113.9", CLIENT),
    ("past each trusted one", "6.6.6.6, 203.0.113.9, 10.1.1.1, fd00::7", CLIENT),
    ("a mapped proxy is trusted", "6.6.6.6, 203.0.113.9, ::ffff:10.0.0.2", CLIENT),
    ("no proxy by its last bits", "6.6.6.6, 2001:db8::10.0.0.1", "2001:db8::/64"),
    ("unknown ends the way", "6.6.6.6, 10.0.0.3, unknown, 10.0.0.2", "10.0.0.2"),
    ("junk ends the way", "6.6.6.6, 10.0.0.2;6.6.6.6", PROXY),
    ("a client among the proxies", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
]
ONE_RFC_PROXY: Tricks = [
    ("an element on the left", "for=6.6.6.6, for=203.0.113.9", CLIENT),
    ("an open quote", 'for="evil, for=203.0.113.9', CLIENT),
    ("an element in an open quote", 'for="a, for=6.6.6.6, for=203.0.113.9', CLIENT),
    ("an open quote, the proxy quotes", 'for="6.6.6.6, for="203.0.113.9:80"', CLIENT),
    ("an escaped end", 'for="6.6.6.6\\", for="203.0.113.9"', CLIENT),
    ("a backslash at the end", 'for="6.6.6.6\\, for="203.0.113.9"', CLIENT),
    ("an open parameter", 'for=6.6.6.6;x=", for=203.0.113.9;host="a,b"', CLIENT),
    ("a comma in the host", 'for=203.0.113.9;host="x, for=6.6.6.6"', CLIENT),
    ("a quote in the host", 'for=203.0.113.9;host="\\", for=6.6.6.6;x=\\""', CLIENT),
    ("a host that ends in a backslash", 'for=6.6.6.6, for=203.0.113.9;host="x\\\\"', CLIENT),
    ("a semicolon in the host", 'host="a;for=6.6.6.6";for=203.0.113.9', CLIENT),
    ("empty elements push nothing along", "for=6.6.6.6,, for=203.0.113.9, ,", CLIENT),
    ("for twice", "for=6.6.6.6;for=203.0.113.9", PROXY),
    ("no for", "for=6.6.6.6, proto=https;by=6.6.6.6", PROXY),
    ("a name that ends in for", "for=6.6.6.6, x-for=6.6.6.6", PROXY),
    ("a hidden client", 'for=6.6.6.6, for="_gazonk:_x"', PROXY),
    ("an address and no more", "for=6.6.6.6, 6.6.6.6", PROXY),
]
TRUSTED_RFC_NETWORKS: Tricks = [
    ("by is not for", "for=6.6.6.6, for=203.0.113.9;by=10.0.0.1", CLIENT),
    ("past each trusted one", 'for=6.6.6.6, for=203.0.113.9, for="[fd00::7]:1"', CLIENT),
    ("malformed ends the way", "for=6.6.6.6, for = 10.0.0.2", PROXY),
    ("no telling where it begins", 'for=6.6.6.6, x", for=10.0.0.2', "10.0.0.2"),
]
SECTIONS: list[tuple[str, dict[str, Any], str, Tricks]] = [
    ("one proxy", ONE, "X-Forwarded-For", ONE_PROXY),
    ("two proxies", TWO, "X-Forwarded-For", TWO_PROXIES),
    ("networks", NETS, "X-Forwarded-For", TRUSTED_NETWORKS),
    ("one rfc proxy", ONE | RFC, "Forwarded", ONE_RFC_PROXY),
    ("rfc networks", NETS | RFC, "Forwarded", TRUSTED_RFC_NETWORKS),
]


@pytest.mark.parametrize(
    ("config", "lines", "address"),
    [
        pytest.param(config, f"{title}: {value}", address, id=f"{section}: {trick}")
        for section, config, title, tricks in SECTIONS
        for trick, value, address in tricks
    ],
)
def test_a_forged_entry_is_not_believed(config: dict[str, Any], lines: str, address: str) -> None:
    assert address_of(PROXY, lines, **config) == address


XFF_FORGED = "X-Forwarded-For: 6.6.6.6"
XFF = "X-Forwarded-For: 6.6.6.6, 203.0.113.9"
RFC_FORGED = "Forwarded: for=6.6.6.6"

PEERS: list[tuple[str, dict[str, Any], str | None, str, str]] = [
    ("nobody is trusted", NOBODY, CLIENT, XFF_FORGED, CLIENT),
    ("an empty list trusts nobody", {"trusted": []}, CLIENT, XFF_FORGED, CLIENT),
    ("localhost is not trusted unasked", NOBODY, "127.0.0.1", XFF_FORGED, "127.0.0.1"),
    ("a private peer is not trusted unasked", NOBODY, PROXY, XFF_FORGED, PROXY),
    ("a field is named, nobody is trusted", RFC, CLIENT, RFC_FORGED, CLIENT),
    ("round the proxies", NETS, CLIENT, f"{XFF_FORGED}, 10.0.0.2", CLIENT),
    ("a mapped peer is trusted", NETS, "::ffff:10.0.0.1", XFF, CLIENT),
    ("a trusted address", {"trusted": [PROXY]}, PROXY, f"{XFF_FORGED}, 10.0.0.2", "10.0.0.2"),
    ("networks that begin alike", ALIKE, "10.1.0.1", f"X-Forwarded-For: {CLIENT}", CLIENT),
    ("a peer with no address", NETS, "testclient", XFF_FORGED, "testclient"),
    ("the other field first", ONE, PROXY, f"{RFC_FORGED}\n{XFF}", CLIENT),
    ("the other field last", ONE, PROXY, f"{XFF}\n{RFC_FORGED}", CLIENT),
    ("the other field alone", ONE, PROXY, RFC_FORGED, PROXY),
    ("the other way round", ONE | RFC, PROXY, f"{XFF_FORGED}\nForwarded: for={CLIENT}", CLIENT),
    ("a field for one value", ONE, PROXY, f"X-Real-IP: 6.6.6.6\n{XFF}", CLIENT),
    ("underscores", ONE, PROXY, f"{XFF}\nX_Forwarded_For: 6.6.6.6", CLIENT),
    ("no field", ONE, PROXY, "", PROXY),
    ("unix: nobody is trusted", NOBODY, None, XFF_FORGED, UNKNOWN),
    ("unix: not listed", NETS, None, XFF_FORGED, UNKNOWN),
    ("unix: listed", UNIX, None, f"{XFF}, 10.0.0.2", CLIENT),
    ("unix: listed, nothing said", UNIX, None, "", UNKNOWN),
    ("unix: listed, unknown said", UNIX, None, f"{XFF_FORGED}, unknown", UNKNOWN),
    ("unix: a peer calls itself so", UNIX, "unix", XFF_FORGED, "unix"),
    ("unix: an entry calls itself so", UNIX, None, f"{XFF_FORGED}, unix", UNKNOWN),
    ("unix: by number", ONE, None, XFF, CLIENT),
    ("unix: by number, an empty name", ONE, "", XFF, CLIENT),
]


@pytest.mark.parametrize(
    ("config", "peer", "lines", "address"), [pytest.param(*row, id=trick) for trick, *row in PEERS]
)
def test_only_a_trusted_peer_is_asked_and_only_in_its_field(
    config: dict[str, Any], peer: str | None, lines: str, address: str
) -> None:
    assert address_of(peer, lines, **config) == address


@pytest.mark.parametrize(
    ("peer", "identity"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:C000:207", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),  # translated, for a server without IPv4
        ("64:ff9b::c000:207%eth0", "192.0.2.7"),
        ("64:ff9b:0:0:1::192.0.2.7", "64:ff9b::/64"),
        ("2001:DB8:0:0:1:2:3:4", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
        ("x" * 500, "x" * 500),
        ("", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_the_peer_is_who_it_is_whatever_it_is(peer: str | None, identity: str) -> None:
    assert address_of(peer) == identity


@pytest.mark.parametrize(
    ("config", "peer", "identity"),
    [
        ({"ipv6_prefix": 128}, "2001:db8::0:7", "2001:db8::7"),
        ({"ipv6_prefix": 128}, "fe80::1%eth0", "fe80::1"),
        ({"ipv6_prefix": 56}, "2001:db8:0:12ff::1", "2001:db8:0:1200::/56"),
        ({"ipv6_prefix": 1}, "ffff::1", "8000::/1"),
        ({"ipv4_prefix": 24}, "192.0.2.7", "192.0.2.0/24"),
        ({"ipv4_prefix": 24}, "::ffff:192.0.2.7", "192.0.2.0/24"),
        ({"ipv4_prefix": 1}, "192.0.2.7", "128.0.0.0/1"),
    ],
)
def test_clients_are_told_apart_by_as_many_bits_as_wanted(
    config: dict[str, Any], peer: str, identity: str
) -> None:
    assert address_of(peer, **config) == identity


def test_grouping_makes_nobody_trusted() -> None:
    config = {"trusted": ["192.0.2.1"], "ipv4_prefix": 24}
    assert address_of("192.0.2.2", "X-Forwarded-For: 6.6.6.6", **config) == "192.0.2.0/24"
    assert address_of("192.0.2.1", "X-Forwarded-For: 6.6.6.6", **config) == "6.6.6.0/24"


@pytest.mark.parametrize(
    ("config", "peer", "fields"),
    [
        (NOBODY, CLIENT, []),
        (NETS, CLIENT, []),
        (NETS, None, []),
        (NETS, PROXY, ["x-forwarded-for"]),
        (ONE | RFC, CLIENT, ["forwarded"]),
    ],
)
def test_a_field_is_read_only_where_someone_trusted_wrote_it(
    config: dict[str, Any], peer: str | None, fields: list[str]
) -> None:
    request: Any = Heard(peer, f"X-Forwarded-For: {CLIENT}\nForwarded: for={CLIENT}")
    client_address(**config)(request)
    assert request.asked_for == fields


def test_as_many_proxies_as_may_be_trusted() -> None:
    entries = [str(ip_address(CLIENT) + step) for step in range(MOST_HOPS + 1)]
    lines = f"X-Forwarded-For: {', '.join(entries)}"
    assert address_of(PROXY, lines, trusted_hops=MOST_HOPS) == entries[1]


@pytest.mark.parametrize(
    "network",
    ["::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "64:ff9b::10.0.0.0/104", "10.0.0.0/255.0.0.0"],
)
def test_a_network_may_be_written_in_other_ways(network: str) -> None:
    assert address_of(PROXY, f"X-Forwarded-For: {CLIENT}", trusted=[network]) == CLIENT


def test_the_trusted_may_come_from_a_generator_and_are_read_once() -> None:
    identify: Any = client_address(trusted=(text for text in ["10.0.0.0/8"]))
    heard = Heard(PROXY, f"X-Forwarded-For: {CLIENT}")
    assert [identify(heard), identify(heard)] == [CLIENT, CLIENT]


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"trusted_hops": -1}, ValueError, "trusted_hops -1: must be from 0 to 16"),
        ({"trusted_hops": 17}, ValueError, "trusted_hops 17: must be from 0 to 16"),
        ({"trusted_hops": True}, TypeError, "trusted_hops True"),
        ({"trusted_hops": "1"}, TypeError, "trusted_hops '1'"),
        ({"trusted_hops": 1.0}, ValueError, "trusted_hops 1.0"),
        ({"ipv6_prefix": 0}, ValueError, "ipv6_prefix 0: must be from 1 to 128"),
        ({"ipv6_prefix": 129}, ValueError, "ipv6_prefix 129"),
        ({"ipv6_prefix": None}, TypeError, "ipv6_prefix None"),
        ({"ipv4_prefix": 0}, ValueError, "ipv4_prefix 0: must be from 1 to 32"),
        ({"ipv4_prefix": 33}, ValueError, "ipv4_prefix 33"),
        ({"trusted": "10.0.0.0/8"}, TypeError, "trusted '10.0.0.0/8': must be a list"),
        ({"trusted": None}, TypeError, "trusted None: must be a list"),
        ({"trusted": [10]}, TypeError, "trusted 10: must be a str"),
        ({"trusted": [b"10.0.0.0/8"]}, TypeError, "trusted b'10.0.0.0/8': must be a str"),
        ({"trusted": ["10.0.0.1/8"]}, ValueError, "'10.0.0.1/8'.* did you mean '10.0.0.0/8'"),
        ({"trusted": ["fd00::1/8"]}, ValueError, "'fd00::1/8'.* did you mean 'fd00::/8'"),
        ({"trusted": ["10.0.0.0/33"]}, ValueError, "trusted '10.0.0.0/33'"),
        ({"trusted": ["010.0.0.1"]}, ValueError, "trusted '010.0.0.1'"),
        (
            {"trusted": ["fe80::1%eth0"]},
            ValueError,
            "'fe80::1%eth0': must be an address or a network",
        ),
        ({"trusted": ["proxy.internal"]}, ValueError, "trusted 'proxy.internal'"),
        ({"trusted": ["*"]}, ValueError, r"trusted '\*'"),
        ({"trusted": [""]}, ValueError, "trusted ''"),
        ({"trusted_hops": 1, "trusted": ["unix"]}, ValueError, "give one of them"),
        ({"field": "x-real-ip"}, ValueError, r"field 'x-real-ip'.*request\.header"),
        ({"field": "x_forwarded_for"}, ValueError, "'x-forwarded-for' or 'forwarded'"),
        ({"field": b"forwarded"}, TypeError, "field b'forwarded'"),
        ({"overwritten_field": "x-real-ip"}, ValueError, "give trusted_hops or trusted too"),
        ({**ONE, "overwritten_field": "x_real_ip"}, ValueError, "must be the name of a header"),
        ({**ONE, "overwritten_field": 5}, ValueError, "overwritten_field 5: must be the name"),
        ({**ONE, "overwritten_field": "Forwarded"}, ValueError, "write field='forwarded'"),
        ({**ONE, **RFC, "overwritten_field": "x-real-ip"}, ValueError, "give one of them"),
    ],
)
def test_what_cannot_hold_is_told_at_construction(
    config: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        client_address(**config)


@pytest.mark.parametrize("trust", [ONE, TWO, NETS])
@pytest.mark.parametrize(
    ("lines", "whose"),
    [
        (f"X-Real-IP: {CLIENT}", CLIENT),
        ("X-Real-IP:  [2001:db8:0:7::1]:443\t", "2001:db8:0:7::/64"),
        ("X-Real-IP: ::ffff:203.0.113.9", CLIENT),
        (f"X-Forwarded-For: 6.6.6.6\nX-Real-IP: {CLIENT}", CLIENT),
        # What the proxy did not overwrite may be the client's.
        ("X-Forwarded-For: 6.6.6.6", PROXY),
        (f"X-Real-IP: 6.6.6.6\nX-Real-IP: {CLIENT}", PROXY),
        (f"X-Real-IP: {CLIENT}, 6.6.6.6", PROXY),
        ("X-Real-IP: unknown", PROXY),
        ("X-Real-IP: ", PROXY),
    ],
)
def test_a_field_that_the_proxy_overwrites_tells_the_address(
    trust: dict[str, Any], lines: str, whose: str
) -> None:
    config = {**trust, "overwritten_field": "X-Real-IP"}
    assert address_of(PROXY, lines, **config) == whose


@pytest.mark.parametrize("trust", [ONE, NETS])
@pytest.mark.parametrize(
    ("viewer", "whose"),
    [
        (f"{CLIENT}:46532", CLIENT),
        ("2001:db8:0:7:8:800:200c:417a:46532", "2001:db8:0:7::/64"),
        ("2001:db8::7:46532", "2001:db8::/64"),
        # A port that could be a group, and would move the others to the left.
        ("2001:db8::8:800:200c:417a:1234", "2001:db8::/64"),
        ("2001:db8:::443", "2001:db8::/64"),
        ("[2001:db8::7]:443", "2001:db8::/64"),
        ("::ffff:203.0.113.9:443", CLIENT),
        ("", PROXY),
        ("unknown:443", PROXY),
        (f"6.6.6.6:1, {CLIENT}:2", PROXY),
    ],
)
def test_the_address_that_cloudfront_writes_has_a_port(
    trust: dict[str, Any], viewer: str, whose: str
) -> None:
    config = {**trust, "overwritten_field": "CloudFront-Viewer-Address"}
    assert address_of(PROXY, f"CloudFront-Viewer-Address: {viewer}", **config) == whose


@pytest.mark.parametrize("config", [NOBODY, NETS, UNIX])
def test_a_list_as_the_peer_stands_for_its_last_entry(config: dict[str, Any]) -> None:
    """As Mangum has it behind a load balancer: the client wrote what is on the left."""
    assert address_of(f"6.6.6.6, {CLIENT}", **config) == CLIENT
    assert address_of("6.6.6.6, 2001:db8:0:7::1", **config) == "2001:db8:0:7::/64"
    assert address_of(", ,", **config) == UNKNOWN


def test_a_field_that_a_stranger_sends_is_not_read() -> None:
    config = {**NETS, "overwritten_field": "x-real-ip"}
    assert address_of("192.0.2.1", f"X-Real-IP: {CLIENT}", **config) == "192.0.2.1"
    assert address_of("unix", f"X-Real-IP: {CLIENT}", **config) == "unix"
    whole = whole_address_of(client_address(**ONE, overwritten_field="x-real-ip"))
    request: Any = Heard(PROXY, "X-Real-IP: 2001:db8:0:7::1")
    assert whole is not None
    assert whole(request) == "2001:db8:0:7::1"
    at_unix = {**UNIX, "overwritten_field": "x-real-ip"}
    assert address_of(None, f"X-Real-IP: {CLIENT}", **at_unix) == CLIENT


@pytest.mark.parametrize(("characters", "is_address"), [(128, True), (129, False)])
def test_the_longest_text_that_is_an_address_has_128_characters(
    characters: int, is_address: bool
) -> None:
    text = "fe80::1%".ljust(characters, "z")
    request: Any = SimpleNamespace(client=text)
    found = client_address()(request)
    assert found == ("fe80::/64" if is_address else text)
    reported = address_of(PROXY, f"X-Forwarded-For: {text}", trusted_hops=1)
    assert reported == ("fe80::/64" if is_address else PROXY)
