"""Tokens: what a cookie may hold, what it leads to, and what can't be told from it."""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.arguments import MIN_SECRET_BYTES
from sessions.cookie.token import UNSIGNED, Tokens, is_session_id

OLD, NEW = secrets.token_hex(), secrets.token_hex()
PLAIN = Tokens(None, "")
SIGNED = Tokens(NEW, "")

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_token_has_256_bits_of_the_systems_randomness(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []

    def random_bytes(count: int | None = None) -> bytes:
        asked.append(count)
        return bytes(count or 0)

    monkeypatch.setattr(secrets, "token_bytes", random_bytes)
    assert len(urlsafe_b64decode(PLAIN.new() + "=")) * 8 == 256
    assert asked == [32]


def test_no_two_tokens_are_alike() -> None:
    assert len({PLAIN.new() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("tokens", [PLAIN, SIGNED])
def test_what_is_put_into_a_cookie_is_read_from_it(tokens: Tokens) -> None:
    token = tokens.new()
    assert tokens.of_cookie(tokens.in_cookie(token)) == token


def test_a_cookie_has_no_character_that_needs_quoting() -> None:
    assert re.fullmatch(r"[\w-]{43}", PLAIN.in_cookie(PLAIN.new()), re.ASCII)
    assert re.fullmatch(r"[\w-]{43}\.[\w-]{43}", SIGNED.in_cookie(SIGNED.new()), re.ASCII)


MALFORMED = [
    "",
    "abc",
    "abc/x",
    "a" * 42,
    "a" * 44,
    "a" * 42 + "/",
    "a" * 42 + "+",
    "a" * 42 + "=",
    "a" * 42 + "é",
    "a" * 42 + "\n",
    "a" * 43 + "\n",
    " " + "a" * 43,
    '"' + "a" * 43 + '"',
    "a" * 43 + ".",
    "." + "a" * 43,
    "a" * 43 + "." + "a" * 42,
    "a" * 43 + "." + "a" * 43 + ".",
    "a" * 43 + ":" + "a" * 43,
    "a" * 4_096,
    "\x00" * 43,
    "\u0661" * 43,  # digits, but not ASCII's
    "../../etc/passwd",
    "' OR 1=1 --",
]


@pytest.mark.parametrize("value", MALFORMED)
@pytest.mark.parametrize("tokens", [PLAIN, SIGNED])
def test_what_could_be_no_token_is_refused(tokens: Tokens, value: str) -> None:
    assert tokens.of_cookie(value) is None


@given(st.text())
def test_no_other_text_is_taken(value: str) -> None:
    taken = re.fullmatch(r"[A-Za-z0-9_-]{43}", value, re.ASCII)
    assert PLAIN.of_cookie(value) == (value if taken else None)
    assert SIGNED.of_cookie(value) is None


def test_a_cookie_without_its_mac_is_refused() -> None:
    token = SIGNED.new()
    assert SIGNED.of_cookie(token) is None
    assert PLAIN.of_cookie(SIGNED.in_cookie(token)) is None


def test_a_cookie_with_any_one_character_changed_is_refused() -> None:
    value = SIGNED.in_cookie(SIGNED.new())
    for index, was in enumerate(value):
        for character in ALPHABET + ".":
            if character != was:
                changed = value[:index] + character + value[index + 1 :]
                assert SIGNED.of_cookie(changed) is None


def test_the_mac_of_another_token_is_refused() -> None:
    one, other = (SIGNED.in_cookie(SIGNED.new()).split(".") for _ in range(2))
    assert SIGNED.of_cookie(f"{one[0]}.{other[1]}") is None


def test_secrets_are_rotated() -> None:
    before, both, after = Tokens(OLD, ""), Tokens([NEW, OLD], ""), Tokens(NEW, "")
    token = before.new()
    assert both.of_cookie(before.in_cookie(token)) == token
    assert both.in_cookie(token) == after.in_cookie(token)
    assert after.of_cookie(both.in_cookie(token)) == token
    assert after.of_cookie(before.in_cookie(token)) is None


def test_a_secret_of_text_is_its_bytes() -> None:
    token = PLAIN.new()
    assert Tokens(OLD.encode(), "").in_cookie(token) == Tokens(OLD, "").in_cookie(token)


@pytest.mark.parametrize(("one", "other"), [("", "a"), ("a", "b"), ("a", "ab"), ("a", "a:")])
def test_namespaces_have_nothing_in_common(one: str, other: str) -> None:
    mine, theirs = Tokens(NEW, one), Tokens(NEW, other)
    token = mine.new()
    assert mine.session_id(token) != theirs.session_id(token)
    assert theirs.of_cookie(mine.in_cookie(token)) is None


@given(*[st.text("ab:0123456789", max_size=8), st.text("ab:0123456789", max_size=50)] * 2)
def test_no_namespace_and_token_run_together(
    space: str, token: str, other_space: str, other_token: str
) -> None:
    same = (space, token) == (other_space, other_token)
    one, other = Tokens(None, space), Tokens(None, other_space)
    assert (one.session_id(token) == other.session_id(other_token)) == same


def test_an_id_is_the_same_each_time_and_tells_no_token() -> None:
    token = PLAIN.new()
    session_id = PLAIN.session_id(token)
    assert session_id == Tokens([NEW, OLD], "").session_id(token)
    assert re.fullmatch(r"[\w-]{43}", session_id, re.ASCII)
    assert token not in session_id
    # Whoever reads the table can't use an id as a cookie.
    assert PLAIN.session_id(session_id) != session_id


@pytest.mark.parametrize(
    ("given_secret", "raised", "message"),
    [
        ("x" * (MIN_SECRET_BYTES - 1), ValueError, "at least 32 bytes, not 31"),
        ("", ValueError, "bytes, not 0"),
        (b"", ValueError, "bytes, not 0"),
        ([], ValueError, "must not be empty"),
        ([UNSIGNED], ValueError, "must have a secret beside UNSIGNED"),
        ([NEW, "short"], ValueError, "bytes, not 5"),
        ([NEW, None], TypeError, "not NoneType"),
        ([7], TypeError, "not int"),
    ],
)
def test_a_secret_that_keeps_none_is_refused(
    given_secret: Any, raised: type[Exception], message: str
) -> None:
    with pytest.raises(raised, match=message) as refusal:
        Tokens(given_secret, "")
    assert NEW not in str(refusal.value)
    assert "xxx" not in str(refusal.value)


@pytest.mark.parametrize("secret", ["x" * 32, b"x" * 32, "é" * 16, ["x" * 32], (b"x" * 32,)])
def test_a_long_secret_is_taken(secret: Any) -> None:
    tokens = Tokens(secret, "")
    token = tokens.new()
    assert tokens.of_cookie(tokens.in_cookie(token)) == token


@pytest.mark.parametrize("namespace", [None, 7, b"shop"])
def test_a_namespace_is_a_text(namespace: Any) -> None:
    with pytest.raises(TypeError, match="namespace must be a str"):
        Tokens(None, namespace)


def test_a_cookie_is_valid_in_every_version_of_this_package() -> None:
    tokens = Tokens("s" * 32, "shop")
    token = "t" * 43
    assert tokens.in_cookie(token) == f"{token}.J7wBcxR6EtjJ_LjNzd52E6xBIw0uA_7Njarvix8sKR0"
    assert tokens.session_id(token) == "T9CU5a6iUvVuTw3MMppbPhMll9F-OwnM6ItF5UTLxJw"
    assert tokens.derived_from("old") == "J0K5GcvR4hez6AU0XtU2LhrFAuD7JQongCOEXQuwDgk"


@pytest.mark.parametrize(
    ("given", "is_one"),
    [("a" * 43, True), ("a" * 42, False), ("a" * 44, False), (None, False), (b"a" * 43, False)],
)
def test_a_sessions_id_is_recognized_by_its_form(given: object, is_one: bool) -> None:
    assert is_session_id(given) is is_one


@pytest.mark.parametrize("tokens", [PLAIN, SIGNED])
def test_of_many_cookies_the_first_three_that_are_well_formed_are_tried(tokens: Tokens) -> None:
    several = [tokens.new() for _ in range(5)]
    values = [tokens.in_cookie(token) for token in several]
    tried = tokens.of_cookies(["malformed", values[0], values[0], *values[1:]])
    assert tried == dict(zip(values[:3], several[:3], strict=True))
