"""The DBSC proof: a JWT that the device's key has signed.

``joserfc`` checks the signature. Which algorithm it is for is never the JWT's choice: it follows
from the key, so there is no "none" and no confusion of keys (RFC 8725, 3.1).

Source: the draft, "DBSC Proof JWT Syntax"; RFC 7515 (JWS), RFC 8725 (best current practices).
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from typing import Any, NamedTuple

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from sessions.device_bound.public_key import InvalidKey, PublicKey

TYPE = "dbsc+jwt"

MAX_PROOF_CHARACTERS = 4_096
"""One of an RSA key of 4,096 bits, with the key itself, has some 2,200."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_UNSUPPORTED = ("crit", "b64")
"""Header parameters that change how the rest is to be read."""


class InvalidProof(ValueError):
    """A text that proves nothing; the message says why."""


class Proof(NamedTuple):
    """One whose signature is right.

    Attributes:
        challenge: what it answers.
        key: what it was signed by.
    """

    challenge: str
    key: PublicKey


def registration_proof(text: str) -> Proof:
    """The proof of a key that it brings itself.

    Raises:
        InvalidProof: it is none.
    """
    header = _header(text)
    try:
        key = PublicKey.of_jwk(header.get("jwk"))
    except InvalidKey as error:
        raise InvalidProof(str(error)) from None
    return _verified(text, header, key)


def refresh_proof(text: str, key: PublicKey) -> Proof:
    """The proof of a key that is known.

    Raises:
        InvalidProof: it is none, or brings a key.
    """
    header = _header(text)
    if "jwk" in header:
        raise InvalidProof("the proof must not bring a key to a session that has one")
    return _verified(text, header, key)


def _header(text: str) -> dict[str, Any]:
    if len(text) > MAX_PROOF_CHARACTERS:
        raise InvalidProof(f"the proof must have at most {MAX_PROOF_CHARACTERS} characters")
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise InvalidProof("the proof must be a JWT with a signature")
    header = _object("header", _decoded(parts[1]))
    if header.get("typ") != TYPE:
        raise InvalidProof(f"the proof's typ must be {TYPE!r}")
    if any(name in header for name in _UNSUPPORTED):
        raise InvalidProof("the proof's header must not have crit or b64")
    return header


def _verified(text: str, header: dict[str, Any], key: PublicKey) -> Proof:
    if header.get("alg") != key.algorithm:
        raise InvalidProof(f"the proof's alg must be {key.algorithm!r}, which its key is for")
    registry = jws.JWSRegistry(algorithms=[key.algorithm], strict_check_header=False)
    registry.max_header_length = MAX_PROOF_CHARACTERS  # else no JWK of RSA has room in it
    try:
        imported = (ECKey if key.algorithm == "ES256" else RSAKey).import_key(dict(key.members))
        signed = jws.deserialize_compact(text, imported, registry=registry)
    except (JoseError, ValueError) as error:  # ValueError: a point that is not on the curve
        raise InvalidProof("the proof's signature or key is wrong") from error
    challenge = _object("payload", signed.payload).get("jti")
    if not isinstance(challenge, str):
        raise InvalidProof("the proof's jti must be a str")
    return Proof(challenge, key)


def _decoded(segment: str) -> bytes:
    try:
        return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError as error:
        raise InvalidProof("the proof must be base64url") from error


def _object(name: str, raw: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(raw or b"", object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InvalidProof(f"the proof's {name} must be JSON, each name once") from error
    if not isinstance(value, dict):
        raise InvalidProof(f"the proof's {name} must be an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # RFC 7515, 4
        raise ValueError("a name is given twice")
    return found
