"""Values: what is taken comes back exactly; what would not is refused by the name of its key."""

from __future__ import annotations

import datetime
import enum
import json
import re
import threading
from collections import OrderedDict, UserDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sessions import StoreError
from sessions.values import values as values_module
from sessions.values.values import MAX_DEPTH, MAX_INT_BITS, UNCHANGED, Values, decode, encode
from tests.sessions.browser import Site, begun, memory_site

NUMBERS = (
    st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
)


def values_with(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | NUMBERS | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=10,
    )


VALUES = values_with(st.text(st.characters(), max_size=8))  # half surrogate pairs too
WHOLE_VALUES = values_with(st.text(max_size=8))


@given(VALUES)
@example(-0.0)
@example(0.0)
@example(5e-324)
@example(1.7976931348623157e308)
@example(True)
@example(1)
@example(1.0)
@example(2**53 + 1)
@example("\ud800")
@example("\udc00\ud800")
@example("\ud83d\ude00")  # the two halves of one character, as two
@example("😀")
@example("\x00\u2028\ufeff")
@example({"b": 1, "a": 2})
@example([[[[]]], {}, [{}], ""])
def test_what_is_taken_comes_back_exactly(value: Any) -> None:
    try:
        text = encode("key", value)
    except ValueError:
        assert re.search(r"\\ud[89a-f]", repr(value)), "only half surrogate pairs may be refused"
        return
    # repr tells 1 from True and 1.0, -0.0 from 0.0, and one order of keys from another.
    assert repr(decode("key", text)) == repr(value)


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=8).map("k{}".format), WHOLE_VALUES, max_size=3))
def test_a_session_gives_back_what_it_was_given(values: dict[str, Any]) -> None:
    browser = begun(memory_site())
    with browser.request() as session:
        session.update(values)
    found = browser.seen()
    assert {key: repr(value) for key, value in found.items()} == {
        "seed": "0",
        **{key: repr(value) for key, value in values.items()},
    }


class Color(enum.IntEnum):
    RED = 1


class Shade(enum.StrEnum):
    RED = "red"


class Pair(NamedTuple):
    one: int


class Name(str):
    __slots__ = ()


class Items(list[int]):
    pass


REFUSED: list[Any] = [
    (1, 2),
    (),
    Pair(1),
    {1},
    frozenset(),
    b"bytes",
    bytearray(b"bytes"),
    Decimal("1.5"),
    1j,
    datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    datetime.date(2026, 1, 1),
    float("nan"),
    float("inf"),
    float("-inf"),
    {1: "a"},
    {None: "a"},
    {True: "a"},
    {("a",): "a"},
    {b"a": "a"},
    {Name("a"): "a"},
    Color.RED,
    Shade.RED,
    Name("a"),
    Items([1]),
    OrderedDict(a=1),
    UserDict(a=1),
    range(3),
    object(),
    int,
    len,
    json,
    Ellipsis,
    {"a": 1}.items(),
    (number for number in [1]),
]


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
def test_what_would_come_back_otherwise_is_refused_by_name(value: Any) -> None:
    session = memory_site().browser().open().session
    for put, where in (
        (value, "cart"),
        ([0, value], r"cart\[1\]"),
        ({"a": {"b": value}}, r"cart\.a\.b"),
        ([{"a": [value]}], r"cart\[0\]\.a\[0\]"),
    ):
        with pytest.raises((TypeError, ValueError), match=rf"session\['{where}'\]"):
            session["cart"] = put
    assert dict(session) == {}


def test_a_name_with_a_lone_surrogate_is_refused_by_where_it_is() -> None:
    with pytest.raises(ValueError, match=r"session\['cart\[0\]'\]: a str with a lone surrogate"):
        encode("cart", [{"\ud800": 1}])
    with pytest.raises(ValueError, match=r"session\['.*ud800'\]: a str with a lone surrogate"):
        encode("\ud800", 1)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (OrderedDict(secret=1), "an OrderedDict can't be stored; .*: write dict"),
        (Items([1]), "an Items can't be stored; .*: write list"),
        (Name("secret"), "a Name can't be stored; .*: write str"),
        (Color.RED, "a Color can't be stored; .*: write its .value"),
        (Shade.RED, "a Shade can't be stored; .*: write its .value"),
        (("secret",), "a tuple can't be stored; .*: write list"),
        ({"secret"}, "a set can't be stored; .*: write list"),
        (datetime.date(2026, 1, 1), r"a date can't be stored; .*: write its .isoformat\(\)"),
        (b"secret", "a bytes can't be stored; .*: convert it before"),
        ("secret\ud800", "a str with a lone surrogate"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_message_names_the_type_and_the_way_out_and_not_the_value(value: Any, told: str) -> None:
    session = memory_site().browser().open().session
    with pytest.raises((TypeError, ValueError), match=told) as refused:
        session["cart"] = [value]
    assert "secret" not in str(refused.value)
    assert "2026" not in str(refused.value)


def test_a_message_about_a_user_does_not_show_them() -> None:
    session = memory_site().browser().open().session
    with pytest.raises(TypeError, match="user_id must be a str, not a dict") as refused:
        session.login({"hash": "secret"})  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("user_id", ["anonymous~ada@example.com", "ada@example.com\ud800"])
def test_no_message_about_a_user_has_the_id(site: Site, user_id: str) -> None:
    with site.browser().request() as session:
        session.login("bob")
        for refuses in (session.login, session.confirm_login):
            with pytest.raises(ValueError) as refused:
                refuses(user_id)
            assert "ada" not in str(refused.value)
        with pytest.raises(ValueError, match="another user is logged in") as refused:
            session.confirm_login("ada@example.com")
    assert "bob" not in str(refused.value)
    assert "ada" not in str(refused.value)


def test_the_largest_integer_and_the_deepest_value_are_taken() -> None:
    assert decode("n", encode("n", 2**MAX_INT_BITS - 1)) == 2**MAX_INT_BITS - 1
    with pytest.raises(ValueError, match=f"of more than {MAX_INT_BITS} bits"):
        encode("n", 2**MAX_INT_BITS)
    value: object = 1
    for _ in range(MAX_DEPTH):
        value = {"a": value}
    assert decode("n", encode("n", value)) == value
    with pytest.raises(ValueError, match=f"nested more than {MAX_DEPTH} deep"):
        encode("n", {"a": value})


@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_too_large_for_json_is_refused_by_name(sign: int) -> None:
    # More digits than Python turns into text by default.
    with pytest.raises(ValueError, match=r"session\['cart\[0\]'\]"):
        encode("cart", [sign * 10**5_000])


@pytest.mark.parametrize("value", REFUSED[:4], ids=lambda value: type(value).__name__)
def test_what_is_put_inside_a_value_later_is_refused_before_it_is_saved(value: Any) -> None:
    browser = begun(memory_site(), cart=[1], other=1)
    request = browser.open()
    request.session["cart"].append(value)
    request.session["other"] = 2
    with pytest.raises(TypeError, match=r"session\['cart\[1\]'\]"):
        request.begin()
    assert browser.seen() == {"cart": [1], "other": 1}


def circular_list() -> Any:
    value: list[Any] = []
    value += [value, value]
    return value


def circular_dict() -> Any:
    value: dict[str, Any] = {}
    value["again"] = [value]
    return value


@pytest.mark.parametrize("make", [circular_list, circular_dict])
def test_a_value_in_itself_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"session\['cart.*inside itself"):
        encode("cart", make())


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def test_a_value_may_be_nested_so_deep_and_no_deeper() -> None:
    assert decode("cart", encode("cart", nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    with pytest.raises(ValueError, match=f"more than {MAX_DEPTH} deep"):
        encode("cart", nested(MAX_DEPTH + 1))


def test_a_value_that_is_there_twice_is_no_circle() -> None:
    inner = [1]
    assert decode("cart", encode("cart", [inner, {"a": inner}])) == [[1], {"a": [1]}]


# Changes


def test_what_was_only_read_has_not_changed() -> None:
    values = Values({"a": "[1,2]", "b": '{"c":1.5}'})
    assert (values["a"], values["b"]) == ([1, 2], {"c": 1.5})
    assert values.changes() is UNCHANGED


@pytest.mark.parametrize(
    ("was", "now"), [("1", True), ("1", 1.0), ("0.0", -0.0), ("[1]", [1.0]), ("null", 0)]
)
def test_equal_values_of_another_type_are_a_change(was: str, now: Any) -> None:
    values = Values({"a": was})
    values["a"] = now
    assert set(values.changes().changed) == {"a"}


def test_what_is_set_to_what_it_was_has_not_changed() -> None:
    values = Values({"a": "[1]"})
    values["a"].append(2)
    assert values.changes() is not UNCHANGED
    values["a"] = [1]
    assert values.changes() is UNCHANGED
    del values["a"]
    assert values.changes().removed == {"a"}
    values["a"] = [1]
    assert values.changes() is UNCHANGED


def test_what_came_and_went_is_no_change() -> None:
    values = Values({})
    values["a"] = 1
    del values["a"]
    assert values.changes() is UNCHANGED
    with pytest.raises(KeyError):
        values["a"]


def test_saved_values_are_what_the_next_changes_are_told_from() -> None:
    values = Values({"a": "1", "b": "1"})
    values["a"] = 2
    del values["b"]
    values.mark_saved(values.changes())
    assert values.changes() is UNCHANGED
    assert values.encoded() == {"a": "2"}
    values["b"] = 1
    assert values.changes().changed == {"b": "1"}


@pytest.mark.parametrize("value", [{"x" * 10_000}, b"x" * 10_000, ["x" * 10_000 + "\ud800"]])
def test_messages_show_only_the_beginning_of_a_value(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as told:
        Values({})["k"] = value
    assert len(str(told.value)) < 300


def test_a_value_that_has_no_repr_is_refused_by_its_type() -> None:
    with pytest.raises(TypeError, match="a set can't be stored"):
        Values({})["k"] = {10**5_000}


# What was changed, key by key


def test_each_key_tells_whether_it_was_changed() -> None:
    values = Values({"read": "1", "unread": "2", "set": "3", "gone": "4", "list": "[1]"})
    assert values["read"] == 1
    values["set"] = 4
    values["new"] = 5
    del values["gone"]
    values["list"].append(2)
    changed = {
        key
        for key in ("read", "unread", "set", "new", "gone", "list", "never")
        if values.has_changed(key)
    }
    assert changed == {"set", "new", "gone", "list"}


def test_json_is_made_once_of_what_cannot_change_in_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counting(key: str, value: object) -> str:
        made.append(key)
        return encode(key, value)

    monkeypatch.setattr("sessions.values.values.encode", counting)
    values = Values({"text": '"a"', "list": "[1]"})
    values["text"] = "b"
    assert values["list"] == [1]
    for _ in range(3):
        assert values.changes().changed == {"text": '"b"'}
    assert (made.count("text"), made.count("list")) == (1, 3)


def test_what_is_not_json_is_told_with_its_key() -> None:
    with pytest.raises(StoreError, match=r"session\['cart'\]: what the table holds is not JSON"):
        Values({"cart": "{"})["cart"]


def test_a_key_has_at_most_1024_characters() -> None:
    longest = "ä" * 1_024
    session = memory_site().browser().open().session
    session[longest] = 1
    with pytest.raises(ValueError, match=r"at most 1024 characters, not 1025"):
        session[longest + "x"] = 1
    assert dict(session) == {longest: 1}


def test_a_key_is_checked_as_a_value_is() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        encode("\ud800", 1)


def test_a_key_that_is_an_enums_is_told_from_a_value() -> None:
    values = Values({})
    with pytest.raises(TypeError, match=r"the key must be a str itself.*write session\['red'\]"):
        values[Shade.RED] = 1
    values["red"] = 1
    assert values[Shade.RED] == 1


def test_a_value_that_is_no_json_stays_one_and_is_not_saved_over() -> None:
    values = Values({"cart": "{'not': 'json'}", "n": "1"})
    for _ in range(2):
        with pytest.raises(StoreError, match="what the table holds is not JSON"):
            values["cart"]
    values["n"] = 2
    assert values.changes() == ({"n": "2"}, frozenset())


# Threads of one request


def test_what_one_thread_sets_while_another_saves_is_not_overlooked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = Values({})
    values["n"] = 1
    setting = threading.Thread(target=values.__setitem__, args=("n", 2))

    def encode_meanwhile(key: str, value: object) -> str:
        text = encode(key, value)
        if setting.ident is None:
            setting.start()
            setting.join(0.05)
        return text

    monkeypatch.setattr(values_module, "encode", encode_meanwhile)
    values.mark_saved(values.changes())
    setting.join()
    assert values.changes().changed == {"n": "2"}


def test_a_list_that_two_threads_ask_for_first_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2)

    def decode_together(key: str, text: str) -> Any:
        with suppress(threading.BrokenBarrierError):
            together.wait(0.05)
        return decode(key, text)

    monkeypatch.setattr(values_module, "decode", decode_together)
    values = Values({"cart": "[]"})

    def add(item: int) -> None:
        values["cart"].append(item)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(add, (1, 2)))
    assert sorted(values["cart"]) == [1, 2]


def test_keys_that_one_thread_sets_disturb_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    values = Values({})
    values["a"] = 1
    setting = threading.Thread(target=values.__setitem__, args=("b", 2))

    def encode_meanwhile(key: str, value: object) -> str:
        if setting.ident is None:
            setting.start()
            setting.join(0.05)
        return encode(key, value)

    monkeypatch.setattr(values_module, "encode", encode_meanwhile)
    assert values.changes().changed == {"a": "1"}
    setting.join()
    for key in values:
        values[f"{key}2"] = 1
    assert list(values) == ["a", "b", "a2", "b2"]
