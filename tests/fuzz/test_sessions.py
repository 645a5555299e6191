"""Whatever a cookie, a form or the table holds: a session or none, a value or a StoreError."""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from typing import Any

import httpx
import itsdangerous
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from hypothesis import example, given
from hypothesis import strategies as st

from sessions import MemorySessionStore, StoreError
from sessions.authorization import MALFORMED, MAX_FIELD_CHARACTERS, bearer_token_in
from sessions.cookie.token import UNSIGNED, Tokens
from sessions.django.key import KEY
from sessions.previous import flask_cookies, starlette_cookies
from sessions.testing import session_for
from sessions.values import csrf
from sessions.values.cipher import UNENCRYPTED, Cipher, Unreadable
from sessions.values.values import Values, decode, encode

SECRET = "secret-of-at-least-32-bytes-for-tests"
TOKENS = [
    Tokens(None, ""),
    Tokens(SECRET, "site"),
    Tokens([SECRET, UNSIGNED], ""),
    Tokens(SECRET, "", KEY),
]
KEY_OF_CIPHER = b"k" * 32

any_text = st.text(st.characters(exclude_categories=[]), max_size=60)
"""Lone surrogates included."""
like_tokens = st.lists(
    st.sampled_from(["a" * 43, "a" * 26, "A" * 14, ".", "-_", "=", "\n", "é", "\ud800"]), max_size=4
).map("".join)
json_texts = (
    any_text
    | st.lists(
        st.sampled_from(["{", "}", "[", "]", '"', ",", ":", "1", "e9", "NaN", "\\u", "-"])
    ).map("".join)
    | st.sampled_from(["[" * 100_000, '{"a":' * 100_000, "1" * 5_000, '"\\ud800"', "1e999"])
)


@pytest.mark.parametrize("tokens", TOKENS)
@given(value=like_tokens | any_text)
def test_any_cookie_has_a_token_or_none(tokens: Tokens, value: str) -> None:
    token = tokens.of_cookie(value)
    if token is not None:
        assert value.startswith(token)
        assert len(tokens.session_id(token)) == 43


like_fields = st.lists(
    st.sampled_from(["Bearer", "bearer", "BEARER ", " ", "\t", ",", "=", "a" * 43, "é", "\0", "x"]),
    max_size=6,
).map("".join)


@given(st.lists(like_fields | any_text, max_size=3))
@example(["Bearer " + "a" * 43])
@example(["Bearer a" + "=" * 300])
def test_any_authorization_fields_have_one_token_or_none(values: list[str]) -> None:
    token = bearer_token_in(values)
    if token:
        (value,) = values
        scheme, *_, last = value.split()
        assert (scheme.lower(), last) == ("bearer", token)
        assert len(value.strip()) <= MAX_FIELD_CHARACTERS
    else:
        spoken = any(value.strip(" \t").lower() == "bearer" for value in values)
        assert token is None or token == MALFORMED
        assert token == MALFORMED or not spoken


@given(
    like_tokens
    | any_text
    | st.binary(min_size=64, max_size=66).map(lambda raw: b64encode(raw).decode())
)
def test_no_text_that_is_made_up_is_a_csrf_token(token: str) -> None:
    assert not csrf.is_of(csrf.new_secret(), token)


@given(st.binary(max_size=60) | any_text | st.none() | st.integers(), st.booleans())
@example(b"\x01", False)
def test_any_value_is_decrypted_or_unreadable(stored: object, reads_unencrypted: bool) -> None:
    cipher = Cipher([KEY_OF_CIPHER, UNENCRYPTED] if reads_unencrypted else KEY_OF_CIPHER)
    with contextlib.suppress(Unreadable):
        cipher.decrypt("s" * 43, "key", stored)
    with contextlib.suppress(Unreadable):
        cipher.require_seal(stored, ("s", "u", None))


@given(st.binary(max_size=60))
def test_what_a_known_key_is_named_for_is_decrypted_or_unreadable(rest: bytes) -> None:
    cipher = Cipher(KEY_OF_CIPHER)
    head = cipher.encrypt("s", "k", "1")[:5]
    with pytest.raises(Unreadable):
        cipher.decrypt("s", "k", head + rest)


@given(json_texts)
def test_any_text_in_the_table_is_a_value_or_a_store_error(text: str) -> None:
    with contextlib.suppress(StoreError):
        decode("key", text)
    values = Values({"cart": text, "other": "1"})
    with contextlib.suppress(StoreError):
        values["cart"]
    assert values["other"] == 1


def test_a_session_whose_json_somebody_else_wrote_says_so() -> None:
    values = Values({"cart": "{'not': 'json'}"})
    with pytest.raises(StoreError, match=r"session\['cart'\]: what the table holds is not JSON"):
        values["cart"]
    del values["cart"]
    assert values.changes().removed == {"cart"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(any_text | st.integers(), inner, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=8,
)


def deep(count: int) -> Any:
    value: Any = []
    for _ in range(count):
        value = [value]
    return value


def inside_itself() -> Any:
    value: list[Any] = []
    value.append({"again": value})
    return value


@pytest.mark.parametrize(
    "value", [deep(5_000), inside_itself(), 1 << 20_000], ids=["deep", "inside itself", "large"]
)
def test_what_has_no_end_or_no_text_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"nested more than 100 deep|an int of more than"):
        encode("key", value)


@given(json_values)
def test_any_value_is_stored_as_it_is_or_refused(value: Any) -> None:
    try:
        text = encode("key", value)
    except (TypeError, ValueError):
        return
    assert repr(decode("key", text)) == repr(value)


FLASK = Flask(__name__)
FLASK.secret_key = SECRET
SERIALIZER: Any = SecureCookieSessionInterface().get_signing_serializer(FLASK)
OLD = [starlette_cookies(SECRET), flask_cookies(FLASK)]


@pytest.mark.parametrize("previous", OLD, ids=["starlette", "flask"])
@given(value=any_text | like_tokens)
def test_any_old_cookie_has_values_or_none(previous: Any, value: str) -> None:
    assert previous.read(value) is None


@given(json_values.filter(lambda value: not isinstance(value, dict)) | json_texts)
def test_an_old_cookie_that_was_signed_for_something_else_has_none(value: Any) -> None:
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        assert OLD[1].read(SERIALIZER.dumps(value)) is None
    payload = b64encode(value.encode("utf-8", "replace") if isinstance(value, str) else b"{")
    signed = itsdangerous.TimestampSigner(SECRET).sign(payload).decode()
    read = OLD[0].read(signed)
    assert read is None or isinstance(json.loads(value), dict)


@given(st.lists(st.tuples(any_text, json_values), max_size=4))
def test_a_session_takes_any_pair_or_refuses_it(pairs: list[tuple[str, Any]]) -> None:
    client = httpx.Client(base_url="https://site.test")
    with client, session_for(client, MemorySessionStore()) as session:
        for key, value in pairs:
            with contextlib.suppress(TypeError, ValueError):
                session[key] = value
                assert repr(session[key]) == repr(value)
