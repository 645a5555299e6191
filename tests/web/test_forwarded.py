"""Forwarded and X-Forwarded-For, read from the right: their syntax, and how little is read."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from ratelimit_ddb.web.identity.address import parsed
from ratelimit_ddb.web.identity.forwarded import LONGEST_READ, READERS, forwarded, x_forwarded_for

SIZE = 1_000_000


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.43", "192.0.2.43"),
        ("192.0.2.43:47011", "192.0.2.43"),
        ("192.0.2.43:_port", "192.0.2.43"),
        ("2001:db8:cafe::17", "2001:db8:cafe::17"),
        ("2001:DB8:CAFE::17", "2001:db8:cafe::17"),
        ("[2001:db8:cafe::17]", "2001:db8:cafe::17"),
        ("[2001:db8:cafe::17]:4711", "2001:db8:cafe::17"),
        ("[2001:db8:cafe::17]:_port", "2001:db8:cafe::17"),
        ("::ffff:192.0.2.43", "192.0.2.43"),
        ("[::ffff:192.0.2.43]:80", "192.0.2.43"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:192.0.2.43%eth0", "192.0.2.43"),
        ("::", "::"),
    ],
)
def test_an_address_is_read_in_each_way_it_is_written(text: str, address: str) -> None:
    assert str(parsed(text)) == address


NO_ADDRESSES = [
    *("", "unknown", "_hidden", "unix:", "example.org", "1.2.3", "1.2.3.4.5", "1.2.3.256"),
    *("1.2.3.04", "0x7f.0.0.1", "2130706433", "1.2.3.4:", "1.2.3.4:port", "1.2.3.4:123456"),
    *("1.2.3.4:-1", "1.2.3.4:80:80", "1.2.3.4:8\u0660", "1.2.3.4/32", "1.2.3.4%eth0"),
    *("[1.2.3.4]", "[::1", "::1]", "[]", "[::1]80", "[::1]:", "[::1]:x", "[[::1]]", "::1/64"),
    *("[fe80::1%x]]", "[fe80::1%x]:80]"),
    *("::1%", ":::", "12345::", "1:2:3:4:5:6:7:8:9", "::ffff:010.0.0.1", " 1.2.3.4", "1.2.3.4 "),
    *("1.2.3.4\n", "1.2.3.4\x00", "\udcff", "1" * SIZE),
]


@pytest.mark.parametrize("text", NO_ADDRESSES, ids=lambda text: repr(text[:20]))
def test_what_is_no_address_is_none(text: str) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        ("", []),
        (" \t", []),
        (",, ,\t,", []),
        ("192.0.2.7", ["192.0.2.7"]),
        ("a, b,c\t,\t d", ["d", "c", "b", "a"]),
        (",a,,b,", ["b", "a"]),
        ('"2001:db8::7", "[2001:db8::7]:80"', ["[2001:db8::7]:80", "2001:db8::7"]),
        ('"a, b"', ['b"', '"a']),
        ('"', ['"']),
        ('""', [""]),
        ("a b", ["a b"]),
        ("\xa0a, \xa0b\x0b", ["\xa0b\x0b", "\xa0a"]),
    ],
)
def test_x_forwarded_for_is_a_list_and_no_more(value: str, entries: list[str]) -> None:
    assert list(x_forwarded_for(value)) == entries


@pytest.mark.parametrize(
    ("value", "nodes"),
    [
        ("", []),
        (", ,", []),
        ("for=192.0.2.43", ["192.0.2.43"]),
        ("FOR=192.0.2.43", ["192.0.2.43"]),
        ("for=unknown", ["unknown"]),
        ('for="192.0.2.43:47011"', ["192.0.2.43:47011"]),
        ('For="[2001:db8:cafe::17]:4711"', ["[2001:db8:cafe::17]:4711"]),
        ('for="_SEVKISEK"', ["_SEVKISEK"]),
        ('for="_x:_port"', ["_x:_port"]),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", ["192.0.2.60"]),
        ('proto=http;host="a,b;for=x\\"";for=192.0.2.60', ["192.0.2.60"]),
        ('for=192.0.2.43,for="[2001:db8::17]"', ["[2001:db8::17]", "192.0.2.43"]),
        ('for="\\1\\9\\2.0.2.43"', ["192.0.2.43"]),
        ('for="a\\\\\\"b"', ['a\\"b']),
        (";for=192.0.2.43;;proto=http;", ["192.0.2.43"]),
        ("by=10.0.0.1 ;\tfor=192.0.2.43", ["192.0.2.43"]),
        ("for=192.0.2.43:80", ["192.0.2.43:80"]),
        ("for=[2001:db8::17]:80", ["[2001:db8::17]:80"]),
        ('for=""', [""]),
        ("for", [""]),
        ("for=", [""]),
        ("for =192.0.2.43", [""]),
        ("for= 192.0.2.43", [""]),
        ("192.0.2.43", [""]),
        ("proto=https", [""]),
        ("for=192.0.2.43;for=192.0.2.43", [""]),
        ('for="";for=192.0.2.43', [""]),
        ("for=192.0.2.43;junk", [""]),
        ("for=192.0.2.43 for=192.0.2.44", [""]),
        ('for="192.0.2.43"x', [""]),
        ("for=192.0.2.43\\", [""]),
        (";", [""]),
        ("for=a, =, for=b", ["b", "", "a"]),
        ('="a,b", for=c', ["c", ""]),
        ('"for=a"=', []),
    ],
)
def test_forwarded_is_read_by_its_grammar(value: str, nodes: list[str]) -> None:
    assert list(forwarded(value)) == nodes


@pytest.mark.parametrize(
    ("left", "more"),
    [
        ('"', []),
        ('for="', []),
        ('for="a', []),
        ('for="a\\', []),
        ('for="a\\"', []),
        ('for=a"', []),
        ('a"b"', []),
        ('for=x, "', []),
        ('for=x, a"b', []),
        ('for="x" "y"', []),
        ('for=x"="', []),
        ("for=x\\", [""]),
        ("for=x;", ["x"]),
        ('for="x\\\\"', ["x\\"]),
        ('for="x, y"', ["x, y"]),
    ],
)
@pytest.mark.parametrize(
    "quoted", ["for=192.0.2.7", 'for="192.0.2.7"', 'for=192.0.2.7;host="a,\\",b"']
)
def test_what_stands_on_the_left_does_not_fuse_with_what_a_proxy_appends(
    left: str, quoted: str, more: list[str]
) -> None:
    assert list(forwarded(f"{left}, {quoted}")) == ["192.0.2.7", *more]


def steps_of(work: Callable[[], object]) -> int:
    """Calls, of Python functions and built-in ones, that the work takes."""
    steps = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.getprofile()
    gc.disable()  # what others do at a collection is no work of ours
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
        gc.enable()
    return steps


HOSTILE = [
    ",",
    '"',
    "\\",
    '\\"',
    '="',
    '"="',
    'a="\\",',
    "10.0.0.1,",
    "for=10.0.0.1,",
    'for="[::1]",',
]
HOSTILE += [" ", ";", "a=b;", 'for="', 'for="\\', "=", 'x="",', "[", "::"]


@pytest.mark.parametrize("field", READERS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_entry_takes_the_same_work_whatever_stands_on_its_left(field: str, hostile: str) -> None:
    entry = 'for="192.0.2.7"' if field == "forwarded" else "192.0.2.7"

    def nearest(value: str) -> list[str]:
        return list(islice(READERS[field](value), 1))

    attack = hostile * (SIZE // len(hostile)) + ", " + entry
    assert nearest(attack) == ["192.0.2.7"]
    assert steps_of(lambda: nearest(attack)) == steps_of(lambda: nearest(f"x, {entry}"))


@pytest.mark.parametrize("field", READERS)
@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("end", ["", '"', '\\"', "x"])
def test_work_is_bounded_even_where_all_is_asked_for(field: str, hostile: str, end: str) -> None:
    attack = hostile * (SIZE // len(hostile)) + end
    assert steps_of(lambda: list(READERS[field](attack))) < 8 * LONGEST_READ


@pytest.mark.parametrize("field", READERS)
def test_a_hundred_thousand_entries_are_not_all_read(field: str) -> None:
    entry = "for=10.0.0.1" if field == "forwarded" else "10.0.0.1"
    entries = list(READERS[field](", ".join([entry] * 100_000)))
    assert set(entries) == {"10.0.0.1"}
    assert 500 < len(entries) < 1_000


@pytest.mark.parametrize("field", READERS)
def test_the_rest_of_an_entry_that_is_not_read_whole_is_no_entry(field: str) -> None:
    name = "for=" if field == "forwarded" else ""
    found = set()
    for length in range(LONGEST_READ - 40, LONGEST_READ):
        value = f"{name}6.6.6.6, {name}203.0.113.9, {'x' * length}"
        found.add(tuple(READERS[field](value))[1:])
    # The rest of the address would be an address, too: 3.0.113.9.
    assert found == {(), ("203.0.113.9",), ("203.0.113.9", "6.6.6.6")}


@pytest.mark.parametrize("escaped", ["", "\\\\", "\\=", '\\"'])
def test_a_quoted_string_that_begins_out_of_reach_hides_what_is_in_it(escaped: str) -> None:
    found = set()
    for length in range(LONGEST_READ - 60, LONGEST_READ):
        host = f'x{escaped}=\\", for=6.6.6.6;x=\\"'
        found.add(tuple(forwarded(f'for=192.0.2.7;host="{host}";p={"p" * length}')))
    assert found == {(), ("192.0.2.7",)}
