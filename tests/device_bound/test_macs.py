"""What the site recognises as its own, to the letter: the next version must read it too."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

import pytest

from sessions.device_bound.binding import Binding
from sessions.device_bound.bound_cookie import BoundCookies
from sessions.device_bound.challenge import Challenges
from sessions.device_bound.mac import Macs
from sessions.device_bound.public_key import PublicKey
from tests.device_bound.device_key import DeviceKey

SECRET, OTHER = "s" * 32, "o" * 32
NOW = 1_800_000_000
BINDING = Binding("id-1", PublicKey.of_jwk(DeviceKey().jwk), NOW - 9, 3)
ANOTHER = Binding("id-1", PublicKey.of_jwk(DeviceKey().jwk), NOW - 9, 3)


def mac(*parts: str) -> str:
    """HMAC-SHA-256 of the parts with NUL between them, in base64url."""
    message = b"\0".join(part.encode() for part in ("device-bound", *parts))
    digest = hmac.new(SECRET.encode(), message, hashlib.sha256).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_mac_is_made_by_the_first_secret_and_recognised_by_all() -> None:
    made = Macs(SECRET).of("a", 1)
    assert (
        made
        == mac("a", "1")
        == Macs(SECRET.encode()).of("a", 1)
        == Macs([SECRET, OTHER]).of("a", 1)
    )
    assert Macs([OTHER, SECRET]).is_of(made, "a", 1)
    assert not Macs(OTHER).is_of(made, "a", 1)
    assert not Macs(SECRET).is_of(made, "a", 2)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], r"secret must not be empty; give one of secrets\.token_hex\(\)"),
        (5, "secret must be a str or bytes, or a list of several, not an int"),
    ],
)
def test_what_is_no_secret_is_refused(given: object, why: str) -> None:
    with pytest.raises((TypeError, ValueError), match=why):
        Macs(given)  # type: ignore[arg-type]


def test_a_challenge_is_a_date_a_nonce_and_a_mac_of_what_it_is_for() -> None:
    challenges = Challenges(Macs(SECRET))
    at, nonce, found = challenges.to_register("session", NOW).split(".")
    assert (at, len(nonce)) == (str(NOW), 22)
    assert found == mac("challenge", "register", "session", at, nonce)
    at, nonce, found = challenges.to_refresh(BINDING, NOW).split(".")
    parts = ("refresh", "id-1", BINDING.key.thumbprint, "3")
    assert found == mac("challenge", *parts, at, nonce)


@pytest.mark.parametrize(
    ("seconds_later", "taken"), [(-61, False), (-60, True), (119, True), (120, False)]
)
def test_a_challenge_is_taken_for_two_minutes(seconds_later: int, taken: bool) -> None:
    challenges, then = Challenges(Macs(SECRET)), NOW + seconds_later
    given = challenges.to_register("session", NOW)
    assert challenges.is_to_register(given, "session", then) == taken
    given = challenges.to_refresh(BINDING, NOW)
    assert challenges.is_to_refresh(given, BINDING, then) == taken


def test_a_challenge_is_for_one_session_one_key_and_one_proof() -> None:
    challenges = Challenges(Macs(SECRET))
    given = challenges.to_register("session", NOW)
    assert not challenges.is_to_register(given, "other", NOW)
    given = challenges.to_refresh(BINDING, NOW)
    for other in (ANOTHER, BINDING.proved(), BINDING._replace(identifier="id-2")):
        assert not challenges.is_to_refresh(given, other, NOW)
    assert not challenges.is_to_refresh(given + "x", BINDING, NOW)


def test_a_binding_is_new_each_time_and_counts_its_proofs() -> None:
    key = BINDING.key
    new = [Binding.new(key, NOW) for _ in range(2)]
    assert [(len(one.identifier), *one[1:]) for one in new] == [(22, key, NOW, 0)] * 2
    assert new[0].identifier != new[1].identifier
    assert new[0].proved().proved() == new[0]._replace(proofs=2)
    assert Binding.of_json(BINDING.to_json()) == BINDING


def test_a_bound_cookie_is_its_end_and_a_mac_of_whose_it_is() -> None:
    cookies = BoundCookies(Macs(SECRET), 600)
    assert cookies.max_age_seconds == 570
    value = cookies.new(BINDING, NOW)
    ends_at = str(NOW + 600)
    assert value == f"{ends_at}.{mac('cookie', 'id-1', BINDING.key.thumbprint, ends_at)}"
    assert cookies.is_live([value], BINDING, NOW + 599)
    assert not cookies.is_live([value], BINDING, NOW + 600)
    assert not cookies.is_live([value], ANOTHER, NOW)
    assert cookies.is_live(["x", value + "x", value], BINDING, NOW)
    assert not cookies.is_live(["x", "x", "x", value], BINDING, NOW)
