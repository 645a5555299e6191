"""Structured fields as they are written, read by an independent parser."""

from __future__ import annotations

import enum
from typing import Any
from urllib.parse import unquote_to_bytes

import http_sf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimit_ddb.web.structured_fields import parameters, percent_encoded, string

ANY_CHARACTER = st.characters(exclude_categories=())
ANY_TEXT = st.text(ANY_CHARACTER) | st.text('%"\\ 09afAFé€\ud800\x7f\r\n')
KEYS = st.from_regex(r"[a-z*][a-z0-9_.*-]*", fullmatch=True)
INTEGERS = st.integers(-999_999_999_999_999, 999_999_999_999_999)


def read_item(written: str) -> Any:
    return http_sf.parse(written.encode("ascii"), tltype="item")


def text_of(read: str) -> str:
    """What a client that knows the encoding makes of a String."""
    return unquote_to_bytes(read).decode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("default", '"default"'),
        ("per user, [a-z]~", '"per user, [a-z]~"'),
        ('say "hi"', r'"say \"hi\""'),
        ("a\\b", r'"a\\b"'),
        ("100%", '"100%25"'),
        ("é", '"%C3%A9"'),
        ("%C3%A9", '"%25C3%25A9"'),
        ("10 €/%", '"10 %E2%82%AC/%25"'),
        ("\U0001f600", '"%F0%9F%98%80"'),
        ("\ud83d\ude00", '"%ED%A0%BD%ED%B8%80"'),
        ("a\r\nset-cookie: b=c", '"a%0D%0Aset-cookie: b=c"'),
        ("\x00\t\x7f", '"%00%09%7F"'),
    ],
)
def test_texts_are_written_as_strings(text: str, written: str) -> None:
    assert string(text) == written
    assert read_item(written) == (percent_encoded(text), {})


@settings(deadline=None)
@given(ANY_TEXT)
def test_any_text_can_be_read_back_so_no_two_are_written_alike(text: str) -> None:
    read, _ = read_item(string(text))
    assert type(read) is str
    assert read == percent_encoded(text)
    assert text_of(read) == text


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="%")))
def test_printable_ascii_without_percent_reads_as_it_is(text: str) -> None:
    assert read_item(string(text)) == (text, {})


def test_an_enumerated_text_is_written_by_its_value() -> None:
    class Plan(str, enum.Enum):  # noqa: UP042
        FREE = "free"
        HALF = "50%"

    assert string(Plan.FREE) == '"free"'
    assert string(Plan.HALF) == '"50%25"'


@pytest.mark.parametrize("value", [None, 5, b"default"])
def test_a_string_of_no_text_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        string(value)


@pytest.mark.parametrize(
    ("pairs", "written"),
    [
        ([], ""),
        ([("q", 100), ("w", 60)], ";q=100;w=60"),
        ([("w", 60), ("q", 100)], ";w=60;q=100"),
        (
            [("qu", "content-bytes"), ("acme-note", 'a "b"')],
            r';qu="content-bytes";acme-note="a \"b\""',
        ),
        ([("r", 0), ("t", -1)], ";r=0;t=-1"),
        ([("q", 999_999_999_999_999)], ";q=999999999999999"),
        ([("q", -999_999_999_999_999)], ";q=-999999999999999"),
        ([("*a_b.c-*", 1)], ";*a_b.c-*=1"),
    ],
)
def test_parameters_are_written_in_their_order(pairs: list[tuple[str, Any]], written: str) -> None:
    assert parameters(iter(pairs)) == written
    assert list(read_item(f"1{written}")[1].items()) == pairs


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(ANY_TEXT, st.dictionaries(KEYS, INTEGERS | ANY_TEXT, max_size=4)),
        min_size=1,
        max_size=4,
    )
)
def test_any_list_reads_as_it_was_given(given_items: list[tuple[str, dict[str, Any]]]) -> None:
    written = ", ".join(string(text) + parameters(pairs.items()) for text, pairs in given_items)
    read: Any = http_sf.parse(written.encode("ascii"), tltype="list")
    assert [(text_of(text), pairs) for text, pairs in read] == [
        (
            text,
            {
                key: value if type(value) is int else percent_encoded(value)
                for key, value in pairs.items()
            },
        )
        for text, pairs in given_items
    ]


@pytest.mark.parametrize("value", [10**15, -(10**15)])
def test_an_integer_of_more_than_15_digits_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match=f"parameter q={value}: must have at most 15 digits"):
        parameters([("q", value)])


@pytest.mark.parametrize("value", [True, 1.5, None, b"a"])
def test_a_parameter_that_is_neither_integer_nor_text_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"parameter q=.*: must be an int or a str"):
        parameters([("q", value)])


@pytest.mark.parametrize("key", ["", "Q", "1a", "-a", "a b", "a=b", "a;b", "é", "a\n"])
def test_a_key_that_can_be_none_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"parameter .*: must begin with a lower-case letter"):
        parameters([(key, 1)])


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="parameter 'q': given twice"):
        parameters([("q", 1), ("w", 2), ("q", 1)])
