"""Proofs that are none: of the wrong form, algorithm, type, key or size, or no JWT at all."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.device_bound import fields
from sessions.device_bound.binding import Binding
from sessions.device_bound.bound_cookie import BoundCookies
from sessions.device_bound.challenge import Challenges
from sessions.device_bound.mac import Macs
from sessions.device_bound.proof import (
    MAX_PROOF_CHARACTERS,
    InvalidProof,
    Proof,
    refresh_proof,
    registration_proof,
)
from sessions.device_bound.public_key import InvalidKey, PublicKey
from tests.device_bound.device_browser import REFRESH, REGISTER, DeviceBrowser
from tests.device_bound.device_key import DeviceKey, RSADeviceKey, b64, b64_json

KEY = DeviceKey()
RSA = RSADeviceKey()

# The draft's own example of a JWK, and its thumbprint as RFC 7638 says to make it.
DRAFTS_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "6_GB2voQ0qroMh6OlDFCFS_SJriQi1PTvvBOhGZ3bHI",
    "y": "IegOJULyE7SxH_Cd1KCER7lWBvGFHQ-h0xyjzUjEIWE",
}
# RFC 7638, 3.1.
RFC_JWK = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ"
        "ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2"
        "QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh"
        "6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


@pytest.mark.parametrize("key", [KEY, RSA])
def test_a_proof_is_taken(key: DeviceKey) -> None:
    public = PublicKey.of_jwk(key.jwk)
    assert registration_proof(key.registration("c")) == Proof("c", public)
    assert refresh_proof(key.refresh("c"), public) == Proof("c", public)


def test_what_else_a_header_and_a_payload_say_does_not_matter() -> None:
    header = {"alg": "ES256", "typ": "dbsc+jwt", "jwk": KEY.jwk, "x": [1]}
    payload = {"jti": "c", "iat": "1725579055", "aud": "https://example.com/", "exp": 1, "nbf": 9e9}
    assert registration_proof(KEY.signed(header, payload)).challenge == "c"


def test_a_thumbprint_is_the_rfcs() -> None:
    assert PublicKey.of_jwk(RFC_JWK).thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_drafts_key_is_taken() -> None:
    assert PublicKey.of_jwk(DRAFTS_JWK).members == DRAFTS_JWK


def _unsigned(header: Any, payload: Any) -> str:
    return f"{b64_json(header)}.{b64_json(payload)}."


def _hs256(secret: bytes) -> str:
    text = f"{b64_json({'alg': 'HS256', 'typ': 'dbsc+jwt'})}.{b64_json({'jti': 'c'})}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


REFUSED_REFRESHES = {
    "another key": DeviceKey().refresh("c"),
    "another kind of key": RSA.refresh("c"),
    "alg none": _unsigned({"alg": "none", "typ": "dbsc+jwt"}, {"jti": "c"}),
    "alg none, signed": KEY.refresh("c", alg="none"),
    "alg None": KEY.refresh("c", alg="None"),
    "alg of the other kind": KEY.refresh("c", alg="RS256"),
    "alg of another curve": KEY.refresh("c", alg="ES384"),
    "no alg": KEY.refresh("c", alg=None),
    "alg a list": KEY.refresh("c", alg=["ES256"]),
    "the public key as a secret": _hs256(json.dumps(KEY.jwk).encode()),
    "typ JWT": KEY.refresh("c", typ="JWT"),
    "typ in capitals": KEY.refresh("c", typ="DBSC+JWT"),
    "no typ": KEY.refresh("c", typ=None),
    "a key of its own": KEY.refresh("c", jwk=KEY.jwk),
    "crit": KEY.refresh("c", crit=["exp"], exp=1),
    "b64": KEY.refresh("c", b64=False),
    "no jti": KEY.signed({"alg": "ES256", "typ": "dbsc+jwt"}, {}),
    "jti a number": KEY.signed({"alg": "ES256", "typ": "dbsc+jwt"}, {"jti": 1}),
    "a payload that is no object": KEY.signed({"alg": "ES256", "typ": "dbsc+jwt"}, ["c"]),
    "a header that is no object": KEY.signed(["ES256"], {"jti": "c"}),
    "too long": KEY.signed({"alg": "ES256", "typ": "dbsc+jwt", "x": "x" * 3_000}, {"jti": "c"}),
    "deep": f"{b64(b'[' * 2_900)}.e30.AA",
    "no signature": KEY.refresh("c").rpartition(".")[0] + ".",
    "two parts": KEY.refresh("c").rpartition(".")[0],
    "four parts": KEY.refresh("c") + ".AA",
    "five parts, as encrypted": "e30.e30.e30.e30.e30",
    "a short signature": KEY.refresh("c")[:-8],
    "zeros for a signature": KEY.refresh("c").rpartition(".")[0] + "." + b64(b"\0" * 64),
    "padded": KEY.refresh("c") + "==",
    "spaces": KEY.refresh("c").replace(".", " ."),
    "empty": "",
    "not base64": "é.e30.e30",
}


@pytest.mark.parametrize("name", REFUSED_REFRESHES)
def test_what_proves_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidProof):
        refresh_proof(REFUSED_REFRESHES[name], PublicKey.of_jwk(KEY.jwk))


def test_a_header_that_says_a_thing_twice_is_refused() -> None:
    header = b64(b'{"alg":"ES256","typ":"JWT","typ":"dbsc+jwt"}')
    text = f"{header}.{b64_json({'jti': 'c'})}"
    proof = f"{text}.{b64(KEY.signature(text.encode()))}"
    with pytest.raises(InvalidProof, match="each name once"):
        refresh_proof(proof, PublicKey.of_jwk(KEY.jwk))


EC_256 = {"kty": "EC", "crv": "P-256"}

REFUSED_KEYS: dict[str, Any] = {
    "none": None,
    "a text": "key",
    "no kty": {name: value for name, value in KEY.jwk.items() if name != "kty"},
    "kty a list": {**KEY.jwk, "kty": ["EC"]},
    "a secret": {"kty": "oct", "k": "AAAA"},
    "of Ed25519": {"kty": "OKP", "crv": "Ed25519", "x": KEY.jwk["x"]},
    "of another curve": {**KEY.jwk, "crv": "P-384"},
    "of Bitcoin's curve": {**KEY.jwk, "crv": "secp256k1"},
    "a private one": {**KEY.jwk, "d": KEY.jwk["x"]},
    "no y": {name: value for name, value in KEY.jwk.items() if name != "y"},
    "y a number": {**KEY.jwk, "y": 1},
    "a short x": {**KEY.jwk, "x": b64(b"x" * 31)},
    "a long x": {**KEY.jwk, "x": b64(b"\0" + urlsafe_b64decode(KEY.jwk["x"] + "="))},
    "x padded": {**KEY.jwk, "x": KEY.jwk["x"] + "="},
    "x not base64url": {**KEY.jwk, "x": "+" * 43},
    "x spelled otherwise": {**KEY.jwk, "x": b64(b"\0" * 31 + b"\x01")[:-1] + "F"},
    "for encryption": {**KEY.jwk, "use": "enc"},
    "to sign": {**KEY.jwk, "key_ops": ["sign"]},
    "key_ops a number": {**KEY.jwk, "key_ops": 1},
    "for another algorithm": {**KEY.jwk, "alg": "ES384"},
    "RSA of 1,024 bits": RSADeviceKey(1_024).jwk,
    "RSA of 4,104 bits": {**RSA.jwk, "n": b64(b"\xff" * 513)},
    "RSA of 100,000 bits": {**RSA.jwk, "n": b64(b"\xff" * 12_500)},
    "RSA with exponent 3": {**RSA.jwk, "e": "Aw"},
    "RSA with a long exponent": {**RSA.jwk, "e": b64(b"\xff" * 256)},
    "RSA with a zero before": {**RSA.jwk, "n": b64(b"\0" + b"\xff" * 256)},
    "RSA, empty": {**RSA.jwk, "n": ""},
}


@pytest.mark.parametrize("name", REFUSED_KEYS)
def test_what_is_no_key_of_a_device_is_refused(name: str) -> None:
    with pytest.raises(InvalidKey):
        PublicKey.of_jwk(REFUSED_KEYS[name])


@pytest.mark.parametrize("y", ["A" * 43, b64(b"\xff" * 32)])
def test_a_point_that_is_not_on_the_curve_registers_nothing(y: str) -> None:
    with pytest.raises(InvalidProof, match="key is wrong"):
        registration_proof(KEY.registration("c", jwk={**KEY.jwk, "y": y}))


def test_a_key_that_did_not_sign_registers_nothing() -> None:
    with pytest.raises(InvalidProof, match="signature"):
        registration_proof(KEY.registration("c", jwk=DRAFTS_JWK))


def test_even_the_largest_proof_fits() -> None:
    largest = RSADeviceKey(4_096)
    assert registration_proof(largest.registration("c" * 100)).challenge == "c" * 100
    assert len(largest.registration("c" * 100)) < MAX_PROOF_CHARACTERS * 3 / 4


BYTES = st.binary(max_size=80).map(b64)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
NAMED = st.dictionaries(st.sampled_from(["alg", "typ", "jwk", "jti", "crit"]), JSON)


@settings(max_examples=50)
@given(st.text(max_size=300) | st.lists(BYTES | NAMED.map(b64_json), max_size=4).map(".".join))
def test_no_text_is_more_than_refused(text: str) -> None:
    for read in (registration_proof, lambda it: refresh_proof(it, PublicKey(DRAFTS_JWK))):
        with pytest.raises(InvalidProof):
            read(text)


@settings(max_examples=50)
@given(NAMED, JSON)
def test_no_signed_header_is_more_than_refused(header: dict[str, Any], payload: Any) -> None:
    with pytest.raises(InvalidProof):
        refresh_proof(KEY.signed({**header, "typ": "dbsc+jwt"}, payload), PublicKey(DRAFTS_JWK))


@given(JSON | st.fixed_dictionaries({"kty": st.just("EC"), "crv": st.just("P-256"), "x": JSON}))
def test_no_value_is_more_than_a_refused_key(jwk: Any) -> None:
    with pytest.raises(InvalidKey):
        PublicKey.of_jwk(jwk)


@given(st.text(max_size=100))
def test_no_text_is_a_challenge_or_a_cookie(text: str) -> None:
    macs = Macs("s" * 32)
    binding = Binding.new(PublicKey(DRAFTS_JWK), 1_800_000_000)
    assert not Challenges(macs).is_to_refresh(text, binding, 1_800_000_000)
    assert not Challenges(macs).is_to_register(text, "id", 1_800_000_000)
    assert not BoundCookies(macs, 600).is_live([text], binding, 1_800_000_000)


@given(st.text(max_size=100))
def test_no_text_of_a_row_is_more_than_no_binding(text: str) -> None:
    assert Binding.of_json(text) is None


def test_a_binding_is_read_as_it_was_written() -> None:
    binding = Binding.new(PublicKey.of_jwk(KEY.jwk), 1_800_000_000).proved()
    assert Binding.of_json(binding.to_json()) == binding


@given(st.text(max_size=60))
def test_no_field_is_more_than_no_text(field: str) -> None:
    text = fields.text_of(field)
    assert text is None or (text.isascii() and text.replace(".", "").replace("-", "_"))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("a.b-c_1", "a.b-c_1"),  # as Chromium sends it
        ('"a.b-c_1"', "a.b-c_1"),  # as the draft has it
        ('"a";x=1', "a"),
        ("a ; x", "a"),
        (" a ", "a"),
        ('"a', None),
        ('a"', None),
        ('"a", "b"', None),
        ("a, b", None),
        ('"a\\"b"', None),
        ("", None),
        ('""', None),
        ("a\x00", None),
        ("a\n", None),
        (None, None),
    ],
)
def test_a_field_has_one_text_with_quotes_or_without(field: str | None, text: str | None) -> None:
    assert fields.text_of(field) == text


@pytest.mark.parametrize("proof", ["", "x", '"', "e30.e30.e30", KEY.refresh("c"), "a" * 20_000])
def test_a_registration_without_a_proof_is_a_400_and_binds_nothing(
    browser: DeviceBrowser, proof: str
) -> None:
    browser.has_dbsc = False
    browser.visit(lambda session: session.login("ada"))
    response = browser.send(REGISTER, "POST", [("Secure-Session-Response", proof)])
    assert response.status == 400
    assert browser.site.told[-1] == "unproven wrong_proof"
    assert browser.site.writes == ["Create"]


def test_a_registration_that_brings_no_proof_at_all_is_a_400(browser: DeviceBrowser) -> None:
    browser.has_dbsc = False
    browser.visit(lambda session: session.login("ada"))
    assert browser.send(REGISTER, "POST").status == 400


def test_an_anonymous_session_is_not_bound(browser: DeviceBrowser) -> None:
    browser.visit(lambda session: session.update(cart=1))
    browser.cookies["__Secure-session-device"] = browser.cookies["__Host-session"]
    proof = ("Secure-Session-Response", KEY.registration("c"))
    assert browser.send(REGISTER, "POST", [proof]).status == 401


@pytest.mark.parametrize("name", ["a key of its own", "alg none", "typ JWT", "another key"])
def test_a_wrong_proof_at_the_refresh_is_a_400(bound: DeviceBrowser, name: str) -> None:
    headers = [
        ("Sec-Secure-Session-Id", bound.session.identifier),
        ("Secure-Session-Response", REFUSED_REFRESHES[name]),
    ]
    response = bound.send(REFRESH, "POST", headers)
    assert response.status == 400
    assert response.set_cookies == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a" * 4_096, "the proof must be a JWT with a signature"),
        ("a" * 4_097, "the proof must have at most 4096 characters"),
        ("W10.e30.AAAA", "the proof's header must be an object"),
        (
            KEY.signed({"alg": "ES256", "typ": "dbsc+jwt", "jwk": KEY.jwk}, ["c"]),
            "the proof's payload must be an object",
        ),
    ],
    ids=["the longest", "too long", "a list for a header", "a list for a payload"],
)
def test_why_a_text_is_no_proof_is_told(text: str, why: str) -> None:
    with pytest.raises(InvalidProof, match=why):
        registration_proof(text)


def test_a_modulus_may_have_any_number_of_bytes_from_256_to_512() -> None:
    for size in range(255, 514):
        jwk = {"kty": "RSA", "n": b64(b"\x80" + bytes(size - 1)), "e": "AQAB"}
        if 256 <= size <= 512:
            assert PublicKey.of_jwk(jwk).members == jwk
        else:
            with pytest.raises(InvalidKey, match="jwk: n must have 2048 to 4096 bits"):
                PublicKey.of_jwk(jwk)


@pytest.mark.parametrize("member", ["x", "y", "n"])
@pytest.mark.parametrize(
    "text", ["a", "a" * 42 + "b", "é", "a" * 45], ids=["1", "43", "another alphabet", "45"]
)
def test_what_of_a_key_is_no_base64url_is_named(member: str, text: str) -> None:
    of_ec = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    jwk = {"kty": "RSA", "n": text, "e": "AQAB"} if member == "n" else {**of_ec, member: text}
    with pytest.raises(InvalidKey, match=f"jwk: {member} must be base64url"):
        PublicKey.of_jwk(jwk)
