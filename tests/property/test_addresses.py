"""What clients write of themselves is not believed, whatever it is; what trusted proxies saw is."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import SimpleNamespace
from typing import Any, NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from ratelimit_ddb.web.identity.address import NetworkSet, parsed
from ratelimit_ddb.web.identity.client_address import client_address

Address = IPv4Address | IPv6Address
TRUSTED = ["10.0.0.0/8", "fd00::/8"]
EXACT: dict[str, Any] = {"ipv6_prefix": 128}

fields = st.sampled_from(["x-forwarded-for", "forwarded"])
any_text = st.text(st.characters(exclude_categories=[]))
header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
pieces = [
    *('"', "\\", '\\"', ",", ", ", ";", "=", " ", "\t", "[", "]", ":80", "x"),
    *("for", "for=", 'for="', "host=", "6.6.6.6", "10.0.0.1", "::1", "unknown"),
]
treacherous = st.lists(st.sampled_from(pieces)).map("".join)
anything_sendable = treacherous | header_text
"""What an attacker can bring into a header field."""

ipv4 = st.integers(0, 2**32 - 1).map(IPv4Address)
ipv6 = st.integers(0, 2**128 - 1).map(IPv6Address).filter(lambda address: not address.ipv4_mapped)
addresses = ipv4 | ipv6
proxies = st.builds(lambda low: IPv4Address((10 << 24) + low), st.integers(0, 2**24 - 1)) | (
    st.builds(lambda low: IPv6Address((0xFD << 120) + low), st.integers(0, 2**120 - 1))
)
ports = st.sampled_from(["", ":0", ":80", ":65535", ":_hidden"])


def identity_of(peer: str | None, field: str, value: str | None, **config: Any) -> str:
    def header(name: str) -> str | None:
        assert name == field
        return value

    request: Any = SimpleNamespace(client=peer, header=header)
    return client_address(field=field, **config)(request)


def is_a_proxy(address: Address) -> bool:
    return address.packed[0] == (10 if address.version == 4 else 0xFD)


@st.composite
def written(draw: st.DrawFn, address: Address) -> str:
    """An address, with or without a port, in one of the ways there are."""
    port = draw(ports)
    if isinstance(address, IPv4Address) and draw(st.booleans()):
        return f"{address}{port}"
    if isinstance(address, IPv4Address):
        address = IPv6Address(f"::ffff:{address}")
    zone = draw(st.sampled_from(["", "%eth0"]))
    text = (
        draw(st.sampled_from([address.compressed, address.exploded, str(address).upper()])) + zone
    )
    return f"[{text}]{port}" if port or draw(st.booleans()) else text


@st.composite
def entries(draw: st.DrawFn, address: Address | None) -> str:
    """What a proxy writes into X-Forwarded-For of one that it heard from."""
    if address is None:
        return draw(st.sampled_from(["unknown", "_hidden", "unix:", '""', "x y"]))
    text = draw(written(address))
    return draw(st.sampled_from([text, f'"{text}"', f" {text}\t"]))


@st.composite
def quoted(draw: st.DrawFn, text: str) -> str:
    """A quoted string that means the text (RFC 9110, 5.6.4), with more escapes than it needs."""
    escaped = (f"\\{c}" if c in '"\\' or draw(st.integers(0, 9)) == 0 else c for c in text)
    return f'"{"".join(escaped)}"'


@st.composite
def elements(draw: st.DrawFn, address: Address | None) -> str:
    """The same for Forwarded, among other parameters, whose text may be the client's."""
    pairs = [
        f"{name}={draw(quoted(draw(anything_sendable)))}"
        for name in draw(st.lists(st.sampled_from(["by", "host", "proto", "x-for"]), max_size=2))
    ]
    if address is not None:
        text = draw(written(address))
        node = text if set(text) <= set("0123456789.") and draw(st.booleans()) else None
        pairs.append(f"{draw(st.sampled_from(['for', 'For', 'FOR']))}={node or draw(quoted(text))}")
    elif draw(st.booleans()) or not pairs:
        pairs.append(draw(st.sampled_from(["for=unknown", 'for="_x:_y"', "for=_hidden"])))
    return draw(st.sampled_from([";", "; ", " ;", ";;"])).join(draw(st.permutations(pairs)))


WRITERS: dict[str, Callable[[Address | None], st.SearchStrategy[str]]] = {
    "x-forwarded-for": entries,
    "forwarded": elements,
}


class Chain(NamedTuple):
    """A request through proxies: whom each heard from, the client first, and what arrived."""

    field: str
    heard: list[Address | None]
    peer: Address
    value: str


@st.composite
def chains(draw: st.DrawFn, origins: st.SearchStrategy[Address | None] = addresses) -> Chain:
    """Proxies that behave, behind a client that does not. None is one that a proxy can't name."""
    field = draw(fields)
    heard = [draw(origins), *draw(st.lists(proxies, max_size=3))]
    value = draw(st.none() | anything_sendable)
    for address in heard:
        entry = draw(WRITERS[field](address))
        separator = draw(st.sampled_from([", ", ",", " , ", ",\t, "]))
        value = entry if value is None else value + separator + entry
    assert value is not None
    return Chain(field, heard, draw(proxies), value)


@given(chains(), st.data())
def test_hops_give_what_that_proxy_saw(chain: Chain, data: st.DataObject) -> None:
    hops = data.draw(st.integers(0, len(chain.heard)))
    seen = [chain.peer, *reversed(chain.heard)][hops]
    found = identity_of(str(chain.peer), chain.field, chain.value, trusted_hops=hops, **EXACT)
    assert found == str(seen)


@given(chains(addresses.filter(lambda address: not is_a_proxy(address))))
def test_networks_give_the_first_that_is_no_proxy(chain: Chain) -> None:
    found = identity_of(str(chain.peer), chain.field, chain.value, trusted=TRUSTED, **EXACT)
    assert found == str(chain.heard[0])


@given(chains(st.none()))
def test_an_unknown_client_is_the_one_who_reported_it(chain: Chain) -> None:
    reporter = [*chain.heard, chain.peer][1]
    for trust in ({"trusted_hops": len(chain.heard)}, {"trusted": TRUSTED}):
        found = identity_of(str(chain.peer), chain.field, chain.value, **trust, **EXACT)
        assert found == str(reporter)


@given(chains(), addresses.filter(lambda address: not is_a_proxy(address)))
def test_a_stranger_is_itself_whatever_it_sends(chain: Chain, stranger: Address) -> None:
    found = identity_of(str(stranger), chain.field, chain.value, trusted=TRUSTED, **EXACT)
    assert found == str(stranger)


@given(fields, any_text | anything_sendable, st.none() | any_text, st.integers(1, 16))
@example("forwarded", '="', "", 1)
def test_any_text_has_an_answer(field: str, value: str, peer: str | None, hops: int) -> None:
    for trust in ({"trusted_hops": hops}, {"trusted": ["unix", "0.0.0.0/0", "::/0"]}):
        assert identity_of(peer, field, value, **trust)


@given(addresses.flatmap(lambda address: st.tuples(st.just(address), written(address))))
def test_an_address_is_read_back_however_it_was_written(case: tuple[Address, str]) -> None:
    address, text = case
    assert parsed(text) == address


@given(st.data(), st.integers(1, 32), st.integers(1, 128))
def test_two_clients_share_an_identity_only_if_they_share_a_prefix(
    data: st.DataObject, ipv4_prefix: int, ipv6_prefix: int
) -> None:
    one = data.draw(addresses)
    bits, prefix = (32, ipv4_prefix) if one.version == 4 else (128, ipv6_prefix)
    near = int(one) ^ (1 << data.draw(st.integers(0, bits - 1)))
    other = data.draw(st.sampled_from([type(one)(near), one]) | addresses)
    same = one.version == other.version and int(one) >> bits - prefix == int(other) >> bits - prefix
    identify: Any = client_address(ipv4_prefix=ipv4_prefix, ipv6_prefix=ipv6_prefix)
    found, other_found = (identify(SimpleNamespace(client=str(each))) for each in (one, other))
    assert (found == other_found) == same


few_ipv4 = st.builds(
    lambda high, low: IPv4Address((high << 29) + low), st.integers(0, 7), st.integers(0, 9)
)
few_ipv6 = st.builds(
    lambda high, low: IPv6Address((high << 125) + low), st.integers(0, 7), st.integers(0, 9)
)
networks = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False),
    few_ipv4,
    st.integers(0, 32),
) | st.builds(
    lambda address, prefix: IPv6Network((address, prefix), strict=False),
    few_ipv6,
    st.integers(0, 128),
)


@given(st.lists(networks, max_size=6), few_ipv4 | few_ipv6)
def test_an_address_is_in_a_set_of_networks_where_it_is_in_one_of_them(
    several: list[IPv4Network | IPv6Network], address: Address
) -> None:
    assert (address in NetworkSet(several)) == any(address in one for one in several)
    assert bool(NetworkSet(several)) == bool(several)
