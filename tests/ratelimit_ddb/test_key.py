"""P8: keys, and what is none."""

from __future__ import annotations

import enum
import hashlib
from typing import Any

import pytest

from ratelimit_ddb.key import (
    KeyLike,
    key_prefix,
    key_text,
    key_text_under,
    namespace_prefix,
    namespaced_key_text,
    slots_key_text,
)


class Plan(str, enum.Enum):  # noqa: UP042 - the older kind of text enumeration is what is tested
    FREE = "free"


class Tier(enum.StrEnum):
    FREE = "free"


class Level(enum.IntEnum):
    FIRST = 1


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("api:user-123:endpoint", "api:user-123:endpoint"),
        (("api", "user-123", "endpoint"), "api:user-123:endpoint"),
        (("a:b", "c"), "a%3Ab:c"),
        (("a", "b:c"), "a:b%3Ac"),
        (("100%", "%3A"), "100%25:%253A"),
        (("", "a"), ":a"),
        (17, "17"),
        (-5, "-5"),
        (0, "0"),
        (("user", 17), "user:17"),
        ((0,), "0"),
        (Level.FIRST, "1"),
        ((" ",), " "),
        ("語", "語"),
        ("x" * 2_048, "x" * 2_048),
        ("é" * 1_024, "é" * 1_024),
    ],
)
def test_p8_a_key_is_its_text_or_its_parts_escaped(key: KeyLike, text: str) -> None:
    assert key_text(key) == text


@pytest.mark.parametrize("key", ["x" * 2_049, "é" * 1_025, "😀" * 600, "a" * 3_000 + "\ud800"])
def test_p8_a_long_key_keeps_its_head_and_ends_in_a_digest(key: str) -> None:
    text = key_text(key)
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    assert text.endswith("~sha256:" + digest)
    assert key.startswith(text[:400])
    assert 2_040 <= len(text.encode()) <= 2_048


def test_p8_a_lone_surrogate_makes_a_key_of_its_own() -> None:
    texts = {key_text(key) for key in ("a\ud800", "a\ud801", "a?", "a\ufffd")}
    assert len(texts) == 4
    assert all(text.encode() for text in texts)


def test_p8_what_looks_like_a_digest_is_digested_as_well() -> None:
    long = "x" * 3_000
    assert key_text(key_text(long)) != key_text(long)


@pytest.mark.parametrize("member", [Plan.FREE, Tier.FREE])
def test_an_enumerated_text_is_the_text_that_it_equals(member: str) -> None:
    assert key_text(member) == key_text((member,)) == "free"


@pytest.mark.parametrize("key", ["", (), ("",)])
def test_an_empty_key_is_refused(key: KeyLike) -> None:
    with pytest.raises(ValueError, match="at least one character"):
        key_text(key)


@pytest.mark.parametrize("key", ["user", "é", "x" * 60, "x" * 3_000, ":slots"])
def test_p8_no_bucket_has_the_key_of_slots(key: str) -> None:
    slots, prefix = slots_key_text(key_text(key)), key_prefix(key)
    buckets = [
        key_text(f"{key}:slots"),
        key_text(f"{key_text(key)}:slots"),
        key_text((key, "slots")),
        key_text_under(prefix, "slots"),
        namespaced_key_text(prefix, "slots"),
        key_text(slots),
    ]
    assert slots not in buckets
    assert len({key_text((key, "slots")), key_text_under(prefix, "slots")}) == 1
    assert all(len(one.encode()) <= 2_048 for one in (slots, *buckets))


def test_p8_an_int_of_more_digits_than_python_writes_is_a_key() -> None:
    key, other = 10**5_000, 10**5_000 + 1
    assert key_text(key) == key_text("1" + "0" * 5_000)
    assert key_text(("api", -key)) == key_text("api:-1" + "0" * 5_000)
    assert key_text(key) != key_text(other)


def test_p8_an_int_is_the_same_key_as_its_decimal_text() -> None:
    assert key_text(17) == key_text("17")
    assert key_text(("user", 17)) == key_text(("user", "17"))


@pytest.mark.parametrize(
    "key",
    [None, True, 1.5, b"bytes", ["a", "b"], ("a", False), ("a", 1.0), ("a", None), ("a", b"")],
)
def test_what_is_neither_a_text_nor_an_int_is_refused(key: Any) -> None:
    with pytest.raises(TypeError, match=r"must be a str, an int \(bool excepted\) or a tuple"):
        key_text(key)


@pytest.mark.parametrize("part", ["x", "a:b", "50%", "", "é", "語" * 900, "x" * 3_000])
@pytest.mark.parametrize("parts", [("rule",), ("a:b", "50%")])
def test_a_prefix_that_was_made_beforehand_gives_the_same_key(
    parts: tuple[str, ...], part: str
) -> None:
    assert key_text_under(key_prefix(*parts), part) == key_text((*parts, part))


@pytest.mark.parametrize("key", ["x", ("a:b", "c"), 17, "語" * 900])
def test_a_namespace_is_a_first_part(key: KeyLike) -> None:
    prefix = namespace_prefix("shop:1")
    assert prefix == "shop%3A1:"
    rest = key if isinstance(key, tuple) else (key,)
    assert namespaced_key_text(prefix, key) == key_text(("shop:1", *rest))
    assert namespaced_key_text(namespace_prefix(""), key) == key_text(key)
