"""P15: a valid token is limited as one, however its decoder lets it be written."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import pytest
from cryptography.fernet import Fernet, InvalidToken
from itsdangerous import BadSignature, TimestampSigner

from ratelimit_ddb.web import cookie, header
from ratelimit_ddb.web.identity.identity import Identity
from ratelimit_ddb.web.identity.token_form import token_form
from ratelimit_ddb.web.request import Request, fields_of_scope

KEY = b"k" * 32
FERNET = Fernet(urlsafe_b64encode(KEY))
SIGNER = TimestampSigner(KEY)
SIGNED = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyLTEifQ"
SIGNATURE = hmac.new(KEY, SIGNED, hashlib.sha256).digest()
ID = UUID("0aB1c2D3-e4f5-4678-9abc-def012345678")


def is_signed(token: str) -> bool:
    """As python-jose and Authlib check a JWT."""
    signed, _, signature = token.encode("latin-1").rpartition(b".")
    with suppress(ValueError):
        padded = signature + b"=" * (-len(signature) % 4)
        return signed == SIGNED and urlsafe_b64decode(padded) == SIGNATURE
    return False


def is_of_session(token: str) -> bool:
    """As Starlette and Flask check their sessions."""
    try:
        return SIGNER.unsign(token) == b"user-1"
    except BadSignature:
        return False


def is_encrypted(token: str) -> bool:
    try:
        return FERNET.decrypt(token.encode("latin-1")) == b"user-1"
    except InvalidToken:
        return False


def is_the_id(token: str) -> bool:
    with suppress(ValueError):
        return UUID(token) == ID
    return False


def spellings(token: str) -> list[str]:
    """Texts that some decoder may take for a token. Not all of them are valid."""
    middle = token.rfind(".") + 9
    head, tail = token[:middle], token[middle:]
    made = [f"{head}{junk * n}{tail}" for junk in ("!", "~", "\xe9", ":") for n in (1, 4, 8)]
    made += [f"{token}{end}" for end in ("=", "==", "===", "====", "=junk", "==junk", "=====")]
    made += [token[:-1] + chr(ord(token[-1]) + n) for n in (1, 2, 3)]
    made += [token.rstrip("="), token.replace("-", "+").replace("_", "/")]
    made += [token.upper(), token.replace("-", ""), f"{{{token}}}", f"urn:uuid:{token}"]
    made += [f"}}{{{token}", f"uuid:urn:urn:{token}", f"{head}urn:{tail}uuid:"]
    made += [f"+{token[1:]}", f"{token[1:11]}_{token[11:]}"]
    return [token, *made]


def is_the_digits(token: str) -> bool:
    with suppress(ValueError):
        return bytes.fromhex(token) == KEY
    return False


TOKENS: dict[str, tuple[str, Callable[[str], bool], int]] = {
    "a JWT": (f"{SIGNED.decode()}.{urlsafe_b64encode(SIGNATURE).decode()[:-1]}", is_signed, 10),
    "a session": (SIGNER.sign("user-1").decode(), is_of_session, 10),
    "Fernet": (FERNET.encrypt(b"user-1").decode(), is_encrypted, 8),
    "a UUID": (str(ID), is_the_id, 10),
    "hexadecimal digits": (KEY.hex(), is_the_digits, 2),
}
IDENTITIES: dict[str, tuple[Identity, str, str]] = {
    "a header": (header("x-token"), "x-token", "{}"),
    "Authorization": (header("authorization"), "authorization", "Bearer {}"),
    "a cookie": (cookie("token"), "cookie", "token={}"),
}


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("place", IDENTITIES)
def test_p15_a_valid_token_has_one_bucket_however_it_is_written(kind: str, place: str) -> None:
    token, is_valid, least = TOKENS[kind]
    identity, field, form = IDENTITIES[place]

    def key_of(text: str) -> object:
        value = form.format(text).encode("latin-1")
        scope = {"headers": [(field.encode(), value)]}
        return identity(Request("GET", "/", "192.0.2.7", scope, fields_of_scope))

    served = [text for text in spellings(token) if is_valid(text)]
    assert len(served) >= least
    assert {text: key_of(text) for text in served} == dict.fromkeys(served, key_of(token))


@pytest.mark.parametrize(
    "text",
    [
        "s3cret-key",
        "jane.doe@example.com",
        "auth0|507f1f77bcf86cd799439011",
        "customer-000000000000000000001",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "aB" * 19 + "c",
        f"a.{'bC' * 10}d",
        "urn:example:customer:eu-central-1:production:000123",
        "ARN-OF-THE-FUNCTION-WITH-A-RATHER-LONG-NAME-0017",
        "com.example.a-service-with-a-long-name-7",
        "00000000-11111111-22222222-33333333-4",
        "",
    ],
)
def test_what_does_not_look_like_a_token_keeps_every_character(text: str) -> None:
    assert token_form(text) == text


def test_p15_each_part_of_a_jwe_is_read_as_its_decoder_does() -> None:
    digests = [hashlib.sha256(bytes([n])).digest() for n in range(5)]
    parts = [urlsafe_b64encode(digest).decode()[:-1] for digest in digests]
    junk = [f"{part[:4]}!{part[4:]}=" for part in parts]
    assert token_form(".".join(junk)) == token_form(".".join(parts))


def test_p15_white_space_in_hexadecimal_digits_makes_no_other_token() -> None:
    assert is_the_digits("6B 6b" + KEY.hex()[4:])
    assert token_form("6B 6b" + KEY.hex()[4:]) == KEY.hex()


def test_the_text_before_a_signature_keeps_every_character() -> None:
    signature = urlsafe_b64encode(SIGNATURE).decode()
    assert len({token_form(f"tenant{n}.{signature}") for n in range(10)}) == 10


def test_tokens_of_different_octets_have_different_forms() -> None:
    tokens = [FERNET.encrypt(b"user-1").decode() for _ in range(20)]
    tokens += [SIGNER.sign(f"user-{n}").decode() for n in range(20)]
    tokens += [hashlib.sha256(str(n).encode()).hexdigest() for n in range(20)]
    assert len(set(map(token_form, tokens))) == 60


def test_p15_no_character_that_a_uuid_may_have_makes_it_another_token() -> None:
    written = "12345678123456781234567812345678"
    accepted = 0
    for character in map(chr, range(0x10000)):
        for text in (
            f"{character}{written}",
            f"{character}{written[1:]}",
            f"0{character}{written}",
        ):
            try:
                read = UUID(text).hex
            except ValueError:
                continue
            accepted += 1
            assert token_form(text) == read, ascii(text)
    assert accepted > 300
