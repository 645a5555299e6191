"""The DBSC proof: a JWT that the device's key has signed.

``joserfc`` checks the signature. The key determines the algorithm, not the JWT, so "none" and
algorithm confusion are not possible (RFC 8725, 3.1).

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
"""The longest proof. With an RSA key of 4,096 bits, and the key in it, one has some 2,200."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_UNSUPPORTED = ("crit", "b64")
"""Header parameters that change the meaning of the others."""


class InvalidProof(ValueError):
    """A text that is not a valid proof; the message says why."""


class Proof(NamedTuple):
    """A proof with a valid signature.

    Attributes:
        challenge: the challenge that it answers.
        key: the key that signed it.
    """

    challenge: str
    key: PublicKey


def registration_proof(text: str) -> Proof:
    """The proof of the key that it contains.

    Raises:
        InvalidProof: it is not valid.
    """
    header = _header(text)
    try:
        key = PublicKey.of_jwk(header.get("jwk"))
    except InvalidKey as error:
        raise InvalidProof(str(error)) from None
    return _verified(text, header, key)


def refresh_proof(text: str, key: PublicKey) -> Proof:
    """The proof of a known key.

    Raises:
        InvalidProof: it is not valid, or contains a key.
    """
    header = _header(text)
    if "jwk" in header:
        raise InvalidProof("the proof must not contain a key: the session has one")
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
